//! The values that are expected of the rows of a change.

use rusqlite::Connection;

use super::expected::{ExpectedChange, RowKind};
use super::set::{ChangeSet, States};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::observe::binds::DatabaseIndex;
use crate::observe::rows::{read, stored, ExpectedRows, Of};
use crate::row::Row;
use crate::schema::Metadata;
use crate::sqlite::script::quote;
use crate::sqlite::{column_names, Image};

/// Returns the rows of each kind whose values are expected, as the columns of their table store them.
pub(super) fn expected_rows(
    changes: &ChangeSet,
    database: DatabaseIndex,
    table: &str,
    expected: &ExpectedChange,
) -> Result<Vec<(RowKind, Vec<Row>)>> {
    let mut values = Vec::new();
    for (kind, rows) in expected.rows() {
        if rows.has_values() {
            values.push((kind, rows_of(changes, database, table, kind, rows)?));
        }
    }
    Ok(values)
}

fn rows_of(
    changes: &ChangeSet,
    database: DatabaseIndex,
    table: &str,
    kind: RowKind,
    expected: &ExpectedRows,
) -> Result<Vec<Row>> {
    let (bind, states) = (changes.name(database), changes.binds.value(database));
    // What was deleted had the columns that the table had.
    let (first, second) = match kind {
        RowKind::Deleted => (&states.before, &states.after),
        RowKind::Inserted | RowKind::Updated => (&states.after, &states.before),
    };
    match in_image(first, states, &bind, table, expected)? {
        Some(rows) => Ok(rows),
        None => Ok(in_image(second, states, &bind, table, expected)?.unwrap_or_default()),
    }
}

/// Returns a row as the columns of a table store its values, `None` where the database does not have the table.
pub(super) fn stored_by(changes: &ChangeSet, database: DatabaseIndex, table: &str, row: &Row) -> Result<Option<Row>> {
    let (bind, states) = (changes.name(database), changes.binds.value(database));
    for image in [&states.after, &states.before] {
        let stored = image
            .with(|conn| with_table(conn, states, &bind, table, &|of| Ok(Some(vec![stored(row, of)?]))))
            .map_err(Error::sql(&bind))??;
        if let Some(row) = stored.and_then(|mut rows| rows.pop()) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Reads the rows by a state of the database; `None` where that does not have the table.
fn in_image(
    image: &Image,
    states: &States,
    bind: &BindKey,
    table: &str,
    expected: &ExpectedRows,
) -> Result<Option<Vec<Row>>> {
    image.with(|conn| with_table(conn, states, bind, table, &|of| read(expected, of))).map_err(Error::sql(bind))?
}

/// Shows a table to a function; `None` where there is none.
fn with_table(
    conn: &Connection,
    states: &States,
    bind: &BindKey,
    table: &str,
    look: &dyn Fn(&Of<'_>) -> Result<Option<Vec<Row>>>,
) -> Result<Option<Vec<Row>>> {
    let metadata = Metadata::read(conn, bind)?;
    let info = metadata.table(table);
    let view = metadata.view(table).map(|view| view.name());
    let Some(table) = info.map(|info| info.name()).or(view) else { return Ok(None) };
    let of_table = format!("SELECT t.* FROM main.{} AS t", quote(table));
    let columns = conn.prepare(&of_table).map(|statement| column_names(&statement)).map_err(Error::sql(bind))?;
    let csv_empty_as_text = states.csv_empty_as_text;
    look(&Of { bind, conn, table, info, columns: &columns, csv_empty_as_text })
}
