//! A database as bytes in SQLite's memory, through its C interface: rusqlite's way to name a schema differs by version.

use std::ffi::CString;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use rusqlite::{ffi, Connection};

use super::code::{check, failure};
use super::values::number;

/// Bytes that SQLite has allocated.
pub(super) struct Pages {
    bytes: NonNull<u8>,
    length: usize,
}

// SAFETY: nobody else has the bytes, and SQLite frees what it has allocated on whichever thread.
unsafe impl Send for Pages {}

// SAFETY: behind a shared reference they are only read.
unsafe impl Sync for Pages {}

impl Pages {
    /// Returns the pages of a connection's `main`, as its own open transaction has left them; `None` where there is none, for
    /// which older SQLites say that there is no memory. See <https://sqlite.org/c3ref/serialize.html>.
    pub(super) fn of(conn: &Connection) -> rusqlite::Result<Option<Pages>> {
        if number(conn, "PRAGMA main.page_count")? == 0 {
            return Ok(None);
        }
        let mut length = 0;
        // SAFETY: the handle is open, the name ends with a NUL, and the operation writes one number to `length`.
        let bytes = unsafe { ffi::sqlite3_serialize(conn.handle(), c"main".as_ptr(), &mut length, 0) };
        match (NonNull::new(bytes), usize::try_from(length)) {
            (Some(bytes), Ok(length)) => Ok(Some(Pages { bytes, length })),
            _ => Err(no_memory()),
        }
    }

    /// Copies bytes.
    pub(super) fn copied(bytes: &[u8]) -> rusqlite::Result<Pages> {
        // SAFETY: SQLite gives null or room for as many bytes, and the two do not overlap.
        unsafe {
            let room = NonNull::new(ffi::sqlite3_malloc64(bytes.len() as u64).cast::<u8>()).ok_or_else(no_memory)?;
            room.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            Ok(Pages { bytes: room, length: bytes.len() })
        }
    }

    /// Puts them in place of a schema's database, see <https://sqlite.org/c3ref/deserialize.html>.
    pub(super) fn fill(self, conn: &mut Connection, schema: &str) -> rusqlite::Result<()> {
        let schema = CString::new(schema)?;
        let length = i64::try_from(self.length).map_err(|_| no_memory())?;
        let bytes = self.bytes.as_ptr();
        let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
        // From here on they are SQLite's, which frees them also where it fails.
        std::mem::forget(self);
        // SAFETY: the handle is open and used by no one else meanwhile, the name ends with a NUL, and the bytes are SQLite's own
        // allocation, of that length.
        check(unsafe { ffi::sqlite3_deserialize(conn.handle(), schema.as_ptr(), bytes, length, length, flags) })
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: there are so many bytes, which SQLite or `copied` has written and nobody else has.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr(), self.length) }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: there are so many bytes, which SQLite or `copied` has written and nobody else has.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: they are SQLite's allocation, and not used again.
        unsafe { ffi::sqlite3_free(self.bytes.as_ptr().cast()) };
    }
}

fn no_memory() -> rusqlite::Error {
    failure(ffi::SQLITE_NOMEM, "out of memory")
}
