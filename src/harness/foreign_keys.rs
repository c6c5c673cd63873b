//! The foreign keys within a bind that are broken, as SQLite finds them.

use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection};

use crate::error::{joined_by, list, Orphan, Parent};
use crate::key::BindKey;
use crate::row::Row;
use crate::schema::{ForeignKey, Metadata, TableInfo};
use crate::sorted::Sorted;
use crate::sqlite::column_names;
use crate::sqlite::script::quote;

/// Returns the rows whose parent is not there. A foreign key to a table that the bind does not have is not looked at: what it
/// refers to is in another bind, and a reference says where.
pub(super) fn broken(conn: &Connection, bind: &BindKey, metadata: &Metadata) -> rusqlite::Result<Vec<Orphan>> {
    let mut check = conn.prepare("SELECT \"table\", rowid, fkid FROM pragma_foreign_key_check WHERE \"table\" = ?1")?;
    let mut orphans = Vec::new();
    for table in metadata.tables() {
        let has_parents = |key: &&ForeignKey| metadata.table(key.parent()).is_some();
        if !table.foreign_keys().iter().any(|key| has_parents(&key)) {
            continue;
        }
        let (mut found, mut without) = (check.query([table.name()])?, Sorted::default());
        while let Some(violation) = found.next()? {
            let (rowid, id): (Option<i64>, i64) = (violation.get(1)?, violation.get(2)?);
            let Some(key) = table.foreign_keys().iter().filter(has_parents).find(|key| key.id() == id) else {
                continue;
            };
            match rowid {
                Some(rowid) => {
                    let row = rows_of(conn, table, "t._rowid_ = ?1", &[Value::Integer(rowid)])?;
                    orphans.extend(row.into_iter().map(|row| orphan(bind, table, row, key)));
                }
                // SQLite does not identify a row of a table without rowids.
                None => drop(without.insert(id, key)),
            }
        }
        for (_, key) in without.entries() {
            let rows = rows_of(conn, table, &without_parent(key), &[])?;
            orphans.extend(rows.into_iter().map(|row| orphan(bind, table, row, key)));
        }
    }
    Ok(orphans)
}

fn orphan(bind: &BindKey, table: &TableInfo, row: Row, key: &ForeignKey) -> Orphan {
    let value = match (key.columns(), key.parent_columns()) {
        ([column], [parent]) => row.value(column).map(|value| (parent.clone(), value.clone())),
        _ => None,
    };
    let missing = Parent { bind: bind.clone(), table: key.parent().to_string(), key: value };
    Orphan::of(bind.clone(), table.name().to_string(), row, parent(bind, key), missing)
}

/// Returns the condition on a row, `t`, that its parent is not there. The parent's columns say how values compare.
fn without_parent(key: &ForeignKey) -> String {
    let (mut given, mut same) = (Vec::new(), Vec::new());
    for (column, parent) in key.columns().iter().zip(key.parent_columns()) {
        given.push(format!("t.{} IS NOT NULL", quote(column)));
        same.push(format!("p.{} = t.{}", quote(parent), quote(column)));
    }
    let (given, same) = (given.join(" AND "), same.join(" AND "));
    format!("{given} AND NOT EXISTS (SELECT 1 FROM main.{} AS p WHERE {same})", quote(key.parent()))
}

/// Returns the rows of a table that a condition on `t` is for, generated columns left out: the application may compute them.
fn rows_of(conn: &Connection, table: &TableInfo, which: &str, values: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut listed = Vec::new();
    for column in table.columns().iter().filter(|column| column.generated().is_none() && !column.is_hidden()) {
        listed.push(column.name());
    }
    let columns = joined_by(&listed, ", ", &|name| format!("t.{}", quote(name)));
    let query = format!("SELECT {columns} FROM main.{} AS t WHERE {which}", quote(table.name()));
    let mut rows = conn.prepare_cached(&query)?;
    let names = column_names(&rows);
    Row::all_from_sql(&names, &mut rows.query(params_from_iter(values))?)
}

fn parent(bind: &BindKey, key: &ForeignKey) -> String {
    match key.parent_columns() {
        [] => format!("{bind}.{}", key.parent()),
        [column] => format!("{bind}.{}.{column}", key.parent()),
        columns => format!("{bind}.{} ({})", key.parent(), list(columns)),
    }
}
