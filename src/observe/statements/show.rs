//! Statements as a table for people to read.

use std::time::Duration;

use super::statement::{Statement, StatementKind};
use crate::error::list;
use crate::observe::report::{cut, Table};

/// How many statements are shown, and how much of each, in characters.
const SHOWN: usize = 100;
const TEXT_SHOWN: usize = 300;

/// The last of the statements, with a mark at some; without one there is no column for it.
pub(super) fn table(statements: &[&Statement], marked: &dyn Fn(&Statement) -> bool) -> String {
    let (hidden, shown) = statements.split_at(statements.len().saturating_sub(SHOWN));
    if shown.is_empty() {
        return "no statements".to_string();
    }
    let without_marks = usize::from(!statements.iter().any(|statement| marked(statement)));
    let mut table = Table::new(&["", "bind", "does", "rows", "statement"][without_marks..]);
    for statement in shown {
        let mark = if marked(statement) { "≠" } else { "" };
        let binds = list(statement.binds());
        table.row(&[mark, &binds, does(statement), &rows(statement), &text(statement)][without_marks..]);
    }
    match hidden.len() {
        0 => table.drawn(),
        hidden => format!("{hidden} more before these:\n{}", table.drawn()),
    }
}

/// All of the statements, with their threads and times.
pub(in crate::observe) fn in_detail(statements: &[Statement]) -> String {
    let mut table = Table::new(&["", "bind", "does", "rows", "statement"]);
    for (at, statement) in statements.iter().enumerate() {
        let thread = statement.thread();
        let thread = thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_string);
        let ran = match statement.by_session() {
            true => "session",
            false => "pool",
        };
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

/// The statement with its values, cut where it is long, and how it failed.
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
