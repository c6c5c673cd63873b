//! The tables of a database and their first rows.

use super::rows::{self, Copies};
use crate::error::{sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::row::Row;
use crate::schema::{Metadata, TableInfo};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{stand_in_for_collations, Image};

/// The tables of a database, and the rows of each.
pub(crate) struct Contents {
    pub(crate) metadata: Metadata,
    /// The rows of each table, in the order of the tables; or the reason why they cannot be read.
    pub(crate) rows: Vec<std::result::Result<Listed, String>>,
}

/// The rows of a table: how many there are, and the first of them.
pub(crate) struct Listed {
    pub(crate) count: u64,
    pub(crate) first: Vec<Row>,
}

/// Reads the tables of an image, with so many rows of each at most.
pub(crate) fn contents(key: &BindKey, image: &Image, most: u16) -> Result<Contents> {
    let metadata = Metadata::of(image, key)?;
    // A copy, for what stands in for the application's collations must not stay with the image.
    let mut conn = open_in_memory().map_err(Error::sql(key))?;
    image.connect(&conn).map_err(Error::sql(key))?;
    image.copy_into(&mut conn, "main").map_err(Error::sql(key))?;
    stand_in_for_collations(&conn).map_err(Error::sql(key))?;
    let copies = Copies::careful(&conn);
    let mut rows = Vec::with_capacity(metadata.tables().len());
    for table in metadata.tables() {
        // A virtual table whose module only the application has.
        rows.push(listed(copies, table, most).map_err(|error| sqlite_message(&error)));
    }
    Ok(Contents { metadata, rows })
}

fn listed(copies: Copies<'_>, table: &TableInfo, most: u16) -> rusqlite::Result<Listed> {
    let first = rows::first_of(copies, "main", table, i64::from(most))?;
    Ok(Listed { count: copies.count("main", table)?, first })
}
