//! Attaching a database to a connection.

use rusqlite::Connection;

use super::script::quote;

/// Runs `ATTACH` under any name a key can be.
pub(crate) fn attach(conn: &Connection, uri: &str, name: &str) -> rusqlite::Result<()> {
    conn.execute(&format!("ATTACH ?1 AS {}", quote(name)), [uri]).map(drop)
}
