//! The unit of work over the binds: statements sent to the bind they touch, committed or rolled back together.

mod call;
mod end;
mod failure;
mod glance;
mod insert;
mod join;
mod last_insert;
mod on;
mod ready;
mod savepoint;
mod table;
mod unit;

use std::cell::Cell;
use std::panic::Location;
use std::sync::Arc;

use rusqlite::{Params, Row};

pub use on::BindSession;
pub use savepoint::Savepoint;
pub use table::SessionTable;

use crate::config::Model;
use crate::context::BindContext;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::harness::{Harness, Scope};
use crate::key::BindKey;
use crate::list::mapped;
use crate::route::{Destination, Route};
use crate::sqlite::script;
use call::Call;
use failure::not_run;
use glance::Glance;
use join::Joined;
use unit::Unit;

/// A unit of work over all binds: sends each statement to the bind whose tables it touches.
///
/// Its first statement on a bind begins that bind's transaction; [`commit`](Session::commit) commits them in the order
/// in which they were begun, and a session that is dropped rolls back. It has connections of its own, so that code
/// under test sees what it wrote only after a commit. In its SQL, `last_insert_rowid()` is that of the last insert in any
/// bind. It is `Send`. The guide's chapter [Dispatch](crate::guide::dispatch) says where each statement goes.
///
/// ```
/// use multibind::{row, Bind, Harness};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
///     .bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)"))
///     .start()?;
///
/// let mut session = db.session();
/// session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"])?; // goes to auth
/// session.table("post")?.insert(row! { title: "hello" })?; // goes to default
/// let names: Vec<String> = session.query("SELECT username FROM user", [], |row| row.get(0))?;
/// assert_eq!(names, ["ann"]);
/// session.commit()?;
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    unit: Glance,
    joined: Joined,
    /// The call that began the unit of work.
    began: Cell<Option<&'static Location<'static>>>,
    /// After the connections: it keeps the databases from being closed.
    scope: Scope,
}

impl Harness {
    /// Returns a session over all binds, with connections of its own.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.query_row("SELECT 1 + 1", [], |row| row.get::<_, i64>(0))?, 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn session(&self) -> Session {
        Session::new(Scope::new(Arc::clone(self.running()), None))
    }

    /// Returns a session with a context, which says which database of a [dynamic](crate::Bind::dynamic) bind is meant.
    ///
    /// In its SQL that database has the bind's key. It is made when the session first uses it, unless somebody has used
    /// it before.
    ///
    /// ```
    /// # use multibind::{context, row, Bind, Harness};
    /// # let users = Bind::dynamic(|context| Ok(format!("users_tenant_{}", context.get("tenant")?)))
    /// #     .schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// let mut session = db.session_for(context! { tenant: "acme" });
    /// session.execute("INSERT INTO users.user VALUES ('ann')", [])?;
    /// session.commit()?;
    /// db.assert_landed("users[users_tenant_acme]", "user", row! { name: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn session_for(&self, context: impl Into<BindContext>) -> Session {
        Session::new(Scope::new(Arc::clone(self.running()), Some(context.into())))
    }
}

impl Session {
    fn new(scope: Scope) -> Session {
        Session { unit: Glance::new(Unit::new(&scope)), joined: Joined::default(), began: Cell::default(), scope }
    }

