//! An open file's methods as SQLite calls them.
//!
//! See <https://sqlite.org/c3ref/io_methods.html>. Each function here turns C's arguments into Rust's. None of them
//! panics: a panic in an `extern "C"` function ends the process.

use std::ffi::{c_int, c_void};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods};

use super::super::methods::io_methods;
use super::control::file_control;
use super::held::Level;
use super::open::{opened, File, Open, Part, INVALID};
use super::shm::{shm_barrier, shm_lock, shm_map, shm_unmap};
use crate::sqlite::callback::without_panic;
use crate::sync::lock;

pub(super) static METHODS: sqlite3_io_methods = io_methods!(3);

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    without_panic(ffi::SQLITE_IOERR_CLOSE, || {
        // SAFETY: SQLite closes a file once; what `open` put there is taken back, and nothing is left to be used.
        let Open { memory, part, .. } = unsafe {
            (*file).pMethods = std::ptr::null();
            *Box::from_raw((*file.cast::<File>()).open)
        };
        if let Part::Database { mut held, index } = part {
            lock(&memory.locks).release_all(&mut held);
            if index.began {
                lock(&memory.index).leave(false);
            }
        }
        ffi::SQLITE_OK
    })
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, amount: c_int, offset: i64) -> c_int {
    without_panic(ffi::SQLITE_IOERR_READ, || {
        let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
            return ffi::SQLITE_IOERR_READ;
        };
        // SAFETY: the file is open, and SQLite passes `amount` bytes of room.
        let (open, into) = unsafe { (opened(file), std::slice::from_raw_parts_mut(into.cast::<u8>(), amount)) };
        let whole = match &open.part {
            Part::Database { .. } => lock(&open.memory.contents).read(offset, into),
            Part::Journal(bytes) => {
                let bytes = lock(bytes);
                let there = bytes.get(offset..).unwrap_or_default();
                let (inside, beyond) = into.split_at_mut(amount.min(there.len()));
                inside.copy_from_slice(there.get(..inside.len()).unwrap_or_default());
                beyond.fill(0);
                beyond.is_empty()
            }
        };
        if whole {
            ffi::SQLITE_OK
        } else {
            open.settings.last_error = 0;
            ffi::SQLITE_IOERR_SHORT_READ
        }
    })
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, offset: i64) -> c_int {
    without_panic(ffi::SQLITE_IOERR_WRITE, || {
        let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
            return ffi::SQLITE_IOERR_WRITE;
        };
        // SAFETY: the file is open, and SQLite passes `amount` bytes.
        unsafe { opened(file).write(offset, std::slice::from_raw_parts(from.cast::<u8>(), amount)) }
    })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    without_panic(ffi::SQLITE_IOERR_TRUNCATE, || {
        let Ok(size) = usize::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
        // SAFETY: the file is open.
        unsafe { opened(file) }.truncate(size)
    })
}

unsafe extern "C" fn sync(_file: *mut sqlite3_file, _flags: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, answer: *mut i64) -> c_int {
    without_panic(ffi::SQLITE_IOERR_FSTAT, || {
        // SAFETY: the file is open.
        let size = i64::try_from(unsafe { opened(file) }.size()).unwrap_or(i64::MAX);
        // On a disk, where some systems cannot lock an empty file, one byte is none.
        // SAFETY: SQLite passes a place for the answer.
        unsafe { *answer = if size == 1 { 0 } else { size } };
        ffi::SQLITE_OK
    })
}

unsafe extern "C" fn lock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_LOCK, || {
        // SAFETY: the file is open.
        unsafe { opened(file) }.lock(level)
    })
}

unsafe extern "C" fn unlock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_UNLOCK, || {
        // SAFETY: the file is open.
        let open = unsafe { opened(file) };
        let Some(left) = Level::from_code(level) else { return open.fails(INVALID, ffi::SQLITE_IOERR_UNLOCK) };
        if let Part::Database { held, .. } = &mut open.part {
            let wrote = held.level >= Level::Reserved;
            lock(&open.memory.locks).unlock(held, left);
            if wrote {
                open.memory.gate.writer_ends();
            }
        }
        ffi::SQLITE_OK
    })
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, answer: *mut c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, || {
        // SAFETY: the file is open, and SQLite passes a place for the answer.
        unsafe { *answer = c_int::from(lock(&opened(file).memory.locks).is_reserved()) };
        ffi::SQLITE_OK
    })
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    4096
}

/// `SQLITE_IOCAP_SUBPAGE_READ`, new in SQLite 3.48; an older one does not look at it.
const SUBPAGE_READ: c_int = 0x8000;

/// Promises no more than a file on a disk, so that SQLite does the same with both.
unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // No panic: it reads a flag.
    // SAFETY: the file is open.
    let promised = if unsafe { opened(file) }.overwrites_safely { ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE } else { 0 };
    promised | SUBPAGE_READ
}

/// Gives no address, upon which SQLite reads: nothing is mapped into memory that is there already. All that is noted is
/// how much of a file would be, on which the file's growth depends.
unsafe extern "C" fn fetch(file: *mut sqlite3_file, _offset: i64, _amount: c_int, answer: *mut *mut c_void) -> c_int {
    without_panic(ffi::SQLITE_IOERR, || {
        // SAFETY: the file is open, and SQLite passes a place for the answer.
        unsafe {
            *answer = std::ptr::null_mut();
            let open = opened(file);
            if open.settings.mapped == 0 {
                open.settings.mapped = open.size().min(open.settings.mapped_at_most);
            }
        }
        ffi::SQLITE_OK
    })
}

unsafe extern "C" fn unfetch(file: *mut sqlite3_file, _offset: i64, _address: *mut c_void) -> c_int {
    without_panic(ffi::SQLITE_IOERR, || {
        // SAFETY: the file is open.
        unsafe { opened(file) }.settings.mapped = 0;
        ffi::SQLITE_OK
    })
}
