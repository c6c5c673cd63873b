//! A change set as a table, and the reports of assertions on it.

use std::fmt;

use rusqlite::types::Value;

use super::look_at::of_changes;
use super::makers::{made, missing};
use super::rows::{differences, in_words};
use super::table::{paragraph, Table};
use super::words::{cut, NOTHING_WRITTEN};
use crate::error::{argument, joined_by, list, Error};
use crate::key::Selection;
use crate::list::{filtered, has_name};
use crate::observe::{
    ChangeKind, ChangeSet, Compared, ExpectedChange, Misplaced, NotOnly, OtherValues, RowKind, RowNames, RowUpdate,
    TableChange, What,
};
use crate::row::{Row, Shown};

/// The most rows of a kind that are shown of each table.
const ROWS_SHOWN: usize = 5;
/// The most changes of a wrong bind that a headline names before the last.
const MISPLACED: usize = 2;
/// The shown length of a value, in characters.
const VALUE_SHOWN: usize = 40;
/// The shown length of a row, in characters.
const ROW_SHOWN: usize = 160;

impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no changes");
        }
        let mut table = Table::new(&["bind", "table", "change", "rows"]);
        for change in self.changes() {
            let phrases = ExpectedChange::of(change).phrases().join("\n");
            table.row(&[&change.bind.to_string(), &named(change), &phrases, &details(change)]);
        }
        f.write_str(&table.drawn())
    }
}

fn named(change: &TableChange) -> String {
    let what = if change.is_view { " (view)" } else { "" };
    format!("{}{what}", change.table)
}

pub(super) fn details(change: &TableChange) -> String {
    let mut lines = change.details.clone();
    let rows = &change.rows;
    push_some(&mut lines, &rows.inserted, "inserted", &|row| format!("+ {}", shown(row)));
    push_some(&mut lines, &rows.updated, "updated", &|update| format!("~ {}", updated(update, &change.key)));
    push_some(&mut lines, &rows.deleted, "deleted", &|row| format!("- {}", shown(row)));
    lines.join("\n")
}

fn push_some<T>(lines: &mut Vec<String>, items: &[T], what: &str, line: &dyn Fn(&T) -> String) {
    for item in &items[..items.len().min(ROWS_SHOWN)] {
        lines.push(cut(&line(item), ROW_SHOWN));
    }
    if items.len() > ROWS_SHOWN {
        lines.push(format!("… and {} more {what}", items.len() - ROWS_SHOWN));
    }
}

fn shown(row: &Row) -> String {
    joined_by(row.cells(), ", ", &|(name, value)| format!("{name} = {}", short(value)))
}

/// Writes the key and the changed columns; every column where no key identifies the row.
fn updated(update: &RowUpdate, key: &[String]) -> String {
    let mut columns = Vec::new();
    for (name, value) in update.after.cells() {
        let is_key = key.is_empty() || has_name(key, name);
        match update.before.value(name) {
            Some(before) if before != value => {
                columns.push(format!("{name} = {} → {}", short(before), short(value)));
            }
            Some(_) if !is_key => {}
            _ => columns.push(format!("{name} = {}", short(value))),
        }
    }
    columns.join(", ")
}

fn short(value: &Value) -> String {
    cut(&Shown(value).to_string(), VALUE_SHOWN)
}

