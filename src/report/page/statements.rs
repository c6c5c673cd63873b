//! The statements one below the other, each with all that is known of it.

use super::document::part;
use super::html::Html;
use super::timeline::colour;
use super::value::{number, plural, time};
use super::Shown;
use crate::error::list;
use crate::instrument::TransactionEnd;
use crate::observe::{Statement, StatementKind};
use crate::report::words::cut;

/// The number of statements that are shown, and the bytes that they take.
const SHOWN: usize = 400;
const BYTES: usize = 700 << 10;
/// The number of characters of a statement in the list, and of its texts in full.
const IN_LIST: usize = 160;
const IN_FULL: usize = 4_000;
/// The number of names of a kind that are listed of a statement.
const NAMES: usize = 40;

/// Returns the place of the first statement that is shown: the last ones are nearest to the failure.
pub(super) fn first_shown(shown: &Shown<'_>) -> usize {
    shown.statements.len().saturating_sub(SHOWN)
}

/// Writes the list of statements.
pub(super) fn write(html: &mut Html, shown: &Shown<'_>) {
    let from = first_shown(shown);
    let about = if shown.statements.is_empty() {
        "None was kept. Statements that write are kept on their own; `harness.record()` keeps those that only read too."
    } else {
        "In the order in which they began. Those that only read are here where `harness.record()` recorded them."
    };
    part(html, "statements", "Statements", about);
    if from > 0 {
        let hidden = format!("{} before these are left out.", plural(from as u64, "statement"));
        html.element("p", &[("class", "about")], &hidden);
    }
    let limit = html.bytes() + BYTES;
    for (at, statement) in shown.statements.iter().enumerate().skip(from) {
        if html.bytes() > limit {
            let hidden = plural((shown.statements.len() - at) as u64, "statement");
            let said = format!("{hidden} more are left out: with them this page would be too large.");
            html.element("p", &[("class", "about")], &said);
            break;
        }
        one(html, statement, at + 1);
    }
    html.close();
}

fn one(html: &mut Html, statement: &Statement, number: usize) {
    let (id, at) = (format!("s{number}"), number.to_string());
    let binds = list(statement.binds());
    let kind = match statement.kind() {
        StatementKind::Read => "statement read",
        StatementKind::Write => "statement write",
        StatementKind::Transaction => "statement step",
    };
    let attributes =
        [("class", kind), ("name", "statement"), ("id", id.as_str()), ("data-s", &at), ("data-bind", &binds)];
    html.open("details", &attributes);
    html.open("summary", &[]);
    html.element("span", &[("class", &format!("no {}", colour(statement.connection())))], &at);
    html.element("span", &[("class", "bind")], &binds);
    html.element("code", &[("class", "sql")], &cut(&one_line(statement), IN_LIST));
    let became = became(statement);
    let rows =
        if statement.kind() == StatementKind::Write { plural(statement.rows_changed(), "row") } else { String::new() };
    html.element("span", &[("class", "count")], &rows);
    html.element("span", &[("class", became.class)], became.words);
    html.element("span", &[("class", "at")], &time(statement.began()));
    html.close();
    detail(html, statement, &binds);
    html.close();
}

fn detail(html: &mut Html, statement: &Statement, binds: &str) {
    html.open("div", &[("class", "detail")]);
    if let Some(error) = statement.error() {
        html.element("p", &[("class", "error")], &cut(error, IN_FULL));
    }
    let (sql, values) = (statement.sql(), statement.sql_with_values());
    html.element("pre", &[("class", "sql")], &cut(sql, IN_FULL));
    html.open("dl", &[]);
    if values != sql {
        html.element("dt", &[], "with its values");
        html.open("dd", &[]);
        html.element("pre", &[("class", "sql")], &cut(values, IN_FULL));
        html.close();
    }
    fact(html, "place", statement.place().unwrap_or("not known"));
    let thread = statement.thread();
    fact(html, "thread", &thread.name().map_or_else(|| format!("{:?}, without a name", thread.id()), str::to_string));
    fact(html, "bind", binds);
    fact(html, "connection", &names_connection(statement));
    if let Some(transaction) = statement.in_transaction() {
        let number = transaction.number;
        let begun = if transaction.is_explicit() { "" } else { ", its own" };
        fact(html, "transaction", &format!("{number}{begun}, {}", ended(transaction.end())));
    }
    let took = statement.time().map_or("has not ended".to_string(), |took| format!("took {}", time(took)));
    fact(html, "time", &format!("{} after the start, {took}", time(statement.began())));
    if statement.kind() == StatementKind::Write {
        fact(html, "rows changed", &number(statement.rows_changed()));
        let tables = statement.tables_written();
        if !tables.is_empty() {
            fact(html, "tables written", &names(&tables));
        }
        let triggers = statement.triggers().collect::<Vec<_>>();
        if !triggers.is_empty() {
            fact(html, "triggers run", &names(&triggers));
        }
        fact(html, "foreign keys", if statement.foreign_keys() { "enforced" } else { "off on this connection" });
    }
    html.close();
    html.close();
}

fn names(names: &[&str]) -> String {
    let mut listed = names[..names.len().min(NAMES)].join(", ");
    if names.len() > NAMES {
        listed.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    cut(&listed, IN_FULL)
}

fn fact(html: &mut Html, name: &'static str, fact: &str) {
    html.element("dt", &[], name);
    html.element("dd", &[], &cut(fact, IN_FULL));
}

/// Names the connection of a statement, and who holds it.
pub(super) fn names_connection(statement: &Statement) -> String {
    let by = if statement.is_from_session() { "session" } else { "application" };
    match statement.connection() {
        0 => "a session's, to several binds".to_string(),
        connection => format!("connection {connection} ({by})"),
    }
}

/// Returns a statement with its values, white space as single spaces.
pub(super) fn one_line(statement: &Statement) -> String {
    let text = cut(statement.sql_with_values(), IN_FULL);
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The state of what a statement did, as words and as a class of the page.
pub(super) struct Became {
    pub(super) class: &'static str,
    pub(super) words: &'static str,
}

/// Returns what became of a statement.
pub(super) fn became(statement: &Statement) -> Became {
    let of = |class, words| Became { class, words };
    if statement.has_failed() == Some(true) {
        return of("end bad", "failed");
    }
    match (statement.kind(), statement.transaction_end()) {
        (StatementKind::Write, _) if statement.is_undone() => of("end bad", "rolled back to a savepoint"),
        (StatementKind::Write, Some(TransactionEnd::Committed)) => of("end good", "committed"),
        (StatementKind::Write, Some(TransactionEnd::Open)) => of("end warn", "not committed"),
        (StatementKind::Write, Some(end)) => of("end bad", ended(end)),
        _ => of("end", ""),
    }
}

fn ended(end: TransactionEnd) -> &'static str {
    match end {
        TransactionEnd::Open => "not committed",
        TransactionEnd::Committed => "committed",
        TransactionEnd::RolledBack => "rolled back",
        TransactionEnd::Failed => "rolled back by an error",
        TransactionEnd::Closed => "rolled back as its connection was closed",
        TransactionEnd::Unknown => "ended unseen",
    }
}
