//! The report of a table that does not hold the rows expected.

use rusqlite::types::Value;

use super::clues::clue;
use super::table::{explained, paragraph, Table};
use super::values::{difference, in_short, row_in_short};
use super::words::{enumerated, quoted, times};
use crate::error::{argument, capitalized, shown_path, Error};
use crate::key::BindKey;
use crate::list::{has_name, mapped};
use crate::observe::{Difference, Different, Extent, Missing, OtherRows, RowNames, RowReference, WrongRows};
use crate::row::Row;

/// The number of rows of a kind that are shown.
const ROWS_SHOWN: usize = 10;

/// Reports a failed assertion on the rows of a table, with the names of those that have some.
pub(crate) fn not_held(table: &str, other: &OtherRows, names: &RowNames) -> String {
    match other {
        OtherRows::Wrong(wrong) => not_those(wrong, names),
        OtherRows::Count { bind, table, counts: (expected, held), found } => {
            let verdict = match (expected, held) {
                (_, 0) => format!("`{table}` in `{bind}` is empty: {} expected", are(*expected)),
                (expected, held) => format!("`{table}` in `{bind}` holds {}, not {expected}", rows(*held)),
            };
            let mut shown = Table::new(&["row"]);
            let lines = mapped(found, row_in_short);
            for (at, line) in lines.iter().take(ROWS_SHOWN).enumerate() {
                if at == 0 {
                    shown.row(&[line])
                } else {
                    shown.next_row(&[line])
                }
            }
            if lines.len() > ROWS_SHOWN {
                shown.next_row(&[&format!("… and {} more", lines.len() - ROWS_SHOWN)]);
            }
            let shown = if found.is_empty() { String::new() } else { format!("\n\n{}", shown.drawn()) };
            format!("{}{shown}\n\n{}", paragraph(&verdict, 0, 0), to_look_further(bind))
        }
        OtherRows::Unsettled { bind, writer } => {
            let unknown = format!(
                "unknown whether `{table}` in `{bind}` holds exactly the rows expected: it does, but a transaction that can \
                 write to `{bind}` is still open, and nobody else sees its rows"
            );
            let whose = writer.clone().unwrap_or_else(|| format!("a connection to `{bind}`"));
            let open = format!("{} has the transaction open: not committed yet?", capitalized(&whose));
            format!("{}\n\n{}", paragraph(&unknown, 0, 0), paragraph(&open, 0, 0))
        }
    }
}

/// Reports why it is not known which rows are expected.
pub(crate) fn not_compared(bind: &BindKey, table: &str, error: &Error) -> String {
    let problem = match error {
        Error::Row { problem, .. } => problem.clone(),
        Error::Data { file, line: Some(line), problem, .. } => format!("{}:{line}: {problem}", shown_path(file)),
        Error::Data { file, problem, .. } => format!("{}: {problem}", shown_path(file)),
        error => error.to_string(),
    };
    format!("cannot compare the rows of `{table}` in bind `{bind}`: {problem}")
}

fn not_those(wrong: &WrongRows, names: &RowNames) -> String {
    let WrongRows { bind, table, counts: (expected, found), difference, .. } = wrong;
    let exactly = if wrong.extent == Extent::Exactly { "exactly " } else { "" };
    let verdict = match (expected, found) {
        (0, found) => format!("`{table}` in `{bind}` is not empty: it holds {}", rows(*found)),
        (_, 0) => format!("`{table}` in `{bind}` is empty: {}", in_words(difference)),
        (1, _) => format!("`{table}` in `{bind}` does not hold {exactly}the row expected: {}", in_words(difference)),
        (expected, _) => {
            format!(
                "`{table}` in `{bind}` does not hold {exactly}the {expected} rows expected: {}",
                in_words(difference)
            )
        }
    };
    let shown = differences(difference, &wrong.key, &wrong.elsewhere, names);
    let mut report = format!("{}\n\n{shown}\n\n", paragraph(&verdict, 0, 0));
    for one in &wrong.clues {
        report.push_str(&format!("{}\n\n", clue(one).trim_end()));
    }
    report + &to_look_further(bind)
}

fn to_look_further(bind: &BindKey) -> String {
    let steps = [(&*format!("db.connection({})?", argument(bind)), &*format!("a connection to `{bind}`"))];
    format!("To look further:\n{}", explained(&steps))
}

fn are(count: usize) -> String {
    if count == 1 {
        "1 row is".to_string()
    } else {
        format!("{count} rows are")
    }
}

fn rows(count: usize) -> String {
    if count == 1 {
        "1 row".to_string()
    } else {
        format!("{count} rows")
    }
}

