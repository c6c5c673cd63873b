//! The locks of a database and their holders: the five states of a file's lock, and the eight locks of a WAL's index.
//!
//! See <https://sqlite.org/lockingv3.html> and <https://sqlite.org/walformat.html#wal_locks>.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::held::{bit, mask, Held, Level, CHECKPOINTER, SLOTS, WRITER};
use super::refusals::Refusals;
use super::who::{Lock, Party, Refusal};
use crate::list::retain;

/// The number of changes to any database.
static ALL_ENDED: AtomicU64 = AtomicU64::new(0);

/// Returns the number of changes to all databases of the process. While it stands, so does that of each.
pub(super) fn all_ended() -> u64 {
    ALL_ENDED.load(Ordering::Acquire)
}

/// The locks of all connections of a database.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// The holders of the file's lock, shared or further, by their numbers.
    readers: Vec<(u64, Party)>,
    /// Set if one has it reserved or further, and pending or further.
    reserved: bool,
    pending: bool,
    slots: [Slot; SLOTS],
    /// The number of transactions that could write and have ended.
    ended: u64,
    /// The number of times that the size of the pages changed while connections had the database open in WAL mode.
    page_size: u64,
    /// The writer, with either kind of journal: the last to take a lock for it, while somebody has one.
    writer: Option<Party>,
    /// The connections that were refused a lock and have not got it since, one entry each, the last one last.
    refusals: Refusals,
    refused: u64,
}

/// One lock of the index.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    readers: usize,
    exclusive: bool,
}

impl Locks {
    /// Takes the file's lock further, and returns whether nobody blocked that.
    ///
    /// A reader that blocks a writer's commit leaves it pending, so that no new reader comes. One that
    /// blocks a connection that only reads changes nothing: that is how a connection that closes finds out
    /// whether it is the last.
    pub(super) fn lock(&mut self, held: &mut Held, wanted: Level) -> bool {
        if held.level >= wanted {
            return true;
        }
        match wanted {
            Level::None => true,
            Level::Shared => {
                if self.pending {
                    self.refuse(held, Lock::Write);
                    return false;
                }
                self.readers.push((held.id, Party::here(held.opener)));
                held.level = Level::Shared;
                self.forget(held);
                true
            }
            Level::Reserved => {
                if self.reserved {
                    self.refuse(held, Lock::Write);
                    return false;
                }
                self.reserved = true;
                self.write(held);
                (held.level, held.is_writing) = (Level::Reserved, true);
                true
            }
            Level::Pending | Level::Exclusive => {
                if held.level < Level::Reserved {
                    if self.stops(wanted) {
                        return false;
                    }
                    self.write(held);
                }
                (self.reserved, self.pending) = (true, true);
                held.level = Level::Pending;
                if self.readers.len() > 1 {
                    self.refuse(held, Lock::Read);
                    return false;
                }
                self.forget(held);
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
            (self.reserved, held.is_writing) = (false, false);
            self.count_one();
        }
        if left == Level::None {
            retain(&mut self.readers, |(id, _)| *id != held.id);
        }
        held.level = left;
        self.writer_left();
    }

    /// Returns whether another has a lock that keeps a reader from going further, to `wanted`.
    pub(super) fn stops(&self, wanted: Level) -> bool {
        self.reserved || (wanted > Level::Reserved && self.readers.len() > 1)
    }

    /// Returns whether somebody is about to write, with a rollback journal.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved
    }

    /// Returns whether a transaction that can write is open.
    pub(super) fn has_writer(&self) -> bool {
        self.reserved || self.slots.get(WRITER).is_some_and(|slot| slot.exclusive)
    }

    /// Reports whether a connection to a database in WAL mode has a transaction open, a checkpoint included.
    ///
    /// A reserved lock of the file says nothing there: SQLite keeps it after `PRAGMA journal_mode` failed to leave WAL
    /// mode.
    pub(super) fn is_any_taken_in_wal(&self) -> bool {
        self.pending || self.slots.iter().any(|slot| slot.exclusive || slot.readers > 0)
    }

    /// Counts a change: the end of a transaction that could write, or one that no transaction made.
    pub(super) fn count_one(&mut self) {
        self.ended += 1;
        ALL_ENDED.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a change of the page size that no transaction made.
    ///
    /// A connection learns of it when it next reads. Until then it gets no checkpoint's lock: its checkpoint would be
    /// of pages of the old size, and SQLite would call the database malformed.
    pub(super) fn change_page_size(&mut self) {
        self.page_size += 1;
    }

    /// Returns a number that changes with every transaction that could write, after others can see what it wrote.
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
        held.page_size = self.page_size;
        true
    }

