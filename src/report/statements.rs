//! Statements as a table, and the reports of assertions on them.

use std::fmt;
use std::time::Duration;

use super::account::under;
use super::displaced::displaced;
use super::table::Table;
use super::words::cut;
use crate::error::list;
use crate::instrument::{Displaced, TransactionEnd};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::observe::{Miscount, Statement, StatementKind, StatementLog, Tally, Unrecorded, Written};

/// The number of statements that are shown, and of characters of each.
const SHOWN: usize = 100;
const TEXT_SHOWN: usize = 300;

/// The most statements whose places are shown.
const WRITERS: usize = 3;

/// The statements so far.
impl fmt::Display for StatementLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(&self.statements()))?;
        match self.displaced() {
            connections if connections.is_empty() => Ok(()),
            connections => write!(f, "\n\nMore may have run unseen:\n\n{}", displaced(&connections)),
        }
    }
}

/// The statements that were counted.
#[derive(Clone, Copy)]
pub(crate) enum Counted<'c> {
    On(&'c BindKey),
    OnAll,
    Containing(&'c str),
}

/// Reports another number of statements than expected.
pub(crate) fn miscounted(counted: Counted<'_>, expected: Tally, miscount: &Miscount) -> String {
    let number = match expected {
        Tally::Exactly(count) => plural(count),
        Tally::AtMost(count) => format!("at most {}", plural(count)),
    };
    let (asked, it, others) = match counted {
        Counted::On(key) => (format!("expected {number} on bind `{key}`"), "on it", "On other binds ran:"),
        Counted::OnAll => (format!("expected {number} on all binds together"), "at all", "Others that ran:"),
        Counted::Containing(text) => (format!("expected {number} with {text:?}"), "with it", "Without it ran:"),
    };
    let (on_it, elsewhere, hidden) = match miscount {
        Miscount::Statements { on_it, elsewhere, unseen } => {
            (on_it.as_slice(), elsewhere.as_slice(), unseen.as_slice())
        }
        Miscount::Unrecorded(writes, unseen) => return format!("{asked}, but {}", unrecorded(writes, unseen)),
        Miscount::Unseen(connections) => return format!("{asked}, but {}", unseen(connections)),
    };
    let said = match (on_it, elsewhere) {
        ([], []) => format!("{asked}, but none ran on any bind.\n\n{NOTHING_RAN}"),
        ([], elsewhere) => {
            format!("{asked}, but none ran {it}. Those that ran:\n\n{}\n\n{NOTHING_RAN}", plain(elsewhere))
        }
        (on_it, []) => format!("{asked}, but {} ran:\n\n{}", on_it.len(), plain(on_it)),
        (on_it, elsewhere) => {
            format!("{asked}, but {} ran:\n\n{}\n\n{others}\n\n{}", on_it.len(), plain(on_it), plain(elsewhere))
        }
    };
    let about = if on_it.is_empty() { elsewhere } else { on_it };
    let said = format!("{said}{}", writers(&mapped(about, |one| one)));
    if hidden.is_empty() {
        return said;
    }
    format!("{said}\n\nMore may have run unseen:\n\n{}", displaced(hidden))
}

/// Reports writes to binds that were to be read only.
pub(crate) fn written(selection: &Selection, written: &Written) -> String {
    let asked = match selection.keys() {
        Some(keys) => format!("expected only reads on {}", list(keys)),
        None => "expected only reads on every bind".to_string(),
    };
    match written {
        Written::Unrecorded(writes, unseen) => format!("{asked}, but {}", unrecorded(writes, unseen)),
        Written::Unseen(connections) => format!("{asked}, but {}", unseen(connections)),
        Written::Statements { on_them, elsewhere } => {
            let mut marked = Vec::with_capacity(on_them.len());
            for (statement, writes) in on_them {
                marked.push((statement, *writes));
            }
            let mut wrote = Vec::new();
            wrote.extend(on_them.iter().filter(|(_, writes)| *writes).map(|(statement, _)| statement));
            let said = format!("{asked}, but those marked ≠ write:\n\n{}{}", table(&marked), writers(&wrote));
            if elsewhere.is_empty() {
                return said;
            }
            format!("{said}\n\nOn other binds ran:\n\n{}", plain(elsewhere))
        }
    }
}

/// Names the last of the statements that wrote, as all reports do; nothing where none has a place.
fn writers(statements: &[&Statement]) -> String {
    let has_place = |one: &&Statement| one.kind() == StatementKind::Write && one.place().is_some();
    let placed = filtered(statements, has_place);
    if placed.is_empty() {
        return String::new();
    }
    let last = &placed[placed.len().saturating_sub(WRITERS)..];
    let lead = if last.len() == placed.len() { "Of these wrote:" } else { "The last of these that wrote:" };
    format!("\n\n{}", under(lead, None, last))
}

fn unseen(connections: &[Displaced]) -> String {
    format!("statements may have run unseen:\n\n{}", displaced(connections))
}

/// Says which binds no recorded statement wrote to, and which connections were not seen whole.
fn unrecorded(writes: &Unrecorded, unseen: &[Displaced]) -> String {
    let said = match writes {
        Unrecorded::ByOthers(binds) => format!(
            "{} was written to on a connection that the application opened itself, by no statement that\nwas recorded: by incremental \
             blob I/O, by a backup, or where the application has replaced the trace. Assert on\nwhat changed: \
             `db.changes_since(&before)`",
            list(binds)
        ),
        Unrecorded::ByItsOwn(binds) => format!(
            "{} was written to by no statement that was seen: by incremental blob I/O, by a backup into\na connection, or on \
             a connection whose trace the application has replaced. Assert on what\nchanged: \
             `db.changes_since(&before)`",
            list(binds)
        ),
    };
    if unseen.is_empty() {
        return said;
    }
    format!("{said}\n\n{}", displaced(unseen))
}

fn plural(count: usize) -> String {
    match count {
        0 => "no statement".to_string(),
        1 => "1 statement".to_string(),
        count => format!("{count} statements"),
    }
}

/// The advice where nothing ran.
const NOTHING_RAN: &str =
    "Does the code under test take its connections from this harness, and did it run\nwhile the log was alive?";

/// Draws the last of the statements.
fn plain(statements: &[Statement]) -> String {
    let mut unmarked = Vec::with_capacity(statements.len());
    for statement in statements {
        unmarked.push((statement, false));
    }
    table(&unmarked)
}

/// Draws the last of the statements, with a mark at some; where none has one, there is no column for it.
fn table(statements: &[(&Statement, bool)]) -> String {
    let (hidden, shown) = statements.split_at(statements.len().saturating_sub(SHOWN));
    if shown.is_empty() {
        return "no statements".to_string();
    }
    let without_marks = usize::from(!statements.iter().any(|(_, marked)| *marked));
    let mut table = Table::new(&["", "bind", "does", "rows", "statement"][without_marks..]);
    for (statement, marked) in shown {
        let mark = if *marked { "≠" } else { "" };
        let binds = list(statement.binds());
        table.row(&[mark, &binds, does(statement), &rows(statement), &text(statement)][without_marks..]);
    }
    match hidden.len() {
        0 => table.drawn(),
        hidden => format!("{hidden} more before these:\n{}", table.drawn()),
    }
}

/// Writes all of the statements, with their threads and times.
pub(crate) fn in_detail(statements: &[Statement]) -> String {
    let mut table = Table::new(&["", "bind", "does", "rows", "statement"]);
    for (at, statement) in statements.iter().enumerate() {
        let thread = statement.thread();
        let thread = thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_string);
        let ran = if statement.is_from_session() { "session" } else { "pool" };
        let time = statement.time().map_or("not ended".to_string(), time);
        let what = format!("{}\n  {time}, by a {ran}, in thread {thread}", text(statement));
        let (number, binds) = ((at + 1).to_string(), list(statement.binds()));
        table.row(&[&number, &binds, does(statement), &rows(statement), &what]);
    }
    table.drawn()
}

