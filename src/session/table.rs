//! One table's rows, by column name.

use rusqlite::{ErrorCode, ToSql};
#[cfg(feature = "serde")]
use serde_core::de::DeserializeOwned;

use super::call::{self, Call};
use super::Session;
use crate::error::{joined_by, Error, Result};
use crate::key::BindIndex;
use crate::list::mapped;
use crate::route::Effects;
use crate::row::Row;
use crate::sqlite::column_names;
use crate::sqlite::script::{insert, quote};

/// One table of one bind, its rows by column name; from [`Session::table`].
///
/// A row is a [`row!`](crate::row!) or, with the feature `serde`, a reference to a struct: `users.insert(&ann)`.
///
/// A row given to look for others matches those whose columns are what it says, compared as SQL's `IS` does, `NULL`
/// with `NULL`; `row! {}` matches all.
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)")).start()?;
/// let mut session = db.session();
/// let mut users = session.table("user")?;
/// let ann = users.insert(row! { name: "ann" })?;
/// users.insert(row! { name: None })?;
/// assert_eq!(users.find(row! { id: ann })?, Some(row! { id: ann, name: "ann" }));
/// assert_eq!(users.update(row! { name: None }, row! { name: "bob" })?, 1);
/// assert_eq!(users.delete(row! { name: "ann" })?, 1);
/// assert_eq!(users.all(row! {})?.len(), 1);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it runs nothing by itself: call `insert`, `find` or another"]
pub struct SessionTable<'s> {
    session: &'s mut Session,
    bind: BindIndex,
    table: String,
}

impl<'s> SessionTable<'s> {
    pub(super) fn new(session: &'s mut Session, bind: BindIndex, table: String) -> SessionTable<'s> {
        SessionTable { session, bind, table }
    }

    /// Inserts a row and returns its rowid.
    ///
    /// Columns left out get their defaults. For a `WITHOUT ROWID` table the number means nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a column that the table does not have, [`Error::Sql`] when SQLite refuses the row,
    /// [`Error::Locked`] and [`Error::Stale`] when another connection blocks it, [`Error::RolledBack`] when an
    /// earlier error made SQLite roll the bind back.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.table("user")?.insert(row! { name: "eve" })?, 3);
    /// session.commit()?;
    /// db.assert_landed("auth", "user", row! { id: 3, name: "eve" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn insert(&mut self, row: impl Into<Row>) -> Result<i64> {
        self.insert_row(&row.into())
    }

    #[track_caller]
    pub(super) fn insert_row(&mut self, row: &Row) -> Result<i64> {
        let row = self.usable(row)?;
        let sql = insert("INSERT", &self.table, &mapped(row.cells(), |(name, _)| name.as_str()));
        let done = call::execute(&sql, values(&[row]).as_slice(), |call| self.run(call, true, &[row]));
        self.session.called(None, done)?;
        Ok(self.session.unit.last_insert().rowid())
    }

