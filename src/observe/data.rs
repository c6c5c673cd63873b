//! The tables that a test expects in a scenario, in all binds: labels of new rows stand for the ids that the application chose.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value;

use super::rows::{fits, stored, verdict_on_rows, ExpectedRows, Extent, Held, OtherRows};
use super::snapshot::committed;
use crate::data::{expected, ExpectedRow, ExpectedTable, Found, Labels, Refers, Target};
use crate::error::{Error, Result};
use crate::harness::{Bound, Reference, Running};
use crate::key::PerBind;
use crate::list::{mapped, retain};
use crate::row::Row;
use crate::schema::{affinities, Metadata};
use crate::sqlite::Image;

/// Tables that do not hold what a test expects; one or more.
pub(crate) struct WrongData {
    /// The number of tables that are expected.
    pub(crate) expected: usize,
    pub(crate) wrong: Vec<WrongTable>,
    /// The labels that no row could be found for.
    pub(crate) unmatched: Vec<Unmatched>,
}

/// One table of them.
pub(crate) struct WrongTable {
    pub(crate) table: String,
    pub(crate) other: OtherRows,
    pub(crate) names: RowNames,
}

/// The names of expected rows, by their places.
#[derive(Default)]
pub(crate) struct RowNames {
    pub(crate) labels: Vec<Option<String>>,
    references: Vec<Vec<RowReference>>,
}

impl RowNames {
    /// Returns the columns of a row that refer to others.
    pub(crate) fn references(&self, at: usize) -> &[RowReference] {
        self.references.get(at).map_or(&[], Vec::as_slice)
    }
}

/// A column of an expected row that refers to another row.
pub(crate) struct RowReference {
    pub(crate) column: String,
    /// The name of the other row.
    pub(crate) name: String,
    /// Set if that row was found, so that the value is known.
    pub(crate) is_found: bool,
    /// The rows that other values of the column refer to.
    pub(crate) others: Vec<(Value, String)>,
}

/// A label that others refer to and that does not tell its row from others.
pub(crate) struct Unmatched {
    pub(crate) name: String,
    /// The number of rows that it may be.
    pub(crate) candidates: usize,
}

/// Compares the tables of a scenario with those that there are; `None` where they hold what is expected.
pub(crate) fn verdict_on_data(running: &Running, path: &Path, extent: Extent) -> Result<Option<WrongData>> {
    // A replica that lags has what it has by its own key only, which `assert_rows` takes.
    let mut databases = running.databases();
    retain(&mut databases, |database| !database.lags());
    let images = PerBind::new(committed(&databases)?);
    let databases = PerBind::new(databases);
    let tables = images.try_map(|at, image| Metadata::of(image, databases[at].key()))?;
    let keys = databases.map(|_, database| database.all_keys());
    let targets = tables.map(|at, metadata| {
        let (key, image) = (databases[at].key(), &images[at]);
        let affinities = |table: &str, columns: &[&str]| {
            let read = image.with(|conn| affinities(conn, table, columns));
            read.and_then(|read| read).map_err(Error::sql(key))
        };
        Target { keys: &keys[at], metadata, affinities: Box::new(affinities) }
    });
    let links = mapped(running.references(), Reference::link);
    let labels = running.labels();
    let (tables, rows) = expected(path, &targets, &links, &labels)?;
    let mut matching = Matching { running, databases: &databases, images: &images, tables: &tables, rows: &rows };
    let (found, unmatched) = matching.found()?;

    let mut wrong = Vec::new();
    for table in &tables {
        let places = table.rows.clone();
        let mut expected = Vec::with_capacity(places.len());
        let mut names = RowNames::default();
        for at in places {
            expected.push(as_found(&rows, at, &found));
            names.labels.push(rows[at].label.clone());
            let reference = |refers: &Refers| reference(refers, &rows[at], &rows, &found, &labels);
            names.references.push(mapped(&rows[at].references, reference));
        }
        let expected = ExpectedRows::from(expected);
        if let Some(other) = verdict_on_rows(running, &table.bind, &table.table, &expected, extent)? {
            wrong.push(WrongTable { table: table.table.clone(), other, names });
        }
    }
    Ok((!wrong.is_empty()).then_some(WrongData { expected: tables.len(), wrong, unmatched }))
}

