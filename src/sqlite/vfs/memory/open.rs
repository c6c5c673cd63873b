//! An open file: a database, or a journal of one.
//!
//! Where a file on a disk would answer with an error of the system's, so does one here, with the code that SQLite makes
//! of it in `os_unix.c`.

use std::ffi::c_int;
use std::sync::Arc;

use rusqlite::ffi::{self, sqlite3_file};

use super::super::gate::{Begins, Into};
use super::contents::add_zeros;
use super::held::{Held, Level};
use super::{Journal, Memory};
use crate::sync::lock;

/// An open file in the place that SQLite keeps for it. The first field is SQLite's.
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

/// A connection's use of the WAL's index.
pub(super) struct UseOfIndex {
    pub(super) began: bool,
    /// Set by `readonly_shm=1` in its URI.
    pub(super) reads_only: bool,
}

/// The settings of one open file.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The system's number of the last error.
    pub(super) last_error: c_int,
    /// The chunks in which it grows, in bytes; any number of bytes where it is not positive.
    pub(super) chunk: c_int,
    /// Set where the log stays when the last connection closes.
    pub(super) keeps_log: bool,
    /// Set where a write changes no byte beside it when the power fails.
    pub(super) overwrites_safely: bool,
    /// The number of bytes that SQLite may map into memory, and that a file would have mapped.
    pub(super) mapped_at_most: usize,
    pub(super) mapped: usize,
}

impl Settings {
    /// Rounds a size up to whole chunks.
    pub(super) fn in_chunks(&self, size: usize) -> usize {
        usize::try_from(self.chunk).ok().and_then(|chunk| size.checked_next_multiple_of(chunk)).unwrap_or(size)
    }
}

/// The system's errors: `EBADF` for writing to a file that was opened only to read, `EINVAL` for cutting one, and for a
/// lock that SQLite does not have.
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

    pub(super) fn write(&mut self, offset: usize, from: &[u8]) -> c_int {
        if self.reads_only {
            return self.fails(NOT_OPENED_TO_WRITE, ffi::SQLITE_IOERR_WRITE);
        }
        let Some(end) = offset.checked_add(from.len()).filter(|end| *end <= LARGEST) else { return ffi::SQLITE_FULL };
        let written = match &self.part {
            Part::Database { held, .. } => {
                // What is copied back from a log was committed before.
                if held.is_writing
                    && let Some(code) = self.memory.gate.instead_of_write(Into::Database)
                    && !self.has(offset, from)
                {
                    return code;
                }
                lock(&self.memory.contents).write(offset, from).is_ok()
            }
            Part::Journal(bytes) => {
                if let Some(code) = self.memory.gate.instead_of_write(Into::Journal) {
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

    /// Returns whether the database has these bytes already: a transaction that was refused writes them as it is rolled back.
    fn has(&self, offset: usize, bytes: &[u8]) -> bool {
        let mut there = vec![0; bytes.len()];
        lock(&self.memory.contents).read(offset, &mut there) && there == bytes
    }

    /// Cuts it or adds zeros, up to a whole number of its chunks.
    pub(super) fn truncate(&mut self, size: usize) -> c_int {
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

    /// Counts a change to the database that no lock will show: of a connection opened with `nolock=1`.
    fn changed(&self) {
        if let Part::Database { held, .. } = &self.part
            && !held.may_write()
        {
            lock(&self.memory.locks).count_one();
        }
    }

    pub(super) fn lock(&mut self, level: c_int) -> c_int {
        let Part::Database { held, .. } = &mut self.part else { return ffi::SQLITE_OK };
        let Some(wanted) = Level::from_code(level) else { return self.fails(INVALID, ffi::SQLITE_IOERR_LOCK) };
        let begins = match wanted {
            Level::Shared if held.level == Level::None => Some(Begins::Reading),
            Level::Reserved => Some(Begins::Writing),
            _ => None,
        };
        if let Some(code) = begins.and_then(|part| held.instead_of(part, &*self.memory.gate)) {
            return code;
        }
        held.has_asked = begins == Some(Begins::Reading);
        let mut locks = lock(&self.memory.locks);
        if self.reads_only && wanted > Level::Shared && held.level < wanted {
            // The system locks nothing for itself in a file that was opened to read.
            if locks.stops(wanted) {
                return ffi::SQLITE_BUSY;
            }
            self.settings.last_error = NOT_OPENED_TO_WRITE;
            return ffi::SQLITE_IOERR_LOCK;
        }
        let refused = locks.refused();
        if !locks.lock(held, wanted) {
            let is_refused = locks.refused() > refused;
            drop(locks);
            if is_refused {
                self.memory.gate.is_refused_or_gets(held.id, held.opener.writer(), false);
            }
            return ffi::SQLITE_BUSY;
        }
        if begins == Some(Begins::Writing) {
            self.memory.gate.writer_begins(held.opener.writer());
        }
        ffi::SQLITE_OK
    }
}

/// Makes a journal that long, with zeros at its end; returns whether there was memory for it. One that is cut gives
/// back what it had for more than most transactions need.
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
    add_zeros(bytes, size);
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
