//! Trying rows on a table like that of a bind: SQLite says which it takes.

use std::sync::Mutex;

use rusqlite::types::{Null, ToSqlOutput};
use rusqlite::{params_from_iter, Connection, Savepoint};

use crate::error::sqlite_message;
use crate::list::mapped;
use crate::row::{Row, Shown};
use crate::schema::{affinities, Metadata, ObjectKind, TableInfo};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::script::{insert, quote};
use crate::sqlite::{column_names, Image};
use crate::sync::lock;

/// A table as a bind has it, with the rows that it starts with, and alone: without other tables, and without triggers.
#[derive(Debug)]
pub(super) struct Trial {
    conn: Mutex<Connection>,
    table: String,
}

impl Trial {
    pub(super) fn new(
        metadata: &Metadata,
        table: &TableInfo,
        columns: &[&str],
        start: &Image,
    ) -> rusqlite::Result<Trial> {
        let mut conn = open_in_memory()?;
        // SQLite can be built to enforce them: here are no parents.
        conn.pragma_update(None, "foreign_keys", false)?;
        start.connect(&conn)?;
        conn.execute_batch(table.sql())?;
        let unique = |name: &str| table.indexes().iter().any(|index| index.is_unique() && index.name() == name);
        for object in metadata.objects().iter().filter(|object| object.kind == ObjectKind::Index) {
            if unique(&object.name) {
                conn.execute_batch(&object.sql)?;
            }
        }
        start.with(|start| fill(&mut conn, start, table.name(), columns))??;
        Ok(Trial { conn: Mutex::new(conn), table: table.name().to_string() })
    }

    /// Returns the affinities of columns, see [`affinities`].
    pub(super) fn affinities(&self, columns: &[&str]) -> rusqlite::Result<Vec<String>> {
        affinities(&lock(&self.conn), &self.table, columns)
    }

    /// Returns the first of these columns that the table does not have, with those that it has.
    pub(super) fn missing<'n>(
        &self,
        columns: impl Iterator<Item = &'n str>,
    ) -> rusqlite::Result<Option<(String, Vec<String>)>> {
        let conn = lock(&self.conn);
        let row = columns.fold(Row::new(), |row, name| row.set(name, Null));
        row.missing_from(&self.table, &|query| Ok(column_names(&conn.prepare(query)?)))
    }

    /// Returns why the table does not take each row after those before it, `None` where it does.
    pub(super) fn refusals(&self, rows: &[Row]) -> rusqlite::Result<Vec<Option<String>>> {
        let mut conn = lock(&self.conn);
        let mut transaction = conn.transaction()?;
        let mut refusals = Vec::with_capacity(rows.len());
        for row in rows {
            let mut point = transaction.savepoint()?;
            let refusal = self.refusal(&point, row)?;
            if refusal.is_some() {
                point.rollback()?;
            }
            point.commit()?;
            refusals.push(refusal);
        }
        Ok(refusals)
    }

    fn refusal(&self, conn: &Savepoint<'_>, row: &Row) -> rusqlite::Result<Option<String>> {
        let before = self.found(conn, row)?;
        // Whatever else the table says to do on a conflict.
        let insert = insert("INSERT OR ABORT", &self.table, &mapped(row.cells(), |(name, _)| name.as_str()));
        let mut insert = match conn.prepare_cached(&insert) {
            Ok(insert) => insert,
            Err(error) => return Ok(Some(sqlite_message(&error))),
        };
        if let Err(error) = insert.execute(params_from_iter(row.columns().map(|(_, value)| value))) {
            return Ok(Some(sqlite_message(&error)));
        }
        if self.found(conn, row)? == before + 1 {
            return Ok(None);
        }
        let kept = row.columns().map(|(name, value)| {
            let alone = Row::new().set(name, value);
            Ok((self.found(conn, &alone)? == 0).then(|| format!("`{name}` does not keep {}", Shown(value))))
        });
        let changed = kept.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().next();
        Ok(Some(changed.unwrap_or_else(|| "its row is not found again".to_string())))
    }

    /// Counts the rows equal to this one, compared as everywhere: a `REAL` column does not keep the integer 2^53 + 1, for one.
    fn found(&self, conn: &Savepoint<'_>, row: &Row) -> rusqlite::Result<i64> {
        let same = row.columns().map(|(name, _)| format!("t.{} IS ?", quote(name))).collect::<Vec<_>>();
        let same = if same.is_empty() { "TRUE".to_string() } else { same.join(" AND ") };
        let count = format!("SELECT count(*) FROM main.{} AS t WHERE {same}", quote(&self.table));
        let mut count = match conn.prepare_cached(&count) {
            Ok(count) => count,
            // What is wrong with a column, SQLite says when it is to write.
            Err(_) => return Ok(-1),
        };
        count.query_row(params_from_iter(row.columns().map(|(_, value)| value)), |row| row.get(0))
    }
}

/// Copies the rows of a table, as far as it was there at the start as it is now.
fn fill(conn: &mut Connection, start: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<()> {
    let table = quote(table);
    let names = columns.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
    let named = columns.iter().map(|name| format!("t.{}", quote(name))).collect::<Vec<_>>().join(", ");
    let Ok(mut rows) = start.prepare(&format!("SELECT {named} FROM main.{table} AS t")) else { return Ok(()) };
    let places = vec!["?"; columns.len()].join(", ");
    let transaction = conn.transaction()?;
    let mut insert = transaction.prepare(&format!("INSERT OR IGNORE INTO main.{table} ({names}) VALUES ({places})"))?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|at| row.get_ref(at).map(ToSqlOutput::Borrowed));
        insert.execute(params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))?;
    }
    drop(insert);
    transaction.commit()
}
