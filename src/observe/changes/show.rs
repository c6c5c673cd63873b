//! A change set as a table for people.

use std::fmt;

use rusqlite::types::Value;

use super::{ChangeSet, Counts, RowUpdate, TableChange};
use crate::observe::report::{cut, table};
use crate::row::{Row, Shown};

/// How many rows of a kind are shown of each table.
const ROWS_SHOWN: usize = 5;
/// How much of a value is shown, in characters.
const VALUE_SHOWN: usize = 40;
/// How much of a row is shown, in characters.
const ROW_SHOWN: usize = 160;

impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no changes");
        }
        let rows = self.changes.iter().map(|change| {
            [change.bind.to_string(), named(change), Counts::of(change).phrases().join("\n"), details(change)]
        });
        f.write_str(&table(&["bind", "table", "change", "rows"], rows))
    }
}

fn named(change: &TableChange) -> String {
    let what = if change.is_view { " (view)" } else { "" };
    format!("{}{what}", change.table)
}

fn details(change: &TableChange) -> String {
    let mut lines = change.details.clone();
    let rows = &change.rows;
    list(&mut lines, &rows.inserted, "inserted", |row| format!("+ {}", shown(row)));
    list(&mut lines, &rows.updated, "updated", |update| format!("~ {}", updated(update, &change.key)));
    list(&mut lines, &rows.deleted, "deleted", |row| format!("- {}", shown(row)));
    lines.join("\n")
}

fn list<T>(lines: &mut Vec<String>, items: &[T], what: &str, line: impl Fn(&T) -> String) {
    lines.extend(items.iter().take(ROWS_SHOWN).map(|item| cut(&line(item), ROW_SHOWN)));
    if items.len() > ROWS_SHOWN {
        lines.push(format!("… and {} more {what}", items.len() - ROWS_SHOWN));
    }
}

fn shown(row: &Row) -> String {
    row.columns().map(|(name, value)| format!("{name} = {}", short(value))).collect::<Vec<_>>().join(", ")
}

/// The key and what is another; every column where there is no key to tell the row by.
fn updated(update: &RowUpdate, key: &[String]) -> String {
    let columns = update.after.columns().filter_map(|(name, value)| {
        let is_key = key.iter().any(|key| key.eq_ignore_ascii_case(name));
        match update.before.value(name) {
            Some(before) if before == value => (is_key || key.is_empty()).then(|| format!("{name} = {}", short(value))),
            Some(before) => Some(format!("{name} = {} → {}", short(before), short(value))),
            None => Some(format!("{name} = {}", short(value))),
        }
    });
    columns.collect::<Vec<_>>().join(", ")
}

fn short(value: &Value) -> String {
    cut(&Shown(value).to_string(), VALUE_SHOWN)
}
