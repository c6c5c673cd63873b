//! The transactions that others wait for or have missed, in words.

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::account::{doing, end, ending, ran_on, statement};
use super::came::came_about;
use super::table::paragraph;
use super::words::cut;
use crate::database::Database;
use crate::harness::{Created, Running, Transactions};
use crate::instrument::{Place, Waiting};
use crate::key::BindKey;
use crate::list::mapped;
use crate::observe::{self, Creation, Holder, Statement, TooLate, Waiter};
use crate::sqlite::vfs::{GivenUp, Lock};

/// The characters that are shown of the text of a statement that reads.
const TEXT: usize = 300;

/// The functions that a harness is given.
pub(crate) const TRANSACTIONS: Transactions = Transactions { holder, waited, stale, last_commit, creation };

/// Describes the transaction that had the lock of a database's writer at a moment.
fn holder(running: &Running, key: &BindKey, at: Instant) -> Option<String> {
    let holder = observe::holder(running, key, at)?;
    let open = time(holder.open);
    Some(format!("held by a transaction, open for {open}, that {}", last(&holder)))
}

/// Describes a wait that ended without the lock.
fn waited(running: &Running, database: &Database, (wait, waiting): &(GivenUp, Waiting)) -> String {
    let wanted = match wait.lock {
        Lock::Write => "gave up waiting for the write lock",
        Lock::Read => "gave up waiting to commit, which readers blocked",
    };
    let told =
        |who: &str, end: &str| paragraph(&format!("multibind: bind `{}`: {who} {wanted}{end}", database.label()), 0, 2);
    let waiter = observe::waiter(running, *waiting);
    let waits_in = waiter.as_ref().map(|(Waiter::Statement(one) | Waiter::Commit(one))| one.thread().id());
    let waiting_at = match &waiter {
        Some(Waiter::Statement(one)) => one.recorded().place.clone(),
        _ => None,
    };
    let mut has_left = String::new();
    let waiter = match waiter {
        Some(Waiter::Statement(one)) => format!("{}\n{}", told("this statement", ":"), without_end(&one)),
        Some(Waiter::Commit(one)) => {
            format!("{}\n{}", told("the transaction of this statement", ":"), without_end(&one))
        }
        None => told(&wait.waiter, "."),
    };
    let mut of_one_thread = None;
    let held = match observe::holder(running, database.key(), wait.at).filter(|_| wait.lock == Lock::Write) {
        Some(holder) => {
            let open = format!("The lock was held by a transaction, open for {}, that", time(holder.open));
            let is_one_thread = waits_in == Some(holder.last.thread().id());
            let left = waiting_at.as_ref().filter(|_| is_one_thread).and_then(|place| left_open(&holder, place));
            if let Some(left) = left {
                has_left = format!("\n  {}", paragraph(&left, 2, 2));
            }
            if is_one_thread {
                of_one_thread = Some(
                    "This thread waits for a lock that it holds itself: end that transaction before this statement, or run \
                     the statement on its connection.",
                );
            }
            format!("{open} {}", last(&holder))
        }
        None => match &wait.holders {
            Some(holders) if wait.lock == Lock::Write => {
                paragraph(&format!("The lock was held by {holders}, which had written nothing."), 2, 2)
            }
            Some(holders) => paragraph(&format!("The reader was {holders}."), 2, 2),
            None => return waiter,
        },
    };
    let advice = of_one_thread.map_or(String::new(), |advice| format!("\n  {}", paragraph(advice, 2, 2)));
    format!("{waiter}\n  {held}{has_left}{advice}")
}

/// Says that the function which began a transaction had returned as a statement of the same thread waited for it.
fn left_open(holder: &Holder, waiting: &Place) -> Option<String> {
    let begun = holder.begun.as_ref().unwrap_or(&holder.last);
    let place = match begun.recorded().transaction.as_ref().and_then(|one| one.begun()) {
        Some(place) => place,
        None => Arc::clone(begun.recorded().place.as_ref()?),
    };
    let function = place.function().filter(|function| waiting.has_left(function))?;
    let at = place.text()?;
    let begun_at = at.strip_suffix(function).map_or(at, |line| line.trim_end_matches(", "));
    Some(format!("Look at {begun_at}: `{function}` began the transaction there, and returned without ending it."))
}

/// Writes a statement that waited, whose end is said around it.
fn without_end(waiter: &Statement) -> String {
    ending(waiter, None, vec![ran_on(waiter)], 4)
}

