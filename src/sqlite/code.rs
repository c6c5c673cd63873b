//! SQLite's result codes as errors.

use std::ffi::{c_int, CStr};

use rusqlite::{ffi, Connection};

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

/// Returns the error of the last call of SQLite on a connection that failed.
pub(super) fn last_failure(conn: &Connection) -> rusqlite::Error {
    // SAFETY: the handle is open; SQLite gives a text that ends with a NUL, which is copied before the connection is used again.
    let (code, message) = unsafe {
        let db = conn.handle();
        (ffi::sqlite3_extended_errcode(db), CStr::from_ptr(ffi::sqlite3_errmsg(db)).to_string_lossy())
    };
    failure(code, message)
}

/// Returns whether a result code is one that only a statement that runs ends with, and no other call of a connection.
pub(crate) fn is_of_a_step(code: c_int) -> bool {
    let codes =
        [ffi::SQLITE_CONSTRAINT, ffi::SQLITE_MISMATCH, ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_INTERRUPT];
    codes.contains(&(code & 0xff)) || code == ffi::SQLITE_BUSY_SNAPSHOT
}

/// Returns the words of an error; `None` for a code of success.
pub(crate) fn in_words(code: c_int) -> Option<String> {
    let constraint = match code {
        ffi::SQLITE_OK | ffi::SQLITE_ROW | ffi::SQLITE_DONE => return None,
        ffi::SQLITE_CONSTRAINT_CHECK => "CHECK constraint failed",
        ffi::SQLITE_CONSTRAINT_COMMITHOOK => "a commit hook refused the commit",
        ffi::SQLITE_CONSTRAINT_DATATYPE => "the value has not the column's type",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "FOREIGN KEY constraint failed",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "NOT NULL constraint failed",
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => "PRIMARY KEY constraint failed",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "a trigger raised an error",
        ffi::SQLITE_CONSTRAINT_UNIQUE => "UNIQUE constraint failed",
        _ => {
            // SAFETY: SQLite answers for every number with a text that ends with a NUL and lives as long as the process.
            let words = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) };
            return Some(words.to_string_lossy().into_owned());
        }
    };
    Some(constraint.to_string())
}
