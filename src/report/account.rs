//! A statement in words: its text, its place, its thread and connection, and what became of it. All reports have this form.

use std::thread::{self, Thread};

use super::table::{paragraph, say};
use super::words::cut;
use crate::instrument::{RefusedCommit, ThreadState, Unprepared, PLACES};
use crate::observe::{Fate, Refusal, Statement};

/// The number of lines and of characters of a statement's text that are shown.
const LINES: usize = 6;
const TEXT: usize = 300;

/// The reason for which no line is said, and what the threads of sqlx are called.
const PLACELESS: &str = "no line is known: the driver runs statements on a thread of its own";
const SQLX: &str = "sqlx-";

/// Writes a statement in a few lines, each so many columns from the left. Where a trigger of it wrote to `table`, that is named.
///
/// ```text
///   INSERT INTO user (username) VALUES ('ann')
///   at src/accounts.rs:10, my_app::accounts::sign_up
///   called from src/main.rs:20
///   on thread `worker`, connection 3
///   rolled back at src/accounts.rs:12, my_app::accounts::sign_up
/// ```
pub(super) fn statement(statement: &Statement, table: Option<&str>, indent: usize) -> String {
    let mut ends = vec![ran_on(statement), end(statement)];
    if statement.ended_at().is_none() && !statement.is_dropped() {
        ends = vec![ends.join(", ")];
    }
    let refused = statement.refused_commit();
    if statement.is_dropped() && refused.is_none() {
        ends.push(match statement.dropped_future() {
            Some(function) => {
                format!("as the future of `{function}` was cancelled: it was dropped there before its end")
            }
            None => "as it was dropped there without a commit".to_string(),
        });
    }
    if let Some(refused) = &refused {
        let error = refused.error.as_ref().map(|error| format!("with: {error}"));
        if statement.fate() == Fate::Lost {
            ends.extend(error);
        } else {
            let end = ends.pop();
            ends.push(failed_commit(refused));
            ends.extend(error);
            ends.extend(end);
        }
    }
    ends.extend(opened(statement));
    if statement.is_placeless() {
        ends.push(placeless(statement));
    }
    ending(statement, table, ends, indent)
}

/// Says why no line of a statement is known, or in which span it was asked for.
fn placeless(statement: &Statement) -> String {
    if let Some(span) = statement.recorded().place.as_ref().and_then(|place| place.span()) {
        return format!("asked for within the span {span}");
    }
    let is_sqlx = statement.thread().name().is_some_and(|name| name.starts_with(SQLX));
    if is_sqlx && cfg!(not(feature = "sqlx")) {
        format!("{PLACELESS}; multibind's feature `sqlx` finds the lines that call sqlx")
    } else {
        PLACELESS.to_string()
    }
}

/// Says where the savepoint was opened that took a statement away.
fn opened(statement: &Statement) -> Option<String> {
    let undone = statement.recorded().undone.as_ref().filter(|_| statement.fate() == Fate::Undone)?;
    let place = undone.opened.as_ref()?.text()?;
    Some(format!("the savepoint was opened at {place}"))
}

/// Writes a statement with other lines at its end.
pub(super) fn ending(statement: &Statement, table: Option<&str>, mut ends: Vec<String>, indent: usize) -> String {
    let mut lines = sql_lines(statement.sql_with_values());
    let has_effect = !matches!(statement.fate(), Fate::Nothing | Fate::FailedItself);
    if let Some(trigger) = table.filter(|_| has_effect).and_then(|table| statement.trigger_on(table)) {
        lines.push(format!("which fired the trigger `{trigger}`"));
    }
    if let Some(trigger) = statement.triggers().next().filter(|_| !has_effect) {
        lines.push(format!("which fired the trigger `{trigger}`"));
    }
    if let Some(table) = table.filter(|table| statement.is_by_key(table)) {
        lines.push(format!("which changed `{table}` by a foreign key"));
    }
    if table.is_some_and(|table| statement.has_updated_instead(table)) {
        lines.push("which updated what was there, and inserted nothing".to_string());
    }
    if let Some(place) = statement.place() {
        lines.push(format!("at {place}"));
    }
    lines.extend(called_from(&statement.lines_of_callers()));
    lines.append(&mut ends);
    indented(&lines, indent)
}

fn indented(lines: &[String], indent: usize) -> String {
    let edge = " ".repeat(indent);
    let mut written = String::new();
    for line in lines {
        if !written.is_empty() {
            written.push('\n');
        }
        written.push_str(&edge);
        written.push_str(&paragraph(line, indent, indent + 4));
    }
    written
}

/// Writes statements under a line.
pub(super) fn under(line: &str, table: Option<&str>, statements: &[&Statement]) -> String {
    let mut written = say(line);
    for one in statements {
        written.push('\n');
        written.push_str(&statement(one, table, 2));
    }
    written
}

/// Names the callers of a place.
pub(super) fn called_from(lines: &[&str]) -> Option<String> {
    (!lines.is_empty()).then(|| format!("called from {}", lines.join(", from ")))
}

