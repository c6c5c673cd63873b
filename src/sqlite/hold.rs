//! Finding out whether others are out of a database, without waiting for them.

use std::ffi::CStr;
use std::ptr;

use rusqlite::{ffi, Connection};

use super::code::last_failure;

/// Fails at once where another connection is in a transaction, one that reads included where the storage knows no older
/// state to read.
pub(crate) fn check_free(conn: &Connection) -> rusqlite::Result<()> {
    // A bind may be read only for its application, and then nothing could be held.
    execute(conn, c"PRAGMA query_only = OFF")?;
    execute(conn, c"BEGIN EXCLUSIVE")?;
    execute(conn, c"ROLLBACK")
}

/// Runs a statement through SQLite's own interface: built with its feature `unlock_notify`, rusqlite waits for the lock
/// of a shared cache without a limit.
fn execute(conn: &Connection, sql: &CStr) -> rusqlite::Result<()> {
    // SAFETY: the handle is open and used by no one else meanwhile, the text ends with a NUL, and no callback is given.
    let code = unsafe { ffi::sqlite3_exec(conn.handle(), sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
    match code {
        ffi::SQLITE_OK => Ok(()),
        _ => Err(last_failure(conn)),
    }
}
