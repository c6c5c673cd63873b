//! The rows of every table as they are at the end: of small tables all, of others the first.

use super::changes::{cells, counts, heading, NAME};
use super::html::Html;
use super::part::part;
use super::value::{number, plural};
use super::{Shown, ShownDatabase};
use crate::observe::{Listed, RowUpdate, TableChange};
use crate::report::words::cut;
use crate::row::Row;
use crate::schema::TableInfo;

/// The number of columns that are shown, and the bytes that all rows take.
const COLUMNS: usize = 30;
const BYTES: usize = 200 << 10;
/// The number of rows up to which a table is shown open.
const OPEN: u64 = 12;

/// Writes the rows.
pub(super) fn write(html: &mut Html, shown: &Shown<'_>) {
    part(html, "rows", "Rows", "What each table holds committed; rows that are new or changed are marked.");
    let limit = html.bytes() + BYTES;
    let mut hidden = 0;
    for database in shown.databases {
        if html.bytes() > limit {
            hidden += 1;
            continue;
        }
        write_database(html, shown, database, limit);
    }
    if hidden > 0 {
        let said = format!("{} more are left out: open their files.", plural(hidden, "database"));
        html.element("p", &[("class", "about")], &said);
    }
    html.close();
}

fn write_database(html: &mut Html, shown: &Shown<'_>, database: &ShownDatabase, limit: usize) {
    html.open("div", &[("class", "database")]);
    html.open("h3", &[]);
    html.element("span", &[("class", "bind")], &cut(&database.label, NAME));
    html.element("small", &[], &database.storage.to_string());
    if let Some(file) = &database.file {
        html.element("code", &[], file);
    }
    html.close();
    match &database.contents {
        Err(problem) => html.element("p", &[("class", "error")], &cut(problem, 4 * NAME)),
        Ok(contents) => {
            let tables = contents.metadata.tables();
            if tables.is_empty() {
                html.element("p", &[("class", "about")], "no tables");
            }
            for (at, (table, rows)) in tables.iter().zip(&contents.rows).enumerate() {
                if html.bytes() > limit {
                    let said = format!("{} more are left out.", plural((tables.len() - at) as u64, "table"));
                    html.element("p", &[("class", "about")], &said);
                    break;
                }
                let is_it = |change: &&TableChange| {
                    !change.is_view() && change.bind() == &database.key && change.table() == table.name()
                };
                write_table(html, table, rows, shown.changes.changes().iter().find(is_it), limit);
            }
        }
    }
    html.close();
}

fn write_table(
    html: &mut Html,
    table: &TableInfo,
    rows: &Result<Listed, String>,
    change: Option<&TableChange>,
    limit: usize,
) {
    let is_open = change.is_some() && rows.as_ref().is_ok_and(|rows| rows.count <= OPEN);
    html.open("details", if is_open { &[("open", "")] } else { &[] });
    html.open("summary", &[]);
    html.element("bdi", &[("class", "name")], &cut(table.name(), NAME));
    let count = rows.as_ref().map_or("cannot be read".to_string(), |rows| plural(rows.count, "row"));
    html.element("span", &[("class", "count")], &count);
    if let Some(change) = change {
        counts(html, [change.inserted().len(), change.updated().len(), change.deleted().len()]);
    }
    html.close();
    match rows {
        Err(problem) => html.element("p", &[("class", "error")], &cut(problem, 4 * NAME)),
        Ok(rows) => match rows.first.first() {
            None => html.element("p", &[("class", "about")], "empty"),
            Some(first) => list(html, table, rows, first, change, limit),
        },
    }
    html.close();
}

fn list(html: &mut Html, table: &TableInfo, rows: &Listed, first: &Row, change: Option<&TableChange>, limit: usize) {
    let mut names = Vec::with_capacity(first.cells().len());
    for (name, _) in first.cells() {
        names.push(name.as_str());
    }
    let columns = &names[..names.len().min(COLUMNS)];
    html.open("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "group"), ("aria-label", table.name())]);
    html.open("table", &[]);
    heading(html, columns, names.len());
    html.open("tbody", &[]);
    let mut shown = 0;
    for row in &rows.first {
        if html.bytes() > limit {
            break;
        }
        shown += 1;
        let is_new = change.is_some_and(|change| change.inserted().contains(row));
        let is_changed =
            change.is_some_and(|change| change.updated().iter().map(RowUpdate::after).any(|new| new == row));
        let (class, word) = match (is_new, is_changed) {
            (true, _) => ("inserted", "+ new"),
            (false, true) => ("updated", "~ changed"),
            (false, false) => ("plain", ""),
        };
        html.open("tr", &[("class", class)]);
        if word.is_empty() {
            html.markup("<td></td>");
        } else {
            html.element("th", &[("scope", "row")], word);
        }
        cells(html, row, columns);
        html.close();
    }
    html.close();
    html.close();
    html.close();
    if rows.count > shown {
        let said = format!("The first {} of {}.", number(shown), plural(rows.count, "row"));
        html.element("p", &[("class", "about")], &said);
    }
}
