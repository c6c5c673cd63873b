//! A recording that goes on: the statements since it began, and what was written by none of them.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::commits::{Commits, Since};
use super::kept::Unaccounted;
use super::recorder::Recorder;
use super::state::Listened;
use crate::key::Keys;
use crate::list::filtered;
use crate::sync::lock;

/// A recording that has not ended.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(super) recorder: Arc<Recorder>,
    /// The number of its first statement.
    pub(super) from: u64,
    /// The number of writes by no statement before it, and of connections that were closed and not seen whole.
    writes: u64,
    displaced: u64,
    commits: Since,
    _listened: Listened,
}

impl Listening {
    /// Returns what records.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Returns what was written by none of the statements since it was made.
    pub(crate) fn unaccounted(&self) -> Vec<Unaccounted> {
        let mut unaccounted =
            filtered(&lock(&self.recorder.statements).unaccounted, |write| write.number >= self.writes);
        for database in self.commits.unaccounted() {
            // By whichever connection.
            unaccounted.push(Unaccounted { number: self.writes, database, ours: true, counted: true });
        }
        unaccounted
    }

    /// Returns its recorder, and the number of connections that were closed before it and not seen whole.
    pub(crate) fn displaced_since(&self) -> (&Arc<Recorder>, u64) {
        (&self.recorder, self.displaced)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut statements = lock(&self.recorder.statements);
        if self.recorder.listeners.fetch_sub(1, Ordering::Relaxed) == 1 {
            statements.evict(self.recorder.bounds);
        }
    }
}

impl Recorder {
    /// Has the commits to a shared cache counted.
    pub(super) fn counts(&self, commits: &Arc<Commits>) {
        lock(&self.commits).push(Arc::clone(commits));
    }

    /// Returns this moment, to learn which shared caches were written to by no statement since.
    pub(crate) fn commits_now(&self) -> Since {
        let counted = lock(&self.commits).clone();
        Since::now(&counted)
    }

    /// Notes a transaction that no statement writes.
    pub(super) fn note_unaccounted(&self, database: &Keys, ours: bool) {
        let mut statements = lock(&self.statements);
        let (number, database) = (statements.writes, database.clone());
        statements.unaccounted.push(Unaccounted { number, database, ours, counted: false });
        statements.writes += 1;
    }

    /// Records from here on, as long as the answer lives.
    pub(crate) fn record(self: &Arc<Self>) -> Listening {
        let commits = self.commits_now();
        let mut statements = lock(&self.statements);
        if self.listeners.fetch_add(1, Ordering::Relaxed) == 0 {
            statements.unaccounted.clear();
        }
        self.places.fetch_add(self.bounds.captured, Ordering::Relaxed);
        Listening {
            recorder: Arc::clone(self),
            from: statements.next(),
            writes: statements.writes,
            displaced: self.displaced_so_far(),
            commits,
            _listened: Listened::new(),
        }
    }
}
