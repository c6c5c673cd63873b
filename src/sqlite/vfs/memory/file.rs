//! An open file as SQLite calls it: a database, or a journal of one.
//!
//! See <https://sqlite.org/c3ref/io_methods.html>. Each function here turns C's arguments into Rust's. None of them
//! panics: a panic in an `extern "C"` function ends the process. Where a file on a disk would answer with an error of the
//! system's, so does one here, with the code that SQLite makes of it in `os_unix.c`.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods};

use super::control::{file_control, Settings};
use super::held::{Held, Level};
use super::shm::{shm_barrier, shm_lock, shm_map, shm_unmap};
use super::{Journal, Memory};
use crate::sync::lock;

/// What stands where SQLite keeps an open file. Its first field is what SQLite knows of it.
#[repr(C)]
pub(super) struct File {
    pub(super) base: sqlite3_file,
    pub(super) open: *mut Open,
}

/// An open file.
pub(super) struct Open {
    pub(super) memory: Arc<Memory>,
    pub(super) part: Part,
    /// Set where it was opened with `SQLITE_OPEN_READONLY`.
    pub(super) reads_only: bool,
    /// Set unless its URI says `psow=0`. SQLite's own file systems ask no later, whatever is set then.
    pub(super) overwrites_safely: bool,
    pub(super) settings: Settings,
}

pub(super) enum Part {
    Database { held: Held, index: UseOfIndex },
    Journal(Arc<Journal>),
}

/// How a connection uses the WAL's index.
pub(super) struct UseOfIndex {
    pub(super) began: bool,
    /// Set by `readonly_shm=1` in its URI.
    pub(super) reads_only: bool,
}

/// The system's errors of a file that was opened only to read: `EBADF` for writing to it, `EINVAL` for cutting it.
pub(super) const NOT_OPENED_TO_WRITE: c_int = 9;
pub(super) const INVALID: c_int = 22;

/// The most bytes that a file here can have. Memory ends long before, but a page number that is damaged must not make
/// room for what it says.
const LARGEST: usize = if usize::BITS > 32 { 1 << 38 } else { 1 << 30 };

impl Open {
    pub(super) fn size(&self) -> usize {
        match &self.part {
            Part::Database { .. } => lock(&self.memory.contents).size(),
            Part::Journal(bytes) => lock(bytes).len(),
        }
    }

    /// Notes the system's error and returns SQLite's.
    pub(super) fn fails(&mut self, last_error: c_int, code: c_int) -> c_int {
        self.settings.last_error = last_error;
        code
    }

    fn write(&mut self, offset: usize, from: &[u8]) -> c_int {
        if self.reads_only {
            return self.fails(NOT_OPENED_TO_WRITE, ffi::SQLITE_IOERR_WRITE);
        }
        let Some(end) = offset.checked_add(from.len()).filter(|end| *end <= LARGEST) else { return ffi::SQLITE_FULL };
        let written = match &self.part {
            Part::Database { .. } => lock(&self.memory.contents).write(offset, from).is_ok(),
            // What a transaction writes goes into a journal first, of whatever kind; what is copied back into the
            // database was committed before.
            Part::Journal(bytes) => {
                if let Some(code) = self.memory.faults.instead_of_write() {
                    return code;
                }
                let mut bytes = lock(bytes);
                let there = bytes.len();
                let grown = there >= end || resize(&mut bytes, end);
                if let Some(place) = bytes.get_mut(offset..end) {
                    place.copy_from_slice(from);
                }
                grown
            }
        };
        self.changed();
        if written {
            ffi::SQLITE_OK
        } else {
            ffi::SQLITE_FULL
        }
    }

