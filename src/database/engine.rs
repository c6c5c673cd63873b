//! A session's connection to a bind, on which the bind's key is a schema name.

use std::ffi::CString;

use rusqlite::Connection;

use super::connect::rename_main;
use crate::key::BindKey;
use crate::sqlite::script::quote;
use crate::sqlite::texts;

/// A connection with its bind's key as the name of its `main` schema.
#[derive(Debug)]
pub(crate) struct Engine {
    // Dropped before the name that it points to.
    conn: Connection,
    name: CString,
}

impl Engine {
    /// Gives an open connection the name.
    pub(crate) fn new(conn: Connection, key: &BindKey) -> rusqlite::Result<Engine> {
        let mut engine = Engine { conn, name: CString::default() };
        engine.rename(key)?;
        Ok(engine)
    }

    /// Makes `key` the schema name, for a database with several keys.
    pub(crate) fn rename(&mut self, key: &BindKey) -> rusqlite::Result<()> {
        let name = CString::new(key.schema_name()).map_err(rusqlite::Error::NulError)?;
        // SAFETY: the name is moved into `self` below, its bytes stay where they are on the heap, and it is dropped
        // after the connection.
        unsafe { rename_main(&self.conn, &name)? };
        self.name = name;
        Ok(())
    }

    /// The same for a connection that has another name at other times.
    ///
    /// A virtual table keeps the name that it is first used under, so each is used as one of `main`, which is always a
    /// name.
    pub(crate) fn rename_among(&mut self, key: &BindKey) -> rusqlite::Result<()> {
        self.rename(&BindKey::DEFAULT)?;
        for table in self.virtual_tables()? {
            // One that cannot be used says so to who uses it.
            drop(self.conn.prepare(&format!("SELECT 1 FROM {}", quote(&table))));
        }
        match key.is_default() {
            true => Ok(()),
            false => self.rename(key),
        }
    }

    /// Has SQLite connect each virtual table anew when it is next used. One that was made on this connection keeps the name
    /// that the schema had then.
    ///
    /// Only for an open transaction that has written.
    pub(crate) fn reconnect_virtual_tables(&self) -> rusqlite::Result<()> {
        if self.virtual_tables()?.is_empty() {
            return Ok(());
        }
        // It forgets its schema where one is rolled back.
        self.conn.execute_batch(
            "SAVEPOINT multibind_schema; CREATE TABLE main.multibind_schema (x);
             ROLLBACK TO multibind_schema; RELEASE multibind_schema",
        )
    }

    fn virtual_tables(&self) -> rusqlite::Result<Vec<String>> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0";
        texts(&self.conn, sql)
    }

    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}
