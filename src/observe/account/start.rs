//! The rows of the start.

use rusqlite::{params_from_iter, Connection};

use crate::database::Database;
use crate::row::Row;
use crate::sqlite::column_names;
use crate::sqlite::script::quote;

/// Returns whether a database had the row as it started.
pub(super) fn was_there(database: &Database, table: &str, row: &Row, rowid: Option<i64>) -> bool {
    let and = |rowid: i64| format!(" AND t._rowid_ = {rowid}");
    let query = format!(
        "SELECT EXISTS (SELECT 1 FROM main.{} AS t{}{})",
        quote(table),
        row.matching(),
        rowid.filter(|_| !row.is_empty()).map(and).unwrap_or_default()
    );
    let has = |conn: &mut Connection| conn.query_row(&query, params_from_iter(row.values()), |found| found.get(0));
    // What the image's own connection cannot read is not known to have been there.
    database.image().with(has).and_then(|had| had).unwrap_or(false)
}

/// Returns the row of that number as the database started.
pub(super) fn at_start(database: &Database, table: &str, rowid: i64) -> Option<Row> {
    let query = format!("SELECT t.* FROM main.{} AS t WHERE t._rowid_ = ?", quote(table));
    let read = |conn: &mut Connection| {
        let mut statement = conn.prepare(&query)?;
        let columns = column_names(&statement);
        let mut found = statement.query([rowid])?;
        Row::all_from_sql(&columns, &mut found)
    };
    database.image().with(read).and_then(|rows| rows).ok()?.pop()
}
