//! A scenario's rows as they are written, each with its bind, its table and its line.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::cell::{read, Cell};
use super::names::{no_bind_or_table, no_table, of_another_bind};
use super::{Scenario, Target};
use crate::config::value::{entries, Misfit, Placed};
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey, PerBind};

/// A table that a scenario has rows for, or says to be empty.
pub(super) struct WrittenTable {
    pub(super) at: BindIndex,
    /// The bind's key, as the file has it.
    pub(super) key: BindKey,
    /// The table, as the schema spells it.
    pub(super) table: String,
    pub(super) line: usize,
    pub(super) rows: Vec<WrittenRow>,
}

/// One row.
pub(super) struct WrittenRow {
    pub(super) label: Option<String>,
    pub(super) line: usize,
    pub(super) cells: Vec<WrittenCell>,
}

/// A value and the name it is written under: a column's, or that of a reference.
#[derive(Clone)]
pub(super) struct WrittenCell {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) cell: Cell,
}

/// The label of the values that each row of a table has unless it says otherwise.
const DEFAULTS: &str = "_";

/// Reads the tables of a scenario.
pub(super) fn read_tables(scenario: &Scenario, targets: &PerBind<Target<'_>>) -> Result<Vec<WrittenTable>> {
    let mut reader = Reader { scenario, targets, lines: Lines::of(&scenario.text), tables: Vec::new() };
    let document = DeTable::parse(&scenario.text).map_err(|error| {
        let at = error.span().unwrap_or_default().start;
        let problem = format!("this is not TOML: {} (column {})", error.message(), reader.lines.column(at));
        scenario.error(None, reader.lines.line(at), problem)
    })?;
    for (name, value) in entries(document.get_ref()) {
        reader.top(name.get_ref(), name.span(), value)?;
    }
    Ok(reader.tables)
}

struct Reader<'r> {
    scenario: &'r Scenario,
    targets: &'r PerBind<Target<'r>>,
    lines: Lines<'r>,
    tables: Vec<WrittenTable>,
}

