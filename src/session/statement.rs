//! Running one statement on one connection, with a wait that has an end where a table is locked.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{ffi, CachedStatement, Connection, Params, Row};

use crate::database::{spared, Beginning, Watch};
use crate::error::sqlite_message;

/// A connection that is ready for a statement.
#[derive(Clone, Copy)]
pub(super) struct Ready<'c> {
    pub(super) conn: &'c Connection,
    /// How long to wait for a lock.
    pub(super) limit: Duration,
    /// Who is told of it; nobody of this crate's own.
    pub(super) heard: Option<Heard<'c>>,
}

/// Who is told of a statement.
#[derive(Clone, Copy)]
pub(super) struct Heard<'c> {
    pub(super) watch: &'c Watch,
    /// All that are on the connection, where they are several.
    pub(super) beside: &'c [&'c Watch],
}

impl<'c> Ready<'c> {
    /// A connection whose statement nobody is told of.
    pub(super) fn quiet(conn: &'c Connection, limit: Duration) -> Ready<'c> {
        Ready { conn, limit, heard: None }
    }

    /// The same connection for a statement of this crate's own.
    pub(super) fn quietly(self) -> Ready<'c> {
        Ready { heard: None, ..self }
    }

    /// Runs a statement that returns no rows.
    pub(super) fn execute(self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        let mut statement = self.wait(|| self.conn.prepare_cached(sql))?;
        if statement.column_count() > 0 && !statement.readonly() {
            // `RETURNING`: refused before it has written what would then be written twice.
            return Err(rusqlite::Error::ExecuteReturnedResults);
        }
        if let Some(heard) = self.heard() {
            // Binds only, so that the values are known as it begins.
            drop(statement.query(params)?);
            return self.telling(heard, sql, &mut statement, |statement| self.wait(|| statement.raw_execute()));
        }
        match statement.execute(params) {
            // The parameters stay bound after a failure.
            Err(error) if is_table_lock(&error) => self.wait(|| statement.raw_execute()),
            done => done,
        }
    }

    /// The columns that a query would give, which is not run.
    pub(super) fn columns(self, query: &str) -> rusqlite::Result<Vec<String>> {
        let statement = spared(|| self.conn.prepare_cached(query))?;
        Ok(statement.column_names().into_iter().map(str::to_string).collect())
    }

    /// Runs a statement and collects what `map` makes of its rows.
    pub(super) fn query<T>(
        self,
        sql: &str,
        params: impl Params,
        mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.wait(|| self.conn.prepare_cached(sql))?;
        // Binds only; SQLite starts with the first row, and takes its locks then.
        drop(statement.query(params)?);
        let mut collect = |statement: &mut CachedStatement<'_>| {
            self.wait(|| {
                let mut rows = statement.raw_query();
                let mut mapped = Vec::new();
                while let Some(row) = rows.next()? {
                    mapped.push(map(row)?);
                }
                Ok(mapped)
            })
        };
        match self.heard() {
            Some(heard) => self.telling(heard, sql, &mut statement, collect),
            None => collect(&mut statement),
        }
    }

    /// Who wants to know of the statement, if anybody does.
    fn heard(self) -> Option<Heard<'c>> {
        self.heard.filter(|heard| heard.watch.is_heard())
    }

    /// Runs a statement and tells of it. SQLite tells of no `EXPLAIN`, and neither does this.
    fn telling<T>(
        self,
        heard: Heard<'_>,
        sql: &str,
        statement: &mut CachedStatement<'_>,
        work: impl FnOnce(&mut CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if statement.is_explain() != 0 {
            return work(statement);
        }
        let has_values = statement.parameter_count() > 0;
        let begun = heard.watch.begin(Beginning {
            sql,
            values: has_values.then(|| statement.expanded_sql()).flatten(),
            writes: !statement.readonly(),
            by_session: true,
            beside: heard.beside,
            changes: self.conn.total_changes(),
        });
        let done = work(statement);
        if let Some(begun) = begun {
            begun.end(self.conn.total_changes(), self.conn.changes(), Some(outcome(&done)));
        }
        done
    }

    /// Runs a statement and gives what `map` makes of its first row; the rest is stepped over, so that a statement
    /// with `RETURNING` does all it does.
    pub(super) fn query_first<T>(
        self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut map = Some(map);
        let mut first = None;
        self.query(sql, params, |row| {
            if let Some(map) = map.take() {
                first = Some(map(row)?);
            }
            Ok(())
        })?;
        first.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// Tries until no table lock is in the way or the time is up.
    ///
    /// SQLite calls no busy handler for a lock in a shared cache, it fails at once; see
    /// <https://sqlite.org/sharedcache.html>. It takes every lock of a statement before the first row.
    fn wait<T>(self, mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
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

/// Whether the statement itself succeeded: what its reader makes of a row is no part of it.
fn outcome<T>(done: &rusqlite::Result<T>) -> Result<(), String> {
    match done {
        Err(error @ (rusqlite::Error::SqliteFailure(..) | rusqlite::Error::ExecuteReturnedResults)) => {
            Err(sqlite_message(error))
        }
        _ => Ok(()),
    }
}

/// Between two tries for a lock, as SQLite's own busy handler starts with.
const PAUSE: Duration = Duration::from_millis(1);

/// Whether another connection of the same shared cache is in the way.
pub(super) fn is_table_lock(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_LOCKED_SHAREDCACHE)
}
