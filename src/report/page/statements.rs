//! The statements one below the other, each with all that is known of it.

use super::html::Html;
use super::part::part;
use super::run::{colour, Ran, Run};
use super::said::{became, ended, one_line};
use super::value::{number, plural, time};
use super::Shown;
use crate::error::list;
use crate::observe::{Statement, StatementKind};
use crate::report::words::cut;

/// The bytes that all statements take.
const BYTES: usize = 440 << 10;
/// The number of characters of a statement in the list, of its text in full, and of what else is known of it.
const IN_LIST: usize = 160;
const IN_FULL: usize = 4_000;
const FACT: usize = 500;
/// The number of names of a kind that are listed of a statement.
const NAMES: usize = 40;

/// Returns the last of the statements that ran, as many as fit.
pub(super) fn listed(shown: &Shown<'_>, run: &Run<'_>) -> Vec<Html> {
    let (mut listed, mut bytes) = (Vec::with_capacity(run.ran.len()), 0);
    for ran in run.ran.iter().rev() {
        let mut html = Html::default();
        one(&mut html, shown, run, ran);
        bytes += html.bytes();
        listed.push(html);
        if bytes > BYTES {
            break;
        }
    }
    listed.reverse();
    listed
}

/// Writes the list of statements.
pub(super) fn write(html: &mut Html, run: &Run<'_>, listed: Vec<Html>) {
    let about = if listed.is_empty() {
        "None was kept. Those that write are kept by themselves, and those that only read while the test records."
    } else {
        "In the order in which they began; those that only read where the test has recorded them."
    };
    part(html, "statements", "Statements", about);
    if run.before > 0 {
        let hidden = format!("{} before these are left out.", plural(run.before as u64, "statement"));
        html.element("p", &[("class", "about")], &hidden);
    }
    for statement in listed {
        html.append(statement);
    }
    html.close();
}

fn one(html: &mut Html, shown: &Shown<'_>, run: &Run<'_>, ran: &Ran<'_>) {
    let statement = ran.statement;
    let (at, became) = (ran.number.to_string(), became(statement));
    let binds = if ran.stray.is_some() { "outside".to_string() } else { list(ran.binds()) };
    let (kind, rows) = match statement.kind() {
        StatementKind::Read => ("statement read", String::new()),
        StatementKind::Write => ("statement write", plural(statement.rows_changed(), "row")),
        StatementKind::Transaction => ("statement step", String::new()),
    };
    let id = format!("s{at}");
    html.open("details", &[("class", kind), ("name", "statement"), ("id", &id), ("data-s", &at)]);
    html.open("summary", &[]);
    html.element("span", &[("class", &format!("no {}", colour(ran.connection)))], &at);
    html.element("span", &[("class", "bind")], &cut(&binds, IN_LIST));
    html.element("code", &[("class", "sql")], &cut(&one_line(statement), IN_LIST));
    html.element("span", &[("class", "count")], &rows);
    html.element("span", &[("class", became.class)], became.words);
    html.element("span", &[("class", "at")], &time(ran.from));
    html.close();
    html.open("div", &[("class", "detail")]);
    texts(html, statement);
    html.open("dl", &[]);
    origin(html, shown, run, ran);
    outcome(html, ran);
    html.close();
    html.close();
    html.close();
}

/// Writes the error and the texts of a statement.
fn texts(html: &mut Html, statement: &Statement) {
    if let Some(error) = statement.error() {
        html.element("p", &[("class", "error")], &cut(error, 2 * FACT));
    }
    let (sql, values) = (statement.sql(), statement.sql_with_values());
    html.element("pre", &[("class", "sql")], &cut(sql, IN_FULL));
    if values != sql {
        html.element("p", &[("class", "about")], "with its values");
        html.element("pre", &[("class", "sql")], &cut(values, IN_FULL));
    }
}

/// Writes where a statement came from.
fn origin(html: &mut Html, shown: &Shown<'_>, run: &Run<'_>, ran: &Ran<'_>) {
    let statement = ran.statement;
    match statement.place() {
        Some(place) => {
            html.element("dt", &[], "place");
            html.open("dd", &[]);
            html.element("code", &[], &cut(place, FACT));
            for caller in statement.callers() {
                html.markup("<br/>called at ");
                html.element("code", &[], &cut(caller, FACT));
            }
            html.close();
        }
        None => fact(html, "place", "not known"),
    }
    let thread = statement.thread();
    fact(html, "thread", thread.name().unwrap_or("without a name"));
    match ran.stray {
        Some(stray) => fact(html, "database", &shown.strays[stray].opening),
        None => fact(html, "bind", &list(ran.binds())),
    }
    fact(html, "connection", run.connection_of(ran));
}

/// Writes what a statement did, and what became of it.
fn outcome(html: &mut Html, ran: &Ran<'_>) {
    let statement = ran.statement;
    if let Some((number, end)) = statement.transaction().zip(statement.transaction_end()) {
        let own = if ran.transaction.is_some() { "" } else { " (its own)" };
        fact(html, "transaction", &format!("{number}{own}, {}", ended(end)));
        if let Some(place) = statement.transaction_ended_at() {
            fact(html, "ended at", &place);
        }
    }
    let took = statement.time().map_or("has not ended".to_string(), |took| format!("took {}", time(took)));
    fact(html, "time", &format!("{} after the start, {took}", time(ran.from)));
    if statement.kind() != StatementKind::Write {
        return;
    }
    fact(html, "rows changed", &number(statement.rows_changed()));
    names(html, "tables written", &statement.tables_written());
    let mut triggers = Vec::new();
    for trigger in statement.triggers() {
        triggers.push(trigger);
    }
    names(html, "triggers run", &triggers);
    fact(html, "foreign keys", if statement.foreign_keys() { "enforced" } else { "off on this connection" });
}

fn names(html: &mut Html, what: &'static str, names: &[&str]) {
    if names.is_empty() {
        return;
    }
    let mut listed = names[..names.len().min(NAMES)].join(", ");
    if names.len() > NAMES {
        listed.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    fact(html, what, &listed);
}

fn fact(html: &mut Html, name: &'static str, fact: &str) {
    html.element("dt", &[], name);
    html.element("dd", &[], &cut(fact, FACT));
}
