//! `CREATE TABLE t (LIKE u)`, by which a server copies the columns of a table, and SQLite makes a column.

use rusqlite::Connection;

use crate::sqlite::script::has_letters;

/// The word that a server copies by.
pub(super) const WORD: &str = "like";

/// Returns the problem of a column `LIKE` whose type is a table; asked only where a statement has such letters.
pub(super) fn column(conn: &Connection, sql: &str) -> rusqlite::Result<Option<String>> {
    if !has_letters(sql, WORD) {
        return Ok(None);
    }
    let copied = "SELECT t.name, c.name, c.type FROM main.sqlite_schema AS t CROSS JOIN pragma_table_xinfo(t.name, 'main') AS c
        WHERE t.type = 'table' AND c.name = 'like' COLLATE NOCASE
        AND EXISTS (SELECT 1 FROM main.sqlite_schema AS u WHERE u.type IN ('table', 'view') AND u.name = c.type COLLATE NOCASE)";
    let mut copied = conn.prepare(copied)?;
    let mut rows = copied.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (table, column, of): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Some(format!(
        "column `{column}` of table `{table}` has the type `{of}`, by which a server copies the columns of `{of}`: to SQLite it is a \
         column like others. Write the columns of `{of}` out"
    )))
}
