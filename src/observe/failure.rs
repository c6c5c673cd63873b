//! What a failed assertion on a landing says.

use std::fmt::Write as _;

use rusqlite::types::Value;

use super::careful::{search, Search};
use super::glance::{glance_at, Glance, View};
use super::look::{look, Effort, Found, Place};
use super::report::{difference, enumerated, explained, paragraph, row_in_short, Table, NOTHING_WRITTEN};
use crate::database::Database;
use crate::error::{argument, capitalized, is_lock, joined_by, Result};
use crate::harness::Running;
use crate::key::BindKey;
use crate::list::mapped;
use crate::order::{sort_by, sort_by_key};
use crate::row::{Row, Shown};
use crate::sqlite::script::quote;

/// What was asserted of a row and a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// It is there, committed, and in no other bind.
    Landed,
    /// It is not there.
    NotLanded,
}

/// How many rows of a bind a message shows.
const SHOWN: usize = 3;

/// The message if the assertion fails.
pub(super) fn of(
    running: &Running,
    expected: Expected,
    key: &BindKey,
    table: &str,
    row: &Row,
) -> Result<Option<String>> {
    let target = running.home_of(key)?;
    // What is elsewhere decides only whether a row is in one bind alone.
    let effort = |database: &Database| match expected {
        Expected::NotLanded if database.key() != target.key() => Effort::Once,
        _ => Effort::Settled,
    };
    let places = look(running, table, row.checked()?, SHOWN + 1, &effort)?;
    let verdict = match expected {
        Expected::Landed => {
            landed(&target, table, &places).map(|why| format!("the row did not land in `{key}`: {why}"))
        }
        Expected::NotLanded => not_landed(key, target.key(), table, &places),
    };
    Ok(verdict.map(|verdict| message(expected, key, table, row, &places, &verdict)))
}

/// Where the row is not in the target alone, committed: why.
///
/// A replica is no other bind than its source: a row that is in one has landed in the other.
fn landed(target: &Database, table: &str, places: &[Place]) -> Option<String> {
    let here = places.iter().find(|place| place.bind() == target.key()).map(|place| &place.found);
    let is_here = matches!(here, Some(Found::Rows { rows, .. }) if !rows.is_empty());
    let mut elsewhere = Vec::new();
    for place in places {
        let is_apart = !is_here || !place.database.lags() && Some(place.bind()) != target.source();
        if place.bind() != target.key() && is_apart {
            elsewhere.push(place);
        }
    }
    let found = first_of(&elsewhere);
    let also = if found.is_empty() { String::new() } else { format!("; it is in {found} too") };
    match here {
        Some(Found::Unreadable(_)) => Some(format!("the bind cannot be read{}", also.replace(" too", ""))),
        Some(Found::Rows { rows, view: View::Open, .. }) if !rows.is_empty() => {
            Some(format!("it is there, but not committed: {}{also}", still_open(table)))
        }
        Some(Found::Rows { rows, .. }) if !rows.is_empty() => match unknown_in(&elsewhere, table) {
            _ if !found.is_empty() => Some(format!("it is in {found} too")),
            unknown => unknown,
        },
        _ if !found.is_empty() => Some(format!("it is in {found}")),
        Some(Found::NoTable) => Some(format!("the bind has no table `{table}`, and the row is in no other")),
        Some(Found::NoColumn { column, .. }) => {
            Some(format!("its table `{table}` has no column `{column}`, and the row is in no other bind"))
        }
        _ => Some("it is in no bind".to_string()),
    }
}

/// A bind of which it cannot be told whether the row is in it.
fn unknown_in(places: &[&Place], table: &str) -> Option<String> {
    for place in places {
        let bind = place.bind();
        match &place.found {
            Found::Unreadable(_) => return Some(format!("it is there, but `{bind}` cannot be read")),
            Found::Rows { view: View::Open, .. } => {
                let open = still_open(table);
                return Some(format!("it is there, but what `{bind}` has is not settled: {open}"));
            }
            _ => {}
        }
    }
    None
}

fn still_open(table: &str) -> String {
    format!("a transaction that wrote to `{table}` is still open")
}

