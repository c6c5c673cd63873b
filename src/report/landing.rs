//! The report of a failed assertion on a landing.

use std::fmt::Write as _;

use rusqlite::types::Value;

use super::clues::clue;
use super::late::late;
use super::look_at::look_at;
use super::table::{explained, paragraph, Table};
use super::values::{difference, differing, kind, row_in_short};
use super::words::{enumerated, quoted, times};
use crate::error::{argument, capitalized, Error};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::observe::{Clue, Exhibit, Expected, Failure, Finding, Near, OpenTransaction, Reason, Times, Whereabouts};
use crate::row::{Row, Shown};

/// The number of rows of a bind that are shown.
const ROWS_SHOWN: usize = 3;
/// The number of columns that a headline names.
const COLUMNS_NAMED: usize = 2;
/// The number of binds that a headline names; a dynamic bind may have very many.
const BINDS_NAMED: usize = 20;

/// Reports a failed assertion.
pub(crate) fn failed(failure: &Failure<'_>) -> String {
    let Failure { expected, keys, table, row, look_into, .. } = failure;
    let (binds, each) = (quoted(keys, "and"), if keys.len() > 1 { " each" } else { "" });
    let expectation = match expected {
        Expected::Landed => format!("in {binds}, committed, and in no other bind"),
        Expected::Once => format!("in {binds} once{each}, committed, and in no other bind"),
        Expected::NotLanded => format!("not in {}", quoted(keys, "or")),
    };
    let looked_for = if row.is_empty() { "any row".to_string() } else { row_in_short(row) };
    let looked_for = paragraph(&format!("{table}: {looked_for}"), 14, 16);
    let mut report = format!("{}\n\n", paragraph(&headline(failure), 0, 0));
    let accused = look_at(failure);
    if let Some(accused) = &accused {
        let _ = writeln!(report, "  look at     {}", paragraph(accused, 14, 16));
    }
    let _ = writeln!(report, "  looked for  {looked_for}");
    let _ = writeln!(report, "  expected    {}\n", paragraph(&expectation, 14, 16));
    let _ = writeln!(report, "{}\n", found(failure));
    for one in &failure.clues {
        let _ = writeln!(report, "{}\n", clue(one));
    }
    for behind in &failure.late {
        let _ = writeln!(report, "{}\n", late(behind));
    }
    for hint in hints(failure) {
        let _ = writeln!(report, "{}\n", paragraph(&hint, 0, 0));
    }
    if accused.is_some() {
        return report.trim_end().to_string();
    }
    let steps = [
        (&*format!("db.locate({table:?}, row)?"), "every place where the row is"),
        (&*format!("db.connection({})?", argument(look_into)), &*format!("a connection to `{look_into}`")),
    ];
    let _ = write!(report, "To look further:\n{}", explained(&steps));
    report
}

/// Reports why a row cannot be looked for.
pub(crate) fn not_looked_for(selection: &Selection, table: &str, error: &Error) -> String {
    let binds = match selection.keys() {
        None => "in every bind".to_string(),
        Some([]) => "in no bind".to_string(),
        Some([key]) => format!("in bind `{key}`"),
        Some(keys) => format!("in the binds {}", quoted(keys, "and")),
    };
    let problem = match error {
        Error::Row { problem, .. } => problem.clone(),
        error => error.to_string(),
    };
    format!("cannot look for a row of `{table}` {binds}: {problem}")
}

