//! Loading data files: everything in every bind, or nothing in any.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection, Transaction, TransactionBehavior};

use super::csv::other_separator;
use super::fit::Columns;
use super::records::{Content, Format, Record, Records};
use super::target::{no_table_in, table_in};
use super::DataFile;
use crate::config::DataOptions;
use crate::error::{advised, list, Error, Result};
use crate::key::BindKey;
use crate::list::{filtered, mapped};
use crate::nearest::nearest;
use crate::order::sort_by_key;
use crate::row::Shown;
use crate::schema::{enforced, explained, parents_first, Confined, Metadata, TableInfo};
use crate::sorted::Sorted;
use crate::sqlite::script;
use crate::sqlite::{ran, unresolved_foreign_keys};

/// The files for one database. Two binds that share a database share one of these, for it has one transaction.
pub(crate) struct Load<'c> {
    pub(crate) key: &'c BindKey,
    pub(crate) conn: &'c mut Connection,
    pub(crate) files: Vec<DataFile>,
    pub(crate) reading: DataOptions,
}

/// Loads the files in one transaction a database and commits when all went well; gives the number of rows.
///
/// Should a commit itself fail, the databases committed before it stay so, and [`Error::Commit`] says which.
pub(crate) fn load(parts: Vec<Load<'_>>) -> Result<usize> {
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        let mut records = Vec::with_capacity(part.files.len());
        for file in &part.files {
            records
                .push(file.records(part.reading.csv_empty_as_text).map_err(|bad| file.error(bad.line, bad.problem))?);
        }
        read.push((part, records));
    }

    let mut rows = 0;
    let mut open = Vec::with_capacity(read.len());
    for (Load { key, conn, files, reading }, records) in &mut read {
        let transaction = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Error::sql_in(key, "BEGIN IMMEDIATE"))?;
        rows += fill(&transaction, key, files, records, reading.limit)?;
        open.push((*key, transaction));
    }
    commit(open)?;
    Ok(rows)
}

