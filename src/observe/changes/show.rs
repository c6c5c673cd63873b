//! A change set as a table for people.

use std::fmt;

use rusqlite::types::Value;

use super::{ChangeSet, Counts, RowUpdate, TableChange};
use crate::error::joined_by;
use crate::observe::report::{cut, Table};
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
        let mut table = Table::new(&["bind", "table", "change", "rows"]);
        for change in &self.changes {
            let phrases = Counts::of(change).phrases().join("\n");
            table.row(&[&change.bind.to_string(), &named(change), &phrases, &details(change)]);
        }
        f.write_str(&table.drawn())
    }
}

fn named(change: &TableChange) -> String {
    let what = if change.is_view { " (view)" } else { "" };
    format!("{}{what}", change.table)
}

fn details(change: &TableChange) -> String {
    let mut lines = change.details.clone();
    let rows = &change.rows;
    list(&mut lines, &rows.inserted, "inserted", &|row| format!("+ {}", shown(row)));
    list(&mut lines, &rows.updated, "updated", &|update| format!("~ {}", updated(update, &change.key)));
    list(&mut lines, &rows.deleted, "deleted", &|row| format!("- {}", shown(row)));
    lines.join("\n")
}

fn list<T>(lines: &mut Vec<String>, items: &[T], what: &str, line: &dyn Fn(&T) -> String) {
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

/// The key and what is another; every column where there is no key to tell the row by.
fn updated(update: &RowUpdate, key: &[String]) -> String {
    let mut columns = Vec::new();
    for (name, value) in update.after.cells() {
        let is_key = key.is_empty() || key.iter().any(|key| key.eq_ignore_ascii_case(name));
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