/// Returns the lines of a statement that SQLite refused to prepare, in the same form.
pub(super) fn unprepared(one: &Unprepared) -> Vec<String> {
    let mut lines = sql_lines(&one.sql);
    if let Some(place) = &one.place {
        lines.extend(place.text().map(|place| format!("at {place}")));
        lines.extend(called_from(&place.lines_of_callers()));
    }
    let on = thread_of(&one.thread);
    lines.push(match one.on() {
        Some(on_it) => format!("{on}, connection {}", on_it.connection),
        None => on,
    });
    lines
}

/// Writes a statement that a guard has refused, in the same form; the test's own thread goes without saying.
pub(super) fn refused(one: &Refusal) -> String {
    let mut lines = sql_lines(one.statement());
    match one.found() {
        Some(place) if place.text().is_none() => lines.push(PLACELESS.to_string()),
        Some(place) => {
            lines.extend(place.text().map(|place| format!("at {place}")));
            lines.extend(called_from(&place.lines_of_callers()));
        }
        None => lines.push(format!("no line is known: a guard keeps those of the first {PLACES} that it refuses")),
    }
    if one.thread().id() != thread::current().id() {
        lines.push(thread_of(one.thread()));
    }
    indented(&lines, 2)
}

/// Returns the lines of a statement's text with its values, cut where it is long.
pub(super) fn sql_lines(sql: &str) -> Vec<String> {
    let text = cut(&sql.trim_end_matches(';').replace('\0', "\\0"), TEXT);
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if lines.len() == LINES {
            lines.push("…".to_string());
            break;
        }
        lines.push(line.to_string());
    }
    lines
}

/// Names the thread and the connection that ran a statement.
pub(super) fn ran_on(statement: &Statement) -> String {
    let on = thread_of(statement.thread());
    let session = if statement.is_from_session() { ", in a session" } else { "" };
    match statement.connection() {
        0 => format!("{on}{session}"),
        connection => format!("{on}{session}, connection {connection}"),
    }
}

/// Says what a thread does that has left a transaction open.
pub(super) fn doing(thread: &Thread, state: ThreadState) -> String {
    let name = thread.name().map_or("its thread".to_string(), |name| format!("thread `{name}`"));
    match state {
        ThreadState::Ended => format!("{name} has ended; the connection is still open"),
        ThreadState::InStatement => format!("{name} is within a statement"),
        ThreadState::Idle => format!("{name} is alive and runs no statement"),
    }
}

fn thread_of(thread: &Thread) -> String {
    match thread.name() {
        _ if thread.id() == thread::current().id() => "on the test's thread".to_string(),
        Some(name) => format!("on thread `{name}`"),
        None => "on an unnamed thread".to_string(),
    }
}

/// Says what became of what a statement wrote.
pub(super) fn end(statement: &Statement) -> String {
    if statement.has_failed() == Some(true) && statement.rows_changed() > 0 {
        let error = statement.error().map(|error| format!(" ({error})")).unwrap_or_default();
        return format!("failed half-way{error}; the rows before: {}", became(statement));
    }
    became(statement)
}

fn became(statement: &Statement) -> String {
    let at = || statement.ended_at().map(|place| format!(" at {place}")).unwrap_or_default();
    match statement.fate() {
        Fate::Committed => format!("committed{}", at()),
        Fate::PutBack => format!("committed{}, and put back by `restore` or `reset` since", at()),
        Fate::Nothing => "changed no row".to_string(),
        Fate::FailedItself => statement.error().map_or("failed".to_string(), |error| format!("failed: {error}")),
        Fate::Undone => match &statement.recorded().undone {
            Some(undone) if !is_generated(&undone.savepoint) && !statement.is_from_session() => {
                format!("rolled back to the savepoint `{}`{}", undone.savepoint, at())
            }
            _ => format!("rolled back to a savepoint{}", at()),
        },
        // A driver's own thread runs what another has called.
        Fate::RolledBack if statement.is_placeless() && statement.ended_at().is_none() => {
            "rolled back, by a call or by a drop of its transaction".to_string()
        }
        Fate::RolledBack => format!("rolled back{}", at()),
        Fate::Lost => match statement.refused_commit() {
            Some(refused) => format!("rolled back: {}", failed_commit(&refused)),
            None => format!("rolled back by an error{}", at()),
        },
        Fate::Closed => format!("rolled back by the close of its connection{}", at()),
        Fate::Open => "not committed".to_string(),
        Fate::Unknown => "its end was not seen".to_string(),
    }
}

/// Returns whether a driver has made up the name of a savepoint, which stands nowhere in the application's code.
fn is_generated(savepoint: &str) -> bool {
    const BEGINNINGS: [&str; 3] = ["_rusqlite_sp", "_sqlx_savepoint_", "diesel_savepoint_"];
    BEGINNINGS.iter().any(|beginning| savepoint.starts_with(beginning))
}

/// Names the commit that failed.
fn failed_commit(refused: &RefusedCommit) -> String {
    let at = refused.place.as_ref().and_then(|place| place.text()).map(|place| format!(" at {place}"));
    format!("its COMMIT failed{}", at.unwrap_or_default())
}
