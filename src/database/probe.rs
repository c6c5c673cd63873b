//! Asking whether a lock is in the way, without waiting for it.

use std::ffi::{c_int, CString};
use std::ptr;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{ffi, Connection};

use super::image::schema_version;

/// A query that reads nothing, and needs what every statement needs.
pub(crate) const SCHEMA: &str = "SELECT 1 FROM main.sqlite_schema LIMIT 0";

/// Whether another connection of the same shared cache has locked what `sql` reads.
///
/// Through SQLite's own interface: built with its feature `unlock_notify`, rusqlite waits for such a lock without a
/// limit.
pub(crate) fn is_locked_out(conn: &Connection, sql: &str) -> bool {
    let Ok(sql) = CString::new(sql) else { return false };
    let mut statement = ptr::null_mut();
    // SAFETY: the handle is open and used by no one else meanwhile; the text ends with a NUL; the statement is
    // finalized before the connection can be closed, which for a null pointer does nothing.
    let code = unsafe {
        let db = conn.handle();
        let mut code = ffi::sqlite3_prepare_v2(db, sql.as_ptr(), -1, &raw mut statement, ptr::null_mut());
        if code == ffi::SQLITE_OK {
            code = ffi::sqlite3_step(statement);
        }
        ffi::sqlite3_finalize(statement);
        code
    };
    code & 0xff == ffi::SQLITE_LOCKED
}

/// Whether another connection has a transaction open that can write, on a database that is not this crate's own memory. A
/// lock error means so too, where a writer keeps others from reading.
///
/// No lock is taken that keeps a writer waiting: one that has read, and is refused as it comes to write, is refused for good.
pub(super) fn has_writer(conn: &Connection, is_shared_cache: bool) -> rusqlite::Result<bool> {
    if is_shared_cache {
        // A backup does not begin beside a writer of the same cache.
        let mut nowhere = Connection::open_in_memory()?;
        let step = Backup::new(conn, &mut nowhere)?.step(0)?;
        return Ok(matches!(step, StepResult::Busy | StepResult::Locked));
    }
    schema_version(conn)?;
    is_locked_by_writer(conn)
}

/// Whether another connection holds the lock of a file's writer, as its file system knows it.
fn is_locked_by_writer(conn: &Connection) -> rusqlite::Result<bool> {
    /// The lock of a WAL's index that a writer has for itself.
    const WRITER: c_int = 0;
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the handle is open and used by no one else meanwhile. The operation writes the address of its database's file,
    // which lives as long as the connection, or null; the methods are called as SQLite calls them, with a lock given back
    // as it was taken.
    unsafe {
        let answer = (&raw mut file).cast();
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, answer);
        let Some(methods) = file.as_ref().and_then(|file| file.pMethods.as_ref()) else { return Ok(false) };
        let mut reserved = 0;
        if let Some(check) = methods.xCheckReservedLock
            && check(file, &raw mut reserved) == ffi::SQLITE_OK
            && reserved != 0
        {
            return Ok(true);
        }
        // Shared for a moment. Without a WAL there is no such lock, which is another error.
        let Some(lock) = methods.xShmLock.filter(|_| methods.iVersion >= 2) else { return Ok(false) };
        match lock(file, WRITER, 1, ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_SHARED) {
            ffi::SQLITE_OK => {
                lock(file, WRITER, 1, ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_SHARED);
                Ok(false)
            }
            code => Ok(code == ffi::SQLITE_BUSY),
        }
    }
}
