//! A database from bytes, through SQLite's C interface: rusqlite's way to give them differs by version.

use multibind::rusqlite::{ffi, Connection};

/// Puts a copy of these bytes in place of a connection's `main`; gives SQLite's result code.
pub(crate) fn deserialize(conn: &mut Connection, bytes: &[u8]) -> i32 {
    let length = i64::try_from(bytes.len()).unwrap();
    let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
    // SAFETY: the handle is open, the name ends with a NUL, and the bytes are SQLite's own allocation, which it frees.
    unsafe {
        let copied = ffi::sqlite3_malloc64(bytes.len() as u64).cast::<u8>();
        assert!(!copied.is_null());
        copied.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        ffi::sqlite3_deserialize(conn.handle(), c"main".as_ptr(), copied, length, length, flags)
    }
}