/// Where the row is in the target, or that cannot be told: how that is said.
fn not_landed(key: &BindKey, target: &BindKey, table: &str, places: &[Place]) -> Option<String> {
    let unknown = |why: String| Some(format!("whether the row is in `{key}` cannot be told: {why}"));
    match places.iter().find(|place| place.bind() == target).map(|place| &place.found)? {
        Found::Rows { rows, view: View::Open, .. } if !rows.is_empty() => {
            Some(format!("the row is in `{key}`, though not committed: {}", still_open(table)))
        }
        Found::Rows { view: View::Open, .. } => unknown(format!("it is not seen, but {}", still_open(table))),
        Found::Rows { rows, .. } if !rows.is_empty() => Some(format!("the row is in `{key}`")),
        Found::NoColumn { column, .. } => unknown(format!("its table `{table}` has no column `{column}`")),
        Found::Unreadable(_) => unknown("the bind cannot be read".to_string()),
        Found::Rows { .. } | Found::NoTable => None,
    }
}

impl Place {
    /// The rows that match, where there are any.
    fn rows(&self) -> Option<&[Row]> {
        match &self.found {
            Found::Rows { rows, .. } if !rows.is_empty() => Some(rows),
            _ => None,
        }
    }

    /// Whether it has no such row, and no other reason for that is seen: a column that the target does not have is one.
    fn is_without(&self, target: &BindKey) -> bool {
        match &self.found {
            Found::Rows { rows, .. } => rows.is_empty(),
            Found::NoTable => true,
            Found::NoColumn { .. } => !self.database.keys().contains(target),
            Found::Unreadable(_) => false,
        }
    }

    fn label(&self) -> String {
        match self.found {
            Found::Rows { view: View::Open, .. } => format!("`{}`, not committed", self.bind()),
            _ => format!("`{}`", self.bind()),
        }
    }
}

fn message(expected: Expected, target: &BindKey, table: &str, row: &Row, places: &[Place], verdict: &str) -> String {
    let expectation = match expected {
        Expected::Landed => format!("in `{target}`, committed, and in no other bind"),
        Expected::NotLanded => format!("not in `{target}`"),
    };
    let looked_for = if row.is_empty() { "any row".to_string() } else { row_in_short(row) };
    let mut message = String::new();
    let _ = writeln!(message, "{}\n", paragraph(verdict, 0, 0));
    let looked_for = paragraph(&format!("{table}: {looked_for}"), 14, 16);
    let _ = writeln!(message, "  looked for  {looked_for}");
    let _ = writeln!(message, "  expected    {}\n", paragraph(&expectation, 14, 16));
    let _ = writeln!(message, "{}\n", in_a_table(places, target, row));
    let open = open_transactions(places);
    for hint in &open {
        let _ = writeln!(message, "{}\n", paragraph(hint, 0, 0));
    }
    if expected == Expected::Landed && open.is_empty() && places.iter().all(|place| place.is_without(target)) {
        let _ = writeln!(message, "{}\n", paragraph(NOTHING_WRITTEN, 0, 0));
    }
    let has_row = |bind: &BindKey| places.iter().any(|place| place.bind() == bind && place.rows().is_some());
    if expected == Expected::Landed
        && let Some(home) = places.iter().find(|place| place.database.keys().contains(target))
        && home.database.lags()
        && let Some(source) = home.database.source()
        && has_row(source)
    {
        let hint = format!(
            "`{target}` has what `{source}` had when it was last told to follow: `db.replicate({})` first?",
            argument(target)
        );
        let _ = writeln!(message, "{}\n", paragraph(&hint, 0, 0));
    }
    let opened = places.iter().find(|place| place.rows().is_some()).map_or(target, Place::bind);
    let steps = [
        (&*format!("db.locate({table:?}, row)?"), "every place where the row is"),
        (&*format!("db.connection({})?", argument(opened)), &*format!("a connection to `{opened}`")),
    ];
    let _ = write!(message, "To look further:\n{}", explained(&steps));
    message
}