/// Returns the verdict in a sentence.
fn headline(failure: &Failure<'_>) -> String {
    let Failure { expected, keys, key, table, .. } = failure;
    let landed = format!("the row landed in {}", quoted(keys, "and"));
    let open = format!("a transaction that wrote to `{table}` is still open");
    let unknown = |why: String| match expected {
        Expected::Landed | Expected::Once => format!("unknown whether the row landed in `{key}`: {why}"),
        Expected::NotLanded => format!("unknown whether the row is in `{key}`: {why}"),
    };
    let absent = |why: String| format!("the row did not land in `{key}`: {why}");
    match &failure.reason {
        Reason::There => format!("the row is in `{key}`"),
        Reason::Also(places) => format!("{landed}, but also in {}", named(places)),
        Reason::NotIn(landed) => format!("the row landed in {}, but not in `{key}`", quoted(landed, "and")),
        Reason::Several(Times::Exactly(count)) => format!("the row landed in `{key}` {}, not once", times(*count)),
        Reason::Several(Times::AtLeast(times)) => format!("the row landed in `{key}` {times} times or more, not once"),
        Reason::NotCommitted(places) if places.is_empty() => {
            format!("the row is in `{key}`, but not committed: {open}")
        }
        Reason::NotCommitted(places) => {
            format!("the row is in `{key}`, but not committed, and also in {}: {open}", named(places))
        }
        Reason::OtherUnreadable(bind) => format!("{landed}, but `{bind}` cannot be read"),
        Reason::OtherUnsettled(bind) => format!("{landed}, but may be in `{bind}` too: {open} there"),
        Reason::Elsewhere(places) => elsewhere(failure, places),
        Reason::Nowhere => absent(nearly(failure).unwrap_or_else(|| "it is in no bind".to_string())),
        Reason::NoTable(having) => no_table(key, table, having),
        Reason::NoColumn(column) => match expected {
            Expected::Landed | Expected::Once => {
                absent(format!("its table `{table}` has no column `{column}`, and no other bind has the row"))
            }
            Expected::NotLanded => unknown(format!("its table `{table}` has no column `{column}`")),
        },
        Reason::Unreadable(places) if places.is_empty() => unknown("the bind cannot be read".to_string()),
        Reason::Unreadable(places) => unknown(format!("the bind cannot be read; it is in {}", named(places))),
        Reason::Unsettled => unknown(format!("it is not seen, but {open}")),
        Reason::Unseen => {
            unknown(format!("a transaction that can write to `{key}` is still open, and nobody else sees its rows"))
        }
    }
}

/// Says in which binds the row is, instead of the one in which it was to be.
fn elsewhere(failure: &Failure<'_>, places: &[Whereabouts]) -> String {
    let key = &failure.key;
    match &failure.behind {
        Some(source) if places.iter().all(|place| place.bind == *source) => {
            format!("the row is in `{source}`, and not yet in its replica `{key}`")
        }
        _ if places.iter().all(|place| place.committed) => {
            format!("the row landed in {} instead of `{key}`", named(places))
        }
        _ => format!("the row did not land in `{key}`: it is in {}", named(places)),
    }
}

/// Names the columns of the nearest row that differ, where that row is mostly the one looked for and nothing says that another
/// was on its way.
fn nearly(failure: &Failure<'_>) -> Option<String> {
    let target = failure.exhibits.iter().find(|exhibit| exhibit.is_target)?;
    let Finding::Near(Some(near)) = &target.found else { return None };
    let Near { different, .. } = near.first()?;
    let same = failure.row.cells().len() - different.len();
    if different.is_empty() || same < different.len() || failure.clues.iter().any(Clue::is_of_another_row) {
        return None;
    }
    let columns = differing(failure);
    let more = if columns.len() > COLUMNS_NAMED { " and more" } else { "" };
    let columns = &columns[..columns.len().min(COLUMNS_NAMED)];
    Some(format!("the nearest row there has {}{more}", columns.join(", and ")))
}

/// Says that a bind has no table, and which has it.
fn no_table(key: &BindKey, table: &str, having: &[BindKey]) -> String {
    let lacks = format!("the row did not land in `{key}`: it has no table `{table}`");
    match having {
        [] => format!("{lacks}, and no other bind has the row"),
        [one] => format!("{lacks}; `{one}` has it, without the row"),
        several => format!("{lacks}; {} have it, without the row", quoted(several, "and")),
    }
}

