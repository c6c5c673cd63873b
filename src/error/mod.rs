//! What can go wrong: what was asked, what was found, what to do next.

mod conflict;
mod display;
mod words;

use std::path::PathBuf;

use crate::key::BindKey;
use crate::orphan::Orphan;
pub use conflict::Conflict;
pub(crate) use words::{
    advised, argument, arguments, capitalized, chain, held, is_denied, is_identifier, is_lock, joined_by, list,
    panic_message, sql_name, sqlite_message, OPEN,
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
#[non_exhaustive]
pub enum Error {
    /// Not one bind is configured.
    NoBind,

    /// A key that cannot name a bind.
    BindKey {
        /// The key.
        key: String,
        /// Why it cannot be one.
        problem: &'static str,
    },

    /// A key that is configured twice, or two keys that SQL cannot tell apart.
    DuplicateBind {
        /// The key that came second.
        bind: BindKey,
        /// The key that came first.
        first: BindKey,
    },

    /// A key that no configured bind has.
    UnknownBind {
        /// The key that was asked for.
        bind: BindKey,
        /// The configured keys.
        configured: Vec<BindKey>,
    },

    /// The default bind was asked for and none is configured.
    NoDefaultBind {
        /// What needed it, a statement for example.
        what: Option<String>,
        /// The configured keys.
        configured: Vec<BindKey>,
    },

    /// A [dynamic bind](crate::Bind::dynamic) of which no database, or none that can be used so, is meant.
    Dynamic {
        /// The bind.
        bind: BindKey,
        /// Why not, and what to do.
        problem: String,
    },

    /// A bind that is not dynamic, where one is needed that is.
    NotDynamic {
        /// The bind.
        bind: BindKey,
    },

    /// A value that a context does not have.
    Context {
        /// The name that was asked for.
        name: String,
        /// The names that it has.
        known: Vec<String>,
    },

    /// A configuration that does not say a thing that can be done.
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
    UnknownTable {
        /// The name that was asked for.
        table: String,
        /// The nearest names, each with its bind.
        nearest: Vec<(BindKey, String)>,
    },

    /// A table that the bind which was named does not have.
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
    AmbiguousTable {
        /// The name.
        table: String,
        /// The binds that have it.
        binds: Vec<BindKey>,
    },

    /// A statement that SQLite refused.
    Sql {
        /// The bind it ran on.
        bind: BindKey,
        /// The statement, empty where there was none.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A statement that waited for another connection's lock as long as the busy timeout allows.
    Locked {
        /// The bind.
        bind: BindKey,
        /// The statement, empty where there was none.
        sql: String,
        /// Who holds the lock and who wants it, as far as that is known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A write to a bind that another connection has written to since the session's unit of work first read it.
    Stale {
        /// The bind.
        bind: BindKey,
        /// The statement.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A statement on a bind whose transaction SQLite has rolled back after an error.
    RolledBack {
        /// The bind.
        bind: BindKey,
    },

    /// A statement that SQLite does not accept in any bind.
    Prepare {
        /// The statement.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A session that was to be committed while a savepoint of it is open.
    OpenSavepoint,

    /// A statement of a session that a guard of the test refuses; it was not run.
    Guarded {
        /// The bind that it was for.
        bind: BindKey,
        /// The guard, as the test wrote it, and its place there: file, line and column.
        guard: String,
        /// The statement.
        sql: String,
    },

    /// A harness that was to be closed while sessions of it are alive.
    StillInUse {
        /// How many.
        sessions: usize,
    },

    /// A statement that the session does not run.
    Statement {
        /// The statement.
        sql: String,
        /// Why not, and the call to use instead.
        problem: String,
    },

    /// A statement that writes to one bind and reads from another, or writes to several.
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
    Commit {
        /// The bind whose commit failed.
        failed: BindKey,
        /// The binds that were committed before it, and stay so.
        committed: Box<[BindKey]>,
        /// The binds that were rolled back, the failed one included.
        rolled_back: Box<[BindKey]>,
        /// SQLite's answer; with who holds the lock, where one is in the way and that is known.
        source: rusqlite::Error,
    },

    /// A fault that a bind cannot have.
    Fault {
        /// The bind.
        bind: BindKey,
        /// Why not, and what to use instead.
        problem: String,
    },

    /// A bind whose committed state cannot be read, because another connection keeps everyone else from reading.
    InUse {
        /// The bind.
        bind: BindKey,
        /// Who holds the lock and who wants it, as far as that is known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A restore that did not succeed in every bind.
    Restore {
        /// The bind that could not be put back.
        failed: BindKey,
        /// The binds that were put back before it, and stay so. None where another connection is in the way, for that is
        /// looked at first.
        restored: Vec<BindKey>,
        /// Who holds the lock and who wants it, as far as that is known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A snapshot that was used with a harness it is not of.
    ForeignSnapshot {
        /// The binds of the harness that it is of.
        binds: Vec<BindKey>,
    },

    /// A commit that would leave rows that refer to a row in another bind that is not there; nothing was committed.
    Orphans {
        /// The rows.
        orphans: Vec<Orphan>,
    },

    /// A bind that was to follow its source, and has none.
    NotAReplica {
        /// The bind.
        bind: BindKey,
        /// The replicas that there are.
        replicas: Vec<BindKey>,
    },

    /// A pool that gave no connection.
    Pool {
        /// The bind.
        bind: BindKey,
        /// The pool's answer.
        source: r2d2::Error,
    },

    /// A row that cannot be used as it is.
    Row {
        /// What is wrong with it.
        problem: String,
    },

    /// A file or folder that could not be used.
    Io {
        /// The bind whose database is in it, where it is one's.
        bind: Option<BindKey>,
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Sql { source, .. }
            | Error::Locked { source, .. }
            | Error::Stale { source, .. }
            | Error::Prepare { source, .. }
            | Error::Commit { source, .. }
            | Error::InUse { source, .. }
            | Error::Restore { source, .. } => Some(source),
            Error::Pool { source, .. } => Some(source),
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Error {
    /// For `map_err`: SQLite's answer to a statement on a bind.
    pub(crate) fn sql<'a>(bind: &'a BindKey, sql: &'a str) -> impl FnOnce(rusqlite::Error) -> Error + 'a {
        move |source| match is_lock(&source) {
            true => Error::Locked { bind: bind.clone(), sql: sql.to_string(), conflict: None, source },
            false => Error::Sql { bind: bind.clone(), sql: sql.to_string(), source },
        }
    }

    /// The error with who is in the way, where somebody is.
    pub(crate) fn held_by(mut self, find: impl FnOnce() -> Option<Box<Conflict>>) -> Error {
        if let Error::Locked { conflict, .. } = &mut self {
            *conflict = find();
        }
        self
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
        move |source| Error::Io { bind: None, action, path: path.into(), source }
    }

    /// For `map_err`: the error of a file or folder with the bind whose database is in it.
    pub(crate) fn of_bind(key: &BindKey) -> impl FnOnce(Error) -> Error + '_ {
        move |error| match error {
            Error::Io { bind: None, action, path, source } => {
                Error::Io { bind: Some(key.clone()), action, path, source }
            }
            error => error,
        }
    }
}
