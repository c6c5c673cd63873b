//! The tables of a database as they are now.

use crate::database::Database;
use crate::error::{Error, Result};
use crate::schema::Metadata;

/// Reads a database's tables as they are committed now, whatever created them.
pub(crate) fn tables(database: &Database) -> Result<Metadata> {
    let image = database.tables().map_err(Error::sql(database.key()))?;
    Metadata::of(&image, database.key())
}
