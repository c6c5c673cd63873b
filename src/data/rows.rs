//! The rows of a data file for a table that has them already: what a test expects in it.

use std::path::Path;

use rusqlite::Connection;

use super::fit::Columns;
use super::records::Format;
use super::{error, format_of, read_file};
use crate::config::resolve_path;
use crate::error::{list, Error, Result};
use crate::key::BindKey;
use crate::list::has_name;
use crate::row::Row;
use crate::schema::TableInfo;

/// A table that a file has rows for, and how its bind reads files.
pub(crate) struct Expecting<'t> {
    pub(crate) bind: &'t BindKey,
    /// A connection with the table in `main`.
    pub(crate) conn: &'t Connection,
    pub(crate) table: &'t str,
    /// `None` for a view.
    pub(crate) info: Option<&'t TableInfo>,
    pub(crate) columns: &'t [String],
    pub(crate) csv_empty_as_text: bool,
}

/// Reads the rows of a CSV or JSON file, whatever the file is named, as a bind's data is read.
pub(crate) fn rows(path: &Path, of: &Expecting<'_>) -> Result<Vec<Row>> {
    let path = resolve_path(path);
    if path.is_dir() {
        return Err(error(&path, Some(of.bind), None, "it is a folder: name the one file that has the table's rows"));
    }
    if format_of(&path) == Some(Format::Toml) {
        let problem = "a .toml file has the rows of several tables: assert them with `assert_data`";
        return Err(error(&path, Some(of.bind), None, problem));
    }
    let file = read_file(path, Some(of.bind))?;
    if file.format == Format::Sql {
        return Err(file.error(None, "the rows of a table are read from .csv and .json: an SQL file runs statements"));
    }
    let records = file.records(of.csv_empty_as_text).map_err(|bad| file.error(bad.line, bad.problem))?;
    let check = |columns: &[String], line| match columns.iter().find(|name| !has_name(of.columns, name)) {
        Some(name) => Err(file.error(Some(line), no_column(name, of))),
        None => Ok(()),
    };
    if let Some((columns, line)) = &records.header {
        check(columns, *line)?;
    }
    let mut rows = Vec::with_capacity(records.records.len());
    let mut fitting: Option<Columns<'_>> = None;
    for record in &records.records {
        let columns = match &mut fitting {
            Some(columns) if columns.are(&record.columns) => columns,
            other => {
                check(&record.columns, record.line)?;
                other.insert(Columns::new(of.conn, of.table, of.info, &record.columns))
            }
        };
        let mut row = Row::new();
        for (place, (name, value)) in record.columns.iter().zip(&record.values).enumerate() {
            let fitted = columns.fit(place, value, file.format).map_err(Error::sql(of.bind))?;
            row = row.set(name, fitted.map_err(|problem| file.error(Some(record.line), problem))?.into_owned());
        }
        rows.push(row);
    }
    Ok(rows)
}

fn no_column(name: &str, of: &Expecting<'_>) -> String {
    format!("no column `{name}` in table `{}`, whose columns are {}", of.table, list(of.columns))
}
