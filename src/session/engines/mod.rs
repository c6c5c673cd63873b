//! The session's connections, its open transactions, and what it knows of the tables in each bind.

mod orphans;
mod savepoints;
mod tables;
mod view;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{ffi, Connection, TransactionState};

use super::statement::{columns, discard, Call, Heard, Ready};
use crate::database::Database;
use crate::error::{held, is_lock, list, Conflict, Error, Result, OPEN};
use crate::harness::Scope;
use crate::instrument::{spared, Rule};
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::mapped;
use crate::orphan::Orphan;
use crate::route::{Dispatcher, Effects};
use crate::sorted::Sorted;
use crate::sqlite::vfs::Opener;
use crate::sqlite::{schema_version, set_last_insert_rowid, Image, NamedConnection};

/// One connection for each bind the session has touched, and the unit of work on them.
#[derive(Debug, Default)]
pub(in crate::session) struct Engines {
    open: Sorted<BindIndex, NamedConnection>,
    /// The binds with an open transaction, in the order they were begun.
    begun: Vec<BindIndex>,
    /// Those of them that something was written to.
    written: Vec<BindIndex>,
    /// How many savepoints are open.
    depth: usize,
    /// What referred to nothing in another bind before this unit of work wrote, by the reference's place.
    orphans: Sorted<usize, Vec<Orphan>>,
    /// The tables of binds whose schema this unit of work has changed.
    changed: Sorted<BindIndex, Arc<Image>>,
    /// The tables of each bind when last looked at. Once this unit of work has read a bind they are not looked at anew: it
    /// sees no others, and its own lock may be in the way.
    seen: Sorted<BindIndex, Arc<Image>>,
    /// What was last found out with all tables.
    dispatcher: Option<Arc<Dispatcher>>,
    /// The count of all commits at which every bind was as last looked at, or was read by this unit of work before.
    current_at: Option<u64>,
    /// The same with those of one bind, by the number of its image.
    alone: Sorted<BindIndex, (u64, Arc<Dispatcher>)>,
    /// The binds that this session has ever written to.
    wrote: Vec<BindIndex>,
    /// The rowid of the last row inserted, on whatever connection.
    last_rowid: i64,
    /// The tables that each connection was last made to know.
    known: Sorted<BindIndex, Option<u64>>,
    /// How often each bind may have changed by this session.
    turns: Sorted<BindIndex, u64>,
    /// A connection to each file that is open, which reads nothing but how often others have committed.
    counters: Sorted<BindIndex, Option<Connection>>,
    /// What told each bind's commits apart before this unit of work first read it.
    before: Sorted<BindIndex, Option<u64>>,
    /// The binds that this unit of work has read or written to: what others commit there is seen by the next one.
    read: Vec<BindIndex>,
    /// The count of commits to each bind when its tables were last looked at, where there is one to see.
    looked: Option<PerBind<Option<u64>>>,
}

impl Engines {
    /// The bind that a statement has to run on which asks what its connection wrote, and uses these binds; `None`
    /// where any will do.
    pub(in crate::session) fn counting(
        &self,
        scope: &Scope,
        sql: &str,
        function: &str,
        used: &[BindIndex],
    ) -> Result<Option<BindIndex>> {
        match (self.wrote.as_slice(), used) {
            ([], _) => Ok(None),
            ([one], []) => Ok(Some(*one)),
            ([one], [used]) if one == used => Ok(Some(*one)),
            (wrote, _) => {
                let binds = mapped(wrote, |member| scope.key(*member));
                Err(Error::Statement {
                    sql: sql.to_string(),
                    problem: format!(
                        "`{function}()` tells what one connection wrote, and this session wrote to {}: ask each with \
                         `session.on(key)`",
                        list(&binds)
                    ),
                })
            }
        }
    }

    /// Runs a statement on a bind's connection, in its transaction unless the statement takes part in none.
    pub(in crate::session) fn run(
        &mut self,
        scope: &Scope,
        member: BindIndex,
        key: &BindKey,
        effects: Effects,
        call: &mut Call<'_>,
    ) -> Result<usize> {
        let database = scope.database(member)?;
        // A database with one key may be one of several that SQL gives the same name.
        let key = if database.keys().len() > 1 { key } else { database.key() };
        let done = self.run_on(database, scope, member, key, effects, call);
        done.map_err(|error| error.held_by(|| self.in_the_way(database, member)))
    }

    /// Who is in this session's way.
    fn in_the_way(&self, database: &Database, member: BindIndex) -> Option<Box<Conflict>> {
        database.in_the_way(Opener::Session, usize::from(self.written.contains(&member)))
    }

