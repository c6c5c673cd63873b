//! The settings, in the meta database, and a copy of the most used.

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

/// Prepares the copy.
pub fn warm(databases: &Databases) -> Result {
    let conn = databases.main.get()?;
    if has(Slip::AmbiguousName) {
        conn.execute_batch("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)")?;
    } else {
        conn.execute_batch("CREATE TEMP TABLE setting_copy (name TEXT PRIMARY KEY, value TEXT NOT NULL)")?;
    }
    Ok(())
}

pub fn set(databases: &Databases, name: &str, value: &str) -> Result {
    let or = if has(Slip::Ignored) { "IGNORE" } else { "REPLACE" };
    let sql = format!("INSERT OR {or} INTO setting (name, value) VALUES (?1, ?2)");
    databases.meta.get()?.execute(&sql, [name, value])?;
    Ok(())
}

pub fn page_size(databases: &Databases) -> Result<i64> {
    let text: String =
        databases.meta.get()?.query_row("SELECT value FROM setting WHERE name = 'page_size'", [], |row| row.get(0))?;
    Ok(text.parse()?)
}
