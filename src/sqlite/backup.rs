//! SQLite's backup API, through its C interface: rusqlite's way to name a schema differs by version.
//!
//! See <https://sqlite.org/c3ref/backup_finish.html>.

use std::ffi::{c_int, CString};

use rusqlite::{ffi, Connection};

use super::code::last_failure;

/// The end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Done,
    /// There are pages left to copy.
    More,
    /// Another connection holds a lock of the file.
    Busy,
    /// Another connection of the same shared cache holds a lock.
    Locked,
}

/// Begins a copy of a connection's `main` into a schema of another, copies so many pages, all for -1, and ends it.
pub(crate) fn copy(from: &Connection, to: &mut Connection, schema: &str, pages: c_int) -> rusqlite::Result<Step> {
    let schema = CString::new(schema)?;
    // SAFETY: both handles are open and used by no one else meanwhile, and the names end with a NUL.
    let backup = unsafe { ffi::sqlite3_backup_init(to.handle(), schema.as_ptr(), from.handle(), c"main".as_ptr()) };
    if backup.is_null() {
        return Err(last_failure(to));
    }
    // SAFETY: the backup was begun, and is not used after it has ended.
    let code = unsafe {
        let code = ffi::sqlite3_backup_step(backup, pages);
        ffi::sqlite3_backup_finish(backup);
        code
    };
    match code {
        ffi::SQLITE_DONE => Ok(Step::Done),
        ffi::SQLITE_OK => Ok(Step::More),
        ffi::SQLITE_BUSY => Ok(Step::Busy),
        ffi::SQLITE_LOCKED => Ok(Step::Locked),
        code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}
