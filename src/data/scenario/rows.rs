//! The rows of scenarios as data files of their binds.

use std::sync::Arc;

use super::cell::Found;
use super::labels::{Labelled, Labels};
use super::links::Link;
use super::resolve::{Ground, Resolver};
use super::written::read_tables;
use super::{Scenario, Target};
use crate::data::records::{Content, Format, Record, Records};
use crate::data::DataFile;
use crate::error::Result;
use crate::key::PerBind;
use crate::row::Row;

/// Returns the rows as data files of each bind, a file for each table, and their labels.
pub(in crate::data) fn resolve(
    scenarios: &[Scenario],
    targets: &PerBind<Target<'_>>,
    links: &[Link],
    known: &Labels,
) -> Result<(PerBind<Vec<DataFile>>, Labels)> {
    let mut written = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        written.push((scenario, read_tables(scenario, targets)?));
    }
    let resolver = Resolver::new(Ground { targets, links, known, expecting: false }, &written)?;
    let mut files = targets.map(|_, _| Vec::<DataFile>::new());
    let mut labels = Labels::default();
    let mut at = 0;
    for (scenario, tables) in &written {
        for table in tables {
            let mut records = Vec::with_capacity(table.rows.len());
            for _ in &table.rows {
                records.push(record(&resolver, at, targets, &mut labels)?);
                at += 1;
            }
            let content = Content::Rows(Arc::new(Records { header: None, records }));
            let (bind, table_name) = (Some(table.key.clone()), Some(table.table.clone()));
            let path = scenario.path.clone();
            files[table.at].push(DataFile { path, format: Format::Toml, content, bind, table: table_name });
        }
    }
    Ok((files, labels))
}

fn record(resolver: &Resolver<'_>, at: usize, targets: &PerBind<Target<'_>>, labels: &mut Labels) -> Result<Record> {
    let entry = &resolver.rows[at];
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for (column, found) in resolver.values(at)? {
        let Found::Value(value) = found else {
            let problem = format!("`{column}`: `{{ any = true }}` is for the rows that a test expects; write a value");
            return Err(entry.error(resolver.line(at, &column), &problem));
        };
        columns.push(column);
        values.push(value);
    }
    if let Some(label) = &entry.row.label {
        let mut row = Row::new();
        for (column, value) in columns.iter().zip(&values) {
            row = row.set(column, value);
        }
        let key = entry.info.map(|info| info.primary_key().map(str::to_string).collect()).unwrap_or_default();
        let keys = targets[entry.table.at].keys.clone();
        labels.insert(Labelled { keys, table: entry.table.table.clone(), label: label.clone(), row, key });
    }
    let name = entry.row.label.as_ref().map(|_| Arc::from(entry.name()));
    Ok(Record { line: entry.row.line, columns: columns.into(), values, name })
}
