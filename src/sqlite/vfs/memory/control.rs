//! Questions to an open file and settings of it, beside reading and writing.
//!
//! See <https://sqlite.org/c3ref/file_control.html> for the public operations, and `unixFileControl` in SQLite's source
//! for what a file on a disk answers.

use std::ffi::{c_char, c_int, c_void};

use rusqlite::ffi::{self, sqlite3_file};

use super::held::Level;
use super::name::c_name;
use super::open::{opened, Open, Part, INVALID, NOT_OPENED_TO_WRITE};
use super::temporary::{most_to_map, of_temporary_file};
use crate::sqlite::callback::without_panic;

impl Open {
    /// Grows to the size that SQLite is about to need, as a file would: in chunks, or where it is mapped.
    fn will_be(&mut self, size: usize) -> c_int {
        let in_chunks = self.settings.in_chunks(size);
        if self.settings.chunk > 0 && in_chunks > self.size() {
            if self.reads_only {
                return self.fails(NOT_OPENED_TO_WRITE, ffi::SQLITE_IOERR_WRITE);
            }
            if !self.set_size(in_chunks) {
                return ffi::SQLITE_IOERR_WRITE;
            }
        }
        if self.settings.mapped_at_most > 0 && size > self.settings.mapped {
            if self.settings.chunk <= 0 {
                if self.reads_only {
                    return self.fails(INVALID, ffi::SQLITE_IOERR_TRUNCATE);
                }
                if !self.set_size(size) {
                    return ffi::SQLITE_IOERR_TRUNCATE;
                }
            }
            self.settings.mapped = size.min(self.settings.mapped_at_most);
        }
        ffi::SQLITE_OK
    }

    /// Sets how much may be mapped, unless the number is negative, and returns how much might be before.
    fn map_at_most(&mut self, bytes: i64) -> Result<i64, c_int> {
        let before = i64::try_from(self.settings.mapped_at_most).unwrap_or(i64::MAX);
        // SQLite sets nothing to be mapped for each file that it opens, for which the system need not be asked.
        if bytes != 0 || before != 0 {
            let bytes = bytes.min(most_to_map()?);
            if let Ok(bytes) = usize::try_from(bytes)
                && bytes != self.settings.mapped_at_most
            {
                self.settings.mapped_at_most = bytes;
                if self.settings.mapped > 0 {
                    self.settings.mapped = self.size().min(bytes);
                }
            }
        }
        Ok(before)
    }
}

pub(super) unsafe extern "C" fn file_control(
    file: *mut sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    without_panic(ffi::SQLITE_IOERR, || {
        // SAFETY: the file is open.
        let open = unsafe { opened(file) };
        // SAFETY: each operation passes the address of what its documentation says.
        unsafe {
            match operation {
                ffi::SQLITE_FCNTL_LOCKSTATE => {
                    let level = if let Part::Database { held, .. } = &open.part { held.level } else { Level::None };
                    *argument.cast::<c_int>() = level.code();
                }
                ffi::SQLITE_FCNTL_LAST_ERRNO => *argument.cast::<c_int>() = open.settings.last_error,
                ffi::SQLITE_FCNTL_CHUNK_SIZE => open.settings.chunk = *argument.cast::<c_int>(),
                ffi::SQLITE_FCNTL_SIZE_HINT => {
                    return usize::try_from(*argument.cast::<i64>()).map_or(ffi::SQLITE_OK, |size| open.will_be(size));
                }
                ffi::SQLITE_FCNTL_PERSIST_WAL => switch(&mut open.settings.keeps_log, argument),
                ffi::SQLITE_FCNTL_POWERSAFE_OVERWRITE => switch(&mut open.settings.overwrites_safely, argument),
                ffi::SQLITE_FCNTL_VFSNAME => {
                    *argument.cast::<*mut c_char>() = ffi::sqlite3_mprintf(c"%s".as_ptr(), c_name());
                }
                ffi::SQLITE_FCNTL_MMAP_SIZE => {
                    let bytes = argument.cast::<i64>();
                    match open.map_at_most(*bytes) {
                        Ok(before) => *bytes = before,
                        Err(code) => return code,
                    }
                }
                // Nobody can put another file in its place, and no other process reads it.
                ffi::SQLITE_FCNTL_HAS_MOVED | ffi::SQLITE_FCNTL_EXTERNAL_READER => *argument.cast::<c_int>() = 0,
                ffi::SQLITE_FCNTL_TEMPFILENAME => return of_temporary_file(operation, argument),
                _ => return ffi::SQLITE_NOTFOUND,
            }
        }
        ffi::SQLITE_OK
    })
}

/// Sets it to the number there, or asks for it where that is negative.
///
/// # Safety
///
/// `argument` is the address of a number.
unsafe fn switch(setting: &mut bool, argument: *mut c_void) {
    // SAFETY: by the caller.
    unsafe {
        let number = argument.cast::<c_int>();
        if *number < 0 {
            *number = c_int::from(*setting);
        } else {
            *setting = *number != 0;
        }
    }
}
