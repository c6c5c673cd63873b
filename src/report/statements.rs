//! Statements as a table, and the reports of assertions on them.

use std::fmt;
use std::time::Duration;

use super::table::Table;
use super::words::cut;
use crate::error::list;
use crate::key::{BindKey, Selection};
use crate::observe::{Miscount, Statement, StatementKind, StatementLog, Unrecorded, Written};

/// The number of statements that are shown, and of characters of each.
const SHOWN: usize = 100;
const TEXT_SHOWN: usize = 300;

/// The statements so far.
impl fmt::Display for StatementLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(&self.statements()))
    }
}

/// Reports another number of statements on a bind than expected.
pub(crate) fn miscounted(key: &BindKey, count: usize, miscount: &Miscount) -> String {
    let asked = format!("expected {} on bind `{key}`", plural(count));
    let (on_it, elsewhere) = match miscount {
        Miscount::Statements { on_it, elsewhere } => (on_it.as_slice(), elsewhere.as_slice()),
        Miscount::Unrecorded(writes) => return format!("{asked}, but {}", unrecorded(writes)),
    };
    match (on_it, elsewhere) {
        ([], []) => format!("{asked}, but none ran on any bind.\n\n{NOTHING_RAN}"),
        ([], elsewhere) => {
            format!("{asked}, but none ran on it. Those that ran:\n\n{}\n\n{NOTHING_RAN}", plain(elsewhere))
        }
        (on_it, []) => format!("{asked}, but {} ran:\n\n{}", on_it.len(), plain(on_it)),
        (on_it, elsewhere) => format!(
            "{asked}, but {} ran:\n\n{}\n\nOn other binds ran:\n\n{}",
            on_it.len(),
            plain(on_it),
            plain(elsewhere)
        ),
    }
}

/// Reports writes to binds that were to be read only.
pub(crate) fn written(selection: &Selection, written: &Written) -> String {
    let asked = match selection.keys() {
        Some(keys) => format!("expected only reads on {}", list(keys)),
        None => "expected only reads on every bind".to_string(),
    };
    match written {
        Written::Unrecorded(writes) => format!("{asked}, but {}", unrecorded(writes)),
        Written::Statements(statements) => {
            let mut marked = Vec::with_capacity(statements.len());
            for (statement, writes) in statements {
                marked.push((statement, *writes));
            }
            format!("{asked}, but those marked ≠ write:\n\n{}", table(&marked))
        }
    }
}

fn unrecorded(writes: &Unrecorded) -> String {
    match writes {
        Unrecorded::ByOthers(binds) => format!(
            "{} was written to by a connection that the harness did not open, whose\nstatements are not recorded. Assert on \
             what changed: `db.changes_since(&before)`",
            list(binds)
        ),
        Unrecorded::ByItsOwn(binds) => format!(
            "{} was written to by no statement that was seen: by incremental blob I/O, by a backup into\na connection, or on \
             a connection whose trace the application has replaced. Assert on what\nchanged: \
             `db.changes_since(&before)`",
            list(binds)
        ),
    }
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
    match statement.error() {
        Some(error) => format!("{text}\n  failed: {error}"),
        None => text,
    }
}

fn time(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
