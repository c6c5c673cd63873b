//! The locks that one connection holds of a database: the file's level, and locks of the WAL's index.

use std::ffi::c_int;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::ffi;

use super::super::gate::{instead_of_lock, Begins, Gate};
use super::who::Opener;

/// The state of a connection's lock on the file. Each state holds those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    #[default]
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

impl Level {
    /// Returns SQLite's code of the level.
    pub(super) fn code(self) -> c_int {
        match self {
            Level::None => ffi::SQLITE_LOCK_NONE,
            Level::Shared => ffi::SQLITE_LOCK_SHARED,
            Level::Reserved => ffi::SQLITE_LOCK_RESERVED,
            Level::Pending => ffi::SQLITE_LOCK_PENDING,
            Level::Exclusive => ffi::SQLITE_LOCK_EXCLUSIVE,
        }
    }

    /// Returns the level of SQLite's code, if it is one.
    pub(super) fn from_code(code: c_int) -> Option<Level> {
        Some(match code {
            ffi::SQLITE_LOCK_NONE => Level::None,
            ffi::SQLITE_LOCK_SHARED => Level::Shared,
            ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
            ffi::SQLITE_LOCK_PENDING => Level::Pending,
            ffi::SQLITE_LOCK_EXCLUSIVE => Level::Exclusive,
            _ => return None,
        })
    }
}

/// The lock of the index that a writer has for itself.
pub(super) const WRITER: usize = 0;

/// The lock of the index that a checkpoint has for itself.
pub(super) const CHECKPOINTER: usize = 1;

/// The locks of the index of which a connection shares one as long as it reads.
const READERS: Range<usize> = 3..SLOTS;

/// The number of locks of the WAL's index, `SQLITE_SHM_NLOCK`.
pub(super) const SLOTS: usize = ffi::SQLITE_SHM_NLOCK as usize;

/// The locks of one connection.
#[derive(Debug)]
pub(super) struct Held {
    /// A number that no other connection of the process has.
    pub(super) id: u64,
    pub(super) opener: Opener,
    pub(super) level: Level,
    /// The locks of the index that it shares with others, a bit each, and those that it has for itself.
    pub(super) shared: u8,
    pub(super) exclusive: u8,
    /// The size of the pages when it last began to read, by the number of its changes.
    pub(super) page_size: u64,
    /// Set from the lock of the file to that of the index, both of which the first reading of a log takes.
    pub(super) has_asked: bool,
    /// Set from the lock of a writer of the file to its end: one that repairs the file after a crash takes another.
    pub(super) is_writing: bool,
}

impl Held {
    /// Makes one of a connection that has locked nothing yet.
    pub(super) fn new(opener: Opener) -> Held {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Held {
            id,
            opener,
            level: Level::None,
            shared: 0,
            exclusive: 0,
            page_size: 0,
            has_asked: false,
            is_writing: false,
        }
    }

    /// Returns SQLite's code in place of the lock for that part of a transaction. The harness's own connections ask about what
    /// they write alone.
    pub(super) fn instead_of(&self, begins: Begins, gate: &dyn Gate) -> Option<c_int> {
        if begins == Begins::Reading && self.opener == Opener::Harness {
            return None;
        }
        instead_of_lock(gate, begins)
    }

    /// Returns whether it has a lock with which the database is written to: a transaction's, or that of copying the log
    /// back.
    pub(super) fn may_write(&self) -> bool {
        self.level >= Level::Reserved || self.exclusive & (bit(WRITER) | bit(CHECKPOINTER)) != 0
    }
}

/// Returns the part of its transaction that a connection begins by what it asks of `xShmLock`; `shared` has the locks of the
/// index that it shares, a bit each, and `writes` says whether it has the writer's. A writer that begins the log anew reads on
/// under another lock. Who repairs the index, or copies the log back, takes the writer's lock too, and does
/// not read meanwhile.
pub(crate) fn begins(shared: u8, writes: bool, first: c_int, count: c_int, flags: c_int) -> Option<Begins> {
    let first = usize::try_from(first).ok().filter(|_| flags & ffi::SQLITE_SHM_LOCK != 0 && count == 1)?;
    if flags & ffi::SQLITE_SHM_SHARED != 0 {
        (READERS.contains(&first) && !writes).then_some(Begins::Reading)
    } else {
        (first == WRITER && shared & mask(&READERS) != 0).then_some(Begins::Writing)
    }
}

/// Returns the bit of a lock of the index.
pub(super) fn bit(slot: usize) -> u8 {
    u8::try_from(slot).ok().and_then(|slot| 1u8.checked_shl(slot.into())).unwrap_or(0)
}

/// Returns the bits of several.
pub(super) fn mask(slots: &Range<usize>) -> u8 {
    slots.clone().map(bit).fold(0, |mask, bit| mask | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_sqlite_does_not_have_is_no_level() {
        for level in [Level::None, Level::Shared, Level::Reserved, Level::Pending, Level::Exclusive] {
            assert_eq!(Level::from_code(level.code()), Some(level));
        }
        assert_eq!([-1, ffi::SQLITE_LOCK_EXCLUSIVE + 1].map(Level::from_code), [None, None]);
    }
}
