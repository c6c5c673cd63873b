//! The transactions that others wait for, or have missed.

use std::time::{Duration, Instant};

use super::statements::{read, Statement};
use crate::harness::Running;
use crate::instrument::{Transaction, TransactionEnd};
use crate::key::BindKey;

/// A transaction that had written to a database and was open at a moment.
pub(crate) struct Holder {
    /// The last statement in it that had written there.
    pub(crate) last: Statement,
    /// The time for which it had been open.
    pub(crate) open: Duration,
}

/// Finds the transaction that had written to a database and was open at a moment; there is at most one.
pub(crate) fn holder(running: &Running, key: &BindKey, at: Instant) -> Option<Holder> {
    let last = last_written(running, key, |transaction| transaction.was_open(at))?;
    let open = at.saturating_duration_since(last.recorded().transaction.as_ref()?.at);
    Some(Holder { last, open })
}

/// Finds the last statement that wrote to a database and was committed.
pub(crate) fn last_commit(running: &Running, key: &BindKey) -> Option<Statement> {
    last_written(running, key, |transaction| transaction.end() == TransactionEnd::Committed)
}

/// Finds the last statement that is known to have written to a database, in such a transaction.
fn last_written(running: &Running, key: &BindKey, is_one: impl Fn(&Transaction) -> bool) -> Option<Statement> {
    let mut recorded = running.recorder().all();
    recorded.retain(|statement| {
        let writes = statement.databases().any(|used| used.writes && used.names.contains(key));
        // One that has changed no row may have been refused the lock itself.
        let wrote = statement.ended.as_ref().is_some_and(|ended| ended.rows > 0 || ended.failed == Some(false));
        writes && wrote && !statement.is_step && statement.transaction.as_ref().is_some_and(|one| is_one(one))
    });
    read(recorded).pop()
}