fn reference(
    refers: &Refers,
    row: &ExpectedRow,
    rows: &[ExpectedRow],
    found: &[Option<Row>],
    labels: &Labels,
) -> RowReference {
    let Refers { column, name, bind, table, of } = refers;
    let mut others = labels.by_value(bind, table, of);
    for (row, found) in rows.iter().zip(found) {
        let is_of_table = row.table == (bind.clone(), table.clone());
        if let Some(value) = found.as_ref().filter(|_| is_of_table).and_then(|found| found.value(of)) {
            others.push((value.clone(), row.name.clone()));
        }
    }
    let unknown = |(of, value): &(String, Found)| {
        of == column
            && matches!(value, Found::Of { row, column } if found[*row].as_ref().and_then(|other| other.value(column)).is_none())
    };
    let is_found = !row.values.iter().any(unknown);
    RowReference { column: column.clone(), name: name.clone(), is_found, others }
}

/// Returns an expected row with the values that it has by the rows found.
fn as_found(rows: &[ExpectedRow], at: usize, found: &[Option<Row>]) -> Row {
    let mut row = Row::new();
    for (column, value) in &rows[at].values {
        match value {
            Found::Value(value) => row = row.set(column, value),
            Found::Any => {}
            Found::Of { row: of, column: theirs } => match found[*of].as_ref().and_then(|other| other.value(theirs)) {
                Some(value) => row = row.set(column, value),
                None if *of == at => {}
                // No column has this value, so that a row which refers to none is not found.
                None => row = row.set(column, format!("the `{theirs}` of {}", rows[*of].name)),
            },
        }
    }
    row
}

/// The search for the rows that labels stand for.
struct Matching<'m> {
    running: &'m Running,
    databases: &'m PerBind<Arc<Bound>>,
    images: &'m PerBind<Arc<Image>>,
    tables: &'m [ExpectedTable],
    rows: &'m [ExpectedRow],
}

impl Matching<'_> {
    /// Returns the rows that labels stand for to which others refer, and the labels that stand for none.
    ///
    /// A row is found where its values fit one row alone; its key then tells those that refer to it from others.
    fn found(&mut self) -> Result<(Vec<Option<Row>>, Vec<Unmatched>)> {
        let mut found = vec![None; self.rows.len()];
        let mut sought = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            for (_, value) in &row.values {
                match value {
                    Found::Of { row, .. } if *row != at && !sought.contains(row) => sought.push(*row),
                    _ => {}
                }
            }
        }
        let mut held = Vec::new();
        for table in self.tables {
            let is_sought = sought.iter().any(|at| table.rows.contains(at));
            held.push(if is_sought {
                Some(Held::read(self.running, &table.bind, &table.table, &self.images[table.at])?)
            } else {
                None
            });
        }
        loop {
            let before = sought.len();
            let mut open = Vec::new();
            for at in &sought {
                let candidates = self.candidates(*at, &held, &found)?;
                match candidates.as_slice() {
                    [one] => found[*at] = Some(one.clone()),
                    _ => open.push((*at, candidates.len())),
                }
            }
            if open.len() == before || open.is_empty() {
                let unmatched = |(at, candidates): &(usize, usize)| Unmatched {
                    name: self.rows[*at].name.clone(),
                    candidates: *candidates,
                };
                return Ok((found, mapped(&open, unmatched)));
            }
            sought = mapped(&open, |(at, _)| *at);
        }
    }

    /// Returns the rows that have the values of an expected one, as far as they are known.
    fn candidates(&self, at: usize, held: &[Option<Held>], found: &[Option<Row>]) -> Result<Vec<Row>> {
        let mut candidates = Vec::new();
        for (table, held) in self.tables.iter().zip(held) {
            let Some(held) = held.as_ref().filter(|_| table.rows.contains(&at)) else { continue };
            let mut known = Row::new();
            for (column, value) in &self.rows[at].values {
                match value {
                    Found::Value(value) => known = known.set(column, value),
                    Found::Of { row, column: theirs } => {
                        if let Some(value) = found[*row].as_ref().and_then(|other| other.value(theirs)) {
                            known = known.set(column, value);
                        }
                    }
                    Found::Any => {}
                }
            }
            let known = stored(&known, &held.of(&table.bind, &self.databases[table.at]))?;
            for row in &held.rows {
                let is_taken = found[table.rows.clone()].iter().any(|other| other.as_ref() == Some(row));
                if fits(&known, row) && !is_taken {
                    candidates.push(row.clone());
                }
            }
        }
        Ok(candidates)
    }
}
