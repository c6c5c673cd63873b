//! The rows that a table holds, read from an image of its database.

use rusqlite::Connection;

use super::read::Of;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::harness::Running;
use crate::key::BindKey;
use crate::observe::changes::every_row;
use crate::observe::look::missing;
use crate::row::Row;
use crate::schema::{Metadata, TableInfo};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{stand_in_for_collations, Image};

/// A table or a view with its rows.
pub(in crate::observe) struct Held {
    /// A private connection that has it in `main`.
    conn: Connection,
    metadata: Metadata,
    /// Its name, as the schema spells it.
    pub(super) name: String,
    columns: Vec<String>,
    pub(in crate::observe) rows: Vec<Row>,
}

impl Held {
    /// Reads a table; it is an error where the bind does not have it.
    pub(in crate::observe) fn read(running: &Running, key: &BindKey, table: &str, image: &Image) -> Result<Held> {
        let metadata = Metadata::of(image, key)?;
        let info = metadata.table(table);
        let Some(name) = info.map(|info| info.name()).or_else(|| metadata.view(table).map(|view| view.name())) else {
            let unknown = || Error::UnknownTable { table: table.to_string(), nearest: Vec::new(), at: None };
            return Err(missing(running, key, table).unwrap_or_else(unknown));
        };
        let mut conn = copy(image).map_err(Error::sql(key))?;
        let every = match every_row(&conn, false, name, info) {
            Err(_) => {
                // One that has lacked a collation once does not look for it again.
                conn = copy(image).map_err(Error::sql(key))?;
                stand_in_for_collations(&conn).map_err(Error::sql(key))?;
                every_row(&conn, true, name, info)
            }
            every => every,
        };
        let (columns, rows) = every.map_err(Error::sql(key))?;
        let name = name.to_string();
        Ok(Held { conn, metadata, name, columns, rows })
    }

    /// Returns its description; `None` for a view.
    pub(super) fn info(&self) -> Option<&TableInfo> {
        self.metadata.table(&self.name)
    }

    /// Returns it as rows are expected of it.
    pub(in crate::observe) fn of<'t>(&'t self, bind: &'t BindKey, database: &Database) -> Of<'t> {
        let csv_empty_as_text = database.reading().csv_empty_as_text;
        Of { bind, conn: &self.conn, table: &self.name, info: self.info(), columns: &self.columns, csv_empty_as_text }
    }
}

/// Opens a private copy.
fn copy(image: &Image) -> rusqlite::Result<Connection> {
    let mut conn = open_in_memory()?;
    image.connect(&conn)?;
    image.copy_into(&mut conn, "main")?;
    Ok(conn)
}
