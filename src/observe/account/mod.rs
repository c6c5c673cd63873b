//! The statements that a harness has kept, and what they say of a table or a row: who wrote it, what was rolled back, what
//! failed, what is still open.

mod author;
mod broken;
mod rowid;

pub(crate) use author::Author;
pub(super) use broken::broken_by;

use std::thread::ThreadId;

use super::statements::{read, Statement, StatementKind};
use crate::harness::Running;
use crate::instrument::{Operation, TransactionEnd};
use crate::key::BindKey;

/// The statements that a harness has kept, read once.
pub(crate) struct Account {
    statements: Vec<Statement>,
    /// Set if some were evicted.
    is_partial: bool,
}

impl Account {
    /// Reads what a harness has kept.
    pub(crate) fn read(running: &Running) -> Account {
        let recorder = running.recorder();
        Account { statements: read(recorder.all()), is_partial: recorder.first() > 0 }
    }

    /// Returns whether statements ran that are no longer kept: what is not found may still have happened.
    pub(crate) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Returns the statements that may have changed rows of a bind's table, the oldest first, those left out that the database
    /// has lost as it was put back to an earlier state.
    pub(crate) fn writes(&self, bind: &BindKey, table: &str) -> Vec<&Statement> {
        let mut writes = Vec::new();
        for statement in &self.statements {
            if statement.fate() != Fate::PutBack && statement.writes_rows_of(bind, table) {
                writes.push(statement);
            }
        }
        writes
    }

    /// Returns the statements that may have inserted or updated rows of a bind's table, the oldest first.
    pub(crate) fn puts(&self, bind: &BindKey, table: &str) -> Vec<&Statement> {
        let mut puts = self.writes(bind, table);
        puts.retain(|statement| statement.puts_rows_into(bind, table));
        puts
    }

    /// Returns the statements of a thread that write, the oldest first.
    pub(crate) fn of_thread(&self, thread: ThreadId) -> Vec<&Statement> {
        let mut statements = Vec::new();
        for statement in &self.statements {
            if statement.thread().id() == thread && statement.kind() == StatementKind::Write {
                statements.push(statement);
            }
        }
        statements
    }

    /// Returns whether a statement wrote to any table.
    pub(crate) fn has_writes(&self) -> bool {
        self.statements.iter().any(|statement| statement.kind() == StatementKind::Write)
    }

    /// Returns whether a statement may have written to a table of that name, in whatever bind.
    pub(crate) fn has_written_to(&self, table: &str) -> bool {
        self.statements.iter().flat_map(Statement::written).any(|written| written.table.eq_ignore_ascii_case(table))
    }

    /// Returns the statements that created a bind's table or view, the oldest first.
    pub(crate) fn creations(&self, bind: &BindKey, table: &str) -> Vec<&Statement> {
        let mut creations = Vec::new();
        for statement in &self.statements {
            if statement.creates(bind, table) {
                creations.push(statement);
            }
        }
        creations
    }
}

/// What became of a statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    /// It was committed and changed no row.
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
        if self.has_failed() == Some(true) {
            return Fate::FailedItself;
        }
        if self.is_undone() {
            return Fate::Undone;
        }
        match self.transaction_end() {
            Some(TransactionEnd::Committed) if self.recorded().is_put_back => Fate::PutBack,
            Some(TransactionEnd::Committed) if self.changed_nothing() => Fate::Nothing,
            Some(TransactionEnd::Committed) => Fate::Committed,
            Some(TransactionEnd::RolledBack) => Fate::RolledBack,
            Some(TransactionEnd::Failed) => Fate::Lost,
            Some(TransactionEnd::Closed) => Fate::Closed,
            Some(TransactionEnd::Open) => Fate::Open,
            Some(TransactionEnd::Unknown) | None => Fate::Unknown,
        }
    }

    /// Returns whether it changed no row, by itself or by a trigger.
    fn changed_nothing(&self) -> bool {
        self.recorded().ended.is_some()
            && self.rows_changed() == 0
            && self.triggers().next().is_none()
            && self.tables_created().is_empty()
    }

    /// Returns the place at which what became of it was decided, where another statement did that and it is known.
    pub(crate) fn ended_at(&self) -> Option<String> {
        match self.fate() {
            Fate::Committed | Fate::PutBack | Fate::RolledBack | Fate::Lost | Fate::Closed => {
                self.transaction_ended_at()
            }
            Fate::FailedItself | Fate::Undone | Fate::Nothing | Fate::Open | Fate::Unknown => None,
        }
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

    /// Returns the trigger by which it wrote to a table of that name, unless it did itself.
    pub(crate) fn trigger_on(&self, table: &str) -> Option<&str> {
        let mut trigger = None;
        for written in self.written().filter(|written| written.table.eq_ignore_ascii_case(table)) {
            trigger = Some(written.by.as_deref()?);
        }
        trigger
    }
}