fn does(statement: &Statement) -> &'static str {
    match statement.kind() {
        StatementKind::Read => "reads",
        StatementKind::Write => "writes",
        StatementKind::Transaction => "",
    }
}

fn rows(statement: &Statement) -> String {
    match statement.kind() {
        StatementKind::Write => statement.rows_changed().to_string(),
        _ => String::new(),
    }
}

/// Writes the statement with its values, cut where it is long, and its error.
fn text(statement: &Statement) -> String {
    let text = cut(&statement.sql_with_values().replace('\0', "\\0"), TEXT_SHOWN);
    let mut lines = vec![text];
    match (statement.error(), statement.has_failed()) {
        (Some(error), _) => lines.push(format!("failed: {error}")),
        (None, Some(true)) => lines.push("failed".to_string()),
        _ => lines.extend(lost(statement).map(str::to_string)),
    }
    let triggers = statement.triggers().collect::<Vec<_>>();
    if !triggers.is_empty() {
        lines.push(format!("ran the trigger {}", triggers.join(", ")));
    }
    lines.join("\n  ")
}

/// Returns what became of a write that is not in the database.
fn lost(statement: &Statement) -> Option<&'static str> {
    if statement.kind() != StatementKind::Write {
        return None;
    }
    if statement.is_undone() {
        return Some("rolled back to a savepoint");
    }
    match statement.transaction_end()? {
        TransactionEnd::Open => Some("not committed"),
        TransactionEnd::RolledBack => Some("rolled back"),
        TransactionEnd::Failed => Some("rolled back by an error"),
        TransactionEnd::Closed => Some("rolled back as its connection was closed"),
        TransactionEnd::Committed | TransactionEnd::Unknown => None,
    }
}

fn time(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
