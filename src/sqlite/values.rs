//! Values that SQLite answers with.

use rusqlite::{Connection, Statement};

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
    let mut names = Vec::with_capacity(statement.column_count());
    for column in 0..statement.column_count() {
        // SQLite has a name for every column that there is.
        names.extend(statement.column_name(column).map(str::to_string));
    }
    names
}