fn commit(open: Vec<(&BindKey, Transaction<'_>)>) -> Result<()> {
    let mut keys = Vec::with_capacity(open.len());
    for (key, _) in &open {
        keys.push((*key).clone());
    }
    for (at, (key, transaction)) in open.into_iter().enumerate() {
        if let Err(source) = transaction.commit() {
            let (committed, rolled_back) = keys.split_at(at);
            let (committed, rolled_back) = (committed.into(), rolled_back.into());
            return Err(Error::Commit { failed: key.clone(), committed, rolled_back, source, at: None });
        }
    }
    Ok(())
}

/// Runs one database's files in the transaction that is open; gives the number of rows.
fn fill(conn: &Connection, key: &BindKey, files: &[DataFile], records: &[Records], limit: Duration) -> Result<usize> {
    // A row may come before the one it refers to: in its own table, or where tables refer to each other.
    let pragma = "PRAGMA defer_foreign_keys = ON";
    conn.execute_batch(pragma).map_err(Error::sql_in(key, pragma))?;
    let enforced = enforced(conn).map_err(Error::sql_in(key, "PRAGMA foreign_keys"))?;
    let metadata = Metadata::read(conn, key)?;
    let confined = Confined::new(conn, limit);
    let metadata = &metadata;
    let mut filling = Filling { conn, key, files, records, metadata, enforced, confined, origins: HashMap::new() };
    let mut rows = 0;
    for (file, table) in filling.in_order()? {
        rows += filling.insert(file, table)?;
    }
    for (at, file) in files.iter().enumerate() {
        if let (Format::Sql, Content::Text(text)) = (file.format, &file.content) {
            rows += filling.run(at, text)?;
        }
    }
    if enforced && unresolved_foreign_keys(conn) {
        return Err(filling.foreign_key_error());
    }
    Ok(rows)
}

/// One database's load while its transaction is open.
struct Filling<'l> {
    conn: &'l Connection,
    key: &'l BindKey,
    files: &'l [DataFile],
    /// The records of each file.
    records: &'l [Records],
    metadata: &'l Metadata,
    enforced: bool,
    confined: Confined<'l>,
    /// The file and the record that rows with foreign keys came from, by table and rowid.
    origins: HashMap<(&'l str, i64), (usize, usize)>,
}

impl<'l> Filling<'l> {
    /// Returns the files with rows and their tables, parents before children.
    fn in_order(&self) -> Result<Vec<(usize, &'l str)>> {
        let mut order = Sorted::default();
        for (place, table) in parents_first(self.metadata).into_iter().enumerate() {
            order.insert(table.name(), place);
        }
        let mut found = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            if file.format == Format::Sql {
                continue;
            }
            let key = file.bind.as_ref().unwrap_or(self.key);
            let name = file.table.as_deref().unwrap_or(file.stem());
            let Some(table) = table_in(name, key, self.metadata) else {
                return Err(self.error(at, None, no_table_in(name, key, self.metadata)));
            };
            found.push((at, table));
        }
        // A view, whose triggers may write to any table, comes last.
        sort_by_key(&mut found, |(_, table)| order.get(*table).copied().unwrap_or(usize::MAX));
        Ok(found)
    }

    fn insert(&mut self, at: usize, table: &'l str) -> Result<usize> {
        let Records { header, records } = &self.records[at];
        let info = self.metadata.table(table);
        let traced = self.enforced && info.is_some_and(|info| !info.foreign_keys().is_empty());
        let prepare = |columns: &[String], line| {
            let statement =
                self.conn.prepare_cached(&script::insert("INSERT", table, &mapped(columns, String::as_str)));
            statement.map_err(|error| self.error(at, Some(line), refused_columns(info, columns, &error)))
        };

        // A file without records has its columns checked all the same.
        let mut prepared: Option<(&Arc<[String]>, _)> = match header {
            Some((columns, line)) => Some((columns, prepare(columns, *line)?)),
            None => None,
        };
        let mut fitting: Option<Columns<'l>> = None;
        let mut origins = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let (columns, mut statement) = match prepared.take() {
                Some((columns, statement)) if columns == &record.columns => (columns, statement),
                _ => (&record.columns, prepare(&record.columns, record.line)?),
            };
            let values = self.fitted(&mut fitting, at, table, info, record)?;
            statement
                .execute(params_from_iter(values.iter().map(|value| &**value)))
                .map_err(|error| self.record_error(at, record, self.confined.problem(&error)))?;
            if traced {
                origins.push(((table, self.conn.last_insert_rowid()), (at, place)));
            }
            ran(Some(&self.files[at].path), Some(record.line));
            prepared = Some((columns, statement));
        }
        self.origins.extend(origins);
        Ok(records.len())
    }

    /// Returns a record's values as its table's columns are to have them.
    fn fitted(
        &self,
        fitting: &mut Option<Columns<'l>>,
        at: usize,
        table: &'l str,
        info: Option<&TableInfo>,
        record: &'l Record,
    ) -> Result<Vec<Cow<'l, Value>>> {
        let columns = match fitting {
            Some(columns) if columns.are(&record.columns) => columns,
            other => other.insert(Columns::new(self.conn, table, info, &record.columns)),
        };
        let mut values = Vec::with_capacity(record.values.len());
        for (place, value) in record.values.iter().enumerate() {
            let fitted = columns.fit(place, value, self.files[at].format).map_err(Error::sql(self.key))?;
            values.push(fitted.map_err(|problem| self.record_error(at, record, problem))?);
        }
        Ok(values)
    }

    fn run(&self, at: usize, text: &str) -> Result<usize> {
        let statements = script::statements(text).map_err(|nul| self.error(at, Some(nul.line), nul.to_string()))?;
        let mut rows = 0;
        for statement in &statements {
            let before = self.conn.total_changes();
            match self.run_statement(statement.text) {
                Ok(None) => ran(Some(&self.files[at].path), Some(statement.line)),
                Ok(Some(problem)) => return Err(self.error(at, Some(statement.line), problem)),
                Err(error) => {
                    let line = script::error_line(text, statement, &error);
                    let problem = explained(self.conn, statement.text, &error, self.confined.problem(&error));
                    return Err(self.error(at, Some(line), problem));
                }
            }
            // Without the rows that triggers changed; asked only after a change, for it keeps the number of the last.
            if self.conn.total_changes() > before {
                rows += usize::try_from(self.conn.changes()).unwrap_or(usize::MAX);
            }
        }
        Ok(rows)
    }

    /// Runs a statement, but for one that would end the transaction: then gives what to say.
    fn run_statement(&self, sql: &str) -> rusqlite::Result<Option<&'static str>> {
        let mut statement = self.conn.prepare(sql)?;
        if statement.readonly() && statement.column_count() == 0 && script::changes_transaction(self.conn, sql)? {
            let problem = "data is loaded in one transaction, so a data file neither begins nor ends one: \
                           take `BEGIN`, `COMMIT` and `ROLLBACK` out";
            return Ok(Some(problem));
        }
        script::finish(&mut statement).map(|()| None)
    }

    /// Returns the error about a row of which SQLite does not say where it is from: from a script, if there is one, else from a
    /// trigger that a file set off.
    fn of_some_file(&self, problem: &str) -> Error {
        let scripts = filtered(self.files, |file| file.format == Format::Sql);
        let candidates = if scripts.is_empty() { self.files } else { &scripts };
        match candidates {
            [] => {
                Error::Schema { bind: self.key.clone(), file: None, line: None, problem: problem.to_string(), at: None }
            }
            [one] => one.error(None, problem),
            [first, ..] => {
                let names = mapped(candidates, |file| format!("`{}`", file.name()));
                first.error(None, format!("{problem}; one of these files wrote it: {}", names.join(", ")))
            }
        }
    }

    /// Returns the error about the first row of the files that `PRAGMA foreign_key_check` reports.
    fn foreign_key_error(&self) -> Error {
        let violations = match self.violations() {
            Ok(violations) => violations,
            Err(error) => return self.error(0, None, self.confined.problem(&error)),
        };
        // The first in the order of the files.
        let mut first: Option<((usize, usize), &Violation, &TableInfo)> = None;
        for found in &violations {
            if let (Some(table), Some(rowid)) = (self.metadata.table(&found.table), found.rowid)
                && let Some(origin) = self.origins.get(&(table.name(), rowid))
                && first.is_none_or(|(earlier, ..)| *origin < earlier)
            {
                first = Some((*origin, found, table));
            }
        }
        if let Some(((file, place), found, table)) = first {
            let record = &self.records[file].records[place];
            let format = self.files[file].format;
            return self.record_error(file, record, no_parent(found, table, record, format));
        }
        // Not a row from a CSV or JSON file, or one without a rowid, which SQLite then does not identify.
        let tables = self.in_order().unwrap_or_default();
        let of_table = violations.iter().find_map(|found| {
            let (file, _) = tables.iter().find(|(_, table)| table.eq_ignore_ascii_case(&found.table))?;
            Some((*file, found))
        });
        let problem = match of_table.map(|(_, found)| found).or_else(|| violations.first()) {
            Some(found) => {
                format!("FOREIGN KEY constraint failed: a row of `{}` has no match in `{}`", found.table, found.parent)
            }
            None => "FOREIGN KEY constraint failed".to_string(),
        };
        match of_table {
            Some((file, _)) => self.error(file, None, problem),
            None => self.of_some_file(&problem),
        }
    }

    fn violations(&self) -> rusqlite::Result<Vec<Violation>> {
        let mut statement = self.conn.prepare("PRAGMA main.foreign_key_check")?;
        let mut rows = statement.query([])?;
        let mut violations = Vec::new();
        while let Some(row) = rows.next()? {
            violations.push(Violation {
                table: row.get("table")?,
                rowid: row.get("rowid")?,
                parent: row.get("parent")?,
                foreign_key: row.get("fkid")?,
            });
        }
        Ok(violations)
    }

    /// Returns the error about a record, by its name where it has one.
    fn record_error(&self, file: usize, record: &Record, problem: String) -> Error {
        let problem = match &record.name {
            Some(name) => format!("`{name}`: {problem}"),
            None => problem,
        };
        self.error(file, Some(record.line), problem)
    }

    fn error(&self, file: usize, line: Option<usize>, problem: impl Into<String>) -> Error {
        self.files[file].error(line, problem)
    }
}

