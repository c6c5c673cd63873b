//! Rows inserted and committed at once, for setting a test up.

use std::sync::Arc;

use super::Session;
#[cfg(doc)]
use super::SessionTable;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::harness::{Harness, Scope};
use crate::key::BindKey;
use crate::row::Row;

impl Harness {
    /// Inserts a row into a table of a bind, commits it, and returns its rowid.
    ///
    /// It is a [session](Harness::session) of one statement. Take a session of your own for several statements that are
    /// committed or rolled back together, and where the table, not the test, is to say which bind it is. Columns left out get
    /// their defaults. For a `WITHOUT ROWID` table the number means nothing. Of a [dynamic bind](crate::Bind::dynamic), the key
    /// names a database that has been used: `users[users_acme]`.
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured, [`Error::NotInBind`] when it has no
    ///   such table;
    /// - those of [`SessionTable::insert`] and [`Session::commit`]. Nothing is inserted then.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let ann = db.insert("auth", "user", row! { username: "ann" })?;
    /// db.assert_landed("auth", "user", row! { id: ann, username: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn insert(&self, key: impl Into<BindKey>, table: &str, row: impl Into<Row>) -> Result<i64> {
        self.insert_row(&key.into(), table, &row.into())
    }

    #[track_caller]
    fn insert_row(&self, key: &BindKey, table: &str, row: &Row) -> Result<i64> {
        let mut session = self.session_of(key)?;
        let rowid = session.on(key)?.table(table)?.insert_row(row)?;
        session.commit()?;
        Ok(rowid)
    }

    /// Inserts rows into a table of a bind, commits them together, and returns their rowids.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Harness::insert); no row is inserted then.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let ids = db.insert_all("auth", "user", [row! { username: "ann" }, row! { username: "bob" }])?;
    /// assert_eq!(ids, [1, 2]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn insert_all<R: Into<Row>>(
        &self,
        key: impl Into<BindKey>,
        table: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Vec<i64>> {
        let mut all = Vec::new();
        for row in rows {
            all.push(row.into());
        }
        self.insert_rows(&key.into(), table, &all)
    }

    #[track_caller]
    fn insert_rows(&self, key: &BindKey, table: &str, rows: &[Row]) -> Result<Vec<i64>> {
        let mut session = self.session_of(key)?;
        let mut table = session.on(key)?.table(table)?;
        let mut rowids = Vec::with_capacity(rows.len());
        for row in rows {
            rowids.push(table.insert_row(row)?);
        }
        session.commit()?;
        Ok(rowids)
    }

    /// Returns a session that has the database of a key, a tenant's too.
    #[track_caller]
    fn session_of(&self, key: &BindKey) -> Result<Session> {
        let scope = Scope::of(Arc::clone(self.running()), key);
        self.running().called(None, scope).map(Session::new)
    }
}
