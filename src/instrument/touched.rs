//! The rows that a statement changed, by their rowids.

use std::ffi::CStr;
use std::sync::Arc;

use super::operation::Operation;

/// The most runs of rows that are kept of a statement.
const MOST: usize = 8;

/// The rows that a statement changed, as far as SQLite reported them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// The first run, and those after it: most statements touch one row.
    first: Option<Run>,
    others: Vec<Run>,
    /// Set if there were more than are kept.
    more: bool,
}

/// Rows of a table whose rowids follow one another.
#[derive(Clone, Debug)]
struct Run {
    /// Set if the table is in its connection's own database.
    is_own: bool,
    /// The change.
    operation: Operation,
    table: Arc<str>,
    first: i64,
    last: i64,
}

/// The answer to the question for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touches {
    Yes,
    No,
    /// SQLite reported no row of the table, or more than are kept.
    Unknown,
}

impl Touched {
    /// Adds a row.
    pub(super) fn add(&mut self, schema: &CStr, table: &Arc<str>, rowid: i64, operation: Operation) {
        let is_own = schema == c"main";
        let goes_on = |run: &&mut Run| {
            (run.first..=run.last.saturating_add(1)).contains(&rowid)
                && (run.is_own, run.operation) == (is_own, operation)
                && run.table == *table
        };
        if let Some(run) = self.others.iter_mut().rev().chain(&mut self.first).find(goes_on) {
            run.last = run.last.max(rowid);
            return;
        }
        let run = Run { is_own, operation, table: Arc::clone(table), first: rowid, last: rowid };
        if self.first.is_none() {
            self.first = Some(run);
        } else if self.others.len() + 1 < MOST {
            self.others.push(run);
        } else {
            self.more = true;
        }
    }

    /// Returns whether no row was reported.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        self.first.iter().chain(&self.others)
    }

    /// Returns whether a row of a table is among those inserted and updated.
    pub(crate) fn has(&self, table: &str, rowid: i64) -> Touches {
        self.has_as(table, rowid, &|operation| operation != Operation::Delete)
    }

    /// Returns whether a row of a table is among those deleted.
    pub(crate) fn has_deleted(&self, table: &str, rowid: i64) -> Touches {
        self.has_as(table, rowid, &|operation| operation == Operation::Delete)
    }

    /// Returns whether a row of a table is among those updated.
    pub(crate) fn has_updated(&self, table: &str, rowid: i64) -> bool {
        self.has_as(table, rowid, &|operation| operation == Operation::Update) == Touches::Yes
    }

    /// Returns whether a row of a table may be among those inserted.
    pub(crate) fn may_have_inserted(&self, table: &str, rowid: i64) -> bool {
        self.has_as(table, rowid, &|operation| operation == Operation::Insert) == Touches::Yes || self.more
    }

    /// Returns whether rows of a table were updated, and none inserted.
    pub(crate) fn only_updated(&self, table: &str) -> bool {
        let mut updated = false;
        for run in self.runs().filter(|run| run.table.eq_ignore_ascii_case(table)) {
            match run.operation {
                Operation::Insert => return false,
                Operation::Update => updated = true,
                _ => {}
            }
        }
        updated && !self.more
    }

    fn has_as(&self, table: &str, rowid: i64, is_one: &dyn Fn(Operation) -> bool) -> Touches {
        let mut answer = Touches::Unknown;
        let is_it = |run: &&Run| is_one(run.operation) && run.table.eq_ignore_ascii_case(table);
        for run in self.runs().filter(is_it) {
            if (run.first..=run.last).contains(&rowid) {
                return Touches::Yes;
            }
            answer = Touches::No;
        }
        if self.more {
            Touches::Unknown
        } else {
            answer
        }
    }

    /// Returns the rows of a table that were inserted or updated and are known by their numbers, so many at most.
    pub(crate) fn put(&self, table: &str, most: usize) -> Vec<i64> {
        let mut rowids = Vec::new();
        let is_put = |run: &&Run| run.operation != Operation::Delete && run.table.eq_ignore_ascii_case(table);
        for run in self.runs().filter(is_put) {
            rowids.extend((run.first..=run.last).take(most.saturating_sub(rowids.len())));
        }
        rowids
    }

    /// Returns the bytes that it takes beside its own.
    pub(super) fn bytes(&self) -> usize {
        self.others.len() * size_of::<Run>() + self.runs().map(|run| run.table.len()).sum::<usize>()
    }
}