/// Says what the holder of a lock had last done, and how it ended after the wait.
fn last(holder: &Holder) -> String {
    let did = if holder.last.recorded().locks { "began with it" } else { "last wrote" };
    let ran_on = ran_on(&holder.last);
    let mut ends = if holder.has_ended {
        vec![ran_on, format!("open when the lock was refused; later {}", end(&holder.last))]
    } else {
        let mut ends = vec![format!("{ran_on}, still open")];
        ends.extend(holder.thread.as_ref().map(|(thread, state)| doing(thread, *state)));
        ends
    };
    if let Some(place) = holder.begun.as_ref().and_then(Statement::place) {
        ends.push(format!("The transaction began with the lock at {place}"));
    } else if let Some(place) = holder.last.begun_at().filter(|place| holder.last.place() != Some(place.as_str())) {
        ends.push(format!("The transaction began at {place}"));
    }
    format!("{did}:\n{}", ending(&holder.last, None, ends, 4))
}

/// Describes the writes that came too late.
fn stale(running: &Running) -> Vec<String> {
    mapped(&observe::too_late(running), |late| {
        let told = format!(
            "multibind: bind `{}`: this statement failed, for its transaction had read a state that another connection has \
             changed since:",
            late.failed.bind()
        );
        let mut report = format!("{}\n{}", paragraph(&told, 0, 2), without_end(&late.failed));
        if let Some(reading) = &late.reading {
            report +=
                &format!("\n  The transaction began to read with:\n    {}", paragraph(&cut(&reading.sql, TEXT), 4, 8));
            if let Some(place) = reading.place.as_ref().and_then(|place| place.text()) {
                report += &format!("\n    {}", paragraph(&format!("at {place}"), 4, 8));
            }
        }
        report += &match &late.missed {
            Some(missed) => format!("\n  Written since, and committed:\n{}", statement(missed, None, 4)),
            None => "\n  No statement was recorded that wrote in between.".to_string(),
        };
        // On one thread, a transaction that began with the lock would have had the other write wait for it in vain.
        if let Some(own) = own_write(late) {
            report += &format!("\n  {}", paragraph(&own, 2, 2));
        }
        let is_one_thread =
            late.missed.as_ref().is_some_and(|missed| missed.thread().id() == late.failed.thread().id());
        let next = if is_one_thread {
            "Both ran on one thread: write on the transaction's own connection, or before it reads (SQLITE_BUSY_SNAPSHOT)."
        } else {
            "Begin such a transaction with `BEGIN IMMEDIATE`, or roll it back and start again (SQLITE_BUSY_SNAPSHOT)."
        };
        format!("{report}\n  {}", paragraph(next, 2, 2))
    })
}

/// Says that the function whose transaction came too late made the other write itself.
fn own_write(late: &TooLate) -> Option<String> {
    let place = late.failed.recorded().place.as_ref()?;
    let function = place.function()?;
    let missed = late.missed.as_ref().filter(|missed| missed.connection() != late.failed.connection())?;
    let line = missed.recorded().place.as_ref()?.line_in(function)?;
    Some(format!("Look at {line}: `{function}` made that write there, on another connection than its transaction's."))
}

/// Describes the last transaction that wrote to a database and was committed.
fn last_commit(running: &Running, key: &BindKey, began: Option<&Location<'_>>) -> Option<String> {
    let began = began.map(|place| format!("this unit of work began at {place}"));
    let Some(last) = observe::last_commit(running, key) else { return began };
    let since = began.map(|began| format!("{began}\n  ")).unwrap_or_default();
    Some(format!("{since}written since, and committed:\n{}", statement(&last, None, 4)))
}

/// Describes the statement that created a table.
fn creation(running: &Running, key: &BindKey, table: &str) -> Option<Created> {
    let Creation { statement: created, is_new, came, rows } = observe::creation(running, key, table)?;
    let since = match created.line().filter(|_| is_new) {
        Some(line) => format!("was not there at the start: look at {line}. It was created by:"),
        None if is_new => "was not there at the start. It was created by:".to_string(),
        None => "was created by:".to_string(),
    };
    let since = paragraph(&format!("`{table}` in `{key}` {since}"), 2, 2);
    let mut text = format!("{since}\n{}", statement(&created, None, 4));
    let rows = match rows {
        Some(0) => ", where the table has no row".to_string(),
        Some(1) => ", where the table has 1 row".to_string(),
        Some(rows) => format!(", where the table has {rows} rows"),
        None => String::new(),
    };
    text += &format!("\n  {}", paragraph(&format!("That ran on a connection to `{key}`{rows}."), 2, 2));
    if let Some(came) = came {
        text += &format!("\n  {}", came_about(&came).replace('\n', "\n  "));
    }
    Some(Created { text, is_new })
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
