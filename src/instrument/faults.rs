//! The answers that a test makes SQLite give for a while: which operations of a database fail, and how often.
//!
//! Nothing here calls SQLite and nothing waits for a second lock: it is asked from SQLite's callbacks, under SQLite's
//! own locks.

use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use rusqlite::ffi;

use super::commits::Commits;
use super::ends::are_awaited;
use super::fault::{Fault, FaultKind};
use super::operation::Operation;
use super::recorder::Recorder;
use super::state::{epoch, is_spared, Asking};
use super::waits::{Waiting, Waits};
use crate::key::Keys;
use crate::list::{filtered, retain};
use crate::sqlite::vfs::{Begins, Gate, GivenUp, Into, Writer};
use crate::sync::lock;

/// The faults of one database that are alive, as its connections see them, which may outlive it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    count: AtomicUsize,
    alive: Mutex<Vec<Arc<Fault>>>,
    /// The number of transactions that have got the lock of a writer, and so the number of the one that has it now.
    writers: AtomicU64,
    /// The last of those that has written to a journal, by its number.
    journaled: AtomicU64,
    /// The number of our connections to a file that hold the lock of its log's writer: one at most.
    log_writers: AtomicUsize,
    /// The owner of that transaction, and the time since which everything was seen as it got the lock.
    writer: Mutex<(Writer, Option<u64>)>,
    /// The one that knows the statements of the database.
    witness: OnceLock<Weak<dyn Witness>>,
    /// The connections to a file that wait for the lock of a writer, or have given it up.
    waits: Mutex<Waits>,
    /// The commits to the database, if it is a shared cache.
    pub(super) commits: OnceLock<Arc<Commits>>,
    /// The number that they are found by, once a file's URI has it.
    pub(super) number: OnceLock<usize>,
}

/// Knows which writes a statement makes, and refuses the others where a guard does.
pub(super) trait Witness: Send + Sync {
    /// Returns whether a guard refuses what this thread writes now, in that transaction. One that no statement makes is
    /// noted.
    ///
    /// Asked from a file system's callback, under SQLite's locks.
    fn refuses_to_write(&self, writer: Writer, transaction: u64) -> bool;

    /// Returns the statement of this thread that wants a lock now.
    ///
    /// Called from a file system's callback, under SQLite's locks.
    fn waiting(&self) -> Waiting;

    /// Notes that a transaction that could write has ended.
    ///
    /// Called from a file system's callback, under SQLite's locks.
    fn writer_ends(&self);

    /// Returns whether a guard refuses what a connection commits now. What no statement has written is noted.
    ///
    /// # Safety
    ///
    /// The connection is open and this thread's.
    unsafe fn refuses_to_commit(&self, db: *mut ffi::sqlite3) -> bool;
}

impl Faults {
    /// Adds a fault, which is active as long as the answer lives.
    pub(crate) fn begin(self: &Arc<Self>, kind: FaultKind, after: u64, times: u64) -> Faulting {
        let asking = matches!(kind, FaultKind::Statement(..)).then(Asking::new);
        let fault = Arc::new(Fault::new(kind, after, times));
        lock(&self.alive).push(Arc::clone(&fault));
        self.count.fetch_add(1, Ordering::Relaxed);
        Faulting { faults: Arc::clone(self), fault, _asking: asking }
    }

    /// Returns whether a connection of ours to a file holds the lock of its log's writer.
    pub(crate) fn has_log_writer(&self) -> bool {
        self.log_writers.load(Ordering::Relaxed) > 0
    }

    /// Sets the one that knows the statements of the database.
    pub(super) fn be_seen_by(&self, witness: Weak<dyn Witness>) {
        // Set once, when both are made.
        let _ = self.witness.set(witness);
    }

    /// Returns whether a guard refuses what this thread writes now, which no statement accounts for.
    fn is_refused(&self, transaction: u64) -> bool {
        let Some(now) = epoch().filter(|_| !is_spared()) else { return false };
        let (writer, began) = *lock(&self.writer);
        // What was written before somebody listened is nobody's concern, and neither is what the harness writes.
        if writer == Writer::Harness || began != Some(now) {
            return false;
        }
        let witness = self.witness.get().and_then(Weak::upgrade);
        witness.is_some_and(|witness| witness.refuses_to_write(writer, transaction))
    }

    /// Returns whether a statement that is prepared, and does this to that table, is to fail.
    pub(crate) fn fails(&self, operation: Operation, table: &str) -> bool {
        self.first(|fault| (fault.is_about(operation, table) && fault.fails_next()).then_some(())).is_some()
    }

    /// Returns the faults that are about statements.
    pub(crate) fn of_statements(&self) -> Vec<Arc<Fault>> {
        if self.count.load(Ordering::Relaxed) == 0 || is_spared() {
            return Vec::new();
        }
        let is_one = |fault: &Arc<Fault>| matches!(fault.kind(), FaultKind::Statement(..));
        filtered(&lock(&self.alive), is_one)
    }

    /// Returns whether a commit on a connection, which this thread has, is to be refused.
    pub(super) fn refuses_commit(&self, db: *mut ffi::sqlite3) -> bool {
        if epoch().is_some() && !is_spared() {
            let witness = self.witness.get().and_then(Weak::upgrade);
            // SAFETY: SQLite calls from within a commit of that connection: it is open and this thread's.
            if witness.is_some_and(|witness| unsafe { witness.refuses_to_commit(db) }) {
                return true;
            }
        }
        self.fails_commit()
    }

    /// Returns whether a commit that writes to the database is to fail.
    pub(super) fn fails_commit(&self) -> bool {
        self.first(|fault| (*fault.kind() == FaultKind::Commit && fault.triggers()).then_some(())).is_some()
    }

