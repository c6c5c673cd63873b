//! The statements that wrote to a table, whether or not somebody records.

use super::statement::{read, Statement};
use crate::error::Result;
use crate::harness::Harness;
use crate::key::{BindKey, Keys};
use crate::list::{mapped, retain};

impl Harness {
    /// Returns the last statements that may have changed rows of a table of a bind, the oldest first, and what became of
    /// each. A harness keeps the last 256 statements that wrote, fewer where they are long, and more of one that runs again and
    /// again in one transaction: 2,048 at most. Nobody has to [`record`](Harness::record) them.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.connection("auth")?.execute_batch("BEGIN; INSERT INTO user VALUES ('ann'); ROLLBACK")?;
    /// let writes = db.last_writes("auth", "user")?;
    /// assert_eq!(writes[0].sql(), "INSERT INTO user VALUES ('ann');");
    /// assert_eq!(writes[0].stayed(), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`](crate::Error::UnknownBind) or [`Error::NoDefaultBind`](crate::Error::NoDefaultBind) when no such
    /// bind is configured.
    pub fn last_writes(&self, key: impl Into<BindKey>, table: &str) -> Result<Vec<Statement>> {
        let key = key.into();
        self.running().check(&key)?;
        let recorder = self.running().recorder();
        let mut statements = read(recorder.all());
        retain(&mut statements, |statement| statement.writes_rows_of(&key, table));
        Ok(statements)
    }
}

impl Statement {
    /// Returns the tables and views that it creates.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("CREATE TABLE user (name TEXT)", [])?;
    /// assert_eq!(log.statements()[0].tables_created(), ["user"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tables_created(&self) -> Vec<&str> {
        mapped(&self.recorded().affected.created, |created| &*created.table)
    }

    /// Returns whether it alters or drops a table or view in a database that a key means.
    pub(crate) fn alters(&self, key: &BindKey, table: &str) -> bool {
        let is_it = |names: &Keys| names.contains(key);
        self.recorded()
            .affected
            .altered
            .iter()
            .any(|altered| altered.names.as_ref().is_some_and(is_it) && altered.table.eq_ignore_ascii_case(table))
    }

    /// Returns whether it creates a table or view in a database that a key means.
    pub(crate) fn creates(&self, key: &BindKey, table: &str) -> bool {
        let is_it = |names: &Keys| names.contains(key);
        self.recorded()
            .affected
            .created
            .iter()
            .any(|created| created.names.as_ref().is_some_and(is_it) && created.table.eq_ignore_ascii_case(table))
    }
}