    fn run_on(
        &mut self,
        database: &Database,
        scope: &Scope,
        member: BindIndex,
        key: &BindKey,
        effects: Effects,
        call: &mut Call<'_>,
    ) -> Result<usize> {
        let sql = call.asked();
        self.open(scope, database, member)?;
        self.read_new_schema(database, member).map_err(|error| failed(key, sql, error))?;
        // Looked at before the transaction begins: one that has read is refused when it comes to write, should another
        // have written meanwhile.
        if let (Some(engine), true) = (self.open.get_mut(&member), database.keys().len() > 1) {
            engine.rename_among(key.schema_name()).map_err(|error| failed(key, sql, error))?;
        }
        let refused =
            self.open.get(&member).and_then(|engine| database.watch().refusal(engine.conn(), sql, effects.writes));
        if let Some(rule) = refused {
            return Err(guarded(key, &rule, sql));
        }
        let version = |engine: &NamedConnection| schema_version(engine.conn()).ok();
        let before = effects.changes_schema.is_none().then(|| self.open.get(&member).and_then(version)).flatten();
        self.begin(database, member, effects.in_transaction)?;
        // What takes part in no transaction is written at once, and counts no rows.
        let writes = effects.writes && effects.in_transaction;
        if writes && !self.written.contains(&member) {
            self.note_orphans(scope, member)?;
            self.written.push(member);
            database.write_begun();
        }
        if writes && !self.wrote.contains(&member) {
            self.wrote.push(member);
        }
        if effects.writes || effects.changes_schema != Some(false) {
            self.turned(member);
        }
        let Some(engine) = self.open.get(&member) else {
            return Err(scope.running().unknown(key));
        };
        let done = inserting_after(&mut self.last_rowid, engine.conn(), |conn| {
            Ready { conn, limit: database.busy_timeout(), heard: heard(database) }.run(call)
        });
        let done = done.map_err(|error| failed(key, sql, error));
        let now = || self.open.get(&member).and_then(version);
        let changed = || before != now();
        // One that fails changes nothing, and what looks would begin to read.
        let changed = done.is_ok() && effects.changes_schema.unwrap_or_else(changed);
        self.note_read(member);
        if changed {
            if database.keys().len() > 1 && self.has_written(member) {
                let reconnected = self.open.get(&member).map(|engine| spared(|| engine.reconnect_virtual_tables()));
                reconnected.transpose().map_err(|error| failed(key, sql, error))?;
            }
            self.reread(member)?;
        }
        done
    }

    /// Opens the bind's connection where that has not been done.
    fn open(&mut self, scope: &Scope, database: &Database, member: BindIndex) -> Result<()> {
        if !self.open.contains(&member) {
            let name = scope.names(member).first().unwrap_or(database.key());
            let engine = database.engine(name).map_err(|error| failed(database.key(), "", error))?;
            engine.conn().set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
            self.open.insert(member, engine);
        }
        Ok(())
    }

    /// Has a bind's connection read its schema again where others have changed it.
    fn read_new_schema(&mut self, database: &Database, member: BindIndex) -> rusqlite::Result<()> {
        let tables = self.seen.get(&member).map(|image| image.id());
        let before = self.known.insert(member, tables);
        match self.open.get(&member).map(NamedConnection::conn) {
            // A connection that is used for the first time knows no tables that could be old; in a shared cache all
            // connections know the same.
            Some(conn)
                if before.is_some_and(|before| before != tables)
                    && !database.is_shared_cache()
                    && !self.has_changed_schema(member) =>
            {
                read_schema_again(conn)
            }
            _ => Ok(()),
        }
    }

    /// Begins the bind's transaction where that has not been done and the statement takes part in it.
    fn begin(&mut self, database: &Database, member: BindIndex, in_transaction: bool) -> Result<()> {
        let key = database.key();
        let Some(conn) = self.open.get(&member).map(NamedConnection::conn) else { return Ok(()) };
        if self.begun.contains(&member) {
            // A statement that fails badly, or RAISE(ROLLBACK), ends the whole transaction. What comes next must not
            // be committed as it is written.
            return match conn.is_autocommit() {
                true => Err(Error::RolledBack { bind: key.clone() }),
                false => Ok(()),
            };
        }
        database.check_process().map_err(|error| failed(key, "", error))?;
        if in_transaction {
            // Behind a lock nothing is known, and it counts as changed.
            let counter = self.counters.or_insert_with(member, || None);
            let before = database.beside_readers(counter).unwrap_or(Some(UNKNOWN));
            self.before.insert(member, before);
            run(Some(database), conn, "BEGIN").map_err(|error| failed(key, "BEGIN", error))?;
            self.begun.push(member);
            for level in 1..=self.depth {
                let sql = savepoint_sql("SAVEPOINT", level);
                run(Some(database), conn, &sql).map_err(|error| failed(key, &sql, error))?;
            }
        }
        Ok(())
    }