    /// Cuts it or adds zeros, up to a whole number of its chunks.
    fn truncate(&mut self, size: usize) -> c_int {
        if self.reads_only {
            return self.fails(INVALID, ffi::SQLITE_IOERR_TRUNCATE);
        }
        let size = self.settings.in_chunks(size);
        if !self.set_size(size) {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        self.settings.mapped = self.settings.mapped.min(size);
        ffi::SQLITE_OK
    }

    /// Returns whether there was room for it.
    pub(super) fn set_size(&self, size: usize) -> bool {
        let done = size <= LARGEST
            && match &self.part {
                Part::Database { .. } => {
                    lock(&self.memory.contents).set_size(size);
                    true
                }
                Part::Journal(bytes) => resize(&mut lock(bytes), size),
            };
        self.changed();
        done
    }

    /// Counts a change to the database that no lock will tell of: of a connection opened with `nolock=1`.
    fn changed(&self) {
        if let Part::Database { held, .. } = &self.part
            && !held.may_write()
        {
            lock(&self.memory.locks).count_one();
        }
    }

    fn lock(&mut self, level: c_int) -> c_int {
        let Part::Database { held, .. } = &mut self.part else { return ffi::SQLITE_OK };
        let begins_to_write = level == ffi::SQLITE_LOCK_RESERVED;
        if begins_to_write && let Some(code) = self.memory.faults.instead_of_lock() {
            return code;
        }
        let mut locks = lock(&self.memory.locks);
        let wanted = Level::from_code(level);
        if self.reads_only && wanted > Level::Shared && held.level < wanted {
            // The system locks nothing for itself in a file that was opened to read.
            if locks.stops(wanted) {
                return ffi::SQLITE_BUSY;
            }
            self.settings.last_error = NOT_OPENED_TO_WRITE;
            return ffi::SQLITE_IOERR_LOCK;
        }
        if !locks.lock(held, wanted) {
            return ffi::SQLITE_BUSY;
        }
        if begins_to_write {
            self.memory.faults.writer_begins(held.opener.writer());
        }
        ffi::SQLITE_OK
    }
}

/// Makes a journal that long, with zeros at its end; returns whether there was memory for it. One that is cut gives back
/// what it had for more than most transactions need.
fn resize(bytes: &mut Vec<u8>, size: usize) -> bool {
    const KEPT: usize = 1 << 18;
    if size < bytes.len() {
        bytes.truncate(size);
        bytes.shrink_to(KEPT);
        return true;
    }
    if bytes.try_reserve(size - bytes.len()).is_err() {
        return false;
    }
    bytes.resize(size, 0);
    true
}

/// Returns the open file behind SQLite's pointer.
///
/// # Safety
///
/// `file` is one that `open` opened and that is not closed. SQLite uses a file from one thread at a time.
pub(super) unsafe fn opened<'f>(file: *mut sqlite3_file) -> &'f mut Open {
    // SAFETY: by the caller; `open` has put a box there.
    unsafe { &mut *(*file.cast::<File>()).open }
}

pub(super) static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock_file),
    xUnlock: Some(unlock_file),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
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
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, amount: c_int, offset: i64) -> c_int {
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
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, offset: i64) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: the file is open, and SQLite passes `amount` bytes.
    unsafe { opened(file).write(offset, std::slice::from_raw_parts(from.cast::<u8>(), amount)) }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    let Ok(size) = usize::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
    // SAFETY: the file is open.
    unsafe { opened(file) }.truncate(size)
}

unsafe extern "C" fn sync(_file: *mut sqlite3_file, _flags: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, answer: *mut i64) -> c_int {
    // SAFETY: the file is open.
    let size = i64::try_from(unsafe { opened(file) }.size()).unwrap_or(i64::MAX);
    // On a disk, where some systems cannot lock an empty file, one byte is none.
    // SAFETY: SQLite passes a place for the answer.
    unsafe { *answer = if size == 1 { 0 } else { size } };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { opened(file) }.lock(level)
}

unsafe extern "C" fn unlock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let Open { memory, part, .. } = unsafe { opened(file) };
    if let Part::Database { held, .. } = part {
        lock(&memory.locks).unlock(held, Level::from_code(level));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, answer: *mut c_int) -> c_int {
    // SAFETY: the file is open, and SQLite passes a place for the answer.
    unsafe { *answer = c_int::from(lock(&opened(file).memory.locks).is_reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    4096
}

/// Promises no more than a file on a disk, so that SQLite does the same with both.
unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file is open.
    let promised = if unsafe { opened(file) }.overwrites_safely { ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE } else { 0 };
    promised | ffi::SQLITE_IOCAP_SUBPAGE_READ
}

/// Gives no address, upon which SQLite reads: nothing is mapped into memory that is there already. All that is noted is
/// how much of a file would be, on which the file's growth depends.
unsafe extern "C" fn fetch(file: *mut sqlite3_file, _offset: i64, _amount: c_int, answer: *mut *mut c_void) -> c_int {
    // SAFETY: the file is open, and SQLite passes a place for the answer.
    unsafe {
        *answer = std::ptr::null_mut();
        let open = opened(file);
        if open.settings.mapped == 0 {
            open.settings.mapped = open.size().min(open.settings.mapped_at_most);
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn unfetch(file: *mut sqlite3_file, _offset: i64, _address: *mut c_void) -> c_int {
    // SAFETY: the file is open.
    unsafe { opened(file) }.settings.mapped = 0;
    ffi::SQLITE_OK
}
