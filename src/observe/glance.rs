//! Reading a bind without waiting for a lock and without leaving one.
//!
//! Every read goes into a temporary table of this crate's own connection, by one statement that returns no row: so
//! SQLite runs it from beginning to end in one call. In a shared cache that call holds the cache's mutex, and the locks
//! that it takes come and go under it: no other connection ever sees them, while those of a query that is read row by
//! row would make a writer fail. See <https://sqlite.org/sharedcache.html>.

use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection};

use crate::database::Database;
use crate::error::{is_lock, sqlite_message};
use crate::row::Row;
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{collation_of, column_names, has_collation, is_locked_out, stand_in_for_collations, SCHEMA};

/// A bind's own connection, with which to look once.
pub(super) struct Glance<'c> {
    conn: &'c Connection,
    shared_cache: bool,
    /// A connection with the bind's own collations, where this one orders text by its bytes under any other.
    own: Option<Connection>,
}

/// The rows of a shared cache that are seen; elsewhere there are only those that are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Committed rows. A table that an open transaction has written to cannot be read.
    Committed,
    /// Rows as open transactions have left them.
    Open,
}

/// Looks at a bind once. Where a lock blocks it, that is an error, at once.
pub(super) fn glance<T>(
    database: &Database,
    view: View,
    look: impl Fn(&Glance<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut seen = Err(rusqlite::Error::QueryReturnedNoRows);
    // Compiled once, whatever is looked for.
    with_glance(database, view, false, &mut |glance| seen = look(glance))?;
    seen
}

/// Looks at one table, and where SQLite does not read all of it, as [`glance_carefully`] does; `None` from that is the first
/// error.
pub(super) fn glance_at<T>(
    database: &Database,
    view: View,
    table: &str,
    look: &dyn Fn(&Glance<'_>) -> rusqlite::Result<T>,
    carefully: &dyn Fn(&Glance<'_>) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<T> {
    let seen = glance(database, view, |glance| {
        glance.check_collations(table)?;
        look(glance).map_err(|error| glance.named(error, table))
    });
    match seen {
        Err(error) if !is_lock(&error) => glance_carefully(database, view, carefully)?.ok_or(error),
        seen => seen,
    }
}

fn no_collation(name: &str) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR);
    rusqlite::Error::SqliteFailure(code, Some(format!("no such collation sequence: {name}")))
}

/// Looks once on a separate connection, which reads what is ordered by a collation that only the application has. See
/// [`stand_in_for_collations`] for what must not be asked of it.
fn glance_carefully<T>(
    database: &Database,
    view: View,
    look: impl Fn(&Glance<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut seen = Err(rusqlite::Error::QueryReturnedNoRows);
    with_glance(database, view, true, &mut |glance| seen = look(glance))?;
    seen
}

fn with_glance(
    database: &Database,
    view: View,
    careful: bool,
    look: &mut dyn FnMut(&Glance<'_>),
) -> rusqlite::Result<()> {
    // One that nobody has written to is its image: a copy of that is cheaper to look at, and a connection of its own would
    // make it one that is no longer known to be as it was.
    let at_copy = database.look_at_copy(careful, |conn| {
        look(&Glance::of(database, conn, false, careful)?);
        Ok(())
    });
    if let Some(looked) = at_copy {
        return looked?;
    }
    let shared_cache = database.is_shared_cache();
    let look = |conn: &mut Connection| {
        let glance = Glance::of(database, conn, shared_cache, careful)?;
        if shared_cache {
            glance.unlocked(SCHEMA)?;
            conn.pragma_update(None, "read_uncommitted", view == View::Open)?;
        }
        look(&glance);
        if shared_cache {
            // A lock on the schema may block it by now. The next look sets it anew before it reads.
            let _ = conn.pragma_update(None, "read_uncommitted", false);
        }
        Ok(())
    };
    if careful {
        database.look_apart(look)
    } else {
        database.look_as_set_up(look)
    }
}

impl<'c> Glance<'c> {
    fn of(
        database: &Database,
        conn: &'c Connection,
        shared_cache: bool,
        careful: bool,
    ) -> rusqlite::Result<Glance<'c>> {
        if !careful {
            return Ok(Glance { conn, shared_cache, own: None });
        }
        let own = open_in_memory()?;
        database.set_up(&own)?;
        stand_in_for_collations(conn)?;
        Ok(Glance { conn, shared_cache, own: Some(own) })
    }
}

impl Glance<'_> {
    /// Returns whether the collation of a column is not its own.
    pub(super) fn stands_in_for_collation_of(&self, table: &str, column: &str) -> rusqlite::Result<bool> {
        let Some(own) = &self.own else { return Ok(false) };
        Ok(collation_of(self.conn, table, column)?.is_some_and(|name| !has_collation(own, &name)))
    }

    /// Refuses a table of a shared cache whose index needs a collation that SQLite lacks: once a connection has lacked it, SQLite
    /// no longer uses the index for anybody, for it marks the schema, which all of them share.
    fn check_collations(&self, table: &str) -> rusqlite::Result<()> {
        if self.shared_cache
            && let Some(name) = self.lacking_collation_of(table)?
        {
            return Err(no_collation(&name));
        }
        Ok(())
    }

    /// Returns the error with the name of the collation that SQLite lacks, if that is its cause. On one connection SQLite
    /// says so once, and from then on only that it cannot read the table.
    fn named(&self, error: rusqlite::Error, table: &str) -> rusqlite::Error {
        if sqlite_message(&error) == "no query solution"
            && let Ok(Some(name)) = self.lacking_collation_of(table)
        {
            return no_collation(&name);
        }
        error
    }

    /// Finds a collation that SQLite lacks, in whose order an index of the table stands, or the table itself.
    fn lacking_collation_of(&self, table: &str) -> rusqlite::Result<Option<String>> {
        let table = Value::Text(table.to_string());
        let query = "SELECT DISTINCT c.coll AS name FROM pragma_index_list(?, 'main') AS i \
             CROSS JOIN pragma_index_xinfo(i.name, 'main') AS c WHERE c.coll IS NOT NULL";
        for collation in self.rows(query, &[&table])? {
            if let Some(Value::Text(name)) = collation.value("name")
                && !has_collation(self.conn, name)
            {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Returns the columns that a query would give, which is not run.
    pub(super) fn columns(&self, query: &str) -> rusqlite::Result<Vec<String>> {
        self.unlocked(SCHEMA)?;
        let statement = self.conn.prepare_cached(query)?;
        Ok(column_names(&statement))
    }

    /// Returns the rows of a query.
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

    /// Returns whether the program of a statement, which is not run, has an instruction of this name.
    pub(super) fn has_instruction(&self, sql: &str, name: &str) -> rusqlite::Result<bool> {
        self.unlocked(SCHEMA)?;
        let mut program = self.conn.prepare(&format!("EXPLAIN {sql}"))?;
        let mut found = program.raw_query();
        while let Some(instruction) = found.next()? {
            if instruction.get_ref("opcode")?.as_str().is_ok_and(|opcode| opcode == name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns an error if a lock blocks a query: where an application has built rusqlite with `unlock_notify`, it
    /// would wait for that lock without a limit.
    fn unlocked(&self, query: &str) -> rusqlite::Result<()> {
        if self.shared_cache && is_locked_out(self.conn, query) {
            Err(locked(query))
        } else {
            Ok(())
        }
    }
}

fn locked(query: &str) -> rusqlite::Error {
    let what = if query == SCHEMA { "schema" } else { "table" };
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_LOCKED_SHAREDCACHE);
    rusqlite::Error::SqliteFailure(code, Some(format!("database {what} is locked")))
}