    /// Returns the first row that matches, with all its columns.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a column that the table does not have, [`Error::Sql`] when SQLite cannot look, and the
    /// errors of [`insert`](SessionTable::insert) for locks.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// let mut session = db.session();
    /// let mut users = session.table("user")?;
    /// assert_eq!(users.find(row! { name: "bob" })?, Some(row! { id: 2, name: "bob" }));
    /// assert_eq!(users.find(row! { name: "eve" })?, None);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn find(&mut self, filter: impl Into<Row>) -> Result<Option<Row>> {
        Ok(self.select(&filter.into(), " LIMIT 1")?.pop())
    }

    /// Returns every row that matches, with all their columns, in the order SQLite gives them.
    ///
    /// # Errors
    ///
    /// Those of [`find`](SessionTable::find).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.table("user")?.all(row! { name: "ann" })?, [row! { id: 1, name: "ann" }]);
    /// assert_eq!(session.table("user")?.all(row! {})?.len(), 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn all(&mut self, filter: impl Into<Row>) -> Result<Vec<Row>> {
        self.select(&filter.into(), "")
    }

    /// Returns the first row that matches as a struct, read by serde as [`Row::get_as`] does.
    ///
    /// # Errors
    ///
    /// Those of [`find`](SessionTable::find), and [`Error::Row`] for a row that is no such struct.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// #[derive(serde::Deserialize, Debug, PartialEq)]
    /// struct User {
    ///     id: i64,
    ///     name: Option<String>,
    /// }
    ///
    /// let bob = db.session().table("user")?.find_as::<User>(row! { name: "bob" })?;
    /// assert_eq!(bob, Some(User { id: 2, name: Some("bob".to_string()) }));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    #[track_caller]
    pub fn find_as<T: DeserializeOwned>(&mut self, filter: impl Into<Row>) -> Result<Option<T>> {
        let mut rows = self.select(&filter.into(), " LIMIT 1")?;
        rows.pop().map(|row| self.read(&row)).transpose()
    }

    /// Returns every row that matches as a struct, read by serde as [`Row::get_as`] does, in the order SQLite gives them.
    ///
    /// # Errors
    ///
    /// Those of [`find_as`](SessionTable::find_as).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// #[derive(serde::Deserialize)]
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// let users = db.session().table("user")?.all_as::<User>(row! {})?;
    /// assert_eq!(users[1].name, "bob");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    #[track_caller]
    pub fn all_as<T: DeserializeOwned>(&mut self, filter: impl Into<Row>) -> Result<Vec<T>> {
        let rows = self.select(&filter.into(), "")?;
        let mut read = Vec::with_capacity(rows.len());
        for row in &rows {
            read.push(self.read(row)?);
        }
        Ok(read)
    }

    #[cfg(feature = "serde")]
    #[track_caller]
    fn read<T: DeserializeOwned>(&self, row: &Row) -> Result<T> {
        let key = self.session.scope.key(self.bind);
        self.session.called(None, row.get_as().map_err(Error::in_table(&key, &self.table)))
    }

    /// Returns the number of rows that match.
    ///
    /// # Errors
    ///
    /// Those of [`find`](SessionTable::find).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.table("user")?.count(row! { name: "ann" })?, 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn count(&mut self, filter: impl Into<Row>) -> Result<usize> {
        let filter = filter.into();
        let filter = self.usable(&filter)?;
        let sql = format!("SELECT count(*) FROM {} AS t{}", self.name(), filter.matching());
        let values = values(&[filter]);
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let count = call::query_first(&sql, values.as_slice(), count, |call| self.run(call, false, &[filter]));
        let count = self.session.called(None, count)?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Sets the columns of every row that matches and returns their number.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] when there is nothing to set, and those of [`insert`](SessionTable::insert).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// let mut session = db.session();
    /// let mut users = session.table("user")?;
    /// assert_eq!(users.update(row! { name: "bob" }, row! { name: "rob" })?, 1);
    /// assert_eq!(users.find(row! { id: 2 })?, Some(row! { id: 2, name: "rob" }));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn update(&mut self, filter: impl Into<Row>, set: impl Into<Row>) -> Result<usize> {
        self.update_rows(&filter.into(), &set.into())
    }

    #[track_caller]
    fn update_rows(&mut self, filter: &Row, set: &Row) -> Result<usize> {
        let (filter, set) = (self.usable(filter)?, self.usable(set)?);
        let set = self.session.called(None, self.not_empty(set))?;
        let columns = joined_by(set.cells(), ", ", &|(name, _)| format!("{} = ?", quote(name)));
        let sql = format!("UPDATE {} AS t SET {columns}{}", self.name(), filter.matching());
        let values = values(&[set, filter]);
        let done = call::execute(&sql, values.as_slice(), |call| self.run(call, true, &[filter, set]));
        self.session.called(None, done)
    }

    /// Returns the row, or the error kept when it was made.
    #[track_caller]
    fn usable<'r>(&self, row: &'r Row) -> Result<&'r Row> {
        let key = self.session.scope.key(self.bind);
        self.session.called(None, row.checked().map_err(Error::in_table(&key, &self.table)))
    }

    /// Refuses a row that sets nothing.
    fn not_empty<'r>(&self, set: &'r Row) -> Result<&'r Row> {
        if set.is_empty() {
            let problem = format!("nothing to set in `{}`: the second row is empty", self.table);
            return Err(Error::row(problem));
        }
        Ok(set)
    }

    /// Deletes every row that matches and returns their number.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](SessionTable::insert).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann'), (2, 'bob')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(sql)).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.table("user")?.delete(row! { name: "bob" })?, 1);
    /// assert_eq!(session.table("user")?.count(row! {})?, 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn delete(&mut self, filter: impl Into<Row>) -> Result<usize> {
        let filter = filter.into();
        let filter = self.usable(&filter)?;
        let sql = format!("DELETE FROM {} AS t{}", self.name(), filter.matching());
        let done = call::execute(&sql, values(&[filter]).as_slice(), |call| self.run(call, true, &[filter]));
        self.session.called(None, done)
    }

    #[track_caller]
    fn select(&mut self, filter: &Row, limit: &str) -> Result<Vec<Row>> {
        let filter = self.usable(filter)?;
        let sql = format!("SELECT * FROM {} AS t{}{limit}", self.name(), filter.matching());
        let read = |row: &rusqlite::Row<'_>| {
            let names = column_names(row.as_ref());
            Row::from_sql(&names, row)
        };
        let values = values(&[filter]);
        let rows = call::query(&sql, values.as_slice(), read, |call| self.run(call, false, &[filter]));
        self.session.called(None, rows)
    }

    /// Returns the table as SQL names it, whatever temporary table the session has created of that name.
    fn name(&self) -> String {
        format!("main.{}", quote(&self.table))
    }

    /// Runs a statement made from the table and these rows.
    fn run(&mut self, call: &mut Call<'_>, writes: bool, rows: &[&Row]) -> Result<usize> {
        let Session { scope, unit, .. } = &mut *self.session;
        let key = scope.key(self.bind);
        let effects = Effects { writes, changes_schema: Some(false), in_transaction: true };
        match unit.run(scope, self.bind, &key, effects, call) {
            Err(Error::Sql { source, .. }) if is_refused(&source) => {
                // What SQLite says of a column that is not there, with what is.
                for row in rows {
                    let missing = row.missing_from(&self.table, &|query| unit.columns(self.bind, query));
                    if let Ok(Some((column, columns))) = missing {
                        return Err(Error::no_column(&key, &self.table, &column, &columns));
                    }
                }
                Err(Error::sql_in(&key, call.sql)(source))
            }
            done => done,
        }
    }
}

/// Reports whether SQLite did not accept the statement, rather than failed to run it.
fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { .. }) || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}

fn values<'r>(rows: &[&'r Row]) -> Vec<&'r dyn ToSql> {
    let mut all = Vec::new();
    for row in rows {
        for (_, value) in row.cells() {
            all.push(value as &dyn ToSql);
        }
    }
    all
}
