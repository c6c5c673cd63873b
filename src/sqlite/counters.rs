//! Numbers that SQLite keeps for a connection.

use std::ffi::{c_int, c_uint};

use rusqlite::{ffi, Connection};

use super::code::check;
use super::values::number;

/// Returns SQLite's number for a schema, see <https://sqlite.org/pragma.html#pragma_schema_version>.
pub(crate) fn schema_version(conn: &Connection) -> rusqlite::Result<i64> {
    number(conn, "PRAGMA schema_version")
}

/// Returns a number that every commit to the database changes, as the connection's cache knows it.
///
/// See `SQLITE_FCNTL_DATA_VERSION` in <https://sqlite.org/c3ref/c_fcntl_begin_atomic_write.html>. In a shared cache it
/// is up to date without a read.
pub(crate) fn commits(conn: &Connection) -> rusqlite::Result<u32> {
    let mut version: c_uint = 0;
    let place = (&raw mut version).cast();
    // SAFETY: the handle is open and the operation writes one `unsigned int` to `place`.
    let code =
        unsafe { ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_DATA_VERSION, place) };
    check(code).map(|()| version)
}

/// Sets what `last_insert_rowid()` returns on a connection until it inserts, see
/// <https://sqlite.org/c3ref/set_last_insert_rowid.html>.
pub(crate) fn set_last_insert_rowid(conn: &Connection, rowid: i64) {
    // SAFETY: the handle is open.
    unsafe { ffi::sqlite3_set_last_insert_rowid(conn.handle(), rowid) }
}

/// Returns whether a row of the open transaction misses its parent, see
/// [`SQLITE_DBSTATUS_DEFERRED_FKS`](https://sqlite.org/c3ref/c_dbstatus_options.html).
pub(crate) fn unresolved_foreign_keys(conn: &Connection) -> bool {
    let (mut current, mut highest): (c_int, c_int) = (0, 0);
    // SAFETY: the handle is open, and the call keeps neither of the pointers.
    let code = unsafe {
        ffi::sqlite3_db_status(conn.handle(), ffi::SQLITE_DBSTATUS_DEFERRED_FKS, &mut current, &mut highest, 0)
    };
    code == ffi::SQLITE_OK && current != 0
}
