//! The fate of a statement that writes.

use std::sync::Arc;

use crate::instrument::{Operation, Place, RefusedCommit, TransactionEnd, WrittenTable};
use crate::key::BindKey;
use crate::observe::statements::{Statement, StatementKind};

/// The fate of a statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    /// It changed no row, and its transaction has ended.
    Nothing,
    /// It failed by itself; a transaction around it may have gone on.
    FailedItself,
    /// Its savepoint was rolled back.
    Undone,
    /// A statement rolled its transaction back.
    RolledBack,
    /// An error rolled its transaction back.
    Lost,
    /// Its connection was closed before it was committed.
    Closed,
    /// It was committed, and its database was put back since to a state without that.
    PutBack,
    /// Its transaction is still open.
    Open,
    Unknown,
}

impl Fate {
    /// Returns whether nothing of what the statement wrote is in the database, nor will be.
    pub(crate) fn is_lost(self) -> bool {
        !matches!(self, Fate::Committed | Fate::Open | Fate::Unknown)
    }
}

impl Statement {
    /// Returns what became of what it wrote.
    pub(crate) fn fate(&self) -> Fate {
        // One that failed half-way keeps the rows that it has changed, where it says so by `OR FAIL`.
        if self.has_failed() == Some(true) && self.rows_changed() == 0 {
            return Fate::FailedItself;
        }
        if self.changed_nothing() && !matches!(self.transaction_end(), None | Some(TransactionEnd::Open)) {
            return Fate::Nothing;
        }
        if self.is_undone() {
            return Fate::Undone;
        }
        match self.transaction_end() {
            Some(TransactionEnd::Committed) if self.recorded().is_put_back => Fate::PutBack,
            Some(TransactionEnd::Committed) => Fate::Committed,
            Some(TransactionEnd::RolledBack) => Fate::RolledBack,
            Some(TransactionEnd::Failed) => Fate::Lost,
            Some(TransactionEnd::Closed) => Fate::Closed,
            Some(TransactionEnd::Open) => Fate::Open,
            Some(TransactionEnd::Unknown) | None => Fate::Unknown,
        }
    }

    /// Returns whether it changed no row, by itself or by a trigger that writes.
    fn changed_nothing(&self) -> bool {
        let recorded = self.recorded();
        recorded.affected.changes_rows
            && recorded.ended.is_some()
            && self.rows_changed() == 0
            && !self.written().any(|written| written.by.is_some())
    }

    /// Returns the place at which what became of it was decided, where another statement did that and it is known.
    pub(crate) fn ended_at(&self) -> Option<String> {
        match self.fate() {
            Fate::Committed | Fate::PutBack | Fate::RolledBack | Fate::Lost | Fate::Closed => {
                self.transaction_ended_at()
            }
            Fate::Undone => self.undone_at()?.text().map(str::to_string),
            Fate::FailedItself | Fate::Nothing | Fate::Open | Fate::Unknown => None,
        }
    }

    /// Returns whether it was rolled back since a value was dropped, and by no statement that the application wrote.
    pub(crate) fn is_dropped(&self) -> bool {
        self.rolled_back_by().is_some_and(|place| place.is_drop())
    }

    /// Returns the function whose future was dropped before it had ended, which dropped what rolled it back.
    pub(crate) fn dropped_future(&self) -> Option<String> {
        self.rolled_back_by()?.dropped_future().map(str::to_string)
    }

    /// Returns the place at which it was rolled back.
    fn rolled_back_by(&self) -> Option<Arc<Place>> {
        match self.fate() {
            Fate::RolledBack | Fate::Closed => self.recorded().transaction.as_ref()?.closing(),
            Fate::Undone => self.undone_at().cloned(),
            _ => None,
        }
    }

    /// Returns the place of the statement that was written to begin its transaction, if that is known.
    pub(crate) fn begun_at(&self) -> Option<String> {
        self.recorded().transaction.as_ref()?.begun()?.text().map(str::to_string)
    }

    fn undone_at(&self) -> Option<&Arc<Place>> {
        self.recorded().undone.as_ref()?.place.as_ref()
    }

    /// Returns the last commit of its transaction that failed, where nothing of it was committed after all.
    pub(crate) fn refused_commit(&self) -> Option<RefusedCommit> {
        let is_lost = matches!(self.fate(), Fate::RolledBack | Fate::Lost | Fate::Closed | Fate::Open);
        self.recorded().transaction.as_ref().filter(|_| is_lost)?.refused()
    }

    /// Returns whether it may have inserted or updated rows of a table in a database that a key means.
    pub(crate) fn puts_rows_into(&self, key: &BindKey, table: &str) -> bool {
        self.kind() == StatementKind::Write
            && self.written().any(|written| {
                written.operation != Operation::Delete
                    && written.table.eq_ignore_ascii_case(table)
                    && written.names.as_ref().is_some_and(|names| names.contains(key))
            })
    }

    /// Returns whether it could have inserted rows of a table of that name, by itself, and has updated what was there.
    pub(crate) fn has_updated_instead(&self, table: &str) -> bool {
        let does = |operation: Operation| {
            self.written().any(|written| {
                written.by.is_none() && written.operation == operation && written.table.eq_ignore_ascii_case(table)
            })
        };
        let only_updated = || self.recorded().ended.as_ref().is_some_and(|ended| ended.touched.only_updated(table));
        does(Operation::Insert) && does(Operation::Update) && only_updated()
    }

    /// Returns a trigger of it that deletes from a table of that name.
    pub(crate) fn trigger_that_deletes(&self, table: &str) -> Option<&str> {
        let is_one = |written: &&WrittenTable| {
            written.operation == Operation::Delete && written.table.eq_ignore_ascii_case(table)
        };
        self.written().filter(is_one).find_map(|written| written.by.as_deref())
    }

    /// Returns the trigger by which it wrote to a table of that name, unless it did itself.
    pub(crate) fn trigger_on(&self, table: &str) -> Option<&str> {
        let mut trigger = None;
        for written in self.written().filter(|written| written.table.eq_ignore_ascii_case(table)) {
            trigger = Some(written.by.as_deref()?);
        }
        trigger
    }
}
