//! The report of a row that was not written to the binds that a test expects, since a snapshot.

use std::fmt::Write as _;

use super::table::{paragraph, Table};
use super::values::row_in_short;
use super::words::{quoted, times};
use crate::list::mapped;
use crate::observe::{Expected, NotWritten, WrittenIn, WrittenReason};
use crate::row::Row;

/// The number of rows of a bind that are shown.
const ROWS_SHOWN: usize = 3;

/// Reports a failed assertion on a row that was written since a snapshot.
pub(crate) fn failed(failure: &NotWritten<'_>) -> String {
    let NotWritten { expected, keys, table, row, reason, found } = failure;
    let expectation = match expected {
        Expected::Landed => format!("written to {}, and to no other bind", quoted(keys, "and")),
        Expected::Once => format!("written to {} once, and to no other bind", quoted(keys, "and")),
        Expected::NotLanded => format!("not written to {}", quoted(keys, "or")),
    };
    let verdict = match reason {
        WrittenReason::NotTo(key, elsewhere) if elsewhere.is_empty() => {
            format!("the row was not written to `{key}` since the snapshot, nor to any other bind")
        }
        WrittenReason::NotTo(key, elsewhere) => {
            format!("the row was not written to `{key}` since the snapshot, but to {}", quoted(elsewhere, "and"))
        }
        WrittenReason::Before(key) => {
            format!("the row was not written to `{key}` since the snapshot: it was there before")
        }
        WrittenReason::Also(elsewhere) => {
            format!("the row was written to {}, but also to {}", quoted(keys, "and"), quoted(elsewhere, "and"))
        }
        WrittenReason::Several(key, count) => format!("the row was written to `{key}` {}, not once", times(*count)),
        WrittenReason::There(key) => format!("the row was written to `{key}` since the snapshot"),
    };
    let looked_for = if row.is_empty() { "any row".to_string() } else { row_in_short(row) };
    let mut report = format!("{}\n\n", paragraph(&verdict, 0, 0));
    let _ = writeln!(report, "  looked for  {}", paragraph(&format!("{table}: {looked_for}"), 14, 16));
    let _ = writeln!(report, "  expected    {}\n", paragraph(&expectation, 14, 16));
    report + &written(table, found)
}

fn written(table: &str, found: &[WrittenIn]) -> String {
    if found.is_empty() {
        return paragraph(&format!("No row was written to a table `{table}` of any bind."), 0, 0);
    }
    let mut drawn = Table::new(&["bind", "written since the snapshot"]);
    for WrittenIn { bind, matching, others } in found {
        let mut lines = Vec::new();
        listed(&mut lines, "the row:", matching);
        listed(&mut lines, if matching.is_empty() { "other rows:" } else { "and others:" }, others);
        drawn.row(&[&bind.to_string(), &lines.join("\n")]);
    }
    drawn.drawn()
}

fn listed(lines: &mut Vec<String>, title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    lines.push(title.to_string());
    for row in mapped(&rows[..rows.len().min(ROWS_SHOWN)], row_in_short) {
        lines.push(format!("  {row}"));
    }
    if rows.len() > ROWS_SHOWN {
        lines.push(format!("  … and {} more", rows.len() - ROWS_SHOWN));
    }
}
