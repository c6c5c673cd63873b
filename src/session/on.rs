//! Statements for one bind, which the caller names.

use rusqlite::{Params, Row};

use super::call::{self, Call};
use super::failure::not_run;
use super::table::SessionTable;
use super::Session;
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::sqlite::script;

/// A session's statements for one bind; from [`Session::on`].
///
/// Names are looked up in that bind alone, temporary tables included. They are a part of the session's unit of work.
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let log = "CREATE TABLE log (line TEXT)";
/// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
/// let mut session = db.session();
/// session.on("meta")?.execute("INSERT INTO log VALUES (?1)", ["started"])?;
/// let lines: i64 = session.on("meta")?.query_row("SELECT count(*) FROM log", [], |row| row.get(0))?;
/// assert_eq!(lines, 1);
/// session.commit()?;
/// db.assert_landed("meta", "log", row! { line: "started" });
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it runs nothing by itself: call `execute`, `query` or another"]
pub struct BindSession<'s> {
    session: &'s mut Session,
    bind: BindIndex,
    key: BindKey,
}

impl<'s> BindSession<'s> {
    pub(super) fn new(session: &'s mut Session, bind: BindIndex, key: BindKey) -> BindSession<'s> {
        BindSession { session, bind, key }
    }

    /// Runs a statement that returns no rows, and returns the number of rows it changed.
    ///
    /// # Errors
    ///
    /// [`Error::Statement`] when it is one the session does not run here, one that returns rows for example,
    /// [`Error::Sql`] when it fails, [`Error::Locked`] and [`Error::Stale`] when another connection blocks it,
    /// [`Error::RolledBack`] when an earlier error made SQLite roll the bind back.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.on("meta")?.execute("INSERT INTO log VALUES (?1), (?2)", ["one", "two"])?, 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize> {
        let done = call::execute(sql, params, |call| self.run(call));
        self.session.called(sql, done)
    }

    /// Runs a statement and returns what `map` makes of each row.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](BindSession::execute), and [`Error::Sql`] for what `map` returns.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// let mut session = db.session();
    /// session.on("meta")?.execute("INSERT INTO log VALUES ('started')", [])?;
    /// let lines: Vec<String> = session.on("meta")?.query("SELECT line FROM log", [], |row| row.get(0))?;
    /// assert_eq!(lines, ["started"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let done = call::query(sql, params, map, |call| self.run(call));
        self.session.called(sql, done)
    }

    /// Runs a statement and returns what `map` makes of its first row.
    ///
    /// # Errors
    ///
    /// Those of [`query`](BindSession::query), and [`Error::Sql`] with `QueryReturnedNoRows` when there is no row.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// let mut session = db.session();
    /// let lines: i64 = session.on("meta")?.query_row("SELECT count(*) FROM log", [], |row| row.get(0))?;
    /// assert_eq!(lines, 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn query_row<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let done = call::query_first(sql, params, map, |call| self.run(call));
        self.session.called(sql, done)
    }

    /// Runs the statements of a script one after the other and discards their rows.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](BindSession::execute) for the first statement that fails; those before it have run.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// let mut session = db.session();
    /// session.on("meta")?.execute_batch("INSERT INTO log VALUES ('one'); INSERT INTO log VALUES ('two');")?;
    /// assert_eq!(session.on("meta")?.table("log")?.count(row! {})?, 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn execute_batch(&mut self, sql: &str) -> Result<()> {
        let parts = script::statements(sql).map_err(|problem| not_run(sql, problem));
        for part in self.session.called(sql, parts)? {
            let done = call::discard(part.text, |call| self.run(call));
            self.session.called(part.text, done)?;
        }
        Ok(())
    }

    /// Returns a table of the bind by its name.
    ///
    /// # Errors
    ///
    /// [`Error::NotInBind`] when the bind has no such table.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// let mut session = db.session();
    /// session.on("meta")?.table("log")?.insert(row! { line: "started" })?;
    /// session.commit()?;
    /// db.assert_landed("meta", "log", row! { line: "started" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn table(mut self, name: &str) -> Result<SessionTable<'s>> {
        let found = self.look_up(name);
        let table = self.session.called(None, found)?;
        Ok(SessionTable::new(self.session, self.bind, table))
    }

    /// Returns the name of a table as the bind has it.
    fn look_up(&mut self, name: &str) -> Result<String> {
        let Session { scope, unit, .. } = &mut *self.session;
        match unit.dispatcher_on(scope, self.bind)?.table(name) {
            Ok((_, table)) => Ok(table),
            Err(_) => Err(self.not_here(name)?),
        }
    }

    /// Returns the error that the bind has no such table, with the binds that do.
    fn not_here(&mut self, name: &str) -> Result<Error> {
        let Session { scope, unit, .. } = &mut *self.session;
        let (found, nearest) = match unit.dispatcher(scope)?.table(name) {
            Ok((bind, _)) => (vec![scope.key(bind)], Vec::new()),
            Err(Error::AmbiguousTable { binds, .. }) => (binds, Vec::new()),
            Err(Error::UnknownTable { nearest, .. }) => (Vec::new(), nearest),
            Err(error) => return Err(error),
        };
        Ok(Error::NotInBind { bind: self.key.clone(), table: name.to_string(), found, nearest, at: None })
    }

    fn run(&mut self, call: &mut Call<'_>) -> Result<usize> {
        let Session { scope, unit, .. } = &mut *self.session;
        let sql = call.sql;
        let effects = unit.dispatcher_on(scope, self.bind).map_err(|error| error.before(sql))?.effects(sql)?;
        unit.run(scope, self.bind, &self.key, effects, call)
    }
}
