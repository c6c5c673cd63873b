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

impl Run {
    /// Returns whether it differs from another by the rowids alone.
    fn is_like(&self, other: &Run) -> bool {
        (self.is_own, self.operation) == (other.is_own, other.operation)
            && (Arc::ptr_eq(&self.table, &other.table) || self.table == other.table)
    }
}

/// The rows that a statement changed, beside one that changed others of the same table by the same operation: the first and the
/// last rowid, if any was reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows(Option<(i64, i64)>);

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
        let new = Run { is_own: schema == c"main", operation, table: Arc::clone(table), first: rowid, last: rowid };
        if self.first.is_none() {
            self.first = Some(new);
            return;
        }
        let goes_on = |run: &&mut Run| (run.first..=run.last.saturating_add(1)).contains(&rowid) && run.is_like(&new);
        if let Some(run) = self.others.iter_mut().rev().chain(&mut self.first).find(goes_on) {
            run.last = run.last.max(rowid);
            return;
        }
        if self.others.len() + 1 < MOST {
            self.others.push(new);
        } else {
            self.more = true;
        }
    }

    /// Returns whether no row was reported.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Returns whether it is one run of rows, or none.
    pub(super) fn is_one_run(&self) -> bool {
        self.others.is_empty() && !self.more
    }

    /// Returns the rows, if these are of one run that differs from another statement's by its rowids alone.
    pub(super) fn rows_like(&self, model: &Touched) -> Option<Rows> {
        let rows = match (&self.first, &model.first) {
            (None, _) => None,
            (Some(run), Some(other)) if run.is_like(other) => Some((run.first, run.last)),
            _ => return None,
        };
        self.is_one_run().then_some(Rows(rows))
    }

    /// Returns other rows of that run.
    pub(super) fn with_rows(&self, Rows(rows): Rows) -> Touched {
        let run = |(first, last)| self.first.clone().map(|run| Run { first, last, ..run });
        Touched { first: rows.and_then(run), others: Vec::new(), more: false }
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
