//! Keeping others out of a database for a moment, without waiting for them.

use std::ffi::CStr;
use std::ptr;
use std::time::Duration;

use rusqlite::{ffi, Connection};

/// Who is kept out while a database is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// Those who write.
    Writers,
    /// Those who read too, where the storage knows no older state to read.
    Everyone,
}

/// Runs `work` with others kept out, or fails at once where one of them is in a transaction already.
///
/// What `work` writes is not kept.
pub(super) fn hold<T>(
    conn: &Connection,
    against: Against,
    busy_timeout: Duration,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    conn.busy_timeout(Duration::ZERO)?;
    let begin = match against {
        Against::Writers => c"BEGIN IMMEDIATE",
        Against::Everyone => c"BEGIN EXCLUSIVE",
    };
    // A bind may be read only for its application, and then nothing could be held.
    let begun = execute(conn, c"PRAGMA query_only = OFF").and_then(|()| execute(conn, begin));
    let done = begun.and_then(|()| {
        let done = work(conn);
        execute(conn, c"ROLLBACK").and(done)
    });
    conn.busy_timeout(busy_timeout)?;
    done
}

/// Runs a statement through SQLite's own interface: built with its feature `unlock_notify`, rusqlite waits for the lock
/// of a shared cache without a limit.
fn execute(conn: &Connection, sql: &CStr) -> rusqlite::Result<()> {
    // SAFETY: the handle is open and used by no one else meanwhile, the text ends with a NUL, and no callback is given.
    let code = unsafe { ffi::sqlite3_exec(conn.handle(), sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => {
            // SAFETY: SQLite gives a NUL-terminated text, which is copied before the connection is used again.
            let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(conn.handle())) };
            let message = message.to_string_lossy().into_owned();
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message)))
        }
    }
}
