//! Running one statement on one connection, with a wait that has an end where a table is locked.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{ffi, Connection, Params, Row};

/// A connection that is ready for a statement.
#[derive(Clone, Copy)]
pub(super) struct Ready<'c> {
    pub(super) conn: &'c Connection,
    /// How long to wait for a lock.
    pub(super) limit: Duration,
}

impl Ready<'_> {
    /// Runs a statement that returns no rows.
    pub(super) fn execute(self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        let mut statement = self.wait(|| self.conn.prepare_cached(sql))?;
        if statement.column_count() > 0 && !statement.readonly() {
            // `RETURNING`: refused before it has written what would then be written twice.
            return Err(rusqlite::Error::ExecuteReturnedResults);
        }
        match statement.execute(params) {
            // The parameters stay bound after a failure.
            Err(error) if is_table_lock(&error) => self.wait(|| statement.raw_execute()),
            done => done,
        }
    }

    /// The columns that a query would give, which is not run.
    pub(super) fn columns(self, query: &str) -> rusqlite::Result<Vec<String>> {
        let statement = self.conn.prepare_cached(query)?;
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
        self.wait(|| {
            let mut rows = statement.raw_query();
            let mut mapped = Vec::new();
            while let Some(row) = rows.next()? {
                mapped.push(map(row)?);
            }
            Ok(mapped)
        })
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

/// Between two tries for a lock, as SQLite's own busy handler starts with.
const PAUSE: Duration = Duration::from_millis(1);

/// Whether another connection of the same shared cache is in the way.
pub(super) fn is_table_lock(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_LOCKED_SHAREDCACHE)
}
