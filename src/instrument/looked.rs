//! SQLite's account of a statement that it prepares again: its tables and its part in a transaction.

use std::ffi::{c_int, CStr, CString};
use std::sync::{Arc, OnceLock};

use rusqlite::ffi;

use super::deed::Deed;
use super::operation::Operation;
use super::used::Affected;

/// A statement as SQLite's authorizer reports it.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    pub(super) deed: Deed,
    /// The schemas that it uses, the temporary one left out, and whether it may write to them.
    pub(super) places: Vec<(CString, bool)>,
    /// The tables whose rows it may change.
    pub(super) tables: Vec<Change>,
    /// The tables that it reads, while the process has a replica that lags.
    pub(super) reads: Vec<String>,
    /// The tables and views that it creates, each with its schema.
    pub(super) created: Vec<(CString, String)>,
    /// The triggers that it creates, each with its schema.
    pub(super) triggers: Vec<(CString, String)>,
    /// The tables and views that it alters or drops.
    pub(super) altered: Vec<(CString, String)>,
    /// Its part in a transaction, if it begins or ends one or a savepoint.
    pub(super) step: Option<Step>,
    /// Set if it changes what the names in other statements mean.
    pub(super) renames: bool,
    /// Its text and the tables as they are recorded, once they were.
    text: OnceLock<Arc<str>>,
    affected: OnceLock<Arc<Affected>>,
}

impl Looked {
    /// Returns the text of the statement as it is recorded.
    pub(super) fn text(&self, sql: &[u8]) -> Arc<str> {
        Arc::clone(self.text.get_or_init(|| Arc::from(String::from_utf8_lossy(sql).trim())))
    }

    /// Returns the tables that it may change where its connection has one database, whose part in a harness does not change.
    pub(super) fn affected(&self, tables: impl FnOnce() -> Arc<Affected>) -> Arc<Affected> {
        Arc::clone(self.affected.get_or_init(tables))
    }
}

impl Looked {
    /// Returns whether it changes rows, and not the schema.
    pub(super) fn changes_rows(&self) -> bool {
        !self.tables.is_empty() && !self.renames
    }
}

/// A table whose rows a statement may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) schema: CString,
    pub(super) table: String,
    pub(super) operation: Operation,
    /// The trigger that changes it, unless the statement does itself.
    pub(super) by: Option<String>,
}

/// The part of a statement in its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Commit,
    Rollback,
    Savepoint(String),
    Release(String),
    RollbackTo(String),
}

impl Step {
    /// Returns whether it begins a transaction where none is open.
    pub(super) fn begins(&self) -> bool {
        matches!(self, Step::Begin | Step::Savepoint(_))
    }

    /// Returns whether it may commit a transaction.
    pub(super) fn commits(&self) -> bool {
        matches!(self, Step::Commit | Step::Release(_))
    }

    /// Returns whether it has failed, as far as the transaction tells: `before` and `after` are set if none was open as it began
    /// and is open as it has ended.
    pub(super) fn fails(&self, before: bool, after: bool) -> Option<bool> {
        match self {
            Step::Begin => Some(!before || after),
            Step::Commit if !before && after => None,
            Step::Commit => Some(true),
            Step::Rollback => Some(before || !after),
            Step::Savepoint(_) => Some(after),
            Step::Release(_) | Step::RollbackTo(_) => before.then_some(true),
        }
    }

    /// Reads it from an action of the authorizer, if the action is one.
    pub(super) fn of(action: c_int, first: Option<&CStr>, second: Option<&CStr>) -> Option<Step> {
        let operation = first?.to_bytes();
        let name = || second.map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        match (action, operation) {
            (ffi::SQLITE_TRANSACTION, b"BEGIN") => Some(Step::Begin),
            (ffi::SQLITE_TRANSACTION, b"COMMIT") => Some(Step::Commit),
            (ffi::SQLITE_TRANSACTION, b"ROLLBACK") => Some(Step::Rollback),
            (ffi::SQLITE_SAVEPOINT, b"BEGIN") => Some(Step::Savepoint(name())),
            (ffi::SQLITE_SAVEPOINT, b"RELEASE") => Some(Step::Release(name())),
            (ffi::SQLITE_SAVEPOINT, b"ROLLBACK") => Some(Step::RollbackTo(name())),
            _ => None,
        }
    }
}

/// The number of statements that a connection remembers, and the bytes of the longest text among them.
const REMEMBERED: usize = 16;
const TEXT: usize = 1024;

/// SQLite's accounts of a connection's last statements.
#[derive(Debug, Default)]
pub(super) struct Memory {
    entries: Vec<(Box<CStr>, Arc<Looked>)>,
    /// The number of changes of names in the process when they were made.
    as_of: usize,
    next: usize,
}

impl Memory {
    /// Returns what is known of a text, unless names have changed.
    pub(super) fn get(&mut self, sql: &[u8], now: usize) -> Option<Arc<Looked>> {
        if self.as_of != now {
            self.forget(now);
        }
        self.entries.iter().find(|(text, _)| text.to_bytes() == sql).map(|(_, looked)| Arc::clone(looked))
    }

    /// Returns whether that is what is known of a text.
    pub(super) fn has(&self, sql: &[u8], now: usize, looked: &Arc<Looked>) -> bool {
        let is_it = |(text, known): &(Box<CStr>, Arc<Looked>)| Arc::ptr_eq(known, looked) && text.to_bytes() == sql;
        self.as_of == now && self.entries.iter().any(is_it)
    }

    /// Remembers a text, in place of the oldest.
    pub(super) fn put(&mut self, sql: &CStr, looked: &Arc<Looked>, now: usize) {
        if looked.renames || self.as_of != now || sql.count_bytes() > TEXT {
            return;
        }
        let entry = (Box::<CStr>::from(sql), Arc::clone(looked));
        match self.entries.get_mut(self.next) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
        self.next = (self.next + 1) % REMEMBERED;
    }

    /// Forgets all.
    pub(super) fn forget(&mut self, now: usize) {
        self.entries.clear();
        self.next = 0;
        self.as_of = now;
    }
}
