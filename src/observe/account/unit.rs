//! The other statements of a transaction.

use std::sync::Arc;

use super::{Account, Fate};
use crate::instrument::{displaced, reads_log};
use crate::list::retain;
use crate::observe::statements::{Statement, StatementKind};

impl Account {
    /// Returns the last statement that is known to have failed in a statement's transaction, after it.
    pub(in crate::observe) fn failed_after(&self, statement: &Statement) -> Option<Statement> {
        let number = statement.transaction()?;
        let is_one = |one: &&Statement| {
            one.transaction() == Some(number)
                && one.has_failed() == Some(true)
                && one.recorded().number > statement.recorded().number
        };
        self.statements.iter().rev().find(is_one).cloned()
    }

    /// Returns the last statement that is known to have failed in what a statement was rolled back with, but for these: its
    /// transaction, or its savepoint.
    pub(in crate::observe) fn failed_with(&self, statement: &Statement, but: &[Statement]) -> Option<Statement> {
        let is_named = |one: &Statement| but.iter().any(|but| but.recorded().number == one.recorded().number);
        let is_one = |one: &&Statement| is_rolled_back_with(one, statement) && one.has_failed() == Some(true);
        self.statements.iter().rev().filter(is_one).find(|one| !is_named(one)).cloned()
    }

    /// Returns how a statement was rolled back with nothing that had failed; `None` where something had, or may have.
    pub(in crate::observe) fn unfailed(&self, statement: &Statement) -> Option<Unfailed> {
        let by = match (statement.ended_at(), statement.is_dropped(), statement.dropped_future()) {
            (_, true, Some(_)) => RollbackBy::Future,
            (_, true, None) => RollbackBy::Drop,
            (None, false, _) if statement.is_placeless() => RollbackBy::Unknown,
            (Some(_), false, _) if matches!(statement.fate(), Fate::RolledBack | Fate::Undone) => RollbackBy::Call,
            _ => return None,
        };
        let is_seen = !self.is_partial && self.recorder.keeps_writes() && reads_log();
        if statement.refused_commit().is_some() || !is_seen || !displaced(&self.recorder, 0).is_empty() {
            return None;
        }
        let mut is_sure = true;
        for one in self.statements.iter().filter(|one| is_rolled_back_with(one, statement)) {
            match one.has_failed() {
                Some(true) => return None,
                Some(false) => {}
                None => is_sure &= one.kind() != StatementKind::Write,
            }
        }
        Some(Unfailed { is_of_savepoint: statement.fate() == Fate::Undone, is_sure, by })
    }

    /// Returns the last writes of sessions that were dropped without a commit, one of each transaction, the oldest first.
    pub(in crate::observe) fn dropped_sessions(&self) -> Vec<Statement> {
        dropped_sessions(&self.statements)
    }

    /// Returns the last statement that is kept of a statement's transaction.
    pub(in crate::observe) fn last_of_unit(&self, statement: &Statement) -> Option<Statement> {
        let number = statement.transaction()?;
        self.statements.iter().rev().find(|one| one.transaction() == Some(number)).cloned()
    }
}

/// A transaction or a savepoint that was rolled back, and no write of it had failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfailed {
    pub(crate) is_of_savepoint: bool,
    /// Unset if SQLite did not say so of each of them.
    pub(crate) is_sure: bool,
    pub(crate) by: RollbackBy,
}

/// The way in which the application rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RollbackBy {
    /// It called for that.
    Call,
    /// It dropped the transaction or the savepoint.
    Drop,
    /// It dropped a future that had the transaction.
    Future,
    Unknown,
}

/// Returns whether a statement was rolled back with another: with its savepoint, where that was, or with its transaction.
fn is_rolled_back_with(one: &Statement, other: &Statement) -> bool {
    match (&one.recorded().undone, &other.recorded().undone) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, Some(_)) => false,
        (_, None) => one.transaction().is_some() && one.transaction() == other.transaction(),
    }
}

/// Returns the last writes among these of sessions that were dropped without a commit, one of each transaction.
pub(in crate::observe) fn dropped_sessions(statements: &[Statement]) -> Vec<Statement> {
    let mut dropped = Vec::<Statement>::new();
    for statement in statements {
        let is_write = statement.kind() == StatementKind::Write && statement.rows_changed() > 0;
        if is_write && statement.is_from_session() && statement.is_dropped() {
            retain(&mut dropped, |known| known.transaction() != statement.transaction());
            dropped.push(statement.clone());
        }
    }
    dropped
}
