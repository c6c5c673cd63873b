//! The transactions that others wait for, or have missed.

use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::statements::{read, Statement};
use crate::harness::Running;
use crate::instrument::{state_of, Reading, Recorded, ThreadState, Transaction, TransactionEnd, Waiting};
use crate::key::BindKey;
use crate::list::{filtered, retain};

/// A transaction that had the lock of a database's writer at a moment.
pub(crate) struct Holder {
    /// The last statement in it that had written there, or the one that had begun it with the lock.
    pub(crate) last: Statement,
    /// The one that had begun it with the lock, if it is another.
    pub(crate) begun: Option<Statement>,
    /// The time for which it had been open.
    pub(crate) open: Duration,
    /// Set if it has ended since.
    pub(crate) has_ended: bool,
    /// The other thread that wrote in it, and its state, where it has not ended.
    pub(crate) thread: Option<(Thread, ThreadState)>,
}

/// Finds the transaction that had the lock of a database's writer at a moment; there is at most one.
pub(crate) fn holder(running: &Running, key: &BindKey, at: Instant) -> Option<Holder> {
    let mut held = recorded(running, &|one| is_known_to_lock(one, key) && one.at <= at);
    retain(&mut held, |one| one.in_transaction().is_some_and(|transaction| transaction.was_open(at)));
    let last = held.pop()?;
    let is_begun = |one: &&Statement| one.transaction() == last.transaction() && one.recorded().locks;
    let begun = held.iter().find(is_begun).cloned();
    let transaction = last.in_transaction()?;
    let open = at.saturating_duration_since(transaction.at);
    let has_ended = transaction.ended().is_some();
    let of = last.thread();
    let is_other = !has_ended && of.id() != thread::current().id();
    let thread = is_other.then(|| (of.clone(), state_of(of.id())));
    Some(Holder { begun, open, has_ended, thread, last })
}

/// Finds the last statement that wrote to a database and was committed.
pub(crate) fn last_commit(running: &Running, key: &BindKey) -> Option<Statement> {
    let is_committed = |transaction: &Transaction| transaction.end() == TransactionEnd::Committed;
    let mut committed = recorded(running, &|one| is_known_to_write(one, key));
    retain(&mut committed, |one| one.in_transaction().is_some_and(is_committed));
    committed.pop()
}

/// The statement that waited for a lock.
pub(crate) enum Waiter {
    /// It did.
    Statement(Box<Statement>),
    /// The commit of its transaction did.
    Commit(Box<Statement>),
}

/// Finds the statement that waited for a lock.
pub(crate) fn waiter(running: &Running, waiting: Waiting) -> Option<Waiter> {
    let is_it = |one: &Recorded| Some(one.number) == waiting.statement;
    if let Some(statement) = recorded(running, &is_it).pop() {
        return Some(Waiter::Statement(Box::new(statement)));
    }
    let number = waiting.transaction?;
    let is_in_it = |one: &Recorded| one.transaction.as_ref().is_some_and(|one| one.number == number);
    recorded(running, &is_in_it).pop().map(|last| Waiter::Commit(Box::new(last)))
}

/// A write that came too late: its transaction had read a state that others had changed since.
pub(crate) struct TooLate {
    pub(crate) failed: Statement,
    /// The first statement of the transaction that read, if that is known.
    pub(crate) reading: Option<Reading>,
    /// The last write of another connection that was committed in between, if it is known.
    pub(crate) missed: Option<Statement>,
}

/// Finds the writes that came too late, and whose connections have written nothing since.
pub(crate) fn too_late(running: &Running) -> Vec<TooLate> {
    // A passing test has none, and its harness asks as it ends.
    if !running.recorder().has_stale() {
        return Vec::new();
    }
    let all = recorded(running, &|_| true);
    let mut found = Vec::new();
    for (at, failed) in all.iter().enumerate() {
        let Some(ended) = failed.recorded().ended.as_ref().filter(|ended| ended.is_stale) else { continue };
        let is_own = |one: &Statement| one.connection() == failed.connection();
        let is_again = |one: &Statement| {
            let late = one.recorded().ended.as_ref().is_some_and(|ended| ended.is_stale);
            is_own(one) && (late || one.stayed() == Some(true))
        };
        if all[at + 1..].iter().any(is_again) {
            continue;
        }
        let reading = failed.in_transaction().and_then(Transaction::reading);
        let (since, until) = (reading.as_ref().map(|reading| reading.at), failed.at() + ended.time);
        let is_missed = |one: &Statement| {
            let committed = one.in_transaction().filter(|one| one.end() == TransactionEnd::Committed);
            let committed = committed.and_then(Transaction::ended);
            let in_time = committed.is_some_and(|at| at <= until && since.is_none_or(|since| at >= since));
            in_time && !is_own(one) && is_known_to_write(one.recorded(), failed.bind())
        };
        let missed = filtered(&all, is_missed).pop();
        found.push(TooLate { failed: failed.clone(), reading, missed });
    }
    found
}

fn recorded(running: &Running, is_wanted: &dyn Fn(&Recorded) -> bool) -> Vec<Statement> {
    let mut recorded = running.recorder().all();
    retain(&mut recorded, is_wanted);
    read(recorded)
}

/// Returns whether a statement is known to have got the lock of a database's writer.
fn is_known_to_lock(statement: &Recorded, key: &BindKey) -> bool {
    let failed = statement.ended.as_ref().and_then(|ended| ended.failed);
    let begins = statement.locks && statement.first.names.contains(key) && failed == Some(false);
    begins || is_known_to_write(statement, key)
}

/// Returns whether a statement is known to have written to a database.
fn is_known_to_write(statement: &Recorded, key: &BindKey) -> bool {
    let writes = statement.databases().any(|used| used.writes && used.names.contains(key));
    // One that has changed no row may have been refused the lock itself.
    let wrote = statement.ended.as_ref().is_some_and(|ended| ended.rows > 0 || ended.failed == Some(false));
    writes && wrote && !statement.is_step
}
