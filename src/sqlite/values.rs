//! Values that SQLite answers with.

use rusqlite::{Connection, Statement};

use crate::list::mapped;

/// Returns the number that a query gives.
pub(crate) fn number(conn: &Connection, sql: &str) -> rusqlite::Result<i64> {
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// Returns the texts in the first column of what a query gives.
pub(crate) fn texts(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        texts.push(row.get(0)?);
    }
    Ok(texts)
}

/// Returns the names of a statement's columns.
pub(crate) fn column_names(statement: &Statement<'_>) -> Vec<String> {
    mapped(&statement.column_names(), |name| name.to_string())
}
