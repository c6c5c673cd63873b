//! The rows of a table by their rowids.

use rusqlite::types::Value;

use crate::database::Database;
use crate::observe::glance::{glance, View};
use crate::row::Row;
use crate::sqlite::script::quote;

/// Returns the rowid of a row; `None` where its table has none, or where several rows are equal.
pub(in crate::observe) fn rowid_of(database: &Database, view: View, table: &str, row: &Row) -> Option<i64> {
    let query = format!("SELECT t._rowid_ AS n FROM main.{} AS t{} LIMIT 2", quote(table), row.matching());
    let found = glance(database, view, |glance| glance.rows(&query, &row.values())).ok()?;
    match found.as_slice() {
        [one] => match one.value("n") {
            Some(Value::Integer(rowid)) => Some(*rowid),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether a table has a row of that number; it is said to have where that cannot be read.
pub(in crate::observe) fn has_row(database: &Database, view: View, table: &str, rowid: i64) -> bool {
    let query = format!("SELECT 1 AS n FROM main.{} WHERE _rowid_ = ?", quote(table));
    glance(database, view, |glance| glance.rows(&query, &[&Value::Integer(rowid)]))
        .map_or(true, |rows| !rows.is_empty())
}

/// Returns whether a column of a table is the number of its rows.
pub(in crate::observe) fn is_rowid(database: &Database, table: &str, column: &str) -> bool {
    let query = "SELECT name AS name, type AS type FROM pragma_table_info(?) WHERE pk > 0";
    let named = Value::Text(table.to_string());
    let keys = glance(database, View::Committed, |glance| glance.rows(query, &[&named])).unwrap_or_default();
    let is = |key: &Row, name: &str, text: &str| matches!(key.value(name), Some(Value::Text(value)) if value.eq_ignore_ascii_case(text));
    matches!(keys.as_slice(), [key] if is(key, "name", column) && is(key, "type", "INTEGER"))
}
