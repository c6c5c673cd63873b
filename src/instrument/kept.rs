//! The statements that a recorder keeps, and how many: the oldest are evicted.

use std::collections::VecDeque;

use super::recorded::Recorded;
use crate::key::Keys;

/// The bounds of what is kept while nobody records.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) statements: usize,
    /// The bytes of their texts and the like.
    pub(super) bytes: usize,
    pub(super) places: usize,
    /// The places that are captured while nobody records, and those that each recording adds.
    pub(super) captured: i64,
    /// The places that are captured of openings.
    pub(super) openings: i64,
    /// Those of transactions that begin to read.
    pub(super) readings: i64,
    /// Those of transactions and savepoints that are opened.
    pub(super) begins: i64,
}

/// Those of a harness.
pub(super) const HARNESS: Bounds =
    Bounds { statements: 256, bytes: 96 * 1024, places: 24, captured: 256, openings: 64, readings: 64, begins: 64 };

/// Those of a connection to what is no harness's, whose opening is noted elsewhere.
pub(super) const OUTSIDE: Bounds =
    Bounds { statements: 16, bytes: 16 * 1024, places: 4, captured: 16, openings: 0, readings: 0, begins: 0 };

/// The statements that are kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// The number of the first that is kept.
    pub(super) first: u64,
    pub(super) kept: VecDeque<Box<Recorded>>,
    /// The bytes of those kept, about, and the number of those with a place.
    pub(super) bytes: usize,
    pub(super) placed: usize,
    /// The writes by none of them, since the first recording that goes on; and how many there ever were.
    pub(super) unaccounted: Vec<Unaccounted>,
    pub(super) writes: u64,
}

impl Statements {
    pub(super) fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Returns the number of those kept before the one with a number.
    pub(super) fn before(&self, number: u64) -> usize {
        usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    /// Returns the statement with a number, if it is kept.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Recorded> {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok())?;
        self.kept.get_mut(place).map(|statement| &mut **statement)
    }

    /// Evicts the oldest statements and places beyond the bounds.
    pub(super) fn evict(&mut self, bounds: &Bounds) {
        while self.kept.len() > bounds.statements || self.bytes > bounds.bytes && self.kept.len() > 1 {
            let Some(old) = self.kept.pop_front() else { break };
            self.bytes -= old.bytes();
            self.placed -= usize::from(old.place.is_some());
            self.first += 1;
        }
        let mut at = 0;
        while self.placed > bounds.places && at < self.kept.len() {
            self.placed -= usize::from(self.kept[at].place.take().is_some());
            at += 1;
        }
    }
}

/// A transaction that was written by no statement.
#[derive(Clone, Debug)]
pub(crate) struct Unaccounted {
    /// The number of those before it.
    pub(super) number: u64,
    /// The keys that mean the database.
    pub(crate) database: Keys,
    /// Set if the connection is one of the harness's.
    pub(crate) ours: bool,
    /// Set if it is known by SQLite's count of commits, which is to no avail where a connection has another commit hook.
    pub(crate) counted: bool,
}
