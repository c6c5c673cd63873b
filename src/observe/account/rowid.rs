//! The rowid of a row that was found.

use rusqlite::types::Value;

use crate::database::Database;
use crate::observe::glance::{glance, View};
use crate::row::Row;
use crate::sqlite::script::quote;

/// Returns the rowid of a row; `None` where its table has none, or where several rows are equal.
pub(super) fn rowid_of(database: &Database, view: View, table: &str, row: &Row) -> Option<i64> {
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
