//! One statement on one connection, with a bounded wait for locked tables.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{ffi, CachedStatement, Connection};

use super::call::{Binding, Call, EachRow, Rows, Start};
use crate::error::sqlite_message;
use crate::instrument::{spared, Begun, InSession, Watch};
use crate::sqlite::column_names;
use crate::sqlite::script::changes_schema;

/// A connection that is ready for a statement.
#[derive(Clone, Copy)]
pub(super) struct Ready<'c> {
    pub(super) conn: &'c Connection,
    /// The time to wait for a lock.
    pub(super) limit: Duration,
    /// The watches that record it; none for a statement of this crate's own.
    pub(super) watched: Option<Watched<'c>>,
}

/// The watches that a statement is recorded by.
#[derive(Clone, Copy)]
pub(super) struct Watched<'c> {
    pub(super) watch: &'c Watch,
    /// Those of all binds on the connection, where they are several.
    pub(super) beside: &'c [&'c Watch],
}

impl<'c> Ready<'c> {
    /// Returns a connection whose statement is not recorded.
    pub(super) fn quiet(conn: &'c Connection, limit: Duration) -> Ready<'c> {
        Ready { conn, limit, watched: None }
    }

    /// Runs a statement and returns the number of rows that it changed or gave.
    pub(super) fn run(self, call: &mut Call<'_>) -> rusqlite::Result<usize> {
        if call.on_behalf_of.is_some() {
            return spared(|| Ready { watched: None, ..self }.start(call));
        }
        self.start(call)
    }

    /// Prepares a statement, and executes or steps it.
    fn start(self, call: &mut Call<'_>) -> rusqlite::Result<usize> {
        let mut statement = self.wait(&mut || self.conn.prepare_cached(call.sql))?;
        match &mut call.rows {
            Rows::None => self.execute(call.sql, call.start, &mut statement),
            Rows::Each(each) => self.step(call.sql, call.start, &mut statement, *each, false),
            Rows::First(first) => self.step(call.sql, call.start, &mut statement, *first, true),
        }
    }

    fn execute(self, sql: &str, start: &mut Start<'_>, statement: &mut CachedStatement<'_>) -> rusqlite::Result<usize> {
        // `RETURNING`: refused before it has written what would then be written twice. `ALTER TABLE` has the columns of a query
        // with which SQLite checks the rows, and returns none.
        let may_return = statement.column_count() > 0 && !statement.readonly();
        if may_return && !spared(|| changes_schema(self.conn, sql))? {
            return Err(rusqlite::Error::ExecuteReturnedResults);
        }
        if let Some(watched) = self.watched() {
            // Bound before, so that the values are known as it begins.
            start(statement, Binding::Only)?;
            let recorded = self.record(watched, sql, statement);
            return self.recorded(recorded, self.wait(&mut || statement.raw_execute()));
        }
        match start(statement, Binding::AndRun) {
            // The parameters stay bound after a failure.
            Err(error) if is_table_lock(&error) => self.wait(&mut || statement.raw_execute()),
            done => done,
        }
    }

    /// Steps over all rows, so that a statement with `RETURNING` does all it does.
    fn step(
        self,
        sql: &str,
        start: &mut Start<'_>,
        statement: &mut CachedStatement<'_>,
        each: &mut EachRow<'_>,
        wants_one: bool,
    ) -> rusqlite::Result<usize> {
        // SQLite starts with the first row, and takes its locks then.
        start(statement, Binding::Only)?;
        let recorded = self.watched().and_then(|watched| self.record(watched, sql, statement));
        let stepped = self.wait(&mut || {
            let (mut rows, mut found) = (statement.raw_query(), 0);
            while let Some(row) = rows.next()? {
                each(row)?;
                found += 1;
            }
            Ok(found)
        });
        match self.recorded(recorded, stepped)? {
            0 if wants_one => Err(rusqlite::Error::QueryReturnedNoRows),
            found => Ok(found),
        }
    }

    /// Returns the watches of the statement, where one of them records.
    fn watched(self) -> Option<Watched<'c>> {
        self.watched.filter(|watched| watched.watch.is_wanted())
    }

    /// Records that a statement begins, unless nobody wants it. SQLite reports no `EXPLAIN`, and neither does this.
    fn record(self, watched: Watched<'c>, sql: &str, statement: &CachedStatement<'_>) -> Option<Begun> {
        if statement.is_explain() != 0 {
            return None;
        }
        let has_values = statement.parameter_count() > 0;
        watched.watch.begin_in_session(
            self.conn,
            InSession {
                sql,
                values: &|| if has_values { statement.expanded_sql() } else { None },
                may_write: !statement.readonly(),
                is_query: statement.column_count() > 0,
                beside: watched.beside,
            },
        )
    }

    /// Records how it ended.
    fn recorded(self, begun: Option<Begun>, done: rusqlite::Result<usize>) -> rusqlite::Result<usize> {
        if let Some(begun) = begun {
            begun.end(self.conn, outcome(&done));
        }
        done
    }

    /// Tries until no table lock blocks it or the time is up.
    ///
    /// SQLite calls no busy handler for a lock in a shared cache, it fails at once; see
    /// <https://sqlite.org/sharedcache.html>. It takes every lock of a statement before the first row.
    fn wait<T>(self, attempt: &mut dyn FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut started = None;
        loop {
            match attempt() {
                Err(error) if is_table_lock(&error) => {
                    if started.get_or_insert_with(Instant::now).elapsed() >= self.limit {
                        return Err(error);
                    }
                    thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
    }
}

/// Returns the columns that a query would give, which is not run.
pub(super) fn columns(conn: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let statement = spared(|| conn.prepare_cached(query))?;
    Ok(column_names(&statement))
}

/// Returns whether the statement itself succeeded: what its reader makes of a row is no part of it.
fn outcome(done: &rusqlite::Result<usize>) -> Result<(), String> {
    match done {
        Err(error @ (rusqlite::Error::SqliteFailure(..) | rusqlite::Error::ExecuteReturnedResults)) => {
            Err(sqlite_message(error))
        }
        _ => Ok(()),
    }
}

/// The pause between two tries for a lock, that which SQLite's own busy handler starts with.
const PAUSE: Duration = Duration::from_millis(1);

/// Reports whether another connection of the same shared cache holds the lock.
fn is_table_lock(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_LOCKED_SHAREDCACHE)
}
