//! The connection that keeps a database alive which ends with its last one.

use std::sync::Mutex;

use rusqlite::Connection;

use crate::sqlite::{is_locked_out, SCHEMA};
use crate::sync::lock;

/// This crate's own connection to a database that ends with its last one.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    pub(super) conn: Mutex<Option<Connection>>,
}

impl Keeper {
    /// Waits until no statement runs in the database's shared cache.
    ///
    /// Whoever opens a connection to a cache in which a statement runs waits for that in SQLite, and meanwhile nobody
    /// in the process can open any shared cache. So the wait comes before.
    pub(super) fn await_turn(&self) {
        if let Some(conn) = &*lock(&self.conn) {
            is_locked_out(conn, SCHEMA);
        }
    }
}
