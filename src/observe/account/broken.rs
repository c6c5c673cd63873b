//! The foreign keys that rows break within their bind.

use rusqlite::types::Value;

use super::rowid::rowid_of;
use crate::database::Database;
use crate::observe::glance::{glance, View};
use crate::row::Row;

/// Returns the tables to which rows of a table refer, in vain.
pub(in crate::observe) fn broken_by(database: &Database, view: View, table: &str, rows: &[Row]) -> Vec<String> {
    let query = "SELECT rowid AS n, parent AS parent FROM pragma_foreign_key_check(?)";
    let named = Value::Text(table.to_string());
    let mut parents = Vec::new();
    // What cannot be read now is not known to be broken.
    let broken = glance(database, view, |glance| glance.rows(query, &[&named])).unwrap_or_default();
    if broken.is_empty() {
        return parents;
    }
    for row in rows {
        let Some(rowid) = rowid_of(database, view, table, row) else { continue };
        for one in broken.iter().filter(|one| one.value("n") == Some(&Value::Integer(rowid))) {
            if let Some(Value::Text(parent)) = one.value("parent")
                && !parents.contains(parent)
            {
                parents.push(parent.clone());
            }
        }
    }
    parents
}