    /// Returns the time by which a transaction that begins is delayed.
    fn delay(&self) -> Duration {
        if self.count.load(Ordering::Relaxed) == 0 || is_spared() {
            return Duration::ZERO;
        }
        let mut all = Duration::ZERO;
        for fault in &*lock(&self.alive) {
            if let FaultKind::Slow(delay) = fault.kind()
                && fault.triggers()
            {
                all = all.saturating_add(*delay);
            }
        }
        all
    }

    fn first<T>(&self, answer: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        if self.count.load(Ordering::Relaxed) == 0 || is_spared() {
            return None;
        }
        lock(&self.alive).iter().find_map(|fault| answer(fault))
    }
}

impl Faults {
    /// Returns the connections to a file that were refused the lock of a writer and have not got it since.
    pub(crate) fn given_up(&self) -> Vec<GivenUp> {
        lock(&self.waits).given_up()
    }

    /// Returns the statement with which a connection waited that was refused a lock.
    pub(crate) fn waiting(&self, connection: u64) -> Waiting {
        lock(&self.waits).of(connection)
    }
}

impl Gate for Faults {
    fn is_refused_or_gets(&self, connection: u64, writer: Writer, gets: bool) {
        let witness = self.witness.get().filter(|_| !gets && writer != Writer::Harness).and_then(Weak::upgrade);
        let waiting = witness.map(|witness| witness.waiting()).unwrap_or_default();
        let mut waits = lock(&self.waits);
        waits.forget(connection);
        if !gets {
            waits.add(connection, writer, waiting);
        }
    }

    fn instead_of_open(&self) -> Option<c_int> {
        self.first(|fault| (*fault.kind() == FaultKind::Down && fault.triggers()).then_some(ffi::SQLITE_CANTOPEN))
    }

    fn instead_of_lock(&self, begins: Begins) -> Option<c_int> {
        if begins == Begins::Reading {
            // Not under a lock, which others wait for.
            let delay = self.delay();
            if !delay.is_zero() {
                thread::sleep(delay);
            }
        }
        self.first(|fault| {
            let code = match (fault.kind(), begins) {
                (FaultKind::Busy, Begins::Writing) => ffi::SQLITE_BUSY,
                (FaultKind::ReadOnly, Begins::Writing) => ffi::SQLITE_READONLY,
                (FaultKind::Read, Begins::Reading) => ffi::SQLITE_IOERR_READ,
                (FaultKind::Down, _) => ffi::SQLITE_CANTOPEN,
                _ => return None,
            };
            fault.triggers().then_some(code)
        })
    }

    fn holds_log(&self, takes: bool) {
        if takes {
            self.log_writers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.log_writers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn writer_ends(&self) {
        if are_awaited()
            && !is_spared()
            && let Some(witness) = self.witness.get().and_then(Weak::upgrade)
        {
            witness.writer_ends();
        }
    }

    fn writer_begins(&self, writer: Writer) {
        *lock(&self.writer) = (writer, epoch());
        self.writers.fetch_add(1, Ordering::Relaxed);
    }

    fn instead_of_write(&self, into: Into) -> Option<c_int> {
        let writer = self.writers.load(Ordering::Relaxed);
        if into == Into::Journal {
            self.journaled.store(writer, Ordering::Relaxed);
        } else if self.journaled.load(Ordering::Relaxed) == writer {
            return None;
        }
        if self.is_refused(writer) {
            return Some(ffi::SQLITE_READONLY);
        }
        // A fault of the disk fails what goes into a journal.
        if into == Into::Database {
            return None;
        }
        self.first(|fault| {
            let code = match fault.kind() {
                FaultKind::Full => ffi::SQLITE_FULL,
                FaultKind::Io | FaultKind::Down => ffi::SQLITE_IOERR_WRITE,
                _ => return None,
            };
            fault.triggers_for_all_of(writer).then_some(code)
        })
    }
}

/// A fault that is alive.
#[derive(Debug)]
pub(crate) struct Faulting {
    faults: Arc<Faults>,
    fault: Arc<Fault>,
    /// For one that is about statements.
    _asking: Option<Asking>,
}

impl Faulting {
    /// Has a recorder remember it, by the call as the test wrote it.
    pub(crate) fn remember(&self, recorder: &Recorder, database: &Keys, call: String) {
        recorder.add_fault(database, call, &self.fault);
    }

    /// Returns how many operations the fault has met, and how many of them it failed.
    pub(crate) fn met(&self) -> (u64, u64) {
        self.fault.met()
    }

    /// Returns whether it has failed as many operations as it was to.
    pub(crate) fn is_spent(&self) -> bool {
        self.fault.is_spent()
    }

    /// Returns how many statements it should have failed and could not.
    pub(crate) fn passed(&self) -> u64 {
        self.fault.passed()
    }
}

impl Drop for Faulting {
    fn drop(&mut self) {
        retain(&mut lock(&self.faults.alive), |fault| !Arc::ptr_eq(fault, &self.fault));
        self.faults.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_faults_add_up_for_as_long_as_they_live_and_as_often_as_they_say() {
        let faults = Arc::<Faults>::default();
        assert_eq!(faults.delay(), Duration::ZERO);
        let once = faults.begin(FaultKind::Slow(Duration::from_secs(2)), 0, 1);
        let always = faults.begin(FaultKind::Slow(Duration::from_secs(3)), 0, u64::MAX);
        assert_eq!(faults.delay(), Duration::from_secs(5));
        assert_eq!(faults.delay(), Duration::from_secs(3));
        assert_eq!((once.met(), always.met()), ((2, 1), (2, 2)));
        drop(always);
        assert_eq!(faults.delay(), Duration::ZERO);
    }
}
