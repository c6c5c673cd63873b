//! The binds at a glance: as a table, and as a diagram.

mod describe;
mod diagram;
mod mermaid;
#[cfg(feature = "serde")]
mod serialize;

pub use describe::Description;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::schema::Metadata;

/// A database's tables as they are committed now, whoever made them.
fn tables(database: &Database) -> Result<Metadata> {
    let image = database.tables().map_err(Error::sql(database.key()))?;
    image.with(|conn| Metadata::read(conn, database.key()))
}
