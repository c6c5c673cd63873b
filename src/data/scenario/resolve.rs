//! From what a scenario's rows say to their values: keys from labels, labels to keys.

use rusqlite::types::Value;

use super::cell::{Cell, Found};
use super::entry::{Entry, Parent, Referred, Refers, Slot};
use super::labels::Labels;
use super::links::Link;
use super::names::{no_column, no_label};
use super::written::{WrittenCell, WrittenTable};
use super::{identify, Scenario, Target};
use crate::error::Result;
use crate::key::{BindIndex, PerBind};
use crate::list::{has_name, mapped};
use crate::schema::{ForeignKey, TableInfo};
use crate::sorted::Sorted;

/// Everything that the rows of scenarios are resolved with.
pub(super) struct Ground<'r> {
    pub(super) targets: &'r PerBind<Target<'r>>,
    pub(super) links: &'r [Link],
    pub(super) known: &'r Labels,
    /// Set where the rows are those that a test expects: the application chooses the ids of those that are new.
    pub(super) expecting: bool,
}

/// The rows of scenarios, found by their labels.
pub(super) struct Resolver<'r> {
    pub(super) ground: Ground<'r>,
    pub(super) rows: Vec<Entry<'r>>,
    pub(super) names: Sorted<(BindIndex, String, String), usize>,
    /// The affinities of the columns that rows name, by table.
    affinities: Sorted<(BindIndex, String), Vec<(String, String)>>,
}