    /// Reads a bind's tables as this unit of work has left them.
    fn reread(&mut self, member: BindIndex) -> Result<()> {
        let Some(conn) = self.open.get(&member).map(NamedConnection::conn) else { return Ok(()) };
        if self.begun.contains(&member) && !conn.is_autocommit() {
            let tables = spared(|| match self.seen.get(&member) {
                Some(before) => Image::of_tables(conn)?.connected_as(before),
                None => Image::of_tables(conn),
            });
            let tables = tables.map_err(|error| failed(&BindKey::DEFAULT, "", error))?;
            self.changed.insert(member, Arc::new(tables));
        }
        self.dispatcher = None;
        Ok(())
    }

    /// Whether this unit of work has written to a bind, and so keeps all others from writing there.
    pub(in crate::session) fn has_written(&self, member: BindIndex) -> bool {
        let state = self.open.get(&member).map(|engine| engine.conn().transaction_state(Some("main")));
        matches!(state, Some(Ok(TransactionState::Write)))
    }

    /// The binds that this unit of work has written to.
    pub(in crate::session) fn uncommitted(&self, scope: &Scope) -> Vec<BindKey> {
        mapped(&self.written, |member| scope.key(*member))
    }

    /// Whether this unit of work has changed a bind's schema.
    pub(in crate::session) fn has_changed_schema(&self, member: BindIndex) -> bool {
        self.changed.contains(&member)
    }

    /// Does something on a connection as if it were the one that last inserted a row.
    pub(in crate::session) fn as_last_inserter<T>(
        &mut self,
        conn: &Connection,
        work: impl FnOnce(&Connection) -> T,
    ) -> T {
        inserting_after(&mut self.last_rowid, conn, work)
    }

    /// The rowid of the last row inserted.
    pub(in crate::session) fn last_insert_rowid(&self) -> i64 {
        self.last_rowid
    }

    /// The columns of a query that is not run, on the connection of a bind that a statement has run on.
    pub(in crate::session) fn columns(&self, member: BindIndex, query: &str) -> rusqlite::Result<Vec<String>> {
        let Some(engine) = self.open.get(&member) else { return Ok(Vec::new()) };
        columns(engine.conn(), query)
    }

    /// Commits in the order begun.
    pub(in crate::session) fn commit(&mut self, scope: &Scope) -> Result<()> {
        if self.depth > 0 {
            return Err(Error::OpenSavepoint);
        }
        // Found before anything is committed.
        if let Some(member) = self.begun.iter().find(|member| self.has_lost_transaction(**member)) {
            return Err(Error::RolledBack { bind: scope.key(*member) });
        }
        self.check_references(scope)?;
        let begun = std::mem::take(&mut self.begun);
        self.end_of_unit(scope);
        let key = |member: &BindIndex| scope.key(*member);
        for (at, member) in begun.iter().enumerate() {
            let Some(conn) = self.open.get(member).map(NamedConnection::conn) else { continue };
            if let Err(source) = run(scope.at(*member), conn, "COMMIT") {
                let source = match is_lock(&source) {
                    true => {
                        let database = scope.at(*member);
                        let conflict = database.and_then(|database| database.in_the_way(Opener::Session, 0));
                        with_conflict(source, &held(&conflict, OPEN))
                    }
                    false => source,
                };
                let (committed, rest) = begun.split_at(at);
                for member in rest {
                    self.abandon(scope, *member);
                }
                return Err(Error::Commit {
                    failed: key(member),
                    committed: mapped(committed, key).into(),
                    rolled_back: mapped(rest, key).into(),
                    source,
                });
            }
        }
        Ok(())
    }

    /// Whether SQLite has ended a transaction that this unit of work has begun.
    fn has_lost_transaction(&self, member: BindIndex) -> bool {
        self.open.get(&member).is_some_and(|engine| engine.conn().is_autocommit())
    }

