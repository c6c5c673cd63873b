//! The other statements of a transaction.

use super::Account;
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

/// Returns the last writes among these of sessions that were dropped without a commit, one of each transaction.
pub(in crate::observe) fn dropped_sessions(statements: &[Statement]) -> Vec<Statement> {
    let mut dropped = Vec::<Statement>::new();
    for statement in statements {
        let is_write = statement.kind() == StatementKind::Write && statement.rows_changed() > 0;
        if is_write && statement.is_from_session() && statement.is_dropped() {
            dropped.retain(|known| known.transaction() != statement.transaction());
            dropped.push(statement.clone());
        }
    }
    dropped
}