impl<'r> Resolver<'r> {
    pub(super) fn new(ground: Ground<'r>, written: &'r [(&'r Scenario, Vec<WrittenTable>)]) -> Result<Resolver<'r>> {
        let rows = Vec::new();
        let mut resolver = Resolver { ground, rows, names: Sorted::default(), affinities: Sorted::default() };
        for (scenario, tables) in written {
            for table in tables {
                resolver.add(scenario, table)?;
            }
        }
        Ok(resolver)
    }

    fn add(&mut self, scenario: &'r Scenario, table: &'r WrittenTable) -> Result<()> {
        let target = &self.ground.targets[table.at];
        let info = target.metadata.table(&table.table);
        // The key that follows from a label, if it is one column.
        let keys = info.map(|info| info.primary_key().collect::<Vec<_>>()).unwrap_or_default();
        let (first, mut columns) = (self.rows.len(), keys.clone());
        for row in &table.rows {
            let mut entry = Entry { scenario, table, info, row, slots: Vec::new(), key: None };
            for cell in &row.cells {
                self.slots(&mut entry, cell)?;
            }
            self.rows.push(entry);
        }
        if let (Some(info), false) = (info, table.rows.is_empty()) {
            for slot in self.rows[first..].iter().flat_map(|entry| &entry.slots) {
                if !has_name(&columns, &slot.column) {
                    columns.extend(info.column(&slot.column).map(|column| column.name()));
                }
            }
            let affinities = (target.affinities)(info.name(), &columns)?;
            let columns = mapped(&columns, |column| column.to_string());
            self.affinities.insert((table.at, info.name().to_string()), columns.into_iter().zip(affinities).collect());
        }
        let mut numbers = Sorted::default();
        for at in first..self.rows.len() {
            let entry = &self.rows[at];
            let Some(label) = &entry.row.label else { continue };
            if let [key] = keys.as_slice()
                && !entry.slots.iter().any(|slot| slot.column.eq_ignore_ascii_case(key))
                && let Some(value) = self.key_of(at, label, key)?
            {
                if let Found::Value(Value::Integer(number)) = &value
                    && let Some(other) = numbers.insert(*number, label)
                {
                    let problem =
                        format!("its label and `{other}` come to one id, {number}: say `{key}` in one of the two");
                    return Err(entry.error(entry.row.line, &problem));
                }
                self.rows[at].key = Some((key.to_string(), value));
            }
            let place = (table.at, table.table.to_ascii_lowercase(), label.clone());
            if let Some(other) = self.names.insert(place, at) {
                let (entry, other) = (&self.rows[at], &self.rows[other]);
                let there = format!("{}:{}", other.scenario.path.display(), other.row.line);
                return Err(entry.error(entry.row.line, &format!("the label is used twice, here and at {there}")));
            }
        }
        Ok(())
    }

    /// Returns the key that a label stands for; `None` where the database makes it.
    fn key_of(&self, row: usize, label: &str, column: &str) -> Result<Option<Found>> {
        let entry = &self.rows[row];
        let affinity = self.affinity(entry, column);
        let (at, table) = (entry.table.at, &entry.table.table);
        let bind = self.ground.targets[at].keys.first();
        if self.ground.expecting {
            if let Some(known) = self.ground.known.find(bind, table, label) {
                return Ok(known.row.value(column).cloned().map(Found::Value));
            }
            if affinity != "TEXT" {
                return Ok(Some(Found::Of { row, column: column.to_string() }));
            }
        }
        let info = entry.info.and_then(|info| info.column(column));
        let is_blob = info.is_some_and(|info| info.declared_type().eq_ignore_ascii_case("blob"));
        Ok(match affinity {
            "INT" => Some(Found::Value(Value::Integer(identify::number(bind, table, label)))),
            "TEXT" => Some(Found::Value(Value::Text(label.to_string()))),
            _ if is_blob => Some(Found::Value(Value::Blob(identify::bytes(bind, table, label)))),
            _ if info.is_some_and(|info| info.default().is_some()) => None,
            _ => {
                let kind = info.map_or("", |info| info.declared_type());
                let problem = format!(
                    "a label gives a key of type INTEGER, TEXT or BLOB, and `{column}` has the type `{kind}`: say `{column}` in the row"
                );
                return Err(entry.error(entry.row.line, &problem));
            }
        })
    }

    /// Adds the columns that one value is for.
    fn slots(&self, entry: &mut Entry<'r>, written: &WrittenCell) -> Result<()> {
        let WrittenCell { name, line, cell } = written;
        let cell = cell.of_row(entry.row.label.as_deref());
        let cell = cell.map_err(|problem| entry.error(*line, &format!("`{name}`: {problem}")))?;
        let Some(info) = entry.info else {
            return entry.put(Slot { column: name.clone(), line: *line, cell, parent: None, is_label: false });
        };
        if let Some(column) = info.column(name) {
            let column = column.name();
            let parent = self.parent(entry, info, column);
            return entry.put(Slot { column: column.to_string(), line: *line, cell, parent, is_label: false });
        }
        let key = match references(info, name).as_slice() {
            [key] => *key,
            [] => return Err(entry.error(*line, &no_column(name, info))),
            several => {
                let columns = mapped(several, |key| format!("`{}`", key.columns().join(", "))).join(" and ");
                let problem = format!("`{}` refers to `{name}` by {columns}: say which by the column", info.name());
                return Err(entry.error(*line, &problem));
            }
        };
        for (at, column) in key.columns().iter().enumerate() {
            let parent = self.parent_by(entry, key, at);
            let cell = match (&cell, &parent) {
                (Cell::Ref { name, column: None }, Some(parent)) => {
                    Cell::Ref { name: name.clone(), column: Some(parent.column.clone()) }
                }
                (Cell::Text(_) | Cell::Any | Cell::Value(Value::Null), _) => cell.clone(),
                _ => {
                    let problem = format!("`{name}` is a reference to `{}`: write the label of a row", key.parent());
                    return Err(entry.error(*line, &problem));
                }
            };
            entry.put(Slot { column: column.clone(), line: *line, cell, parent, is_label: true })?;
        }
        Ok(())
    }

    /// Returns the column that one refers to: by a foreign key of its own, or by a declared reference into another bind.
    fn parent(&self, entry: &Entry<'_>, info: &TableInfo, column: &str) -> Option<Parent> {
        for key in info.foreign_keys() {
            if let [only] = key.columns()
                && only.eq_ignore_ascii_case(column)
            {
                return self.parent_by(entry, key, 0);
            }
        }
        let keys = self.ground.targets[entry.table.at].keys;
        let link = self.ground.links.iter().find(|link| link.from.is(keys, info.name(), column))?;
        let at = self.ground.targets.find(|target| link.to.is_in(target.keys));
        Some(Parent { at, table: link.to.table.clone(), column: link.to.column.clone() })
    }

    /// Returns the column that a foreign key's column at this place refers to.
    fn parent_by(&self, entry: &Entry<'_>, key: &ForeignKey, place: usize) -> Option<Parent> {
        let parent = self.ground.targets[entry.table.at].metadata.table(key.parent());
        let column = key.parent_columns().get(place).cloned().unwrap_or_default();
        match parent {
            Some(parent) => Some(Parent { at: Some(entry.table.at), table: parent.name().to_string(), column }),
            None => Some(Parent { at: None, table: key.parent().to_string(), column }),
        }
    }

    /// Returns the columns of a row that it says, its key first, with their values.
    pub(super) fn values(&self, row: usize) -> Result<Vec<(String, Found)>> {
        let entry = &self.rows[row];
        let mut values = Vec::with_capacity(entry.slots.len() + 1);
        if let Some((column, found)) = &entry.key {
            values.push((column.clone(), found.clone()));
        }
        for slot in &entry.slots {
            values.push((slot.column.clone(), self.found(row, slot, 0)?));
        }
        Ok(values)
    }

    /// Returns the line of a column in a row, or that of the row.
    pub(super) fn line(&self, row: usize, column: &str) -> usize {
        let entry = &self.rows[row];
        let slot = entry.slots.iter().find(|slot| slot.column == column);
        slot.map_or(entry.row.line, |slot| slot.line)
    }

    fn found(&self, row: usize, slot: &Slot, depth: usize) -> Result<Found> {
        let entry = &self.rows[row];
        if depth > self.rows.len() {
            let problem = format!("`{}` refers to itself, over other rows: write the value of one", slot.column);
            return Err(entry.error(slot.line, &problem));
        }
        match &slot.cell {
            Cell::Value(value) => Ok(Found::Value(value.clone())),
            Cell::Any => Ok(Found::Any),
            Cell::Text(text) => match &slot.parent {
                Some(parent) => self.of_label(entry, slot, parent, text, depth),
                // SQLite would take it for what it is.
                None if self.affinity(entry, &slot.column) == "INT" && text.trim().parse::<f64>().is_err() => {
                    let problem = format!(
                        "a text in a column of integers, which refers to no table: for the key of a row write \
                         `{{ ref = \"bind.table.{text}\" }}`, for the text itself `{{ text = \"{text}\" }}`"
                    );
                    Err(entry.of_slot(slot, &problem))
                }
                None => Ok(Found::Value(Value::Text(text.clone()))),
            },
            Cell::Ref { name, column } => {
                let labeled = self.by_name(entry.table.at, name).map_err(|problem| entry.of_slot(slot, &problem))?;
                let column = match column {
                    Some(column) => column.clone(),
                    None => self.only_key(&labeled).map_err(|problem| entry.of_slot(slot, &problem))?,
                };
                self.column_of(entry, slot, &labeled, &column, depth)
            }
        }
    }

    /// Returns the value of a text in a column that refers to another: that of the row with this label, else the text itself, where
    /// such a column takes texts.
    fn of_label(&self, entry: &Entry<'_>, slot: &Slot, parent: &Parent, text: &str, depth: usize) -> Result<Found> {
        let found = parent.at.and_then(|at| self.find(at, &parent.table, text));
        if let Some(labeled) = found {
            return self.column_of(entry, slot, &labeled, &parent.column, depth);
        }
        if !slot.is_label && !["INT", "NUM", "REAL"].contains(&self.affinity(entry, &slot.column)) {
            return Ok(Found::Value(Value::Text(text.to_string())));
        }
        let problem = match parent.at {
            Some(at) => {
                no_label(text, self.ground.targets[at].keys.first(), &parent.table, &self.labels(at, &parent.table))
            }
            None => self.in_no_bind(entry, parent, text),
        };
        Err(entry.of_slot(slot, &problem))
    }

    /// Returns the problem of a label for a foreign key whose table is not in its bind.
    fn in_no_bind(&self, entry: &Entry<'_>, parent: &Parent, label: &str) -> String {
        let (key, table) = (&entry.table.key, &parent.table);
        let mut problem = format!("its foreign key is to `{table}`, which bind `{key}` does not have");
        for target in self.ground.targets.values() {
            if target.metadata.has(table) {
                let owner = target.keys.first();
                problem
                    .push_str(&format!("; for the row in `{owner}` write `{{ ref = \"{owner}.{table}.{label}\" }}`"));
            }
        }
        problem
    }

    /// Returns the value of a column of the row that a label means.
    fn column_of(
        &self,
        entry: &Entry<'_>,
        slot: &Slot,
        of: &Referred<'_>,
        column: &str,
        depth: usize,
    ) -> Result<Found> {
        let unsaid = |name: &str| {
            let problem = format!("`{name}` does not say its `{column}`: write it in that row");
            Err(entry.of_slot(slot, &problem))
        };
        match of {
            Referred::Before(known) => match known.row.value(column) {
                Some(value) => Ok(Found::Value(value.clone())),
                None => unsaid(&known.name()),
            },
            Referred::Here(at) => {
                let other = &self.rows[*at];
                if let Some((key, found)) = &other.key
                    && key.eq_ignore_ascii_case(column)
                {
                    return Ok(found.clone());
                }
                if let Some(slot) = other.slots.iter().find(|slot| slot.column.eq_ignore_ascii_case(column)) {
                    return match self.found(*at, slot, depth + 1)? {
                        Found::Any => Ok(Found::Of { row: *at, column: column.to_string() }),
                        found => Ok(found),
                    };
                }
                if other.info.is_some_and(|info| info.column(column).is_none()) {
                    let problem = format!("`{}` has no column `{column}`", other.table.table);
                    return Err(entry.of_slot(slot, &problem));
                }
                if self.ground.expecting {
                    return Ok(Found::Of { row: *at, column: column.to_string() });
                }
                unsaid(&other.name())
            }
        }
    }

    /// Returns the columns of a row that refer to others, each with the row that it refers to.
    pub(super) fn references(&self, row: usize) -> Vec<Refers> {
        let at = self.rows[row].table.at;
        let mut references = Vec::new();
        for slot in &self.rows[row].slots {
            let (labeled, of) = match (&slot.cell, &slot.parent) {
                (Cell::Ref { name, column }, _) => {
                    let Ok(labeled) = self.by_name(at, name) else { continue };
                    let Some(column) = column.clone().or_else(|| self.only_key(&labeled).ok()) else { continue };
                    (labeled, column)
                }
                (Cell::Text(label), Some(Parent { at: Some(at), table, column })) => {
                    let Some(labeled) = self.find(*at, table, label) else { continue };
                    (labeled, column.clone())
                }
                _ => continue,
            };
            let column = slot.column.clone();
            references.push(match labeled {
                Referred::Here(at) => {
                    let entry = &self.rows[at];
                    let bind = self.ground.targets[entry.table.at].keys.first().clone();
                    Refers { column, name: entry.name(), bind, table: entry.table.table.clone(), of }
                }
                Referred::Before(known) => {
                    let (bind, table) = (known.keys.first().clone(), known.table.clone());
                    Refers { column, name: known.name(), bind, table, of }
                }
            });
        }
        references
    }

    /// Returns the affinity of a column, as SQLite names it.
    fn affinity(&self, entry: &Entry<'_>, column: &str) -> &str {
        let of_table = self.affinities.get(&(entry.table.at, entry.table.table.clone()));
        let found = of_table.and_then(|columns| columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)));
        found.map_or("", |(_, affinity)| affinity)
    }
}

/// Returns the foreign keys that a name means: that of the column `NAME_id`, else those to the table of that name.
fn references<'t>(info: &'t TableInfo, name: &str) -> Vec<&'t ForeignKey> {
    let column = format!("{name}_id");
    let (mut by_column, mut by_table) = (Vec::new(), Vec::new());
    for key in info.foreign_keys() {
        if key.columns().len() == 1 && has_name(key.columns(), &column) {
            by_column.push(key);
        }
        if key.parent().eq_ignore_ascii_case(name) {
            by_table.push(key);
        }
    }
    if by_column.is_empty() {
        by_table
    } else {
        by_column
    }
}
