//! Running one statement on one connection, with a wait that has an end where a table is locked.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{ffi, CachedStatement, Connection, Params, Row};

use crate::error::{sqlite_message, Error, Result};
use crate::instrument::{spared, Beginning, Begun, Watch};
use crate::key::BindKey;
use crate::sqlite::column_names;
use crate::sqlite::script::changes_schema;

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

/// A statement, its parameters, and what becomes of its rows. What runs it is compiled once and not for each type that
/// these have, in this crate and in those that use it.
pub(super) struct Call<'c> {
    pub(super) sql: &'c str,
    pub(super) start: &'c mut Start<'c>,
    pub(super) rows: Rows<'c>,
    /// The user's statement that this one of the crate's own is for: errors speak of that, and nobody is told of this.
    pub(super) on_behalf_of: Option<&'c str>,
}

impl<'c> Call<'c> {
    /// The user's statement.
    pub(super) fn asked(&self) -> &'c str {
        self.on_behalf_of.unwrap_or(self.sql)
    }
}

/// Binds the parameters of a statement, the first time that it is called.
pub(super) type Start<'c> = dyn FnMut(&mut CachedStatement<'_>, Binding) -> rusqlite::Result<usize> + 'c;

/// What is done with a row.
pub(super) type EachRow<'c> = dyn FnMut(&Row<'_>) -> rusqlite::Result<()> + 'c;

/// Whether a statement also runs when it gets its parameters, as one that returns no rows can.
#[derive(Clone, Copy)]
pub(super) enum Binding {
    Only,
    AndRun,
}

/// What becomes of a statement's rows.
pub(super) enum Rows<'c> {
    /// It must not return any.
    None,
    Each(&'c mut EachRow<'c>),
    /// The same, and there has to be one.
    First(&'c mut EachRow<'c>),
}

/// A statement that returns no rows, given to what runs it.
pub(super) fn execute(
    sql: &str,
    params: impl Params,
    run: impl FnOnce(&mut Call<'_>) -> Result<usize>,
) -> Result<usize> {
    run(&mut Call { sql, start: &mut binding(params), rows: Rows::None, on_behalf_of: None })
}

/// A statement given to what runs it, and what `map` makes of its rows.
pub(super) fn query<T>(
    sql: &str,
    params: impl Params,
    mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    run: impl FnOnce(&mut Call<'_>) -> Result<usize>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    let mut each = |row: &Row<'_>| {
        all.push(map(row)?);
        Ok(())
    };
    run(&mut Call { sql, start: &mut binding(params), rows: Rows::Each(&mut each), on_behalf_of: None })?;
    Ok(all)
}

/// The same for the first row; the others are stepped over.
pub(super) fn query_first<T>(
    sql: &str,
    params: impl Params,
    map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    run: impl FnOnce(&mut Call<'_>) -> Result<usize>,
) -> Result<T> {
    let (mut map, mut first) = (Some(map), None);
    let mut each = |row: &Row<'_>| {
        if let Some(map) = map.take() {
            first = Some(map(row)?);
        }
        Ok(())
    };
    run(&mut Call { sql, start: &mut binding(params), rows: Rows::First(&mut each), on_behalf_of: None })?;
    first.ok_or_else(|| Error::sql(&BindKey::DEFAULT, sql)(rusqlite::Error::QueryReturnedNoRows))
}

/// A statement without parameters given to what runs it; its rows are discarded.
pub(super) fn discard<T>(sql: &str, run: impl FnOnce(&mut Call<'_>) -> T) -> T {
    run(&mut Call { sql, start: &mut binding([]), rows: Rows::Each(&mut |_| Ok(())), on_behalf_of: None })
}

/// The same for a statement of the crate's own, which the user's is for.
pub(super) fn discard_for<T>(sql: &str, on_behalf_of: &str, run: impl FnOnce(&mut Call<'_>) -> T) -> T {
    let mut unseen = |_: &Row<'_>| Ok(());
    let (start, rows) = (&mut binding([]), Rows::Each(&mut unseen));
    run(&mut Call { sql, start, rows, on_behalf_of: Some(on_behalf_of) })
}

fn binding(params: impl Params) -> impl FnMut(&mut CachedStatement<'_>, Binding) -> rusqlite::Result<usize> {
    let mut params = Some(params);
    move |statement, binding| match (params.take(), binding) {
        (Some(params), Binding::AndRun) => statement.execute(params),
        // A query binds them and does nothing until its first row is asked for.
        (Some(params), Binding::Only) => statement.query(params).map(|_| 0),
        (None, _) => Ok(0),
    }
}

impl<'c> Ready<'c> {
    /// A connection whose statement nobody is told of.
    pub(super) fn quiet(conn: &'c Connection, limit: Duration) -> Ready<'c> {
        Ready { conn, limit, heard: None }
    }

    /// Runs a statement and gives how many rows it changed.
    pub(super) fn run(self, call: &mut Call<'_>) -> rusqlite::Result<usize> {
        match call.on_behalf_of {
            Some(_) => spared(|| Ready { heard: None, ..self }.run_on(call)),
            None => self.run_on(call),
        }
    }

    fn run_on(self, call: &mut Call<'_>) -> rusqlite::Result<usize> {
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
        if let Some(heard) = self.heard() {
            // Bound before, so that the values are known as it begins.
            start(statement, Binding::Only)?;
            let begun = self.tell(heard, sql, statement);
            return self.told(begun, self.wait(&mut || statement.raw_execute()));
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
        let begun = self.heard().and_then(|heard| self.tell(heard, sql, statement));
        let stepped = self.wait(&mut || {
            let (mut rows, mut found) = (statement.raw_query(), 0);
            while let Some(row) = rows.next()? {
                each(row)?;
                found += 1;
            }
            Ok(found)
        });
        match self.told(begun, stepped)? {
            0 if wants_one => Err(rusqlite::Error::QueryReturnedNoRows),
            found => Ok(found),
        }
    }

    /// Who wants to know of the statement, if anybody does.
    fn heard(self) -> Option<Heard<'c>> {
        self.heard.filter(|heard| heard.watch.is_heard())
    }

    /// Tells that a statement begins. SQLite tells of no `EXPLAIN`, and neither does this.
    fn tell(self, heard: Heard<'_>, sql: &str, statement: &CachedStatement<'_>) -> Option<Begun> {
        if statement.is_explain() != 0 {
            return None;
        }
        let has_values = statement.parameter_count() > 0;
        // A connection to several only reads.
        let writes = !statement.readonly();
        let writes = if heard.beside.is_empty() { heard.watch.would_write(self.conn, sql, writes) } else { writes };
        heard.watch.begin(Beginning {
            sql,
            values: has_values.then(|| statement.expanded_sql()).flatten(),
            writes,
            by_session: true,
            beside: heard.beside,
            attached: Vec::new(),
            changes: self.conn.total_changes(),
        })
    }

    /// Tells how it ended.
    fn told(self, begun: Option<Begun>, done: rusqlite::Result<usize>) -> rusqlite::Result<usize> {
        if let Some(begun) = begun {
            begun.end(self.conn.total_changes(), self.conn.changes(), Some(outcome(&done)));
        }
        done
    }

    /// Tries until no table lock is in the way or the time is up.
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

/// The columns that a query would give, which is not run.
pub(super) fn columns(conn: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let statement = spared(|| conn.prepare_cached(query))?;
    Ok(column_names(&statement))
}

/// Whether the statement itself succeeded: what its reader makes of a row is no part of it.
fn outcome(done: &rusqlite::Result<usize>) -> Result<(), String> {
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
