//! The timeline: a lane for each bind, with its statements and transactions on one axis.

use std::time::Duration;

use super::axis::Axis;
use super::html::Html;
use super::lanes::{lanes, Lane, LaneRow};
use super::part::part;
use super::run::{colour, Around, Ran, Run};
use super::said::{became, one_line};
use super::value::{percent, plural, time};
use super::Shown;
use crate::instrument::TransactionEnd;
use crate::list::retain;
use crate::observe::StatementKind;
use crate::report::words::cut;

/// The number of lanes that are shown; those without a statement go first.
const LANES: usize = 40;
/// The number of characters of a statement in its block, and beside the pointer.
const IN_BLOCK: usize = 50;
const BESIDE_POINTER: usize = 200;
/// The bytes from which on blocks have a number only, and the number of characters of a bind's keys.
const BYTES: usize = 150 << 10;
const LABEL: usize = 100;
/// The number of connections that the legend names.
const IN_LEGEND: usize = 16;

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
pub(super) fn write(html: &mut Html, shown: &Shown<'_>, run: &Run<'_>) {
    if run.ran.is_empty() {
        part(html, "timeline", "Timeline", "No statement that writes was seen on any bind.");
        html.close();
        return;
    }
    let about = "A lane for each bind, a colour for each connection. Long waits are drawn short: read times off the \
                 labels, not off the widths.";
    part(html, "timeline", "Timeline", about);
    let axis = axis(run);
    let mut lanes = lanes(shown, run);
    let all = lanes.len();
    if all > LANES {
        retain(&mut lanes, |lane| !lane.rows.is_empty());
        lanes.truncate(LANES);
    }
    html.markup(TOOLS);
    legend(html, run);
    let width = format!("--axis: {}px", axis.width().ceil());
    let name = "Statements of each bind over time";
    html.open("div", &[("class", "lanes"), ("tabindex", "0"), ("role", "group"), ("aria-label", name)]);
    html.open("div", &[("class", "field"), ("style", &width)]);
    ticks(html, &axis);
    let limit = html.bytes() + BYTES;
    for lane in &lanes {
        write_lane(html, run, lane, &axis, limit);
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

/// Returns the axis on which every statement is seen, and every begin and end of a transaction.
fn axis(run: &Run<'_>) -> Axis {
    let (mut spans, mut moments) = (Vec::with_capacity(run.ran.len()), Vec::new());
    for ran in &run.ran {
        spans.push((ran.from, ran.to));
        if let Some(around) = ran.transaction {
            moments.push(around.from);
            moments.push(around.to);
        }
    }
    Axis::of(&spans, &moments, run.end)
}

fn legend(html: &mut Html, run: &Run<'_>) {
    html.open("ul", &[("class", "legend"), ("aria-label", "Legend")]);
    for (at, connection) in run.connections.iter().enumerate().take(IN_LEGEND) {
        swatch(html, &format!("swatch {}", colour(at)), &cut(&connection.name, IN_BLOCK));
    }
    if run.connections.len() > IN_LEGEND {
        html.element("li", &[], &format!("… {} more", run.connections.len() - IN_LEGEND));
    }
    for (class, name) in [
        ("swatch read", "reads"),
        ("swatch bad", "failed"),
        ("swatch tx committed", "transaction, committed"),
        ("swatch tx lost", "rolled back"),
        ("swatch tx open", "open"),
    ] {
        swatch(html, class, name);
    }
    html.close();
}

fn swatch(html: &mut Html, class: &str, name: &str) {
    html.open("li", &[]);
    html.element("i", &[("class", class)], "");
    html.text(name);
    html.close();
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

fn write_lane(html: &mut Html, run: &Run<'_>, lane: &Lane<'_, '_>, axis: &Axis, limit: usize) {
    let class = match (lane.is_apart(), lane.rows.is_empty()) {
        (true, _) => "lane apart",
        (false, true) => "lane idle",
        (false, false) => "lane",
    };
    html.open("div", &[("class", class)]);
    let name = cut(&lane.name, LABEL);
    html.open("div", &[("class", "who"), ("title", &name)]);
    html.element("b", &[], &name);
    html.element("small", &[], &lane.about);
    html.close();
    html.open("div", &[("class", "track")]);
    if lane.rows.is_empty() {
        html.element("small", &[], "no statement");
    }
    for row in &lane.rows {
        write_row(html, run, row, axis, limit);
    }
    html.close();
    html.close();
}

fn write_row(html: &mut Html, run: &Run<'_>, row: &LaneRow<'_, '_>, axis: &Axis, limit: usize) {
    let is_deep = row.ran.iter().any(|ran| ran.transaction.is_some());
    html.open("div", &[("class", if is_deep { "row deep" } else { "row" })]);
    let mut drawn = Vec::new();
    for ran in &row.ran {
        let Some(around) = ran.transaction else { continue };
        let one = (ran.connection, around.number);
        if !drawn.contains(&one) {
            drawn.push(one);
            write_transaction(html, run, ran, around, axis);
        }
    }
    for ran in &row.ran {
        write_block(html, run, ran, axis, limit);
    }
    html.close();
}

fn write_transaction(html: &mut Html, run: &Run<'_>, ran: &Ran<'_>, around: Around, axis: &Axis) {
    let (class, word) = match ran.statement.transaction_end() {
        Some(TransactionEnd::Committed) => ("committed", "✓ committed"),
        Some(TransactionEnd::RolledBack) => ("lost", "✗ rolled back"),
        Some(TransactionEnd::Failed) => ("lost", "✗ rolled back by an error"),
        Some(TransactionEnd::Closed) => ("lost", "✗ rolled back: its connection was closed"),
        Some(TransactionEnd::Unknown) => ("unknown", "? ended unseen"),
        Some(TransactionEnd::Open) | None => ("open", "… open"),
    };
    let (class, place) = (format!("tx {class}"), place(axis, around.from, around.to));
    let title = format!("transaction {} on {}: {word}", around.number, run.connection_of(ran));
    html.open("span", &[("class", &class), ("style", &place), ("title", &title)]);
    html.element("em", &[], word);
    html.close();
}

fn write_block(html: &mut Html, run: &Run<'_>, ran: &Ran<'_>, axis: &Axis, limit: usize) {
    let mut class = format!("st {}", colour(ran.connection));
    class.push_str(match ran.statement.kind() {
        StatementKind::Read => " read",
        StatementKind::Write => " write",
        StatementKind::Transaction => " step",
    });
    if ran.statement.has_failed() == Some(true) {
        class.push_str(" bad");
    }
    if ran.statement.time().is_none() {
        class.push_str(" running");
    }
    let text = if html.bytes() < limit { one_line(ran.statement) } else { String::new() };
    let became = became(ran.statement).words;
    let connection = cut(run.connection_of(ran), LABEL);
    let title = format!("{} · {}\n{connection}\n{became}", ran.number, cut(&text, BESIDE_POINTER));
    let (number, place) = (ran.number.to_string(), place(axis, ran.from, ran.to));
    let target = format!("#s{number}");
    let title = title.trim_end();
    html.open("a", &[("class", &class), ("href", &target), ("data-s", &number), ("style", &place), ("title", title)]);
    html.element("b", &[], &number);
    html.markup(" ");
    html.text(&cut(&text, IN_BLOCK));
    html.close();
}

fn place(axis: &Axis, from: Duration, to: Duration) -> String {
    let (left, right) = (axis.place(from), axis.place(to));
    format!("left: {}; width: {}", percent(left), percent(right.saturating_sub(left)))
}
