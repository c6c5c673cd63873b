//! An application that keeps its users in one database and its audit log in another.

use rusqlite::{Connection, Result};

pub fn sign_up(auth: &Connection, name: &str) -> Result<usize> {
    auth.execute("INSERT INTO user (username) VALUES (?1)", [name])
}

pub fn audit(meta: &Connection, event: &str) -> Result<usize> {
    meta.execute("INSERT INTO log (event) VALUES (?1)", [event])
}

pub fn users(auth: &Connection) -> Result<Vec<String>> {
    auth.prepare("SELECT username FROM user ORDER BY username")?.query_map([], |row| row.get(0))?.collect()
}
