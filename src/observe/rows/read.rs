//! Reading the rows that are expected of a table, with the values that its columns store.

use rusqlite::Connection;

use super::expected::{ExpectedRows, Source};
use super::stored::as_stored;
use crate::data::{self, Expecting};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::list::has_name;
use crate::row::Row;
use crate::schema::TableInfo;

/// A table of which rows are expected.
pub(in crate::observe) struct Of<'t> {
    pub(in crate::observe) bind: &'t BindKey,
    /// A private connection that has it in `main`.
    pub(in crate::observe) conn: &'t Connection,
    /// Its name, as the schema spells it.
    pub(in crate::observe) table: &'t str,
    /// `None` for a view.
    pub(in crate::observe) info: Option<&'t TableInfo>,
    pub(in crate::observe) columns: &'t [String],
    /// Set if its bind reads a field of CSV without anything as a text.
    pub(in crate::observe) csv_empty_as_text: bool,
}

/// Returns the expected rows, `None` where only their number is expected.
pub(in crate::observe) fn read(expected: &ExpectedRows, of: &Of<'_>) -> Result<Option<Vec<Row>>> {
    let Of { bind, conn, table, info, columns, csv_empty_as_text } = *of;
    let rows = match &expected.0 {
        Source::Count(_) => return Ok(None),
        Source::File(path) => data::rows(path, &Expecting { bind, conn, table, info, columns, csv_empty_as_text })?,
        Source::Rows(rows) => {
            for row in rows {
                check(row, of)?;
            }
            rows.clone()
        }
    };
    as_stored(conn, table, &rows).map(Some).map_err(Error::sql(bind))
}

/// Returns a row as the table's columns store its values.
pub(in crate::observe) fn stored(row: &Row, of: &Of<'_>) -> Result<Row> {
    has_columns(row, of)?;
    let mut rows = as_stored(of.conn, of.table, std::slice::from_ref(row)).map_err(Error::sql(of.bind))?;
    Ok(rows.pop().unwrap_or_default())
}

/// Refuses a row that says nothing, or names what the table does not have.
fn check(row: &Row, of: &Of<'_>) -> Result<()> {
    row.checked()?;
    if row.is_empty() {
        let problem = "a `row! {}` without columns is any row: name the columns that tell it from others".to_string();
        return Err(Error::row(problem));
    }
    has_columns(row, of)
}

fn has_columns(row: &Row, of: &Of<'_>) -> Result<()> {
    match row.cells().iter().find(|(name, _)| !has_name(of.columns, name)) {
        Some((name, _)) => Err(Error::no_column(of.bind, of.table, name, of.columns)),
        None => Ok(()),
    }
}
