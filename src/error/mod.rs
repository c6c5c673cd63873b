//! What can go wrong: what was asked, what was found, what to do next.

mod conflict;
mod debug;
mod display;
mod orphan;
mod words;

use std::path::PathBuf;

use crate::key::BindKey;
pub use conflict::Conflict;
pub use orphan::Orphan;
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
    #[non_exhaustive]
    BindKey {
        /// The key.
        key: BindKey,
        /// Why it cannot be one.
        problem: &'static str,
    },

    /// A key that is configured twice, or two keys that SQL cannot tell apart.
    #[non_exhaustive]
    DuplicateBind {
        /// The key that came second.
        bind: BindKey,
        /// The key that came first.
        first: BindKey,
    },

    /// A key that no configured bind has.
    #[non_exhaustive]
    UnknownBind {
        /// The key that was asked for.
        bind: BindKey,
        /// The configured keys.
        configured: Vec<BindKey>,
    },

    /// The default bind was asked for and none is configured.
    #[non_exhaustive]
    NoDefaultBind {
        /// What needed it, a statement for example.
        what: Option<String>,
        /// The configured keys.
        configured: Vec<BindKey>,
    },

    /// A [dynamic bind](crate::Bind::dynamic) of which no database, or none that can be used so, is meant.
    #[non_exhaustive]
    Dynamic {
        /// The bind.
        bind: BindKey,
        /// Why not, and what to do.
        problem: String,
    },

    /// A bind that is not dynamic, where one is needed that is.
    #[non_exhaustive]
    NotDynamic {
        /// The bind.
        bind: BindKey,
    },

    /// A value that a context does not have.
    #[non_exhaustive]
    Context {
        /// The name that was asked for.
        name: String,
        /// The names that it has.
        known: Vec<String>,
    },

    /// A configuration that does not say a thing that can be done.
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
    UnknownTable {
        /// The name that was asked for.
        table: String,
        /// The nearest names, each with its bind.
        nearest: Vec<(BindKey, String)>,
    },

    /// A table that the bind which was named does not have.
    #[non_exhaustive]
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
    #[non_exhaustive]
    AmbiguousTable {
        /// The name.
        table: String,
        /// The binds that have it.
        binds: Vec<BindKey>,
    },

    /// A statement that SQLite refused.
    #[non_exhaustive]
    Sql {
        /// The bind it ran on.
        bind: BindKey,
        /// The statement, where there was one.
        sql: Option<String>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A statement that waited for another connection's lock as long as the busy timeout allows.
    #[non_exhaustive]
    Locked {
        /// The bind.
        bind: BindKey,
        /// The statement, where there was one.
        sql: Option<String>,
        /// Who holds the lock and who wants it, as far as that is known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A write to a bind that another connection has written to since the session's unit of work first read it.
    #[non_exhaustive]
    Stale {
        /// The bind.
        bind: BindKey,
        /// The statement, where there was one.
        sql: Option<String>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A statement on a bind whose transaction SQLite has rolled back after an error.
    #[non_exhaustive]
    RolledBack {
        /// The bind.
        bind: BindKey,
    },

    /// A statement that SQLite does not accept in any bind.
    #[non_exhaustive]
    Prepare {
        /// The statement.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A session that was to be committed while a savepoint of it is open.
    OpenSavepoint,

    /// A statement of a session that a guard of the test refuses; it was not run.
    #[non_exhaustive]
    Guarded {
        /// The bind that it was for.
        bind: BindKey,
        /// The guard, as the test wrote it, and its place there: file, line and column.
        guard: String,
        /// The statement.
        sql: String,
    },

    /// A harness that was to be closed while sessions of it are alive.
    #[non_exhaustive]
    StillInUse {
        /// How many.
        sessions: usize,
    },

    /// A statement that the session does not run.
    #[non_exhaustive]
    Statement {
        /// The statement.
        sql: String,
        /// Why not, and the call to use instead.
        problem: String,
    },

    /// A statement that writes to one bind and reads from another, or writes to several.
    #[non_exhaustive]
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
    #[non_exhaustive]
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
    #[non_exhaustive]
    Fault {
        /// The bind.
        bind: BindKey,
        /// Why not, and what to use instead.
        problem: String,
    },

    /// A bind whose committed state cannot be read, because another connection keeps everyone else from reading.
    #[non_exhaustive]
    InUse {
        /// The bind.
        bind: BindKey,
        /// Who holds the lock and who wants it, as far as that is known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A restore that did not succeed in every bind.
    #[non_exhaustive]
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
    #[non_exhaustive]
    ForeignSnapshot {
        /// The binds of the harness that it is of.
        binds: Vec<BindKey>,
    },

    /// A commit that would leave rows that refer to a row in another bind that is not there; nothing was committed.
    #[non_exhaustive]
    Orphans {
        /// The rows.
        orphans: Vec<Orphan>,
    },

    /// A bind that was to follow its source, and has none.
    #[non_exhaustive]
    NotAReplica {
        /// The bind.
        bind: BindKey,
        /// The replicas that there are.
        replicas: Vec<BindKey>,
    },

    /// A pool that gave no connection.
    #[non_exhaustive]
    Pool {
        /// The bind.
        bind: BindKey,
        /// The pool's answer.
        source: r2d2::Error,
    },

    /// A row that cannot be used as it is.
    #[non_exhaustive]
    Row {
        /// What is wrong with it.
        problem: String,
    },

    /// A file or folder that could not be used.
    #[non_exhaustive]
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
    /// Makes an error of SQLite's answer to something on a bind that is no statement of the user's; for `map_err`.
    pub(crate) fn sql(bind: &BindKey) -> impl FnOnce(rusqlite::Error) -> Error + '_ {
        move |source| Error::sqlite(bind, None, source)
    }

    /// Makes an error of SQLite's answer to a statement on a bind; for `map_err`.
    pub(crate) fn sql_in<'a>(bind: &'a BindKey, sql: &'a str) -> impl FnOnce(rusqlite::Error) -> Error + 'a {
        move |source| Error::sqlite(bind, Some(sql), source)
    }

    /// Makes an error of SQLite's answer.
    pub(crate) fn sqlite(bind: &BindKey, sql: Option<&str>, source: rusqlite::Error) -> Error {
        let (bind, sql) = (bind.clone(), sql.map(str::to_string));
        if is_lock(&source) {
            Error::Locked { bind, sql, conflict: None, source }
        } else {
            Error::Sql { bind, sql, source }
        }
    }

    /// Adds who holds the lock, where one is held.
    pub(crate) fn held_by(mut self, find: impl FnOnce() -> Option<Box<Conflict>>) -> Error {
        if let Error::Locked { conflict, .. } = &mut self {
            *conflict = find();
        }
        self
    }

    /// Adds the statement that it kept from running, where it has none.
    pub(crate) fn before(mut self, statement: &str) -> Error {
        if let Error::Sql { sql, .. } | Error::Locked { sql, .. } | Error::Stale { sql, .. } = &mut self {
            sql.get_or_insert_with(|| statement.to_string());
        }
        self
    }

    /// Returns the error for a row with a column that a table does not have.
    pub(crate) fn no_column(bind: &BindKey, table: &str, column: &str, columns: &[String]) -> Error {
        let columns = list(columns);
        let problem = format!("no column `{column}` in table `{table}` of bind `{bind}`, whose columns are {columns}");
        Error::Row { problem }
    }

    /// Makes an error of the system's answer to an operation on a path; for `map_err`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { bind: None, action, path: path.into(), source }
    }

    /// Adds the bind whose database is in a file or folder; for `map_err`.
    pub(crate) fn of_bind(key: &BindKey) -> impl FnOnce(Error) -> Error + '_ {
        move |error| match error {
            Error::Io { bind: None, action, path, source } => {
                Error::Io { bind: Some(key.clone()), action, path, source }
            }
            error => error,
        }
    }
}
