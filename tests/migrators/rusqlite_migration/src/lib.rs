//! The application: its binds and their migrations, which it runs whenever it starts.

use rusqlite::Connection;
use rusqlite_migration::{Migrations, Result, M};

const AUTH: &[M<'_>] = &[
    M::up("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE)").down("DROP TABLE user"),
    M::up("ALTER TABLE user ADD COLUMN email TEXT").foreign_key_check(),
];

const DEFAULT: &[M<'_>] = &[M::up("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")];

pub fn migrate_auth(conn: &mut Connection) -> Result<()> {
    Migrations::from_slice(AUTH).to_latest(conn)
}

pub fn migrate_default(conn: &mut Connection) -> Result<()> {
    Migrations::from_slice(DEFAULT).to_latest(conn)
}
