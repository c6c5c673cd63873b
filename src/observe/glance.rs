//! Reading a bind without waiting for a lock and without leaving one.
//!
//! What is read is put into a temporary table of this crate's own connection, by one statement that returns no row: so
//! SQLite runs it from beginning to end in one call. In a shared cache that call holds the cache's mutex, and the locks
//! that it takes come and go under it: no other connection ever sees them, while those of a query that is read row by
//! row would make a writer fail. See <https://sqlite.org/sharedcache.html>.

use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection};

use crate::database::{is_locked_out, Database, SCHEMA};
use crate::row::Row;

/// A bind's own connection, with which to look once.
pub(super) struct Glance<'c> {
    conn: &'c Connection,
    shared_cache: bool,
}

/// Which rows of a shared cache are seen; elsewhere there are only those that are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// What is committed. A table that an open transaction has written to cannot be read.
    Committed,
    /// What open transactions have made of it.
    Open,
}

/// Looks at a bind once. Where a lock is in the way that is an error, at once.
pub(super) fn glance<T>(
    database: &Database,
    view: View,
    look: impl Fn(&Glance<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut seen = Err(rusqlite::Error::QueryReturnedNoRows);
    // Compiled once, whatever is looked for.
    with_glance(database, view, &mut |glance| seen = look(glance))?;
    seen
}

fn with_glance(database: &Database, view: View, look: &mut dyn FnMut(&Glance<'_>)) -> rusqlite::Result<()> {
    // One that nobody has written to is its image: a copy of that is cheaper to look at, and a connection of its own would
    // make it one that is no longer known to be as it was.
    if let Some(looked) = database.look_at_copy(|conn| look(&Glance { conn, shared_cache: false })) {
        return looked;
    }
    let shared_cache = database.is_shared_cache();
    database.look_as_set_up(|conn| {
        let glance = Glance { conn, shared_cache };
        if shared_cache {
            glance.unlocked(SCHEMA)?;
            conn.pragma_update(None, "read_uncommitted", view == View::Open)?;
        }
        look(&glance);
        if shared_cache {
            // A lock on the schema may be in the way by now. The next look sets it anew before it reads.
            let _ = conn.pragma_update(None, "read_uncommitted", false);
        }
        Ok(())
    })
}

impl Glance<'_> {
    /// The columns that a query would give, which is not run.
    pub(super) fn columns(&self, query: &str) -> rusqlite::Result<Vec<String>> {
        self.unlocked(SCHEMA)?;
        let statement = self.conn.prepare_cached(query)?;
        let mut columns = Vec::with_capacity(statement.column_count());
        for name in statement.column_names() {
            columns.push(name.to_string());
        }
        Ok(columns)
    }

    /// What a query gives.
    pub(super) fn rows(&self, query: &str, values: &[&Value]) -> rusqlite::Result<Vec<Row>> {
        let columns = self.columns(query)?;
        let seen = format!("temp.multibind_{}", columns.len());
        let mut names = Vec::with_capacity(columns.len());
        for at in 0..columns.len() {
            names.push(format!("c{at}"));
        }
        let names = names.join(", ");
        // Columns without a type leave every value as it is.
        self.conn.prepare_cached(&format!("CREATE TABLE IF NOT EXISTS {seen} ({names})"))?.execute([])?;
        self.conn.prepare_cached(&format!("DELETE FROM {seen}"))?.execute([])?;
        self.unlocked(&format!("SELECT 1 FROM ({query}) LIMIT 0"))?;
        // Materialized, or SQLite writes a generated `REAL` column's 1.0 as it computes it, which is the integer 1.
        let insert = format!("INSERT INTO {seen} WITH seen AS MATERIALIZED ({query}) SELECT * FROM seen");
        self.conn.prepare_cached(&insert)?.execute(params_from_iter(values))?;

        let mut statement = self.conn.prepare_cached(&format!("SELECT * FROM {seen} ORDER BY rowid"))?;
        let mut found = statement.query([])?;
        Row::all_from_sql(&columns, &mut found)
    }

    /// The error, if a lock is in the way of a query: where an application has built rusqlite with `unlock_notify`, it
    /// would wait for that lock without a limit.
    fn unlocked(&self, query: &str) -> rusqlite::Result<()> {
        match self.shared_cache && is_locked_out(self.conn, query) {
            true => Err(locked(query)),
            false => Ok(()),
        }
    }
}

fn locked(query: &str) -> rusqlite::Error {
    let what = if query == SCHEMA { "schema" } else { "table" };
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_LOCKED_SHAREDCACHE);
    rusqlite::Error::SqliteFailure(code, Some(format!("database {what} is locked")))
}
