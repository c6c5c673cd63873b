//! The rows that a statement inserted and updated, by their rowids.

use std::ffi::CStr;

/// The most runs of rows that are kept of a statement.
const MOST: usize = 8;

/// The rows that a statement inserted and updated, as far as SQLite reported them.
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
    pub(super) fn add(&mut self, schema: &CStr, table: &CStr, rowid: i64) {
        let (is_own, table) = (schema == c"main", table.to_string_lossy());
        let mut known = self.runs.iter_mut().rev().filter(|run| run.is_own == is_own && *run.table == *table);
        let is_next = |run: &&mut Run| (run.first..=run.last.saturating_add(1)).contains(&rowid);
        if let Some(run) = known.find(is_next) {
            run.last = run.last.max(rowid);
        } else if self.runs.len() < MOST {
            self.runs.push(Run { is_own, table: table.into(), first: rowid, last: rowid });
        } else {
            self.more = true;
        }
    }

    /// Returns whether no row was reported.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns whether a row of a table is among them.
    pub(crate) fn has(&self, table: &str, rowid: i64) -> Touches {
        let mut answer = Touches::Unknown;
        for run in self.runs.iter().filter(|run| run.table.eq_ignore_ascii_case(table)) {
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

    /// Returns the bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| size_of::<Run>() + run.table.len()).sum()
    }
}
