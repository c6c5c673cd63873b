//! The rows that a statement changed, by their rowids.

use std::ffi::CStr;

use super::operation::Operation;

/// The most runs of rows that are kept of a statement.
const MOST: usize = 8;

/// The rows that a statement changed, as far as SQLite reported them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    runs: Vec<Run>,
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
    table: Box<str>,
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
    pub(super) fn add(&mut self, schema: &CStr, table: &CStr, rowid: i64, operation: Operation) {
        let (is_own, table) = (schema == c"main", table.to_string_lossy());
        let is_alike = |run: &&mut Run| run.is_own == is_own && run.operation == operation && *run.table == *table;
        let mut known = self.runs.iter_mut().rev().filter(is_alike);
        let is_next = |run: &&mut Run| (run.first..=run.last.saturating_add(1)).contains(&rowid);
        if let Some(run) = known.find(is_next) {
            run.last = run.last.max(rowid);
        } else if self.runs.len() < MOST {
            self.runs.push(Run { is_own, operation, table: table.into(), first: rowid, last: rowid });
        } else {
            self.more = true;
        }
    }

    /// Returns whether no row was reported.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
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
        for run in self.runs.iter().filter(|run| run.table.eq_ignore_ascii_case(table)) {
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
        for run in self.runs.iter().filter(is_it) {
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
        for run in self.runs.iter().filter(is_put) {
            rowids.extend((run.first..=run.last).take(most.saturating_sub(rowids.len())));
        }
        rowids
    }

    /// Returns the bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| size_of::<Run>() + run.table.len()).sum()
    }
}