    /// Runs a statement that returns no rows, and returns the number of rows it changed.
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownTable`], [`Error::UnknownBind`], [`Error::AmbiguousTable`], [`Error::NoDefaultBind`] and
    ///   [`Error::CrossBindWrite`] when it has no bind to go to;
    /// - [`Error::Prepare`] when SQLite does not accept it, [`Error::Sql`] when it fails;
    /// - [`Error::Statement`] when it is one the session does not run here, one that returns rows for example;
    /// - [`Error::Locked`] and [`Error::Stale`] when another connection blocks it;
    /// - [`Error::RolledBack`] when an earlier error made SQLite roll its bind back;
    /// - [`Error::Dynamic`] for a [dynamic bind](crate::Bind::dynamic) when the session has no context, or one that its
    ///   callback can do nothing with.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let mut session = db.session();
    /// assert_eq!(session.execute("INSERT INTO user VALUES (?1), (?2)", ["ann", "bob"])?, 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize> {
        let done = call::execute(sql, params, |call| self.dispatch(call));
        self.called(sql, done)
    }

    /// Runs a statement and returns what `map` makes of each row.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Session::execute), and [`Error::Sql`] for what `map` returns.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')")).start()?;
    /// let names: Vec<String> = db.session().query("SELECT name FROM user", [], |row| row.get(0))?;
    /// assert_eq!(names, ["ann"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let done = call::query(sql, params, map, |call| self.dispatch(call));
        self.called(sql, done)
    }

    /// Runs a statement and returns what `map` makes of its first row.
    ///
    /// # Errors
    ///
    /// Those of [`query`](Session::query), and [`Error::Sql`] with `QueryReturnedNoRows` when there is no row.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let count: i64 = db.session().query_row("SELECT count(*) FROM user", [], |row| row.get(0))?;
    /// assert_eq!(count, 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn query_row<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let done = call::query_first(sql, params, map, |call| self.dispatch(call));
        self.called(sql, done)
    }

    /// Runs the statements of a script one after the other, each on its own bind, and discards their rows.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Session::execute) for the first statement that fails; those before it have run, and are
    /// undone by [`rollback`](Session::rollback).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let mut session = db.session();
    /// session.execute_batch("INSERT INTO user VALUES ('ann'); INSERT INTO post VALUES ('hello');")?;
    /// session.commit()?;
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn execute_batch(&mut self, sql: &str) -> Result<()> {
        let parts = script::statements(sql).map_err(|problem| not_run(sql, problem));
        for part in self.called(sql, parts)? {
            let done = call::discard(part.text, |call| self.dispatch(call));
            self.called(part.text, done)?;
        }
        Ok(())
    }

    /// Returns a table by its name, plain (`user`) or with its bind key (`auth.user`).
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`] with the nearest names, [`Error::AmbiguousTable`] when several binds have one.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let mut session = db.session();
    /// session.table("user")?.insert(row! { name: "ann" })?;
    /// assert_eq!(session.table("auth.user")?.count(row! { name: "ann" })?, 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn table(&mut self, name: &str) -> Result<SessionTable<'_>> {
        let found = self.unit.dispatcher(&self.scope).and_then(|dispatcher| dispatcher.table(name));
        let (bind, table) = self.called(None, found)?;
        Ok(SessionTable::new(self, bind, table))
    }

    /// Returns the table of a type, in the bind that the type is tied to.
    ///
    /// # Errors
    ///
    /// Those of [`on`](Session::on), and [`Error::NotInBind`] when the bind has no such table.
    ///
    /// ```
    /// # use multibind::{tables::Model, row, Bind, Harness};
    /// struct User;
    /// impl Model for User {
    ///     const BIND: Option<&str> = Some("auth");
    ///     const TABLE: &str = "user";
    /// }
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let mut session = db.session();
    /// session.model::<User>()?.insert(row! { name: "ann" })?;
    /// assert_eq!(session.model::<User>()?.count(row! {})?, 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn model<M: Model>(&mut self) -> Result<SessionTable<'_>> {
        self.on(M::BIND)?.table(M::TABLE)
    }

    /// Returns the session for statements on one bind, which the caller names.
    ///
    /// Where SQL names the bind, it does so by this key, also if its database has others.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured; [`Error::Dynamic`] for a
    /// [dynamic bind](crate::Bind::dynamic) when the session's context does not say which database is meant, or means
    /// another than the key says.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// let mut session = db.session();
    /// session.on("meta")?.execute("INSERT INTO log VALUES ('started')", [])?;
    /// session.commit()?;
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn on(&mut self, key: impl Into<BindKey>) -> Result<BindSession<'_>> {
        let key = key.into();
        let member = self.called(None, self.scope.bind(&key))?;
        Ok(BindSession::new(self, member, key))
    }

    /// Returns the binds that a statement reads and the one it writes, without running it.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Session::execute) that are found before a statement runs. Without a context a
    /// [dynamic bind](crate::Bind::dynamic) is named by its own key.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let route = db.session().route("DELETE FROM user")?;
    /// assert_eq!(route.writes(), [BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn route(&self, sql: &str) -> Result<Route> {
        let plan = self.called(sql, self.unit.plan_of(&self.scope, sql))?;
        let named = |keys: &[BindKey]| mapped(keys, |key| self.scope.key_of(key));
        Ok(Route { reads: named(&plan.route.reads), writes: named(&plan.route.writes) })
    }

    /// Sets a savepoint over every bind, those touched later included.
    ///
    /// Statements go through the savepoint; its `commit()` keeps them in the session's unit of work, `rollback()`
    /// or dropping it undoes them.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] when SQLite could not set it.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let mut session = db.session();
    /// let mut savepoint = session.savepoint()?;
    /// savepoint.execute("INSERT INTO t VALUES (1)", [])?;
    /// savepoint.rollback()?;
    /// assert_eq!(session.table("t")?.count(multibind::row! {})?, 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::new(self)
    }

    /// Notes the call that returns an error to the test.
    #[track_caller]
    fn called<'s, T>(&self, sql: impl Into<Option<&'s str>>, done: Result<T>) -> Result<T> {
        let began = self.note_begun(Location::caller());
        self.scope.running().called_since(began, sql.into(), done)
    }

    /// Notes a call as the one that began the unit of work, if one is open and none had; returns the one that had before it.
    fn note_begun(&self, here: &'static Location<'static>) -> Option<&'static Location<'static>> {
        let has_begun = self.unit.has_begun();
        let began = self.began.get().filter(|_| has_begun);
        self.began.set(has_begun.then(|| began.unwrap_or(here)));
        began
    }

    /// Runs a statement on the binds that it is for.
    fn dispatch(&mut self, call: &mut Call<'_>) -> Result<usize> {
        let sql = call.sql;
        let Session { scope, unit, joined, .. } = self;
        let (dispatcher, plan) = unit.plan(scope, sql).map_err(|error| error.before(sql))?;
        let effects = plan.effects;
        let counting = match &plan.counts {
            Some(function) => {
                let used = plan.binds_used();
                unit.counting(scope, sql, function, &used)?.filter(|_| used.is_empty())
            }
            None => None,
        };
        match (&plan.on, counting) {
            (Destination::One(..), Some(bind)) => unit.run(scope, bind, &scope.key(bind), effects, call),
            (Destination::One(bind, key), _) => unit.run(scope, *bind, key, effects, call),
            (Destination::Join(members), _) => {
                let lookups = plan.looks_up.then_some(dispatcher);
                joined.run(scope, unit, members, lookups, call)
            }
            // The answer of the last is the statement's.
            (Destination::Each(rest, last), _) => {
                for bind in rest {
                    let key = scope.key(*bind);
                    call::discard(sql, |call| unit.run(scope, *bind, &key, effects, call))?;
                }
                unit.run(scope, *last, &scope.key(*last), effects, call)
            }
        }
    }
}
