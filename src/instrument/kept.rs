//! The statements that a recorder keeps, and how many: the oldest are evicted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::recorded::{Recorded, Undone};
use super::repeated::{End, Repeated};
use super::touched::Touched;
use super::transaction::Transaction;
use crate::key::Keys;

/// The bounds of what is kept while nobody records.
#[derive(Debug)]
pub(super) struct Bounds {
    /// The records, of one statement or of some executions of one.
    pub(super) records: usize,
    /// The statements, each execution counted.
    pub(super) statements: u64,
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
pub(super) const HARNESS: Bounds = Bounds {
    records: 256,
    statements: 2048,
    bytes: 96 * 1024,
    places: 24,
    captured: 256,
    openings: 64,
    readings: 64,
    begins: 64,
};

/// Those of a connection to what is no harness's, whose opening is noted elsewhere.
pub(super) const OUTSIDE: Bounds = Bounds {
    records: 16,
    statements: 128,
    bytes: 16 * 1024,
    places: 4,
    captured: 16,
    openings: 0,
    readings: 0,
    begins: 0,
};

/// The statements that are kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// The number of the first that is kept, and of the next that begins: all between them are kept.
    first: u64,
    next: u64,
    kept: VecDeque<Kept>,
    /// The bytes of those kept, about, and the number of those with a place.
    bytes: usize,
    placed: usize,
    /// The writes by none of them, since the first recording that goes on; and how many there ever were.
    pub(super) unaccounted: Vec<Unaccounted>,
    pub(super) writes: u64,
}

/// A record that is kept.
#[derive(Debug)]
enum Kept {
    /// A statement.
    One(Box<Recorded>),
    /// Executions of a statement that were counted.
    Repeated(Repeated),
}

impl Kept {
    /// Returns the number of its first statement.
    fn first(&self) -> u64 {
        match self {
            Kept::One(one) => one.number,
            Kept::Repeated(repeated) => repeated.first(),
        }
    }

    /// Returns the number after that of its last statement.
    fn next(&self) -> u64 {
        match self {
            Kept::One(one) => one.number + 1,
            Kept::Repeated(repeated) => repeated.next(),
        }
    }

    /// Returns the bytes that it takes, about.
    fn bytes(&self) -> usize {
        match self {
            Kept::One(one) => one.bytes(),
            Kept::Repeated(repeated) => repeated.bytes(),
        }
    }
}

impl Statements {
    /// Returns the number of the first statement that is kept.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the number of the next statement.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Keeps a statement that begins, and returns its number.
    pub(super) fn begin(&mut self, mut statement: Box<Recorded>) -> u64 {
        let number = self.next;
        statement.number = number;
        self.placed += usize::from(statement.place.is_some());
        self.next += 1;
        self.push(Kept::One(statement));
        number
    }

    /// Counts another execution of a statement, which begins, and returns its number and whether it has begun a record.
    pub(super) fn begin_again(&mut self, model: &Arc<Recorded>, at: Instant) -> (u64, bool) {
        let number = self.next;
        self.next += 1;
        let goes_on = match self.kept.back_mut() {
            Some(Kept::Repeated(last)) if last.is_by(model) => {
                if last.begin(at, &mut self.bytes) {
                    return (number, false);
                }
                true
            }
            _ => false,
        };
        self.push(Kept::Repeated(Repeated::new(model, number, at, goes_on)));
        (number, true)
    }

    fn push(&mut self, record: Kept) {
        self.bytes += record.bytes();
        self.kept.push_back(record);
    }

    fn insert(&mut self, at: usize, record: Kept) {
        self.bytes += record.bytes();
        self.kept.insert(at, record);
    }

    /// Notes the end of an execution that was counted; returns false where a statement has to be kept in full.
    pub(super) fn end_again(&mut self, number: u64, end: End, touched: &Touched) -> bool {
        match self.place(number).and_then(|at| self.kept.get_mut(at)) {
            Some(Kept::Repeated(repeated)) => repeated.end(number, end, touched),
            _ => false,
        }
    }

