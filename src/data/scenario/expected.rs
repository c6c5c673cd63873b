//! The rows that a test expects, from a scenario: each value known, or chosen by the application.

use std::ops::Range;
use std::path::Path;

use super::cell::Found;
use super::entry::Refers;
use super::labels::Labels;
use super::links::Link;
use super::resolve::{Ground, Resolver};
use super::written::read_tables;
use super::Target;
use crate::data::read;
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey, PerBind};

/// A table as a test expects it.
#[derive(Debug)]
pub(crate) struct ExpectedTable {
    pub(crate) at: BindIndex,
    /// The bind's key, as the file has it.
    pub(crate) bind: BindKey,
    pub(crate) table: String,
    /// The places of its rows among all that are expected.
    pub(crate) rows: Range<usize>,
}

/// A row that a test expects.
#[derive(Debug)]
pub(crate) struct ExpectedRow {
    pub(crate) label: Option<String>,
    /// Its bind, by the key that comes first, and its table.
    pub(crate) table: (BindKey, String),
    /// Its name, `auth.user.bob`, where it has a label.
    pub(crate) name: String,
    pub(crate) values: Vec<(String, Found)>,
    pub(crate) references: Vec<Refers>,
}

/// Reads the tables and rows that a test expects.
pub(crate) fn expected(
    path: &Path,
    targets: &PerBind<Target<'_>>,
    links: &[Link],
    known: &Labels,
) -> Result<(Vec<ExpectedTable>, Vec<ExpectedRow>)> {
    let files = read(path, None)?;
    if let Some(other) = files.files.first() {
        let problem = "the tables of `assert_data` are in .toml files: one table of .csv or .json is for `assert_rows`";
        return Err(other.error(None, problem));
    }
    let mut written = Vec::with_capacity(files.scenarios.len());
    for scenario in &files.scenarios {
        written.push((scenario, read_tables(scenario, targets)?));
    }
    let resolver = Resolver::new(Ground { targets, links, known, expecting: true }, &written)?;
    let (mut tables, mut rows) = (Vec::<ExpectedTable>::new(), Vec::new());
    for (scenario, of_file) in &written {
        for table in of_file {
            if let Some(twice) = tables.iter().find(|other| other.at == table.at && other.table == table.table) {
                let problem = format!(
                    "table `{}` of bind `{}` is in another file too: put its rows together",
                    twice.table, twice.bind
                );
                return Err(scenario.error(Some(&table.key), table.line, problem));
            }
            let from = rows.len();
            for _ in &table.rows {
                rows.push(row(&resolver, rows.len(), targets[table.at].keys.first())?);
            }
            let (at, bind, table) = (table.at, table.key.clone(), table.table.clone());
            tables.push(ExpectedTable { at, bind, table, rows: from..rows.len() });
        }
    }
    if tables.is_empty() {
        let problem =
            "it names no table, so it expects nothing; `[auth.user]` alone expects an empty table".to_string();
        return Err(Error::Data { file: path.to_path_buf(), line: None, bind: None, problem, at: None });
    }
    Ok((tables, rows))
}

fn row(resolver: &Resolver<'_>, at: usize, bind: &BindKey) -> Result<ExpectedRow> {
    let entry = &resolver.rows[at];
    let mut values = resolver.values(at)?;
    if let Some(known) = resolver.known(at) {
        // A key of several columns belongs to the label as one of a single column does.
        for column in &known.key {
            if let (false, Some(value)) = (values.iter().any(|(name, _)| name == column), known.row.value(column)) {
                values.insert(0, (column.clone(), Found::Value(value.clone())));
            }
        }
    }
    let says_nothing = |(_, found): &(String, Found)| match found {
        Found::Value(_) => false,
        Found::Any => true,
        Found::Of { row, .. } => *row == at,
    };
    if values.iter().all(says_nothing) {
        let problem = "a row without values is any row: write those that tell it from others";
        return Err(entry.error(entry.row.line, problem));
    }
    let references = resolver.references(at);
    let table = (bind.clone(), entry.table.table.clone());
    Ok(ExpectedRow { label: entry.row.label.clone(), table, name: entry.name(), values, references })
}
