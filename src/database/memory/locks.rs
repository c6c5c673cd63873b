//! Who has locked a database: the five states of a file's lock, and the eight locks of a WAL's index.
//!
//! See <https://sqlite.org/lockingv3.html> and <https://sqlite.org/walformat.html#wal_locks>.

use std::ffi::c_int;
use std::ops::Range;

use rusqlite::ffi;

/// How far a connection has locked the file. Each state holds those before it.
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
    pub(super) fn from_code(code: c_int) -> Level {
        match code {
            ffi::SQLITE_LOCK_NONE => Level::None,
            ffi::SQLITE_LOCK_SHARED => Level::Shared,
            ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
            ffi::SQLITE_LOCK_PENDING => Level::Pending,
            _ => Level::Exclusive,
        }
    }
}

/// The lock of the index that a writer has for itself.
const WRITER: usize = 0;

/// The locks of the index of which a connection shares one as long as it reads.
const READERS: Range<usize> = 3..SLOTS;

/// How many locks the WAL's index has, `SQLITE_SHM_NLOCK`.
const SLOTS: usize = ffi::SQLITE_SHM_NLOCK as usize;

/// What one connection has locked.
#[derive(Debug, Default)]
pub(super) struct Held {
    level: Level,
    /// Which locks of the index it shares with others, a bit each, and which it has for itself.
    shared: u8,
    exclusive: u8,
}

impl Held {
    /// The locks of the index that it shares with others, a bit each.
    pub(super) fn shared(&self) -> u8 {
        self.shared
    }
}

/// Whether a connection that shares these locks of the index, a bit each, becomes a writer by what it asks of `xShmLock`.
/// Who repairs the index, or copies the log back, takes the writer's lock too, and does not read meanwhile.
pub(in crate::database) fn begins_to_write(shared: u8, first: c_int, count: c_int, flags: c_int) -> bool {
    let takes = flags & ffi::SQLITE_SHM_LOCK != 0 && flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    takes && usize::try_from(first) == Ok(WRITER) && count == 1 && shared & mask(&READERS) != 0
}

/// What all connections of a database have locked.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// How many have the file's lock shared or further.
    readers: usize,
    /// Whether one has it reserved or further, and pending or further.
    reserved: bool,
    pending: bool,
    slots: [Slot; SLOTS],
    /// How many transactions that could write have ended.
    ended: u64,
}

/// One lock of the index.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    readers: usize,
    exclusive: bool,
}

impl Locks {
    /// Takes the file's lock further; whether nobody was in the way.
    ///
    /// A reader that is in the way of an exclusive lock leaves it pending, so that no new reader comes.
    pub(super) fn lock(&mut self, held: &mut Held, wanted: Level) -> bool {
        if held.level >= wanted {
            return true;
        }
        match wanted {
            Level::None => true,
            Level::Shared => {
                if self.pending {
                    return false;
                }
                self.readers += 1;
                held.level = Level::Shared;
                true
            }
            Level::Reserved => {
                if self.reserved {
                    return false;
                }
                self.reserved = true;
                held.level = Level::Reserved;
                true
            }
            Level::Pending | Level::Exclusive => {
                if held.level < Level::Pending {
                    // A reader may go straight to the end, to roll back a journal that somebody left.
                    if self.pending || (self.reserved && held.level < Level::Reserved) {
                        return false;
                    }
                    (self.reserved, self.pending) = (true, true);
                    held.level = Level::Pending;
                }
                if self.readers > 1 {
                    return false;
                }
                held.level = Level::Exclusive;
                true
            }
        }
    }

    /// Takes the file's lock back to `left`, [`Level::Shared`] or [`Level::None`].
    pub(super) fn unlock(&mut self, held: &mut Held, left: Level) {
        if held.level <= left {
            return;
        }
        if held.level >= Level::Pending {
            self.pending = false;
        }
        if held.level >= Level::Reserved {
            self.reserved = false;
            self.ended += 1;
        }
        if left == Level::None {
            self.readers -= 1;
        }
        held.level = left;
    }

    /// Whether somebody is about to write, with a rollback journal.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved
    }

    /// Whether a transaction that can write is open.
    pub(super) fn has_writer(&self) -> bool {
        self.reserved || self.slots.get(WRITER).is_some_and(|slot| slot.exclusive)
    }

    /// Whether somebody is in a transaction of any kind, a checkpoint included.
    pub(super) fn is_any_taken(&self) -> bool {
        self.reserved || self.slots.iter().any(|slot| slot.exclusive || slot.readers > 0)
    }

    /// Counts a change that no transaction made.
    pub(super) fn count_one(&mut self) {
        self.ended += 1;
    }

    /// A number that changes with every transaction that could write, after others can see what it wrote.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// Takes locks of the index together with others who share them; whether nobody has one for itself.
    pub(super) fn share(&mut self, held: &mut Held, slots: Range<usize>) -> bool {
        let mask = mask(&slots) & !held.shared;
        if self.slots.iter().enumerate().any(|(slot, taken)| mask & bit(slot) != 0 && taken.exclusive) {
            return false;
        }
        self.each(mask, |slot| slot.readers += 1);
        held.shared |= mask;
        true
    }

    /// Takes locks of the index for itself; whether nobody else has one of them.
    pub(super) fn exclude(&mut self, held: &mut Held, slots: Range<usize>) -> bool {
        let mask = mask(&slots) & !held.exclusive;
        let free = |slot: usize, taken: &Slot| {
            let own = usize::from(held.shared & bit(slot) != 0);
            !taken.exclusive && taken.readers == own
        };
        if self.slots.iter().enumerate().any(|(slot, taken)| mask & bit(slot) != 0 && !free(slot, taken)) {
            return false;
        }
        self.each(mask, |slot| slot.exclusive = true);
        held.exclusive |= mask;
        true
    }

    /// Gives locks of the index back.
    pub(super) fn release(&mut self, held: &mut Held, slots: Range<usize>) {
        let mask = mask(&slots);
        self.each(mask & held.shared, |slot| slot.readers -= 1);
        self.each(mask & held.exclusive, |slot| slot.exclusive = false);
        self.ended += u64::from(mask & held.exclusive & bit(WRITER) != 0);
        held.shared &= !mask;
        held.exclusive &= !mask;
    }

    /// Gives back everything.
    pub(super) fn release_all(&mut self, held: &mut Held) {
        self.release(held, 0..SLOTS);
        self.unlock(held, Level::None);
    }

    fn each(&mut self, mask: u8, change: impl Fn(&mut Slot)) {
        self.slots.iter_mut().enumerate().filter(|(slot, _)| mask & bit(*slot) != 0).for_each(|(_, slot)| change(slot));
    }
}

fn bit(slot: usize) -> u8 {
    u8::try_from(slot).ok().and_then(|slot| 1u8.checked_shl(slot.into())).unwrap_or(0)
}

fn mask(slots: &Range<usize>) -> u8 {
    slots.clone().map(bit).fold(0, |mask, bit| mask | bit)
}