    /// Changes a statement; one that was counted has a record of its own from then on.
    pub(super) fn amend(&mut self, number: u64, amend: impl FnOnce(&mut Recorded)) {
        if let Some(statement) = self.single(number) {
            let before = statement.bytes();
            amend(statement);
            let after = statement.bytes();
            self.bytes = self.bytes + after - before;
        }
    }

    /// Returns a statement, which gets a record of its own.
    fn single(&mut self, number: u64) -> Option<&mut Recorded> {
        let mut at = self.place(number)?;
        if let Kept::Repeated(repeated) = &mut self.kept[at] {
            let before = repeated.bytes();
            let (one, after) = repeated.split(number)?;
            if repeated.is_empty() {
                self.kept.remove(at);
                self.bytes -= before;
            } else {
                self.bytes = self.bytes - before + repeated.bytes();
                at += 1;
            }
            self.insert(at, Kept::One(Box::new(one)));
            if !after.is_empty() {
                self.insert(at + 1, Kept::Repeated(after));
            }
        }
        match &mut self.kept[at] {
            Kept::One(one) => Some(one),
            Kept::Repeated(_) => None,
        }
    }

    /// Returns the record in which a statement is kept.
    fn place(&self, number: u64) -> Option<usize> {
        if number < self.first || number >= self.next {
            return None;
        }
        let last = self.kept.len().checked_sub(1)?;
        // Mostly asked for the statement which has just begun.
        if self.kept[last].first() <= number {
            return Some(last);
        }
        let (mut from, mut to) = (0, last);
        while from < to {
            let middle = from.midpoint(to);
            if self.kept[middle].next() <= number {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        Some(from)
    }

    /// Returns a statement by which others of a loop can be counted, if it is one.
    pub(super) fn model(&self, number: u64) -> Option<Arc<Recorded>> {
        match &self.kept[self.place(number)?] {
            Kept::One(one) => Repeated::model(one),
            Kept::Repeated(_) => None,
        }
    }

    /// Marks the statements of a transaction from a number on as rolled back.
    pub(super) fn undo(&mut self, from: u64, transaction: &Arc<Transaction>, undone: &Arc<Undone>) {
        let is_one = |one: &Recorded| one.transaction.as_ref().is_some_and(|own| Arc::ptr_eq(own, transaction));
        for record in self.kept.iter_mut().rev().take_while(|record| record.next() > from) {
            match record {
                Kept::One(one) if is_one(one) && one.undone.is_none() => one.undone = Some(Arc::clone(undone)),
                Kept::Repeated(repeated) if is_one(repeated.alike()) => repeated.undo(from, undone),
                _ => {}
            }
        }
    }

    /// Returns those statements that are wanted.
    pub(super) fn wanted(&self, is_wanted: &dyn Fn(&Recorded) -> bool) -> Vec<Recorded> {
        let mut wanted = Vec::new();
        for record in &self.kept {
            match record {
                Kept::One(one) if is_wanted(one) => wanted.push(Recorded::clone(one)),
                Kept::One(_) => {}
                Kept::Repeated(repeated) => repeated.wanted(is_wanted, &mut wanted),
            }
        }
        wanted
    }

    /// Returns whether one came too late. None of those that are counted has failed.
    pub(super) fn has_stale(&self) -> bool {
        let is_stale = |one: &Recorded| one.ended.as_ref().is_some_and(|ended| ended.is_stale);
        self.kept.iter().any(|record| matches!(record, Kept::One(one) if is_stale(one)))
    }

    /// Evicts the oldest statements and places beyond the bounds.
    pub(super) fn evict(&mut self, bounds: &Bounds) {
        while self.kept.len() > bounds.records
            || self.next - self.first > bounds.statements
            || self.bytes > bounds.bytes && self.kept.len() > 1
        {
            let Some(old) = self.kept.pop_front() else { break };
            self.bytes -= old.bytes();
            self.first = old.next();
            if let Kept::One(old) = old {
                self.placed -= usize::from(old.place.is_some());
            }
        }
        let mut at = 0;
        while self.placed > bounds.places && at < self.kept.len() {
            if let Kept::One(one) = &mut self.kept[at] {
                self.placed -= usize::from(one.place.take().is_some());
            }
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
