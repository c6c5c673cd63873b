//! A connection whose `main` schema has another name.

use std::ffi::{CStr, CString};

use rusqlite::{ffi, Connection};

use super::code::check;
use super::script::quote;
use super::values::texts;

/// A connection with a name for its `main` schema, so that `auth.user` resolves on a connection to `auth` alone. `main`
/// stays an alias.
#[derive(Debug)]
pub(crate) struct NamedConnection {
    // Dropped before the name that it points to.
    conn: Connection,
    name: CString,
}

impl NamedConnection {
    /// Gives an open connection the name.
    pub(crate) fn new(conn: Connection, name: &str) -> rusqlite::Result<NamedConnection> {
        let mut named = NamedConnection { conn, name: CString::default() };
        named.rename(name)?;
        Ok(named)
    }

    /// Gives the connection another name.
    pub(crate) fn rename(&mut self, name: &str) -> rusqlite::Result<()> {
        let name = CString::new(name).map_err(rusqlite::Error::NulError)?;
        // SAFETY: the name is moved into `self` below, its bytes stay where they are on the heap, and it is dropped
        // after the connection.
        unsafe { rename_main(&self.conn, &name)? };
        self.name = name;
        Ok(())
    }

    /// Gives another name to a connection that goes by several in turn, and has these virtual tables.
    ///
    /// A virtual table keeps the name that it is first used under, so each is used as one of `main`, which is always a
    /// name.
    pub(crate) fn rename_among<'t>(
        &mut self,
        name: &str,
        virtuals: impl Iterator<Item = &'t str>,
    ) -> rusqlite::Result<()> {
        self.rename(MAIN)?;
        for table in virtuals {
            // The statement that uses a broken one gets its error.
            drop(self.conn.prepare(&format!("SELECT 1 FROM {}", quote(table))));
        }
        if name == MAIN {
            return Ok(());
        }
        self.rename(name)
    }

    /// Makes SQLite connect each virtual table anew when it is next used. One that was created on this connection keeps
    /// the name that the schema had then.
    ///
    /// Only for an open transaction that has written.
    pub(crate) fn reconnect_virtual_tables(&self) -> rusqlite::Result<()> {
        if self.virtual_tables()?.is_empty() {
            return Ok(());
        }
        // SQLite forgets its schema when a change of it is rolled back.
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

/// Another name for a connection's `main` schema, for as long as this lives.
pub(super) struct Renamed<'c> {
    conn: &'c Connection,
    _name: CString,
}

impl<'c> Renamed<'c> {
    pub(super) fn new(conn: &'c Connection, name: &str) -> rusqlite::Result<Renamed<'c>> {
        let name = CString::new(name)?;
        // SAFETY: the name is moved into what is returned, its bytes stay where they are on the heap, and it is dropped after
        // the connection has its own name again.
        unsafe { rename_main(conn, &name)? };
        Ok(Renamed { conn, _name: name })
    }
}

impl Drop for Renamed<'_> {
    fn drop(&mut self) {
        // SAFETY: the name lives as long as the process. SQLite only keeps the pointer, which does not fail.
        let _ = unsafe { rename_main(self.conn, c"main") };
    }
}

/// The name of the schema that SQLite opens.
const MAIN: &str = "main";

/// Renames a connection's `main` schema, see `SQLITE_DBCONFIG_MAINDBNAME` in
/// <https://sqlite.org/c3ref/c_dbconfig_defensive.html>.
///
/// # Safety
///
/// SQLite keeps the pointer: the caller keeps `name` alive and in place as long as `conn` is open under it.
unsafe fn rename_main(conn: &Connection, name: &CStr) -> rusqlite::Result<()> {
    // SAFETY: the handle is open, the argument is what this option takes, and the caller keeps it alive.
    check(unsafe { ffi::sqlite3_db_config(conn.handle(), ffi::SQLITE_DBCONFIG_MAINDBNAME, name.as_ptr()) })
}
