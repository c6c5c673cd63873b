//! SQLite's result codes as errors.

use std::ffi::c_int;

use rusqlite::ffi;

/// Returns the error of a result code, unless that is `SQLITE_OK`.
pub(crate) fn check(code: c_int) -> rusqlite::Result<()> {
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
}

/// Returns an error of SQLite's with a message of this crate's.
pub(crate) fn failure(code: c_int, message: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.into()))
}
