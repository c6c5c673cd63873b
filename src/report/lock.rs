//! The transactions that others wait for or have missed, in words.

use std::panic::Location;
use std::time::{Duration, Instant};

use super::account::statement;
use super::table::paragraph;
use crate::database::Database;
use crate::harness::{Running, Transactions};
use crate::key::BindKey;
use crate::observe;
use crate::sqlite::vfs::GivenUp;

/// The functions that a harness is given.
pub(crate) const TRANSACTIONS: Transactions = Transactions { holder, waited, last_commit, creation };

/// Describes the transaction that had written to a database at a moment and was open.
fn holder(running: &Running, key: &BindKey, at: Instant) -> Option<String> {
    let holder = observe::holder(running, key, at)?;
    let open = time(holder.open);
    Some(format!("held by a transaction, open for {open}, that last wrote:\n{}", statement(&holder.last, None, 4)))
}

/// Describes a wait that ended without the lock.
fn waited(running: &Running, database: &Database, GivenUp { told, at }: GivenUp) -> String {
    let told = format!("multibind: bind `{}`: {told}", database.label());
    let Some(holder) = at.and_then(|at| observe::holder(running, database.key(), at)) else {
        return paragraph(&told, 0, 2);
    };
    let (told, open) = (paragraph(&told, 0, 2), time(holder.open));
    format!("{told}.\n  A transaction had been open for {open} and last wrote:\n{}", statement(&holder.last, None, 4))
}

/// Describes the last transaction that wrote to a database and was committed.
fn last_commit(running: &Running, key: &BindKey, began: Option<&Location<'_>>) -> Option<String> {
    let began = began.map(|place| format!("this unit of work began at {place}"));
    let Some(last) = observe::last_commit(running, key) else { return began };
    let since = began.map(|began| format!("{began}\n  ")).unwrap_or_default();
    Some(format!("{since}written since, and committed:\n{}", statement(&last, None, 4)))
}

/// Describes the statement that created a table.
fn creation(running: &Running, key: &BindKey, table: &str) -> Option<String> {
    let created = observe::creation(running, key, table)?;
    Some(format!("`{table}` in `{key}` was created by:\n{}", statement(&created, None, 4)))
}

/// Writes a time as people say it.
pub(super) fn time(time: Duration) -> String {
    match time.as_millis() {
        0 => "less than 1 ms".to_string(),
        ms @ 1..1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_at_a_glance() {
        let told = [0, 900, 25_000, 999_999, 1_500_000, 90_000_000].map(|us| time(Duration::from_micros(us)));
        assert_eq!(told, ["less than 1 ms", "less than 1 ms", "25 ms", "999 ms", "1.5 s", "90.0 s"]);
    }
}