/// Reports that not just the selected binds changed.
pub(crate) fn not_only(changes: &ChangeSet, selection: &Selection, failure: &NotOnly) -> String {
    let (unchanged, others) = (list(&failure.unchanged), list(&failure.others));
    let of_others = filtered(changes.changes(), |change| failure.others.contains(&change.bind));
    let is_selected = selection.keys().is_none_or(|keys| !keys.is_empty());
    let (found, next) = match (failure.unchanged.is_empty(), failure.others.is_empty()) {
        _ if changes.is_empty() => ("nothing changed in any bind".to_string(), paragraph(NOTHING_WRITTEN, 0, 0)),
        (_, true) => (format!("nothing changed in {unchanged}"), paragraph(NOTHING_WRITTEN, 0, 0)),
        (true, false) if is_selected => (format!("{others} changed too"), makers(changes, &of_others)),
        (true, false) => (format!("{others} changed"), makers(changes, &of_others)),
        (false, false) => {
            let next = match made(changes, &of_others, &|_| true) {
                made if made.is_empty() => paragraph(
                    &format!(
                        "Rows for {unchanged} may be in {others}: check which bind's connection wrote the rows above."
                    ),
                    0,
                    0,
                ),
                made => made.trim_end().to_string(),
            };
            (format!("nothing changed in {unchanged}, and {others} changed"), next)
        }
    };
    let asked = match selection.keys() {
        None => "a change in every bind".to_string(),
        Some([]) => "no change in any bind".to_string(),
        Some(keys) => format!("changes in {} only", list(keys)),
    };
    let shown = if changes.is_empty() { String::new() } else { format!("\n\n{changes}") };
    let end = if shown.is_empty() { "." } else { ":" };
    let found = paragraph(&format!("expected {asked}, but {found}{end}"), 0, 0);
    format!("{found}{shown}\n\n{next}")
}

/// Reports changes where none were expected.
pub(crate) fn not_unchanged(changes: &ChangeSet) -> String {
    let binds = list(&changes.binds_changed());
    let found = paragraph(&format!("expected no change in any bind, but {binds} changed:"), 0, 0);
    format!("{found}\n\n{changes}\n\n{}", makers(changes, changes.changes()))
}

/// Reports why it is not known what changed.
pub(crate) fn not_read(error: &Error) -> String {
    format!("cannot tell what changed: {error}")
}

/// Reports why it is not known what is expected.
pub(crate) fn not_compared(problem: &str) -> String {
    format!("cannot tell what is expected: {problem}")
}

/// Reports tables whose changes are not those expected.
pub(crate) fn not_expected(changes: &ChangeSet, tables: &[Compared]) -> String {
    let mut compared = Table::new(&["", "bind", "table", "expected", "found"]);
    for table in tables {
        let mark = if table.is_as_expected() { "" } else { "≠" };
        let (expected, found) = (counts(&table.expected), counts(&table.found));
        compared.row(&[mark, &table.bind.to_string(), &table.table, &expected, &found]);
    }
    let unexpected = filtered(changes.changes(), |change| {
        let is_it = |table: &&Compared| table.bind == change.bind && table.table.eq_ignore_ascii_case(&change.table);
        tables.iter().find(is_it).is_some_and(|table| !table.is_as_expected())
    });
    let misplaced = changes.misplaced(tables);
    let is_misplaced = |change: &TableChange| misplaced.iter().any(|one| one.is(change));
    let (made, missing) = (made(changes, &unexpected, &is_misplaced), missing(changes, tables));
    let found = match (changes.is_empty(), missing.is_empty()) {
        (true, true) => paragraph(&format!("Nothing changed in any bind. {NOTHING_WRITTEN}"), 0, 0),
        (true, false) => format!("Nothing changed in any bind.\n\n{}", missing.trim_end()),
        (false, _) => {
            let unknown = if made.is_empty() && missing.is_empty() { UNKNOWN_MAKER } else { "" };
            // Advice for the test stands only beside changes of which it says nothing.
            let is_unnamed = |table: &Compared| table.is_as_expected() || table.expected.is_empty();
            let meant = if misplaced.is_empty() && tables.iter().all(is_unnamed) {
                format!("If they are intended, expect them with:\n\n{}\n\n", as_expected(changes))
            } else {
                String::new()
            };
            format!("The changes:\n\n{changes}\n\n{made}{missing}{meant}{unknown}").trim_end().to_string()
        }
    };
    let (compared, mut values) = (compared.drawn(), String::new());
    for table in tables {
        for other in &table.others {
            values += &format!("{}\n\n", other_values(table, other));
        }
    }
    let verdict = paragraph(&format!("{}, where marked ≠:", not_as_expected(&misplaced)), 0, 0);
    let verdict = with_line(&verdict, of_changes(changes, &unexpected, &misplaced));
    format!("{verdict}\n\n{compared}\n\n{values}{found}")
}