/// A row that refers to none, by [`PRAGMA foreign_key_check`](https://sqlite.org/pragma.html#pragma_foreign_key_check).
struct Violation {
    table: String,
    rowid: Option<i64>,
    parent: String,
    foreign_key: i64,
}

/// Returns the problem of columns that SQLite refuses: the unknown one, else SQLite's message.
fn refused_columns(table: Option<&TableInfo>, columns: &[String], error: &rusqlite::Error) -> String {
    let Some(table) = table.filter(|table| !table.columns().is_empty()) else { return advised(error) };
    let Some(wrong) = columns.iter().find(|name| table.column(name).is_none()) else { return advised(error) };
    if let Some(problem) = other_separator(columns) {
        return problem;
    }
    let mut names = Vec::new();
    for column in table.columns() {
        if column.generated().is_none() {
            names.push(column.name());
        }
    }
    let columns = list(&names);
    let nearest = match nearest(wrong, &names) {
        Some(name) => format!("the nearest is `{name}`; "),
        None => String::new(),
    };
    format!("table `{}` has no column `{wrong}`: {nearest}its columns are {columns}", table.name())
}

fn no_parent(found: &Violation, table: &TableInfo, record: &Record, format: Format) -> String {
    let key = table.foreign_keys().iter().find(|key| key.id() == found.foreign_key);
    let (columns, parent_columns) = match key {
        Some(key) => (key.columns(), key.parent_columns()),
        None => (&[][..], &[][..]),
    };
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        let place = record.columns.iter().position(|name| name.eq_ignore_ascii_case(column));
        values.push(match place.map(|place| &record.values[place]) {
            // As the CSV file has it, which does not tell text from numbers.
            Some(Value::Text(text)) if format == Format::Csv => format!("{column} = {text}"),
            Some(value) => format!("{column} = {}", Shown(value)),
            None => column.clone(),
        });
    }
    let parent = match parent_columns {
        [] => format!("`{}`", found.parent),
        columns => format!("`{}` ({})", found.parent, list(columns)),
    };
    format!("FOREIGN KEY constraint failed: {} has no match in {parent}", list(&values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(key: &str, folder: &std::path::Path) -> (BindKey, Connection, Vec<DataFile>) {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (x)").unwrap();
        (key.into(), conn, crate::data::read(&folder.join("t.csv"), Some(&key.into())).unwrap().files)
    }

    #[test]
    fn a_commit_that_fails_says_what_became_of_each_bind() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), "x\n1\n").unwrap();
        let mut databases = ["a", "b", "c"].map(|key| database(key, folder.path()));
        let _ = databases[1].1.commit_hook(Some(|| true));

        let parts = databases.iter_mut().map(|(key, conn, files)| Load {
            key,
            conn,
            files: files.clone(),
            reading: DataOptions { limit: Duration::MAX, csv_empty_as_text: false },
        });
        insta::assert_snapshot!(
            load(parts.collect()).unwrap_err(),
            @"commit failed in bind `b`: constraint failed, since a commit hook refused it. Committed: a; rolled back: b, c"
        );
        let rows = databases.map(|(_, conn, _)| {
            assert!(conn.is_autocommit());
            conn.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
        });
        assert_eq!(rows, [1, 0, 0]);
    }
}