/// Names the first of the binds that have the row, and counts the rest.
fn named(places: &[Whereabouts]) -> String {
    let shown = &places[..places.len().min(BINDS_NAMED)];
    let names = enumerated(&mapped(shown, |place| {
        let open = if place.committed { "" } else { ", not committed" };
        format!("`{}`{open}", place.bind)
    }));
    match places.len() - shown.len() {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Draws what was found in every bind.
fn found(failure: &Failure<'_>) -> String {
    let mut table = Table::new(&["bind", "rows", "found"]);
    let lacks = |exhibit: &&Exhibit| matches!(exhibit.found, Finding::NoTable) && !exhibit.is_target;
    let without = failure.exhibits.iter().filter(lacks).map(|exhibit| exhibit.label.clone()).collect::<Vec<_>>();
    let joins = without.len() > 1;
    for exhibit in failure.exhibits.iter().filter(|exhibit| !joins || !lacks(exhibit)) {
        table.row(&[&exhibit.label, &exhibit.total, &finding(failure.table, &exhibit.found, failure.row)]);
    }
    if joins {
        table.row(&[&without.join(", "), "", "no such table"]);
    }
    if let Some(left_out) = &failure.left_out {
        let found = match left_out.with_row {
            0 => "no such row".to_string(),
            with_row => format!("the row in {with_row} of them"),
        };
        table.row(&[&format!("… and {} more", left_out.databases), "", &found]);
    }
    table.drawn()
}

fn finding(name: &str, found: &Finding, row: &Row) -> String {
    match found {
        Finding::NoTable => "no such table".to_string(),
        Finding::NoColumn { column, columns } => {
            format!("no column `{column}`: the table has {}", columns.join(", "))
        }
        Finding::Locked => "cannot be read: another connection has a transaction open that locks it".to_string(),
        Finding::Unreadable(error) => format!("cannot be read: {error}"),
        Finding::Matches { rows, committed } => {
            let title = match (rows.as_slice(), committed) {
                ([_], true) => "the row:",
                ([_], false) => "the row, not committed:",
                (_, true) => "rows that match:",
                (_, false) => "rows that match, not committed:",
            };
            listed(title, &mapped(rows, row_in_short))
        }
        Finding::Near(None) => "no row matches".to_string(),
        Finding::Near(Some(near)) if near.is_empty() => "no row at all".to_string(),
        Finding::Near(Some(near)) => {
            listed("no row matches; nearest:", &mapped(near, |near| near_in_short(name, near, row)))
        }
    }
}

fn listed(title: &str, lines: &[String]) -> String {
    let mut listed = title.to_string();
    for line in &lines[..lines.len().min(ROWS_SHOWN)] {
        listed.push_str("\n  ");
        listed.push_str(&line.replace('\n', "\n  "));
    }
    if lines.len() > ROWS_SHOWN {
        listed.push_str("\n  and more");
    }
    listed
}

/// Returns a row that is not the one looked for, with its differences.
fn near_in_short(table: &str, near: &Near, asked: &Row) -> String {
    let row = row_in_short(&near.row);
    let (mut names, mut in_detail, mut plain) = (Vec::new(), String::new(), asked.cells().len() == 1);
    for name in &near.different {
        let difference = match (near.row.value(name), asked.value(name)) {
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
    for (name, declared) in &near.declared {
        if let (Some(found), Some(asked)) = (near.row.value(name), asked.value(name)) {
            in_detail += &as_declared(table, name, declared, found, asked).unwrap_or_default();
        }
    }
    format!("{row}\n  differs in {}{in_detail}", names.join(", "))
}

/// Says by a column's declared type how a value of another type came to be there.
fn as_declared(table: &str, name: &str, declared: &str, found: &Value, asked: &Value) -> Option<String> {
    let plain = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        value => Shown(value).to_string(),
    };
    // A column of any affinity but BLOB's would have converted the one to the other.
    let is_alike = plain(found) == plain(asked);
    let kind = kind(found).trim_start_matches("an ").trim_start_matches("a ");
    let stored = if is_alike { format!(", so SQLite stored the {kind} that was bound") } else { String::new() };
    match declared {
        "" if !is_alike => None,
        "" => Some(format!("\n    `{table}.{name}` is declared without a type{stored}")),
        declared => Some(format!("\n    `{table}.{name}` is declared {declared}{stored}")),
    }
}

/// Returns what may be the reason, each only where it can be.
fn hints(failure: &Failure<'_>) -> Vec<String> {
    let is_shown = |bind: &BindKey| {
        failure.clues.iter().any(|clue| matches!(clue, Clue::Open { bind: shown, .. } if shown == bind))
    };
    let mut hints = Vec::new();
    for open in &failure.open {
        hints.extend(open_transaction(open, &is_shown));
    }
    if let Some(source) = &failure.behind {
        let key = &failure.key;
        hints.push(format!(
            "`{key}` has what `{source}` had at its last replication: `db.replicate({})` first?",
            argument(key)
        ));
    }
    hints
}

/// Names an open transaction on binds where no statement of it is shown.
fn open_transaction(open: &OpenTransaction, is_shown: &dyn Fn(&BindKey) -> bool) -> Option<String> {
    let others = |binds: &[BindKey]| {
        let others = filtered(binds, |bind| !is_shown(bind));
        (!others.is_empty()).then(|| quoted(&others, "and"))
    };
    Some(match open {
        OpenTransaction::OfSessions(binds) => {
            format!("A session has written to {} and not committed: `session.commit()` first?", others(binds)?)
        }
        OpenTransaction::Of { bind, .. } if is_shown(bind) => return None,
        OpenTransaction::Of { writer, bind } => {
            format!("{} has a transaction open on `{bind}` that writes: not committed yet?", capitalized(writer))
        }
        OpenTransaction::OfOthers(binds) => {
            format!("A connection to {} has a transaction open that writes: not committed yet?", others(binds)?)
        }
    })
}
