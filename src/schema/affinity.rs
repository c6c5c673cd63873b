//! The affinities of columns, as SQLite says them.

use rusqlite::Connection;

use crate::error::joined_by;
use crate::sqlite::script::quote;
use crate::sqlite::texts;

/// Returns the affinities of columns, as SQLite names them for a table that is made of a query: `INT`, `NUM`, `REAL`, `TEXT`,
/// or nothing. See <https://sqlite.org/lang_createtable.html#create_table_as_select_statements>.
pub(crate) fn affinities(conn: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<Vec<String>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    // Whatever collation the column has, which only the application may know.
    let columns = joined_by(columns, ", ", &|name| format!("t.{} COLLATE BINARY", quote(name)));
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE multibind_affinity AS SELECT {columns} FROM main.{} AS t LIMIT 0",
        quote(table)
    ))?;
    let types = texts(conn, "SELECT type FROM pragma_table_info('multibind_affinity', 'temp') ORDER BY cid");
    conn.execute_batch("DROP TABLE temp.multibind_affinity")?;
    types
}
