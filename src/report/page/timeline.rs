//! The timeline: a lane for each bind, with its statements and transactions on one axis.

use std::time::Duration;

use super::axis::Axis;
use super::document::part;
use super::html::Html;
use super::lanes::{ends, lanes, Lane};
use super::statements::{became, first_shown, names_connection, one_line};
use super::value::{percent, plural, time};
use super::Shown;
use crate::instrument::{Transaction, TransactionEnd};
use crate::observe::{Statement, StatementKind};
use crate::report::words::cut;

/// The number of lanes that are shown; those without a statement go first.
const LANES_SHOWN: usize = 40;
/// The number of characters of a statement in its block, and beside the pointer.
const IN_BLOCK: usize = 40;
const BESIDE_POINTER: usize = 200;
/// The number of connections that have a colour of their own.
pub(super) const COLOURS: usize = 8;

/// The controls, which the script shows.
const TOOLS: &str = r#"<div class="tools" hidden="">
<input type="search" placeholder="Filter: table, value, thread …" aria-label="Filter the statements"/>
<button type="button" data-writes="" aria-pressed="false">Writes only</button>
<button type="button" data-zoom="0.5" aria-label="Zoom out">−</button>
<button type="button" data-zoom="2" aria-label="Zoom in">+</button>
<button type="button" data-zoom="0">Fit</button>
<output></output>
</div>
"#;

/// Writes the timeline.
pub(super) fn write(html: &mut Html, shown: &Shown<'_>) {
    if shown.statements.is_empty() {
        part(html, "timeline", "Timeline", "No statement that writes was seen on any bind.");
        html.close();
        return;
    }
    let about = "A lane for each bind, a colour for each connection. Long waits are drawn short: read times off the \
                 labels, not off the widths.";
    part(html, "timeline", "Timeline", about);
    let from = first_shown(shown);
    let statements = &shown.statements[from..];
    let (spans, moments) = times(statements, shown.ended);
    let axis = Axis::of(&spans, &moments, shown.ended);
    let mut lanes = lanes(shown, from);
    let all = lanes.len();
    if all > LANES_SHOWN {
        lanes.retain(|lane| !lane.rows.is_empty());
        lanes.truncate(LANES_SHOWN);
    }
    html.markup(TOOLS);
    legend(html, statements);
    let width = format!("--axis: {}px", axis.width().ceil());
    let name = "Statements of each bind over time";
    html.open("div", &[("class", "lanes"), ("tabindex", "0"), ("role", "group"), ("aria-label", name)]);
    html.open("div", &[("class", "field"), ("style", &width)]);
    ticks(html, &axis);
    for lane in &lanes {
        write_lane(html, shown, lane, &axis);
    }
    html.close();
    html.close();
    if all > lanes.len() {
        let hidden = plural((all - lanes.len()) as u64, "bind");
        html.element(
            "p",
            &[("class", "about")],
            &format!("{hidden} more, most without a statement, have no lane here."),
        );
    }
    html.close();
}

/// Returns the times of statements, and the moments at which the transactions around them began and ended.
fn times(statements: &[Statement], end: Duration) -> (Vec<(Duration, Duration)>, Vec<Duration>) {
    let (mut spans, mut moments) = (Vec::with_capacity(statements.len()), Vec::new());
    for statement in statements {
        spans.push((statement.began(), ends(statement, end)));
        if let Some(transaction) = statement.in_transaction().filter(|transaction| transaction.is_explicit()) {
            moments.push(transaction.began);
            moments.extend(transaction.ended());
        }
    }
    (spans, moments)
}

fn legend(html: &mut Html, statements: &[Statement]) {
    html.open("ul", &[("class", "legend"), ("aria-label", "Legend")]);
    let mut seen = Vec::new();
    for statement in statements {
        let connection = statement.connection();
        if !seen.contains(&connection) {
            seen.push(connection);
            html.open("li", &[]);
            html.element("i", &[("class", &format!("swatch {}", colour(connection)))], "");
            html.text(&names_connection(statement));
            html.close();
        }
        if seen.len() > 2 * COLOURS {
            html.element("li", &[], "…");
            break;
        }
    }
    for (class, name) in [
        ("swatch read", "reads"),
        ("swatch bad", "failed"),
        ("swatch tx committed", "transaction, committed"),
        ("swatch tx lost", "rolled back"),
        ("swatch tx open", "open"),
    ] {
        html.open("li", &[]);
        html.element("i", &[("class", class)], "");
        html.text(name);
        html.close();
    }
    html.close();
}

