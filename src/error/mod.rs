//! What can go wrong: what was asked, what was found, what to do next.

mod words;

use std::fmt;
use std::path::PathBuf;

use crate::key::BindKey;
use crate::orphan::Orphan;
pub(crate) use words::{argument, is_denied, is_lock, list, sql_name, sqlite_message};
use words::{
    at, elsewhere, example, in_file, in_the_way, meant, nearest_tables, other_spelling, place, shown, statement,
};

/// A result of this crate.
///
/// ```
/// # use multibind::{Bind, Harness};
/// fn names(db: &Harness) -> multibind::Result<Vec<String>> {
///     db.session().query("SELECT name FROM user", [], |row| row.get(0))
/// }
///
/// # let user = "CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
/// assert_eq!(names(&db)?, ["ann"]);
/// # Ok::<(), multibind::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the bind it went wrong in.
///
/// Every message says what was asked, what was found and what to do next. No message holds a password.
///
/// ```
/// use multibind::{Bind, Harness};
///
/// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).start()?;
/// let error = db.pool("audit").unwrap_err();
/// assert_eq!(error.to_string(), "no bind `audit`: configured are default, auth");
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not one bind is configured.
    #[error("no bind is configured: set a default or a named bind")]
    NoBind,

    /// A key that cannot name a bind.
    #[error("`{key}` cannot be a bind key: {problem}")]
    BindKey {
        /// The key.
        key: String,
        /// Why it cannot be one.
        problem: &'static str,
    },

    /// A key that is configured twice, or two keys that SQL cannot tell apart.
    #[error("bind `{bind}` is configured twice{}", other_spelling(bind, first))]
    DuplicateBind {
        /// The key that came second.
        bind: BindKey,
        /// The key that came first.
        first: BindKey,
    },

    /// A key that no configured bind has.
    #[error("no bind `{}`: configured are {}{}", shown(&bind.to_string()), list(configured), meant(bind, configured))]
    UnknownBind {
        /// The key that was asked for.
        bind: BindKey,
        /// The configured keys.
        configured: Vec<BindKey>,
    },

    /// The default bind was asked for and none is configured.
    #[error(
        "no default bind{}: configured are {}; set one with `default_bind` or `[default]`, or name a bind with \
         `on(key)` or a qualified table", what.as_deref().map(|what| format!(" for {what}")).unwrap_or_default(), list(configured)
    )]
    NoDefaultBind {
        /// What needed it, a statement for example.
        what: Option<String>,
        /// The configured keys.
        configured: Vec<BindKey>,
    },

    /// A configuration that does not say a thing that can be done.
    #[error("{}{problem}", place(file, *line))]
    Config {
        /// The file, where there is one.
        file: Option<PathBuf>,
        /// The line in it, counted from 1.
        line: Option<usize>,
        /// The bind it is about, where it is about one.
        bind: Option<BindKey>,
        /// What is wrong and what would be right.
        problem: String,
    },

    /// A database URL that names no database.
    #[error("{}bind `{bind}`: {problem}", place(file, *line))]
    Url {
        /// The file, where the URL is in one.
        file: Option<PathBuf>,
        /// The line in it, counted from 1.
        line: Option<usize>,
        /// The bind.
        bind: BindKey,
        /// What is wrong, with the URL (its password left out) and the forms that work.
        problem: String,
    },

    /// A schema that SQLite, a migrator or the file system refused.
    #[error("bind `{bind}`: the schema failed{}: {problem}", at(file, *line))]
    Schema {
        /// The bind.
        bind: BindKey,
        /// The file, where the schema is in one.
        file: Option<PathBuf>,
        /// The line in the file or the SQL text, counted from 1.
        line: Option<usize>,
        /// The message, SQLite's where it is SQLite's.
        problem: String,
    },

    /// A foreign key whose parent table is in another bind.
    #[error(
        "table `{table}` in bind `{bind}` has a foreign key to `{parent}`, which is not in bind `{bind}` but in {}: \
         SQLite cannot enforce it. Give `{table}` the bind key of its parent; or declare a reference in place of the \
         foreign key, with `reference` or `[[references]]`; or allow it with `allow_missing_parents`",
        list(found)
    )]
    ForeignParent {
        /// The bind of the table with the foreign key.
        bind: BindKey,
        /// The table with the foreign key.
        table: String,
        /// The table it refers to.
        parent: String,
        /// The binds that have a table of that name.
        found: Vec<BindKey>,
    },

    /// Data that could not be loaded; nothing was, in any bind.
    #[error("{}: {problem}; nothing was loaded", in_file(file, *line, bind.as_ref()))]
    Data {
        /// The file.
        file: PathBuf,
        /// The line in it, counted from 1, where one is to blame.
        line: Option<usize>,
        /// The bind it was for, once that was known.
        bind: Option<BindKey>,
        /// What is wrong.
        problem: String,
    },

    /// A table that no bind has.
    #[error("no table `{}` in any bind{}", shown(table), nearest_tables(nearest))]
    UnknownTable {
        /// The name that was asked for.
        table: String,
        /// The nearest names, each with its bind.
        nearest: Vec<(BindKey, String)>,
    },

    /// A table that the bind which was named does not have.
    #[error("no table `{table}` in bind `{bind}`{}{}", elsewhere(found), nearest_tables(nearest))]
    NotInBind {
        /// The bind.
        bind: BindKey,
        /// The name that was asked for.
        table: String,
        /// The binds that have a table of that name.
        found: Vec<BindKey>,
        /// The nearest names where there is none, each with its bind.
        nearest: Vec<(BindKey, String)>,
    },

    /// A name that tables in several binds have.
    #[error(
        "table `{table}` is in the binds {}: say which, with `{}.{}` in the SQL or with `on({})`",
        list(binds), sql_name(example(binds).schema_name()), sql_name(table), argument(example(binds)))]
    AmbiguousTable {
        /// The name.
        table: String,
        /// The binds that have it.
        binds: Vec<BindKey>,
    },

    /// A statement that SQLite refused.
    #[error("bind `{bind}`: {}{}", shown(&sqlite_message(source)), statement(sql))]
    Sql {
        /// The bind it ran on.
        bind: BindKey,
        /// The statement, empty where there was none.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A statement that waited for another connection's lock as long as the busy timeout allows.
    #[error(
        "bind `{bind}`: {}. Another connection has a transaction or an unfinished query open on it: commit or drop \
         it first (a session that is not committed is one). Code under test that writes from several threads wants \
         `Bind::memdb()` or `Bind::temp_file()`{}",
        sqlite_message(source),
        statement(sql)
    )]
    Locked {
        /// The bind.
        bind: BindKey,
        /// The statement, empty where there was none.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A write to a bind that another connection has written to since the session's unit of work first read it.
    #[error(
        "bind `{bind}`: {}. Another connection has written to it since this unit of work first read from it, and \
         what was read is out of date: call `session.rollback()`, then start again{}",
        sqlite_message(source),
        statement(sql)
    )]
    Stale {
        /// The bind.
        bind: BindKey,
        /// The statement.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A statement on a bind whose transaction SQLite has rolled back after an error.
    #[error(
        "bind `{bind}`: an earlier error made SQLite roll the transaction back: call `session.rollback()`, then start \
         the unit of work again"
    )]
    RolledBack {
        /// The bind.
        bind: BindKey,
    },

    /// A statement that SQLite does not accept in any bind.
    #[error("SQLite does not accept the statement: {}{}", shown(&sqlite_message(source)), statement(sql))]
    Prepare {
        /// The statement.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A session that was to be committed while a savepoint of it is open.
    #[error(
        "the session cannot commit while a savepoint is open: commit or drop what `session.savepoint()` gave first; \
         `session.rollback()` ends one that was forgotten"
    )]
    OpenSavepoint,

    /// A harness that was to be closed while sessions of it are alive.
    #[error("the harness is still in use: {} before `close`", match sessions {
        1 => "a session of it is alive; drop it".to_string(),
        sessions => format!("{sessions} sessions of it are alive; drop them"),
    })]
    StillInUse {
        /// How many.
        sessions: usize,
    },

    /// A statement that the session does not run.
    #[error("the session does not run this statement: {problem}{}", statement(sql))]
    Statement {
        /// The statement.
        sql: String,
        /// Why not, and the call to use instead.
        problem: String,
    },

    /// A statement that writes to one bind and reads from another, or writes to several.
    #[error("a statement cannot write to bind `{}` and use {} too: {hint}{}", write, list(others), statement(sql))]
    CrossBindWrite {
        /// The bind it writes to.
        write: BindKey,
        /// The other binds it uses.
        others: Vec<BindKey>,
        /// What to write instead.
        hint: String,
        /// The statement.
        sql: String,
    },

    /// A commit that did not succeed in every bind; separate databases have no common commit.
    #[error(
        "commit failed in bind `{failed}`: {}. Committed: {}; rolled back: {}",
        sqlite_message(source),
        list(committed),
        list(rolled_back)
    )]
    Commit {
        /// The bind whose commit failed.
        failed: BindKey,
        /// The binds that were committed before it, and stay so.
        committed: Box<[BindKey]>,
        /// The binds that were rolled back, the failed one included.
        rolled_back: Box<[BindKey]>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A bind whose state is not settled, because another connection has a write transaction open on it.
    #[error(
        "bind `{bind}` is being written to: another connection has a transaction open on it ({source}). Commit it or roll \
         it back first; a session that is not committed is one"
    )]
    InUse {
        /// The bind.
        bind: BindKey,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A restore that did not succeed in every bind.
    #[error("cannot restore bind `{failed}`: {source}{}. Restored: {}", in_the_way(source), list(restored))]
    Restore {
        /// The bind that could not be put back.
        failed: BindKey,
        /// The binds that were put back before it, and stay so. None where another connection is in the way, for that is
        /// looked at first.
        restored: Vec<BindKey>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A snapshot that was used with a harness it is not of.
    #[error(
        "the snapshot is of another harness, with the binds {}: take one with `snapshot()` of the harness it is for",
        list(binds)
    )]
    ForeignSnapshot {
        /// The binds of the harness that it is of.
        binds: Vec<BindKey>,
    },

    /// A commit that would leave rows that refer to a row in another bind that is not there; nothing was committed.
    #[error(
        "commit refused, nothing was committed in any bind: {}. Write what they refer to and commit again, or roll back",
        orphans.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Orphans {
        /// The rows.
        orphans: Vec<Orphan>,
    },

    /// A pool that gave no connection.
    #[error("bind `{bind}`: the pool gave no connection: {source}")]
    Pool {
        /// The bind.
        bind: BindKey,
        /// The pool's answer.
        source: r2d2::Error,
    },

    /// A row that cannot be used as it is.
    #[error("row: {problem}")]
    Row {
        /// What is wrong with it.
        problem: String,
    },

    /// A file or folder that could not be used.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// As people read it: a test that returns or unwraps an error prints it so.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// For `map_err`: SQLite's answer to a statement on a bind.
    pub(crate) fn sql<'a>(bind: &'a BindKey, sql: &'a str) -> impl FnOnce(rusqlite::Error) -> Error + 'a {
        move |source| match is_lock(&source) {
            true => Error::Locked { bind: bind.clone(), sql: sql.to_string(), source },
            false => Error::Sql { bind: bind.clone(), sql: sql.to_string(), source },
        }
    }

    /// The error with the statement that it kept from running, where it has none.
    pub(crate) fn before(mut self, statement: &str) -> Error {
        if let Error::Sql { sql, .. } | Error::Locked { sql, .. } | Error::Stale { sql, .. } = &mut self
            && sql.is_empty()
        {
            *sql = statement.to_string();
        }
        self
    }

    /// A row with a column that a table does not have.
    pub(crate) fn no_column(bind: &BindKey, table: &str, column: &str, columns: &[String]) -> Error {
        let columns = list(columns);
        let problem = format!("no column `{column}` in table `{table}` of bind `{bind}`, whose columns are {columns}");
        Error::Row { problem }
    }

    /// For `map_err`: the system's answer to an operation on a path.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { action, path: path.into(), source }
    }
}