/// Adds the line to look at first to a verdict, where one is known.
pub(super) fn with_line(verdict: &str, accused: Option<String>) -> String {
    match accused {
        Some(accused) => format!("{verdict}\n\n  look at  {}", paragraph(&accused, 11, 13)),
        None => verdict.to_string(),
    }
}

/// Returns the verdict: the changes of other binds than were meant, where there are any.
fn not_as_expected(misplaced: &[Misplaced]) -> String {
    let Some((last, before)) = misplaced.split_last() else { return "the changes are not those expected".to_string() };
    let mut verdict = String::new();
    for one in &before[..before.len().min(MISPLACED)] {
        verdict += &format!("{}, and ", instead(one));
    }
    match before.len().saturating_sub(MISPLACED) {
        0 => format!("{verdict}{}", instead(last)),
        more => format!("{verdict}{} more changes came about in other binds than expected", more + 1),
    }
}

/// Says of a change in which bind it came about, and in which it was expected.
fn instead(misplaced: &Misplaced) -> String {
    let Misplaced { table, what, expected_in, found_in } = misplaced;
    let (subject, verb) = match what {
        What::Table(kind) => (
            format!("`{table}`"),
            match kind {
                ChangeKind::Created => "was created",
                ChangeKind::Dropped => "was dropped",
                ChangeKind::Altered | ChangeKind::Rows => "was altered",
            },
        ),
        What::Rows(kind, count) => {
            let one = *count == 1;
            let verb = match (kind, one) {
                (RowKind::Inserted, _) => "landed",
                (RowKind::Updated, true) => "was updated",
                (RowKind::Updated, false) => "were updated",
                (RowKind::Deleted, true) => "was deleted",
                (RowKind::Deleted, false) => "were deleted",
            };
            (if one { format!("a row of `{table}`") } else { format!("{count} rows of `{table}`") }, verb)
        }
    };
    format!("{subject} {verb} in `{found_in}` instead of `{expected_in}`")
}

/// Reports rows that were changed in another way than expected.
fn other_values(table: &Compared, other: &OtherValues) -> String {
    let OtherValues { kind, key, difference } = other;
    let Compared { bind, table, .. } = table;
    let title = format!("Of the rows {} in `{table}` of `{bind}`, {}:", kind.name(), in_words(difference));
    format!("{}\n\n{}", paragraph(&title, 0, 0), differences(difference, key, &[], &RowNames::default()))
}

fn counts(counts: &[ExpectedChange]) -> String {
    match counts {
        [] => "nothing".to_string(),
        counts => joined_by(counts, "\n", &|counts| counts.phrases().join("\n")),
    }
}

/// Names the statements behind changes that were not expected.
fn makers(changes: &ChangeSet, unexpected: &[TableChange]) -> String {
    match made(changes, unexpected, &|_| false) {
        made if made.is_empty() => UNKNOWN_MAKER.to_string(),
        made => made.trim_end().to_string(),
    }
}

/// The advice where the statements behind changes are not known.
const UNKNOWN_MAKER: &str = "Check which bind's connection wrote the rows above.";

/// Returns the changes as a test writes them.
fn as_expected(changes: &ChangeSet) -> String {
    let tables = joined_by(changes.changes(), "", &|change| {
        let short = format!("{}.{}", change.bind(), change.table());
        let name = match short.matches('.').count() {
            1 => format!("{short:?}"),
            _ => format!("({}, {:?})", argument(change.bind()), change.table()),
        };
        format!("    {name} => {},\n", ExpectedChange::of(change).as_written())
    });
    format!("changes! {{\n{tables}}}")
}
