//! A statement that goes on and the transaction that it runs in, and how both ended.
//!
//! SQLite tells an outcome to none of the callbacks that are the application's to set. It is read from two numbers: whether a
//! transaction is open, and the version of the connection's databases, which grows with each commit.

use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Instant;

use super::looked::{Looked, Step};
use super::recorder::Recorder;
use super::repeated::Repeating;
use super::savepoint::Savepoint;
use super::touched::Touched;
use super::transaction::{Transaction, TransactionEnd};

/// A statement that goes on.
#[derive(Debug)]
pub(super) struct Running {
    /// Its address; 0 for one of a session.
    pub(super) statement: usize,
    pub(super) thread: ThreadId,
    pub(super) at: Instant,
    /// The version of the databases as it began, and how often it had been prepared again.
    pub(super) version: u64,
    pub(super) prepared: i32,
    pub(super) start: Start,
    pub(super) triggers: Vec<Box<str>>,
    pub(super) touched: Touched,
}

/// A statement as it began, by which its end is judged.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Its number, if it is recorded.
    pub(super) number: Option<u64>,
    /// The rows that its connection had changed, ever.
    pub(super) changes: u64,
    pub(super) may_write: bool,
    /// Set if no transaction was open.
    pub(super) alone: bool,
    pub(super) looked: Option<Arc<Looked>>,
}

/// A transaction that is open.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) transaction: Arc<Transaction>,
    /// Set if a statement has begun it, so that only another ends it.
    pub(super) is_explicit: bool,
    pub(super) wrote: bool,
    /// Set once a statement in it has read.
    pub(super) has_read: bool,
    /// The version of the databases, once it has written to the connection's own.
    pub(super) held: Option<u64>,
    pub(super) savepoints: Vec<Savepoint>,
    /// The statement that it runs again and again, whose executions are counted.
    pub(super) repeating: Option<Repeating>,
}

impl Open {
    /// Returns the place of the savepoint that a name means, the last of that name.
    fn savepoint(&self, name: &str) -> Option<usize> {
        self.savepoints.iter().rposition(|known| known.name == name)
    }

    /// Returns whether a step would have ended the transaction, which is open.
    pub(super) fn outlasts(&self, step: &Step) -> bool {
        let Step::Release(name) = step else { return false };
        self.savepoint(name).is_some_and(|at| self.savepoints[at].begins)
    }

    /// Notes whether the version stays as it is, once a statement has ended within it that holds the lock of a writer.
    pub(super) fn holds(&mut self, start: &Start, rows: u64, version: u64) {
        // A session's connection knows its own database by the bind's name. What is attached stays until the transaction ends,
        // and where anything is, SQLite is asked.
        let writes = |looked: &Arc<Looked>| looked.deed.writes || looked.deed.writes_elsewhere;
        let wrote = rows > 0 && start.looked.as_ref().is_some_and(writes);
        match start.step() {
            Some(_) => self.held = None,
            None if wrote => self.held = Some(version),
            None => {}
        }
    }
}

/// A statement that has ended, of which SQLite tells more once it has returned.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) start: Start,
    /// The thread on which it has ended.
    pub(super) thread: ThreadId,
    /// Set if it is known to have failed.
    pub(super) failed: bool,
    /// Set if it was given up while it had rows to give: SQLite counts what it has changed, and commits it, afterwards.
    pub(super) is_dropped: bool,
}

impl Start {
    pub(super) fn step(&self) -> Option<&Step> {
        self.looked.as_ref().and_then(|looked| looked.step.as_ref())
    }

    /// Returns the rows that it has changed, where so many are changed now, ever and by the last statement.
    pub(super) fn rows(&self, all: u64, of_last: u64) -> u64 {
        if self.may_write && all != self.changes {
            of_last
        } else {
            0
        }
    }

    /// Returns whether it is one that changes rows.
    pub(super) fn changes_rows(&self) -> bool {
        self.may_write && self.looked.as_ref().is_some_and(|looked| looked.changes_rows())
    }

    /// Returns whether it has failed, where the end of its transaction tells.
    pub(super) fn fails(&self, end: TransactionEnd, rows: u64) -> Option<bool> {
        // Of one that SQLite could not be asked about, it is not known.
        let looked = self.looked.as_ref();
        let changes_rows = looked.map_or(self.may_write, |looked| looked.deed.writes && !looked.renames);
        match (self.step(), end) {
            (Some(Step::Begin), _) => Some(true),
            // The version may have grown by another's commit.
            (None, TransactionEnd::Committed) if rows == 0 && changes_rows => None,
            (_, TransactionEnd::Committed) => Some(false),
            (Some(Step::Rollback), TransactionEnd::RolledBack) => Some(false),
            (_, TransactionEnd::Failed) => Some(true),
            _ => None,
        }
    }
}

/// Returns how a transaction has ended with a statement, which has committed if the version of the databases has grown.
pub(super) fn end_of(open: &Open, start: &Start, grew: bool, rows: u64) -> TransactionEnd {
    let deed = start.looked.as_ref().map(|looked| looked.deed).unwrap_or_default();
    if grew || rows > 0 && !open.is_explicit {
        return TransactionEnd::Committed;
    }
    match start.step() {
        Some(Step::Rollback) => TransactionEnd::RolledBack,
        // A connection that has written nothing has nothing to lose.
        Some(Step::Commit | Step::Release(_)) if !open.wrote => TransactionEnd::Committed,
        Some(Step::Begin) => TransactionEnd::Failed,
        // A journal mode is kept by no commit.
        None if !open.is_explicit && deed.acts_at_once => TransactionEnd::Committed,
        None if !open.is_explicit && !open.wrote => TransactionEnd::Committed,
        _ => TransactionEnd::Failed,
    }
}

/// Follows a savepoint within a transaction.
pub(super) fn step_within(open: &mut Open, start: &Start, recorder: &Recorder) {
    match start.step() {
        Some(Step::Savepoint(name)) => {
            let (name, from, opened) = (name.clone(), recorder.next(), recorder.place_of_begin());
            open.savepoints.push(Savepoint { name, begins: start.alone, from, opened });
        }
        Some(Step::Release(name)) => {
            if let Some(at) = open.savepoint(name) {
                open.savepoints.truncate(at);
            }
        }
        Some(Step::RollbackTo(name)) => {
            if let Some(at) = open.savepoint(name) {
                recorder.undo(&open.savepoints[at], &open.transaction);
                open.savepoints.truncate(at + 1);
            }
        }
        _ => {}
    }
}