    /// Takes locks of the index for itself; returns whether nobody had one of them, itself included.
    pub(super) fn exclude(&mut self, held: &mut Held, slots: Range<usize>) -> bool {
        let mask = mask(&slots) & !held.exclusive;
        let is_taken = |taken: &Slot| taken.exclusive || taken.readers > 0;
        let writes = mask & bit(WRITER) != 0;
        if mask == bit(CHECKPOINTER) && held.page_size != self.page_size {
            return false;
        }
        if self.slots.iter().enumerate().any(|(slot, taken)| mask & bit(slot) != 0 && is_taken(taken)) {
            // Who does not read wants to make the index anew, and is not in anybody's way for long.
            if writes && held.shared != 0 {
                self.refuse(held, Lock::Write);
            }
            return false;
        }
        if writes {
            self.write(held);
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
        let wrote = mask & held.exclusive & bit(WRITER) != 0;
        held.shared &= !mask;
        held.exclusive &= !mask;
        if wrote {
            self.count_one();
            self.writer_left();
        }
    }

    /// Gives back everything.
    pub(super) fn release_all(&mut self, held: &mut Held) {
        self.release(held, 0..SLOTS);
        self.unlock(held, Level::None);
    }

    /// Returns who can write now.
    pub(super) fn writer(&self) -> Option<&Party> {
        self.writer.as_ref()
    }

    /// Returns who was refused a lock and has not got it since, the last one last.
    pub(super) fn refusals(&self) -> impl DoubleEndedIterator<Item = &Refusal> {
        self.refusals.iter()
    }

    /// Returns the number of times that a lock was refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Notes who writes from here on.
    fn write(&mut self, held: &Held) {
        self.writer = Some(Party::here(held.opener));
        self.forget(held);
    }

    fn writer_left(&mut self) {
        if !self.has_writer() {
            self.writer = None;
        }
    }

    fn refuse(&mut self, held: &Held, lock: Lock) {
        let holders = match lock {
            Lock::Write => self.writer.iter().cloned().collect(),
            Lock::Read => {
                self.readers.iter().filter(|(id, _)| *id != held.id).map(|(_, reader)| reader.clone()).collect()
            }
        };
        self.refused += 1;
        self.refusals.add(Refusal { id: held.id, waiter: Party::here(held.opener), holders, lock, at: Instant::now() });
    }

    /// Forgets that a connection was refused a lock, which it has now got.
    fn forget(&mut self, held: &Held) {
        self.refusals.forget(held.id);
    }

    fn each(&mut self, mask: u8, change: impl Fn(&mut Slot)) {
        self.slots.iter_mut().enumerate().filter(|(slot, _)| mask & bit(*slot) != 0).for_each(|(_, slot)| change(slot));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::refusals::REFUSALS;
    use super::super::who::Opener;
    use super::*;

    fn some<const N: usize>(locks: &mut Locks) -> [Held; N] {
        std::array::from_fn(|_| {
            let mut held = Held::new(Opener::Uri);
            assert!(locks.lock(&mut held, Level::Shared));
            held
        })
    }

    #[test]
    fn who_closes_and_is_not_the_last_leaves_no_trace() {
        let mut locks = Locks::default();
        let [mut one, _other] = some(&mut locks);
        let ended = locks.ended();
        assert!(!locks.lock(&mut one, Level::Exclusive));
        assert!(!locks.has_writer() && !locks.is_any_taken_in_wal());
        assert!(locks.lock(&mut Held::new(Opener::Uri), Level::Shared));
        locks.release_all(&mut one);
        assert_eq!((locks.ended(), locks.refusals().count()), (ended, 0));
    }

    #[test]
    fn a_writer_that_waits_for_readers_lets_no_new_one_in() {
        let mut locks = Locks::default();
        let [mut writer, mut reader] = some(&mut locks);
        assert!(locks.lock(&mut writer, Level::Reserved));
        assert!(locks.lock(&mut Held::new(Opener::Uri), Level::Shared));
        assert!(!locks.lock(&mut writer, Level::Exclusive));
        assert!(!locks.lock(&mut Held::new(Opener::Uri), Level::Shared));
        assert!(!locks.lock(&mut reader, Level::Reserved));
        assert_eq!(locks.refusals().count(), 3);
        locks.unlock(&mut writer, Level::None);
        assert!(locks.lock(&mut reader, Level::Reserved));
        assert!(locks.lock(&mut Held::new(Opener::Uri), Level::Shared));
        // The reader has got what it was refused.
        assert_eq!(locks.refusals().count(), 2);
    }

    #[test]
    fn refusals_are_remembered_by_connection_and_bounded() {
        let mut locks = Locks::default();
        let [mut writer, mut waiter] = some(&mut locks);
        for held in [&mut writer, &mut waiter] {
            assert!(locks.share(held, 3..4));
        }
        assert!(locks.exclude(&mut writer, WRITER..WRITER + 1));
        for _ in 0..10 {
            assert!(!locks.exclude(&mut waiter, WRITER..WRITER + 1));
        }
        assert_eq!(locks.refusals().count(), 1);
        for _ in 0..2 * REFUSALS {
            let mut other = Held::new(Opener::Uri);
            assert!(locks.share(&mut other, 4..5));
            assert!(!locks.exclude(&mut other, WRITER..WRITER + 1));
        }
        assert_eq!(locks.refusals().count(), REFUSALS);
        locks.release(&mut writer, WRITER..WRITER + 1);
        assert!(locks.writer().is_none());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Lock(usize, Level),
        Unlock(usize, Level),
        Share(usize, usize),
        Exclude(usize, usize, usize),
        Release(usize, usize, usize),
        Close(usize),
    }

    const HOLDERS: usize = 3;

    fn step() -> impl Strategy<Value = Step> {
        let level = prop_oneof![Just(Level::Shared), Just(Level::Reserved), Just(Level::Exclusive)];
        let left = prop_oneof![Just(Level::None), Just(Level::Shared)];
        prop_oneof![
            (0..HOLDERS, level).prop_map(|(who, level)| Step::Lock(who, level)),
            (0..HOLDERS, left).prop_map(|(who, level)| Step::Unlock(who, level)),
            (0..HOLDERS, 0..SLOTS).prop_map(|(who, slot)| Step::Share(who, slot)),
            (0..HOLDERS, 0..SLOTS, 1..4_usize).prop_map(|(who, slot, many)| Step::Exclude(who, slot, many)),
            (0..HOLDERS, 0..SLOTS, 1..4_usize).prop_map(|(who, slot, many)| Step::Release(who, slot, many)),
            (0..HOLDERS).prop_map(Step::Close),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn exclusive_locks_are_never_shared(
            steps in prop::collection::vec(step(), 0..80),
        ) {
            let mut locks = Locks::default();
            let mut all: [Held; HOLDERS] = std::array::from_fn(|_| Held::new(Opener::Pool));
            for step in steps {
                match step {
                    // As SQLite asks: nobody goes further than sharing from nothing.
                    Step::Lock(who, level) if level == Level::Shared || all[who].level >= Level::Shared => {
                        locks.lock(&mut all[who], level);
                    }
                    Step::Lock(..) => {}
                    Step::Unlock(who, level) => locks.unlock(&mut all[who], level),
                    Step::Share(who, slot) if all[who].exclusive & bit(slot) == 0 => {
                        locks.share(&mut all[who], slot..slot + 1);
                    }
                    Step::Share(..) => {}
                    Step::Exclude(who, slot, many) => {
                        locks.exclude(&mut all[who], slot..(slot + many).min(SLOTS));
                    }
                    Step::Release(who, slot, many) => locks.release(&mut all[who], slot..(slot + many).min(SLOTS)),
                    Step::Close(who) => locks.release_all(&mut all[who]),
                }
                let at_least = |level| all.iter().filter(|held| held.level >= level).count();
                prop_assert!(at_least(Level::Reserved) <= 1);
                prop_assert!(at_least(Level::Exclusive) == 0 || at_least(Level::Shared) == 1);
                prop_assert_eq!(locks.readers.len(), at_least(Level::Shared));
                prop_assert_eq!(locks.reserved, at_least(Level::Reserved) == 1);
                prop_assert_eq!(locks.pending, at_least(Level::Pending) == 1);
                for slot in 0..SLOTS {
                    let alone = all.iter().filter(|held| held.exclusive & bit(slot) != 0).count();
                    let shared = all.iter().filter(|held| (held.shared & !held.exclusive) & bit(slot) != 0).count();
                    prop_assert!(alone == 0 || (alone, shared) == (1, 0));
                }
                prop_assert_eq!(locks.writer().is_some(), locks.has_writer());
            }
            all.iter_mut().for_each(|held| locks.release_all(held));
            prop_assert!(!locks.is_any_taken_in_wal() && locks.readers.is_empty() && !locks.pending);
            prop_assert!(locks.slots.iter().all(|slot| slot.readers == 0));
        }
    }
}