impl Reader<'_> {
    /// Reads a name at the top: a bind's key, or a table that needs none.
    fn top(&mut self, name: &str, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        let key = if name.eq_ignore_ascii_case("main") { BindKey::DEFAULT } else { BindKey::from(name) };
        let bind = self.targets.find(|target| target.keys.contains(&key));
        let Some(own) = &self.scenario.bind else {
            // A name that says its bind is about that bind, whatever another bind calls its tables.
            return match (bind, self.only(name)) {
                (Some(at), _) => self.bind(at, &key, name, value),
                (None, Some(at)) => self.table(at, self.targets[at].keys.first(), name, span, value),
                (None, None) => Err(self.error(None, span, no_bind_or_table(name, self.targets))),
            };
        };
        // The file of a bind is about its tables; its key may stand before them.
        match self.targets.find(|target| target.keys.contains(own)) {
            Some(at) if bind != Some(at) || self.targets[at].metadata.has(name) => {
                if bind.is_some() && !self.targets[at].metadata.has(name) {
                    return Err(self.error(None, span, of_another_bind(name, own)));
                }
                self.table(at, own, name, span, value)
            }
            Some(at) => self.bind(at, &key, name, value),
            None => Err(self.error(None, span, no_bind_or_table(name, self.targets))),
        }
    }

    /// Reads the tables of a bind.
    fn bind(&mut self, at: BindIndex, key: &BindKey, name: &str, value: &Placed<'_>) -> Result<()> {
        let DeValue::Table(tables) = value.get_ref() else {
            let problem = format!("`{name}` is a bind, and its tables are `[{name}.TABLE.LABEL]`");
            return Err(self.error(Some(key), value.span(), problem));
        };
        for (table, value) in entries(tables) {
            self.table(at, key, table.get_ref(), table.span(), value)?;
        }
        Ok(())
    }

    /// Returns the only bind that has a table.
    fn only(&self, table: &str) -> Option<BindIndex> {
        let mut found = None;
        for (at, target) in self.targets.iter() {
            if target.metadata.has(table) {
                if found.is_some() {
                    return None;
                }
                found = Some(at);
            }
        }
        found
    }

    fn table(
        &mut self,
        at: BindIndex,
        key: &BindKey,
        name: &str,
        span: Range<usize>,
        value: &Placed<'_>,
    ) -> Result<()> {
        let metadata = self.targets[at].metadata;
        let table = metadata.table(name).map(|table| table.name());
        let Some(table) = table.or_else(|| metadata.view(name).map(|view| view.name())) else {
            return Err(self.error(Some(key), span, no_table(name, key, at, self.targets)));
        };
        if let Some(twice) = self.tables.iter().find(|other| other.at == at && other.table == table) {
            let problem =
                format!("table `{table}` of bind `{key}` has rows here and on line {}: put them together", twice.line);
            return Err(self.error(Some(key), span, problem));
        }
        let rows = match value.get_ref() {
            DeValue::Table(rows) => self.labelled(key, table, rows)?,
            DeValue::Array(rows) => {
                let mut all = Vec::with_capacity(rows.len());
                for row in rows.iter() {
                    all.push(self.row(key, table, None, row.span(), row)?);
                }
                all
            }
            _ => return Err(self.error(Some(key), value.span(), not_a_row(key, table, name))),
        };
        let line = self.lines.line(span.start);
        self.tables.push(WrittenTable { at, key: key.clone(), table: table.to_string(), line, rows });
        Ok(())
    }

    /// Reads the rows with labels, each with what it has of the defaults.
    fn labelled(&self, key: &BindKey, table: &str, rows: &DeTable<'_>) -> Result<Vec<WrittenRow>> {
        let mut defaults = Vec::new();
        let mut all = Vec::with_capacity(rows.len());
        for (label, row) in entries(rows) {
            let read = self.row(key, table, Some(label.get_ref()), label.span(), row)?;
            if label.get_ref() == DEFAULTS {
                defaults = read.cells;
            } else {
                all.push(read);
            }
        }
        for row in &mut all {
            for default in &defaults {
                if !row.cells.iter().any(|cell| cell.name.eq_ignore_ascii_case(&default.name)) {
                    row.cells.push(default.clone());
                }
            }
        }
        Ok(all)
    }

    fn row(
        &self,
        key: &BindKey,
        table: &str,
        label: Option<&str>,
        span: Range<usize>,
        value: &Placed<'_>,
    ) -> Result<WrittenRow> {
        let DeValue::Table(columns) = value.get_ref() else {
            return Err(self.error(Some(key), span, not_a_row(key, table, label.unwrap_or_default())));
        };
        let mut cells: Vec<WrittenCell> = Vec::with_capacity(columns.len());
        for (name, value) in entries(columns) {
            let line = self.lines.line(name.span().start);
            let misfit = |Misfit { span, problem }| self.error(Some(key), span, in_row(key, table, label, &problem));
            let cell = read(name.get_ref(), &self.scenario.text, value).map_err(misfit)?;
            let name = name.get_ref().to_string();
            if cells.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
                let problem = in_row(key, table, label, &format!("column `{name}` is there twice"));
                return Err(self.scenario.error(Some(key), line, problem));
            }
            cells.push(WrittenCell { name, line, cell });
        }
        Ok(WrittenRow { label: label.map(str::to_string), line: self.lines.line(span.start), cells })
    }

    fn error(&self, key: Option<&BindKey>, span: Range<usize>, problem: String) -> Error {
        self.scenario.error(key, self.lines.line(span.start), problem)
    }
}

fn not_a_row(key: &BindKey, table: &str, name: &str) -> String {
    format!("`{name}` is no row: those of `{table}` are `[{key}.{table}.LABEL]`, or `[[{key}.{table}]]` without labels")
}

/// Returns a problem with the row that has it, where it has a label.
pub(super) fn in_row(key: &BindKey, table: &str, label: Option<&str>, problem: &str) -> String {
    match label {
        Some(label) => format!("`{key}.{table}.{label}`: {problem}"),
        None => problem.to_string(),
    }
}

/// The places at which the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Lines<'t> {
        let mut starts = vec![0];
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                starts.push(at + 1);
            }
        }
        Lines { text, starts }
    }

    /// Returns the line of a place, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Returns the column of a place, in characters, counted from 1.
    fn column(&self, at: usize) -> usize {
        let start = self.starts[self.line(at) - 1];
        self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1
    }
}
