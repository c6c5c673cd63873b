//! A statement's program: the bytecode that SQLite makes of it, as `EXPLAIN` lists it.

use rusqlite::Connection;

use crate::sqlite::script::explained;

/// The databases and tables that a statement's program uses, from `EXPLAIN`, by schema name.
#[derive(Default)]
pub(super) struct Program {
    /// Each schema, and whether it is written.
    pub(super) transactions: Vec<(String, bool)>,
    pub(super) vacuums: Vec<String>,
    /// The tables and indexes that are opened to be read: the schema, and the page that each begins on.
    opened: Vec<(String, i64)>,
    /// The virtual tables and table-valued functions that are opened, by SQLite's name for each.
    virtuals: Vec<String>,
}

/// The page on which the table begins that describes a schema, see
/// <https://sqlite.org/fileformat2.html#storage_of_the_sql_database_schema>.
pub(super) const SCHEMA_PAGE: i64 = 1;

impl Program {
    /// Reports whether it reads tables of a schema that are not virtual.
    pub(super) fn reads(&self, schema: &str) -> bool {
        self.opened.iter().any(|(opened, _)| opened == schema)
    }

    /// Returns the number of virtual tables and table-valued functions that it opens.
    pub(super) fn virtuals(&self) -> usize {
        self.virtuals.len()
    }

    /// Returns the schema and the page of each table or index that it opens to read.
    pub(super) fn opened(&self) -> &[(String, i64)] {
        &self.opened
    }

    /// Returns the program of a statement, and whether SQLite says that running it writes to no database file.
    pub(super) fn listed(conn: &Connection, sql: &str) -> rusqlite::Result<(Program, bool)> {
        #[cfg(test)]
        PREPARES.set(PREPARES.get() + 1);
        let mut listing = conn.prepare(&explained(sql))?;
        let readonly = listing.readonly();
        let mut rows = listing.raw_query();
        let mut program = Program::default();
        while let Some(row) = rows.next()? {
            let number = |column: usize| row.get::<_, i64>(column).ok().and_then(|number| usize::try_from(number).ok());
            match row.get_ref(1)?.as_str()? {
                "Transaction" => {
                    let schema = conn.db_name(number(2).unwrap_or_default())?;
                    program.transactions.push((schema, number(3) != Some(0)));
                }
                "Vacuum" => program.vacuums.push(conn.db_name(number(2).unwrap_or_default())?),
                "VOpen" => {
                    let opened = row.get(5)?;
                    if !program.virtuals.contains(&opened) {
                        program.virtuals.push(opened);
                    }
                }
                "OpenRead" => {
                    program.opened.push((conn.db_name(number(4).unwrap_or_default())?, row.get(3)?));
                }
                _ => {}
            }
        }
        Ok((program, readonly))
    }
}

#[cfg(test)]
thread_local! {
    /// The number of statements that this thread has prepared to find routes.
    pub(super) static PREPARES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