/// Returns the class of a connection's colour; a session's statement on several binds has none of its own.
pub(super) fn colour(connection: u32) -> String {
    match connection.checked_sub(1) {
        Some(at) => format!("k{}", at as usize % COLOURS),
        None => "kn".to_string(),
    }
}

fn ticks(html: &mut Html, axis: &Axis) {
    html.open("div", &[("class", "ticks"), ("aria-hidden", "true")]);
    html.open("div", &[]);
    for tick in axis.ticks() {
        let left = format!("left: {}", percent(axis.place(tick)));
        html.element("span", &[("style", &left)], &time(tick));
    }
    html.close();
    html.close();
}

fn write_lane(html: &mut Html, shown: &Shown<'_>, lane: &Lane<'_>, axis: &Axis) {
    let key = lane.key.to_string();
    html.open("div", &[("class", if lane.rows.is_empty() { "lane idle" } else { "lane" }), ("data-bind", &key)]);
    html.open("div", &[("class", "who")]);
    match &lane.about {
        Some((label, storage)) => {
            html.element("b", &[], label);
            html.element("small", &[], storage);
        }
        None => html.element("b", &[], &key),
    }
    html.close();
    html.open("div", &[("class", "track")]);
    if lane.rows.is_empty() {
        html.element("small", &[], "no statement");
    }
    for row in &lane.rows {
        let is_within = |at: &usize| shown.statements[*at].in_transaction().is_some_and(Transaction::is_explicit);
        let is_deep = row.statements.iter().any(is_within);
        html.open("div", &[("class", if is_deep { "row deep" } else { "row" })]);
        let mut drawn = Vec::new();
        for at in &row.statements {
            let statement = &shown.statements[*at];
            if let Some(transaction) = statement.in_transaction().filter(|transaction| transaction.is_explicit())
                && !drawn.contains(&transaction.number)
            {
                drawn.push(transaction.number);
                write_transaction(html, statement, axis, shown.ended);
            }
        }
        for at in &row.statements {
            write_block(html, &shown.statements[*at], *at + 1, axis, shown.ended);
        }
        html.close();
    }
    html.close();
    html.close();
}

fn write_transaction(html: &mut Html, statement: &Statement, axis: &Axis, end: Duration) {
    let Some(transaction) = statement.in_transaction() else { return };
    let (class, word) = match transaction.end() {
        TransactionEnd::Open => ("open", "… open"),
        TransactionEnd::Committed => ("committed", "✓ committed"),
        TransactionEnd::RolledBack => ("lost", "✗ rolled back"),
        TransactionEnd::Failed => ("lost", "✗ rolled back by an error"),
        TransactionEnd::Closed => ("lost", "✗ rolled back: its connection was closed"),
        TransactionEnd::Unknown => ("unknown", "? ended unseen"),
    };
    let class = format!("tx {class} {}", colour(statement.connection()));
    let place = place(axis, transaction.began, transaction.ended().unwrap_or(end));
    let title = format!("transaction {} of connection {}: {word}", transaction.number, statement.connection());
    html.open("span", &[("class", &class), ("style", &place), ("title", &title)]);
    html.element("em", &[], word);
    html.close();
}

fn write_block(html: &mut Html, statement: &Statement, number: usize, axis: &Axis, end: Duration) {
    let mut class = format!("st {}", colour(statement.connection()));
    class.push_str(match statement.kind() {
        StatementKind::Read => " read",
        StatementKind::Write => " write",
        StatementKind::Transaction => " step",
    });
    let became = became(statement);
    if statement.has_failed() == Some(true) {
        class.push_str(" bad");
    }
    if statement.time().is_none() {
        class.push_str(" running");
    }
    let place = place(axis, statement.began(), ends(statement, end));
    let text = one_line(statement);
    let state = if became.words.is_empty() { String::new() } else { format!("\n{}", became.words) };
    let connection = names_connection(statement);
    let title = format!("{number} · {}\n{connection}{state}", cut(&text, BESIDE_POINTER));
    let (target, number) = (format!("#s{number}"), number.to_string());
    html.open("a", &[("class", &class), ("href", &target), ("data-s", &number), ("style", &place), ("title", &title)]);
    html.element("b", &[], &number);
    html.markup(" ");
    html.text(&cut(&text, IN_BLOCK));
    html.close();
}

fn place(axis: &Axis, from: Duration, to: Duration) -> String {
    let (left, right) = (axis.place(from), axis.place(to));
    format!("left: {}; width: {}", percent(left), percent(right.saturating_sub(left)))
}
