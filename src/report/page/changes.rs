//! The changes since the start, table by table.

use super::html::Html;
use super::part::part;
use super::value::{plural, value};
use super::Shown;
use crate::observe::{ChangeKind, RowUpdate, TableChange};
use crate::report::words::cut;
use crate::row::Row;

/// The number of tables that are shown, of rows of a kind in each, and of columns; and the bytes that they take.
const TABLES: usize = 200;
const ROWS: usize = 50;
const COLUMNS: usize = 30;
const BYTES: usize = 200 << 10;
/// The number of characters of a name, and of a difference in a table's SQL.
pub(super) const NAME: usize = 60;

/// Writes the changes.
pub(super) fn write(html: &mut Html, shown: &Shown<'_>) {
    let changes = shown.changes.changes();
    let about =
        if changes.is_empty() { "Nothing that is committed." } else { "What is committed, since the harness started." };
    part(html, "changes", "Changes", about);
    let limit = html.bytes() + BYTES;
    for (at, change) in changes.iter().enumerate() {
        if at == TABLES || html.bytes() > limit {
            let said = format!("{} more are left out: see changes.txt.", plural((changes.len() - at) as u64, "table"));
            html.element("p", &[("class", "about")], &said);
            break;
        }
        one(html, change, limit);
    }
    html.close();
}

fn one(html: &mut Html, change: &TableChange, limit: usize) {
    html.open("div", &[("class", "change")]);
    html.open("h3", &[]);
    html.element("span", &[("class", "bind")], &change.bind().to_string());
    html.element("bdi", &[], &cut(change.table(), NAME));
    if change.is_view() {
        html.markup(" <small>view</small>");
    }
    let (inserted, updated, deleted) = (change.inserted(), change.updated(), change.deleted());
    let kind = match change.kind() {
        ChangeKind::Created => Some("created"),
        ChangeKind::Altered => Some("altered"),
        ChangeKind::Dropped => Some("dropped"),
        ChangeKind::Rows => None,
    };
    if let Some(kind) = kind {
        html.element("span", &[("class", "mark table")], kind);
    }
    counts(html, [inserted.len(), updated.len(), deleted.len()]);
    html.close();
    for detail in &change.details[..change.details.len().min(COLUMNS)] {
        html.element("p", &[("class", "about")], &cut(detail, 2 * NAME));
    }
    let rows = inserted.first().or(deleted.first()).or(updated.first().map(RowUpdate::after));
    if let Some(first) = rows {
        let names = columns(change, first);
        table(html, change, &names, limit);
    }
    html.close();
}

/// Writes how many rows were inserted, updated and deleted.
pub(super) fn counts(html: &mut Html, [inserted, updated, deleted]: [usize; 3]) {
    for (count, class, word) in [
        (inserted, "mark inserted", "inserted"),
        (updated, "mark updated", "updated"),
        (deleted, "mark deleted", "deleted"),
    ] {
        if count > 0 {
            html.element("span", &[("class", class)], &format!("{count} {word}"));
        }
    }
}

/// Returns the columns of a table that changed: those that it has, then those that it had.
fn columns<'c>(change: &'c TableChange, first: &'c Row) -> Vec<&'c str> {
    let mut names = Vec::<&str>::new();
    let was = change.updated().first().map(RowUpdate::before).or(change.deleted().first());
    for (name, _) in first.cells().iter().chain(was.map_or(&[][..], Row::cells)) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names
}

fn table(html: &mut Html, change: &TableChange, names: &[&str], limit: usize) {
    let mut shown = 0;
    let columns = &names[..names.len().min(COLUMNS)];
    html.open("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "group"), ("aria-label", change.table())]);
    html.open("table", &[]);
    heading(html, columns, names.len());
    html.open("tbody", &[]);
    for row in some(change.inserted()) {
        if html.bytes() > limit {
            break;
        }
        shown += 1;
        html.open("tr", &[("class", "inserted")]);
        html.element("th", &[("scope", "row")], "+ inserted");
        cells(html, row, columns);
        html.close();
    }
    for update in some(change.updated()) {
        if html.bytes() > limit {
            break;
        }
        shown += 1;
        html.open("tr", &[("class", "updated")]);
        html.element("th", &[("scope", "row")], "~ updated");
        for name in columns {
            updated_cell(html, update, name);
        }
        html.close();
    }
    for row in some(change.deleted()) {
        if html.bytes() > limit {
            break;
        }
        shown += 1;
        html.open("tr", &[("class", "deleted")]);
        html.element("th", &[("scope", "row")], "− deleted");
        cells(html, row, columns);
        html.close();
    }
    html.close();
    html.close();
    html.close();
    let hidden = change.inserted().len() + change.updated().len() + change.deleted().len() - shown;
    if hidden > 0 {
        let said = format!("{} more are left out.", plural(hidden as u64, "row"));
        html.element("p", &[("class", "about")], &said);
    }
}

fn some<T>(rows: &[T]) -> &[T] {
    &rows[..rows.len().min(ROWS)]
}

/// Writes the names of columns, with how many there are beyond those.
pub(super) fn heading(html: &mut Html, columns: &[&str], all: usize) {
    html.open("thead", &[]);
    html.open("tr", &[]);
    html.markup("<td></td>");
    for name in columns {
        html.element("th", &[("scope", "col")], &cut(name, NAME));
    }
    if all > columns.len() {
        html.element("th", &[("scope", "col")], &format!("… {} more", all - columns.len()));
    }
    html.close();
    html.close();
}

/// Writes the values of a row, in the order of some columns.
pub(super) fn cells(html: &mut Html, row: &Row, columns: &[&str]) {
    for name in columns {
        html.open("td", &[]);
        if let Some(found) = row.value(name) {
            value(html, found);
        }
        html.close();
    }
}

fn updated_cell(html: &mut Html, update: &RowUpdate, name: &str) {
    let (before, after) = (update.before().value(name), update.after().value(name));
    if before == after {
        html.open("td", &[]);
        if let Some(found) = after {
            value(html, found);
        }
        html.close();
        return;
    }
    html.open("td", &[("class", "changed")]);
    if let Some(before) = before {
        html.open("del", &[]);
        value(html, before);
        html.close();
        html.markup(" ");
    }
    if let Some(after) = after {
        html.open("ins", &[]);
        value(html, after);
        html.close();
    }
    html.close();
}
