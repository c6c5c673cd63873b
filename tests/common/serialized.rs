//! The bytes of a database, through SQLite's C interface: rusqlite's way to take them differs by version.

use multibind::rusqlite::{ffi, Connection, Error};

/// The bytes of a connection's `main`.
pub(crate) fn serialize(conn: &Connection) -> Result<Vec<u8>, Error> {
    let mut length = 0;
    // SAFETY: the handle is open, the name ends with a NUL, and SQLite gives null or so many bytes, which are copied and freed.
    unsafe {
        let bytes = ffi::sqlite3_serialize(conn.handle(), c"main".as_ptr(), &mut length, 0);
        if bytes.is_null() {
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None));
        }
        let copied = std::slice::from_raw_parts(bytes, usize::try_from(length).unwrap()).to_vec();
        ffi::sqlite3_free(bytes.cast());
        Ok(copied)
    }
}
