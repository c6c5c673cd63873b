//! The statements that a harness has kept, and what they say of a table or a row: who wrote it, what was rolled back, what
//! failed, what is still open.

mod author;
mod broken;
mod connection;
mod creation;
mod fate;
mod given;
mod keys;
mod open;
mod removed;
mod rowid;
mod start;
mod unit;
mod unprepared;

pub(crate) use author::Author;
pub(super) use broken::broken_by;
pub(crate) use connection::{Came, Unenforced};
pub(super) use creation::trigger_text;
pub(crate) use creation::{creation, Creation};
pub(crate) use fate::Fate;
pub(crate) use given::{Given, SetUp};
pub(super) use keys::{key_actions, key_to, unique_keys};
pub(crate) use keys::{KeyAction, Replaced};
pub(crate) use open::StillOpen;
pub(super) use rowid::{has_row, is_rowid, rowid_of};
pub(super) use unit::dropped_sessions;
pub(crate) use unit::{RollbackBy, Unfailed};

use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Instant;

use super::statements::{read, Statement, StatementKind};
use crate::harness::Running;
use crate::instrument::{unprepared, Recorder, Unprepared};
use crate::key::BindKey;
use crate::list::retain;

/// The statements that a harness has kept, read once.
pub(crate) struct Account {
    statements: Vec<Statement>,
    /// Set if some were evicted.
    is_partial: bool,
    /// Those that SQLite refused to prepare, and so never ran.
    unprepared: Vec<Arc<Unprepared>>,
    recorder: Arc<Recorder>,
}

impl Account {
    /// Reads what a harness has kept.
    pub(crate) fn read(running: &Running) -> Account {
        Account::of(running.recorder())
    }

    /// Reads what a recorder has kept.
    pub(crate) fn of(recorder: &Arc<Recorder>) -> Account {
        let statements = read(recorder.all());
        let mut unprepared = unprepared(recorder);
        retain(&mut unprepared, |one| is_the_applications(one, &statements));
        Account { statements, is_partial: recorder.first() > 0, unprepared, recorder: Arc::clone(recorder) }
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
        retain(&mut puts, |statement| statement.puts_rows_into(bind, table));
        puts
    }

    /// Returns the statements since a moment that have changed rows, the oldest first.
    pub(crate) fn writes_since(&self, moment: Instant) -> Vec<&Statement> {
        let mut writes = Vec::new();
        for statement in &self.statements {
            if statement.at() >= moment && statement.rows_changed() > 0 {
                writes.push(statement);
            }
        }
        writes
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
}

/// Returns whether the application had a statement prepared, on a connection of the harness or, where that is not known, on this
/// thread or one that used the harness.
fn is_the_applications(one: &Unprepared, statements: &[Statement]) -> bool {
    let thread = one.thread.id();
    match &one.place {
        Some(place) if place.is_through_us() => return false,
        None if one.on().is_none() => return false,
        _ if one.on().is_some() => return true,
        _ => {}
    }
    thread == thread::current().id() || statements.iter().any(|statement| statement.thread().id() == thread)
}
