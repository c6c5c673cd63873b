//! Asking whether a lock blocks a connection, without waiting for it.

use std::ffi::CString;
use std::path::Path;
use std::ptr;

use rusqlite::{ffi, Connection};

use super::platform::is_write_locked;

/// A query that reads nothing, and needs what every statement needs.
pub(crate) const SCHEMA: &str = "SELECT 1 FROM main.sqlite_schema LIMIT 0";

/// Returns whether another connection of the same shared cache has locked what `sql` reads.
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

/// Returns whether another connection holds the lock of a file's writer in a rollback journal, as its file system knows
/// it. Of a log's writer it tells only who asks for the lock, and is in the writer's way while it has it.
pub(crate) fn is_locked_by_writer(conn: &Connection) -> bool {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the handle is open and used by no one else meanwhile. The operation writes the address of its database's file,
    // which lives as long as the connection, or null; the method is called as SQLite calls it.
    unsafe {
        let answer = (&raw mut file).cast();
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, answer);
        let Some(methods) = file.as_ref().and_then(|file| file.pMethods.as_ref()) else { return false };
        let mut reserved = 0;
        methods.xCheckReservedLock.is_some_and(|check| check(file, &raw mut reserved) == ffi::SQLITE_OK)
            && reserved != 0
    }
}

/// Returns whether somebody holds the lock of the writer of a file's log, where the system lists the locks of its files;
/// elsewhere nobody is seen. Asking SQLite for that lock would show it too, and refuse it to an application for as long.
pub(crate) fn is_locked_by_log_writer(database: &Path) -> bool {
    /// The byte of a log's index that a writer locks, see `UNIX_SHM_BASE` in
    /// <https://sqlite.org/src/file/src/os_unix.c>.
    const WRITER: u64 = 120;
    let mut index = database.as_os_str().to_os_string();
    index.push("-shm");
    is_write_locked(Path::new(&index), WRITER)
}