    /// Rolls all of them back, savepoints and all.
    pub(in crate::session) fn rollback(&mut self, scope: &Scope) -> Result<()> {
        self.depth = 0;
        let mut first = Ok(());
        for member in std::mem::take(&mut self.begun) {
            let Some(conn) = self.open.get(&member).map(NamedConnection::conn) else { continue };
            if conn.is_autocommit() {
                continue;
            }
            if let Err(error) = run(scope.at(member), conn, "ROLLBACK") {
                let key = scope.key(member);
                first = first.and(Err(failed(&key, "ROLLBACK", error)));
                self.open.remove(&member);
            }
        }
        self.end_of_unit(scope);
        first
    }

    /// Ends a transaction that cannot go on; a connection that will not roll back is closed, which does.
    fn abandon(&mut self, scope: &Scope, member: BindIndex) {
        let rolled_back = match self.open.get(&member).map(NamedConnection::conn) {
            Some(conn) => conn.is_autocommit() || run(scope.at(member), conn, "ROLLBACK").is_ok(),
            None => true,
        };
        if !rolled_back {
            self.open.remove(&member);
        }
    }

    fn end_of_unit(&mut self, scope: &Scope) {
        for database in self.written.drain(..).filter_map(|member| scope.at(member)) {
            database.write_ended();
        }
        self.orphans.clear();
        self.before.clear();
        self.read.clear();
        self.current_at = None;
        // What a unit of work knew of its own tables is no longer its own; the next one looks again.
        if !std::mem::take(&mut self.changed).entries().is_empty() {
            self.dispatcher = None;
        }
        for member in mapped(self.seen.entries(), |(member, _)| *member) {
            self.turned(member);
        }
    }
}

/// SQLite's answer with who is in the way.
fn with_conflict(source: rusqlite::Error, conflict: &str) -> rusqlite::Error {
    match source {
        rusqlite::Error::SqliteFailure(code, Some(message)) => {
            rusqlite::Error::SqliteFailure(code, Some(format!("{message}: {conflict}")))
        }
        source => source,
    }
}

/// A session is one connection to its user, whose `last_insert_rowid()` is that of the last insert on any bind.
fn inserting_after<T>(last_rowid: &mut i64, conn: &Connection, work: impl FnOnce(&Connection) -> T) -> T {
    /// Reads it when it is dropped: a row that was inserted is there also where a mapper then panics.
    struct Reading<'l>(&'l mut i64, &'l Connection);
    impl Drop for Reading<'_> {
        fn drop(&mut self) {
            *self.0 = self.1.last_insert_rowid();
        }
    }
    set_last_insert_rowid(conn, *last_rowid);
    let _reading = Reading(last_rowid, conn);
    work(conn)
}

/// Makes a connection read its schema again when its next statement is prepared, for another has changed it.
///
/// SQLite compares the number of the schema to find that out, and only when a statement runs, which it prepares with
/// what it knew before. And a statement that failed to change the schema may leave a number with the connection that
/// the change of another then gets.
fn read_schema_again(conn: &Connection) -> rusqlite::Result<()> {
    spared(|| {
        let is_writable = conn.db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA)?;
        run(None, conn, "PRAGMA writable_schema = RESET")?;
        // It also takes away the permission to write there.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, is_writable).map(drop)
    })
}

/// No number of commits.
const UNKNOWN: u64 = u64::MAX;

/// How many prepared statements a session's connection keeps.
const STATEMENTS_KEPT: usize = 128;

fn savepoint_sql(verb: &str, level: usize) -> String {
    format!("{verb} multibind_{level}")
}

/// Runs a statement of the unit of work itself.
fn run(database: Option<&Database>, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    let ready = Ready { conn, limit: Duration::ZERO, heard: database.and_then(heard) };
    discard(sql, |call| ready.run(call)).map(drop)
}

/// Who is told of a statement on one bind.
fn heard(database: &Database) -> Option<Heard<'_>> {
    Some(Heard { watch: database.watch(), beside: &[] })
}

/// That a guard refuses a statement.
pub(in crate::session) fn guarded(key: &BindKey, rule: &Rule, sql: &str) -> Error {
    Error::Guarded { bind: key.clone(), guard: rule.to_string(), sql: sql.to_string() }
}

/// SQLite's answer, with a way out where another connection is in the way.
pub(in crate::session) fn failed(key: &BindKey, sql: &str, source: rusqlite::Error) -> Error {
    let (bind, sql) = (key.clone(), sql.to_string());
    match &source {
        rusqlite::Error::ExecuteReturnedResults => {
            Error::Statement { sql, problem: "it returns rows: give it to `query` or `query_row`".to_string() }
        }
        rusqlite::Error::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => {
            Error::Stale { bind, sql, source }
        }
        _ => Error::sql(key, &sql)(source),
    }
}