/// Counts the differences.
pub(super) fn in_words(difference: &Difference) -> String {
    let Difference { missing, surplus, different } = difference;
    let mut words = Vec::new();
    for (count, one, several) in [
        (missing.len(), "is missing", "are missing"),
        (surplus.len(), "is too many", "are too many"),
        (different.len(), "differs", "differ"),
    ] {
        match count {
            0 => {}
            1 => words.push(format!("1 {one}")),
            count => words.push(format!("{count} {several}")),
        }
    }
    enumerated(&words)
}

/// Draws the rows that are missing, too many, or there with other values; those missing with the binds that have them.
pub(super) fn differences(
    difference: &Difference,
    key: &[String],
    elsewhere: &[Vec<BindKey>],
    names: &RowNames,
) -> String {
    let mut table = Table::new(&["", "row"]);
    let mut lines = Vec::new();
    for (at, missing) in difference.missing.iter().enumerate() {
        lines.push(missing_in_short(missing, elsewhere.get(at).map_or(&[], Vec::as_slice), names));
    }
    kind(&mut table, "missing", &lines);
    kind(&mut table, "too many", &mapped(&difference.surplus, row_in_short));
    kind(&mut table, "differs", &mapped(&difference.different, |different| different_in_short(different, key, names)));
    table.drawn()
}

fn kind(table: &mut Table<'_>, name: &str, rows: &[String]) {
    let shown = rows.len().min(ROWS_SHOWN);
    for (at, row) in rows[..shown].iter().enumerate() {
        if at == 0 {
            table.row(&[name, row]);
        } else {
            table.next_row(&["", row]);
        }
    }
    if rows.len() > shown {
        table.next_row(&["", &format!("… and {} more", rows.len() - shown)]);
    }
}

fn missing_in_short(missing: &Missing, elsewhere: &[BindKey], names: &RowNames) -> String {
    let references = names.references(missing.at);
    let mut row = Row::new();
    for (column, value) in missing.row.columns() {
        // The value of one that is not found is not known.
        if references.iter().all(|reference| reference.is_found || reference.column != column) {
            row = row.set(column, value);
        }
    }
    let mut lines = vec![labelled(names, missing.at, row_in_short(&row))];
    for RowReference { column, name, .. } in references {
        lines.push(format!("  {column} refers to {name}"));
    }
    let (asked, found) = missing.times;
    if asked > 1 {
        lines.push(format!("  expected {}, found {}", times(asked), times(found)));
    }
    if !elsewhere.is_empty() {
        lines.push(format!("  found in {}", quoted(elsewhere, "and")));
    }
    lines.join("\n")
}

/// Writes the columns that identify a row, and those that differ, a line each.
fn different_in_short(different: &Different, key: &[String], names: &RowNames) -> String {
    let Different { at, expected, found, columns } = different;
    let mut identity = Row::new();
    for (name, value) in found.cells() {
        if has_name(key, name) && !has_name(columns, name) {
            identity = identity.set(name, value);
        }
    }
    let mut lines = vec![labelled(names, *at, row_in_short(if identity.is_empty() { found } else { &identity }))];
    for name in columns {
        let reference = names.references(*at).iter().find(|reference| reference.column.eq_ignore_ascii_case(name));
        lines.push(match reference.zip(found.value(name)) {
            Some((reference, is)) => format!("  {}", other_reference(reference, is, expected)),
            None => format!("  {}", one_different(name, expected, found)),
        });
    }
    lines.join("\n")
}

/// Writes a column that refers to another row than the one expected.
fn other_reference(reference: &RowReference, is: &Value, expected: &Row) -> String {
    let RowReference { column, name, is_found, others } = reference;
    let of = others.iter().find(|(value, _)| value == is).map(|(_, of)| format!(" ({of})")).unwrap_or_default();
    match expected.value(column).filter(|_| *is_found) {
        Some(asked) => format!("{column} = {}{of}, not {} ({name})", in_short(is), in_short(asked)),
        None => format!("{column} = {}{of}, not the key of {name}", in_short(is)),
    }
}

/// Writes the label of an expected row before it, where it has one.
fn labelled(names: &RowNames, at: usize, row: String) -> String {
    match names.labels.get(at) {
        Some(Some(label)) => format!("{label}: {row}"),
        _ => row,
    }
}

fn one_different(name: &str, expected: &Row, found: &Row) -> String {
    let (Some(asked), Some(is)) = (expected.value(name), found.value(name)) else {
        return format!("{name} is not there");
    };
    match difference(is, asked) {
        Some(difference) if difference.contains(':') => format!("{name} {difference}"),
        Some(difference) => format!("{name} = {}, not {} ({difference})", in_short(is), in_short(asked)),
        None => format!("{name} = {}, not {}", in_short(is), in_short(asked)),
    }
}
