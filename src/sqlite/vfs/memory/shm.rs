//! The WAL's index as SQLite calls it: memory that connections share, and its locks.
//!
//! See <https://sqlite.org/c3ref/io_methods.html>.

use std::ffi::{c_int, c_void};

use rusqlite::ffi::{self, sqlite3_file};

use super::super::gate::Begins;
use super::held::{begins, bit, SLOTS, WRITER};
use super::index::PIECE;
use super::open::{opened, Open, Part};
use crate::sqlite::callback::without_panic;
use crate::sync::lock;

pub(super) unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    number: c_int,
    size: c_int,
    extend: c_int,
    answer: *mut *mut c_void,
) -> c_int {
    without_panic(ffi::SQLITE_IOERR_SHMMAP, || {
        // SAFETY: the file is open, and SQLite passes a place for the answer.
        let open = unsafe {
            *answer = std::ptr::null_mut();
            opened(file)
        };
        match open.map(number, size, extend != 0) {
            Ok(address) => {
                // SAFETY: as above.
                unsafe { *answer = address };
                ffi::SQLITE_OK
            }
            Err(code) => code,
        }
    })
}

impl Open {
    fn map(&mut self, number: c_int, size: c_int, extend: bool) -> Result<*mut c_void, c_int> {
        let (Ok(number), Ok(PIECE), Part::Database { index: using, .. }) =
            (usize::try_from(number), usize::try_from(size), &mut self.part)
        else {
            return Err(ffi::SQLITE_IOERR_SHMMAP);
        };
        let mut index = lock(&self.memory.index);
        if !using.began {
            index.join(using.reads_only)?;
            using.began = true;
        }
        index.piece(number, extend)
    }

    fn lock_index(&mut self, first: c_int, count: c_int, flags: c_int) -> c_int {
        let Part::Database { held, index } = &mut self.part else { return ffi::SQLITE_IOERR_SHMLOCK };
        let begins = begins(held.shared, held.exclusive & bit(WRITER) != 0, first, count, flags);
        let (Ok(first), Ok(count), true) = (usize::try_from(first), usize::try_from(count), index.began) else {
            return ffi::SQLITE_IOERR_SHMLOCK;
        };
        let slots = first..first.saturating_add(count);
        if slots.end > SLOTS {
            return ffi::SQLITE_IOERR_SHMLOCK;
        }
        // The lock of the file was asked about just now, if the log is read for the first time.
        let has_asked = begins == Some(Begins::Reading) && std::mem::take(&mut held.has_asked);
        let asks = begins.filter(|_| !has_asked);
        if let Some(code) = asks.and_then(|part| held.instead_of(part, &*self.memory.gate)) {
            return code;
        }
        let had_log = held.exclusive & bit(WRITER) != 0;
        let mut locks = lock(&self.memory.locks);
        let refused = locks.refused();
        let taken = if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            locks.release(held, slots);
            true
        } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
            locks.share(held, slots)
        } else {
            // The system locks nothing for itself in a file that was opened to read.
            !lock(&self.memory.index).is_unusable() && locks.exclude(held, slots)
        };
        let is_refused = locks.refused() > refused;
        drop(locks);
        if is_refused {
            self.memory.gate.is_refused_or_gets(held.id, held.opener.writer(), false);
        }
        if !taken {
            return ffi::SQLITE_BUSY;
        }
        if had_log && held.exclusive & bit(WRITER) == 0 {
            self.memory.gate.writer_ends();
        }
        if begins == Some(Begins::Writing) {
            self.memory.gate.writer_begins(held.opener.writer());
        }
        ffi::SQLITE_OK
    }
}

pub(super) unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_SHMLOCK, || {
        // SAFETY: the file is open.
        unsafe { opened(file) }.lock_index(first, count, flags)
    })
}

pub(super) unsafe extern "C" fn shm_barrier(_file: *mut sqlite3_file) {
    // No panic: it is one instruction.
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

pub(super) unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR, || {
        // SAFETY: the file is open.
        let Open { memory, part, .. } = unsafe { opened(file) };
        if let Part::Database { index, .. } = part
            && index.began
        {
            index.began = false;
            lock(&memory.index).leave(delete != 0);
        }
        ffi::SQLITE_OK
    })
}