/// Who has a transaction open that may be what the row is missing for.
fn open_transactions(places: &[Place]) -> Vec<String> {
    let (mut sessions, mut writers, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for place in places {
        let name = format!("`{}`", place.bind());
        if place.database.has_uncommitted_session() {
            sessions.push(name);
        } else if place.database.has_writer() {
            match place.database.writer() {
                Some(writer) => writers.push(format!(
                    "{} has a transaction open on {name} that writes: not committed yet?",
                    capitalized(&writer)
                )),
                None => others.push(name),
            }
        }
    }
    let mut hints = Vec::new();
    if !sessions.is_empty() {
        let sessions = enumerated(&sessions);
        hints.push(format!("A session has written to {sessions} and not committed: `session.commit()` first?"));
    }
    hints.append(&mut writers);
    if !others.is_empty() {
        let others = enumerated(&others);
        hints.push(format!("A connection to {others} has a transaction open that writes: not committed yet?"));
    }
    hints
}

/// How many databases a message shows; those of a dynamic bind may be very many.
const DATABASES_SHOWN: usize = 20;

/// What was found: in the target, in those with the row, then in others.
fn in_a_table(places: &[Place], target: &BindKey, row: &Row) -> String {
    let rank = |place: &Place| match place.found {
        _ if place.bind() == target => 0,
        Found::Unreadable(_) => 1,
        _ if place.rows().is_some() => 2,
        _ => 3,
    };
    let mut by_rank = (0..places.len()).collect::<Vec<_>>();
    sort_by_key(&mut by_rank, |at| rank(&places[*at]));
    let left_out = by_rank.split_off(DATABASES_SHOWN.min(places.len()));
    sort_by_key(&mut by_rank, |at| *at);

    let mut table = Table::new(&["bind", "rows", "found"]);
    for at in by_rank {
        let place = &places[at];
        let (rows, found) = describe(&place.database, place, row);
        table.row(&[&place.database.label(), &rows, &found]);
    }
    if !left_out.is_empty() {
        let found = match left_out.iter().filter(|at| places[**at].rows().is_some()).count() {
            0 => "no such row".to_string(),
            with_row => format!("the row in {with_row} of them"),
        };
        table.row(&[&format!("… and {} more", left_out.len()), "", &found]);
    }
    table.drawn()
}

/// The first of the binds where a row is, and how many more there are.
fn first_of(places: &[&Place]) -> String {
    let mut labels = Vec::new();
    for place in places {
        if place.rows().is_some() {
            labels.push(place.label());
        }
    }
    let more = labels.len().saturating_sub(DATABASES_SHOWN);
    labels.truncate(DATABASES_SHOWN);
    let named = enumerated(&labels);
    if more == 0 {
        named
    } else {
        format!("{named} and {more} more")
    }
}

/// How many rows the table has, and what of them is worth seeing.
fn describe(database: &Database, place: &Place, row: &Row) -> (String, String) {
    match &place.found {
        Found::NoTable => (String::new(), "no such table".to_string()),
        Found::Unreadable(error) => (String::new(), format!("cannot be read: {}", why(error))),
        Found::NoColumn { table, column, columns } => {
            let total = total(database, View::Committed, table).unwrap_or_default();
            (total, format!("no column `{column}`: the table has {}", columns.join(", ")))
        }
        Found::Rows { table, rows, view } => {
            // What is out of reach by now is left out of the message.
            let total = total(database, *view, table).unwrap_or_default();
            let (title, lines) = match (rows.as_slice(), view) {
                ([], _) => match nearest(database, *view, table, row) {
                    Ok(near) if near.is_empty() => ("no row at all", near),
                    Ok(near) => ("no row matches; nearest:", near),
                    Err(_) => ("no row matches", Vec::new()),
                },
                ([_], View::Committed) => ("the row:", shown(rows)),
                ([_], View::Open) => ("the row, not committed:", shown(rows)),
                (_, View::Committed) => ("rows that match:", shown(rows)),
                (_, View::Open) => ("rows that match, not committed:", shown(rows)),
            };
            (total, listed(title, &lines))
        }
    }
}

fn shown(rows: &[Row]) -> Vec<String> {
    mapped(rows, row_in_short)
}

/// SQLite's answer, or what it means where that is more use.
fn why(error: &rusqlite::Error) -> String {
    match is_lock(error) {
        true => "another connection has a transaction open that locks it".to_string(),
        false => crate::error::advised(error),
    }
}

fn total(database: &Database, view: View, table: &str) -> rusqlite::Result<String> {
    let query = format!("SELECT count(*) AS n FROM main.{}", quote(table));
    let count = |glance: &Glance<'_>| glance.rows(&query, &[]);
    let counted = glance_at(database, view, table, &count, &|glance| count(glance).map(Some))?;
    Ok(counted.first().and_then(|row| row.value("n")).map(|n| Shown(n).to_string()).unwrap_or_default())
}

fn listed(title: &str, lines: &[String]) -> String {
    let mut listed = title.to_string();
    for line in &lines[..lines.len().min(SHOWN)] {
        listed.push_str("\n  ");
        listed.push_str(&line.replace('\n', "\n  "));
    }
    if lines.len() > SHOWN {
        listed.push_str("\n  and more");
    }
    listed
}

/// How many rows are compared with the one looked for.
const COMPARED: usize = 500;

/// The rows that come nearest, each with what is different.
fn nearest(database: &Database, view: View, table: &str, row: &Row) -> rusqlite::Result<Vec<String>> {
    let plain = |glance: &Glance<'_>| nearest_by(glance, &Search::plain(table, row), row);
    let carefully = |glance: &Glance<'_>| match search(glance, table, row)? {
        Some(search) => nearest_by(glance, &search, row).map(Some),
        None => Ok(None),
    };
    glance_at(database, view, table, &plain, &carefully)
}

