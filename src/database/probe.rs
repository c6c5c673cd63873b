//! Asking whether a lock is in the way, without waiting for it.

use std::ffi::CString;
use std::ptr;

use rusqlite::{ffi, Connection};

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
