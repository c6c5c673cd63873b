//! Writes that are not there: rolled back, failed, or without an effect.

use super::clue::{Clue, Last};
use crate::key::BindKey;
use crate::list::retain;
use crate::observe::account::{Account, Fate};
use crate::observe::statements::Statement;

/// Finds the statements that put rows into a bind's table that are not there; of those, where some updated the row that comes
/// nearest and that is known by its number, these.
pub(in crate::observe) fn lost(account: &Account, table: &str, bind: &BindKey, nearest: Option<i64>) -> Vec<Clue> {
    let mut lost = account.puts(bind, table);
    retain(&mut lost, |statement| statement.fate().is_lost());
    // Those that have changed nothing are named where there are no others.
    if lost.iter().any(|statement| statement.fate() != Fate::Nothing) {
        retain(&mut lost, |statement| statement.fate() != Fate::Nothing);
    }
    let updates = |statement: &&Statement| {
        let ended = statement.recorded().ended.as_ref();
        nearest.is_some_and(|rowid| ended.is_some_and(|ended| ended.touched.has_updated(table, rowid)))
    };
    let is_of_nearest = lost.iter().any(updates);
    if is_of_nearest {
        retain(&mut lost, |statement| updates(statement));
    }
    let Some(last) = Last::of(lost.into_iter().cloned().collect()) else { return Vec::new() };
    let half = half(account, &last, bind);
    let is_rolled_back = |one: &&Statement| matches!(one.fate(), Fate::RolledBack | Fate::Undone | Fate::Closed);
    let failed = last.statements.last().filter(is_rolled_back).and_then(|one| failed(account, one, &last));
    let mut clues = vec![Clue::Lost { bind: bind.clone(), table: table.to_string(), last, is_of_nearest }];
    clues.extend(failed);
    clues.extend(half);
    clues
}

/// Finds what had failed before a statement was rolled back, or that nothing had.
fn failed(account: &Account, one: &Statement, last: &Last) -> Option<Clue> {
    if let Some(failed) = account.failed_with(one, &last.statements) {
        return Some(Clue::Failed { statement: Box::new(failed) });
    }
    match account.unprepared_with(one) {
        Some(one) => Some(Clue::UnpreparedBefore { one }),
        None => account.unfailed(one).map(|unfailed| Clue::Unfailed { unfailed }),
    }
}

/// Finds what the session of a lost statement has committed on other binds.
fn half(account: &Account, last: &Last, bind: &BindKey) -> Option<Clue> {
    let statement = last.statements.last().filter(|statement| statement.is_from_session())?;
    let lost = statement.recorded().transaction.as_ref()?;
    // A unit of work has its transactions open at one time.
    let is_beside = |other: &Statement| {
        let one = other.recorded().transaction.as_ref();
        one.is_some_and(|one| one.was_open(lost.at) || lost.was_open(one.at))
    };
    let mut binds = Vec::new();
    for other in account.of_thread(statement.thread().id()) {
        let is_one = other.is_from_session() && other.fate() == Fate::Committed && other.bind() != bind;
        if is_one && is_beside(other) && !binds.contains(other.bind()) {
            binds.push(other.bind().clone());
        }
    }
    (!binds.is_empty()).then_some(Clue::Half { binds })
}