fn nearest_by(glance: &Glance<'_>, search: &Search, row: &Row) -> rusqlite::Result<Vec<String>> {
    let Search { from, listed, comparisons } = search;
    let columns = glance.columns(&format!("SELECT {listed} FROM {from}"))?;
    let order =
        if comparisons.is_empty() { String::new() } else { format!(" ORDER BY {} DESC", comparisons.join(" + ")) };
    let also = joined_by(comparisons, "", &|comparison| format!(", {comparison}"));
    let query = format!("SELECT {listed}{also} FROM {from}{order} LIMIT {COMPARED}");
    let twice = row.values().repeat(2);
    let mut near = mapped(&glance.rows(&query, &twice)?, |found| Near::new(found, columns.len(), row));
    sort_by(&mut near, |a, b| b.likeness.total_cmp(&a.likeness));
    near.truncate(SHOWN);
    Ok(mapped(&near, |near| near.shown(row)))
}

/// A row that is not the one looked for.
struct Near {
    row: Row,
    /// The columns that are not as asked.
    different: Vec<String>,
    likeness: f64,
}

impl Near {
    /// From the columns of the table, followed by whether each column asked for is what was asked.
    fn new(found: &Row, columns: usize, asked: &Row) -> Near {
        let row = found.first(columns);
        let (mut different, mut likely) = (Vec::new(), 0.0);
        let same = found.cells().get(columns..).unwrap_or_default();
        for ((name, asked), (_, same)) in asked.cells().iter().zip(same) {
            if *same == Value::Integer(1) {
                likely += 1.0;
            } else {
                likely += row.value(name).map_or(0.0, |found| likeness(found, asked));
                different.push(name.clone());
            }
        }
        Near { row, different, likeness: likely }
    }

    fn shown(&self, asked: &Row) -> String {
        let row = row_in_short(&self.row);
        let (mut names, mut in_detail, mut plain) = (Vec::new(), String::new(), asked.cells().len() == 1);
        for name in &self.different {
            let difference = match (self.row.value(name), asked.value(name)) {
                (Some(found), Some(asked)) => difference(found, asked),
                _ => None,
            };
            plain &= difference.is_none();
            names.push(match &difference {
                Some(difference) if !difference.contains(':') => format!("{name} ({difference})"),
                _ => name.clone(),
            });
            if let Some(difference) = difference
                && difference.contains(':')
            {
                let _ = write!(in_detail, "\n    {name} {difference}");
            }
        }
        // Of one column that was asked for, the row says it all.
        if names.is_empty() || plain {
            return row;
        }
        format!("{row}\n  differs in {}{in_detail}", names.join(", "))
    }
}

/// How like the value asked for one is that is not the same, from 0 to below 1.
fn likeness(found: &Value, asked: &Value) -> f64 {
    /// What it would be where all is alike but the letter.
    const MOST: f64 = 0.9;
    match (found, asked) {
        (Value::Text(found), Value::Text(asked)) => MOST * strsim::normalized_damerau_levenshtein(found, asked),
        (Value::Integer(found), Value::Integer(asked)) => MOST / (1.0 + found.abs_diff(*asked) as f64),
        // The same in another type is a mistake that is easily made.
        (Value::Text(text), number @ (Value::Integer(_) | Value::Real(_)))
        | (number @ (Value::Integer(_) | Value::Real(_)), Value::Text(text))
            if *text == Shown(number).to_string() =>
        {
            MOST
        }
        (Value::Text(text), Value::Blob(bytes)) | (Value::Blob(bytes), Value::Text(text))
            if text.as_bytes() == bytes.as_slice() =>
        {
            MOST
        }
        _ => 0.0,
    }
}
