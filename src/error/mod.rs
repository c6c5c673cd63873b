//! Errors: the request, the finding, the next step.

mod answers;
mod caller;
mod conflict;
mod debug;
mod display;
mod orphan;
mod unreadable;
mod words;

use std::path::PathBuf;

use crate::key::BindKey;
pub(crate) use caller::{called, Caller, LastWords, Returned};
pub use conflict::Conflict;
pub use orphan::Orphan;
pub(crate) use orphan::Parent;
pub(crate) use unreadable::unreadable;
pub(crate) use words::{
    advised, argument, arguments, capitalized, chain, held, is_denied, is_identifier, is_lock, joined_by, list,
    panic_message, shown_path, sql_name, sqlite_message, OPEN,
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

/// A failure, with the bind it happened in.
///
/// Every message says what was asked, what was found and what to do next; no message holds a password.
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
    /// A configuration without any bind.
    #[non_exhaustive]
    NoBind {
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A linked SQLite that is too old, or was compiled without what every harness needs.
    #[non_exhaustive]
    Library {
        /// The lack.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A key that cannot name a bind.
    #[non_exhaustive]
    BindKey {
        /// The key.
        key: BindKey,
        /// The reason why it cannot be one.
        problem: &'static str,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A key that is configured twice, or two keys that SQL cannot tell apart.
    #[non_exhaustive]
    DuplicateBind {
        /// The key that came second.
        bind: BindKey,
        /// The key that came first.
        first: BindKey,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A key that no configured bind has.
    #[non_exhaustive]
    UnknownBind {
        /// The key that was asked for.
        bind: BindKey,
        /// The configured keys.
        configured: Vec<BindKey>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A request for the default bind where none is configured.
    #[non_exhaustive]
    NoDefaultBind {
        /// The one that needed it, a statement for example.
        what: Option<String>,
        /// The configured keys.
        configured: Vec<BindKey>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A [dynamic bind](crate::Bind::dynamic) used without a usable choice of its database.
    #[non_exhaustive]
    Dynamic {
        /// The bind.
        bind: BindKey,
        /// The reason, and what to do.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A bind that is not dynamic, where a dynamic one is needed.
    #[non_exhaustive]
    NotDynamic {
        /// The bind.
        bind: BindKey,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A value that a context does not have.
    #[non_exhaustive]
    Context {
        /// The name that was asked for.
        name: String,
        /// The names that it has.
        known: Vec<String>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A setting, or a combination of settings, that does not work.
    #[non_exhaustive]
    Config {
        /// The file, where there is one.
        file: Option<PathBuf>,
        /// The line in it, counted from 1.
        line: Option<usize>,
        /// The bind it is about, where it is about one.
        bind: Option<BindKey>,
        /// The mistake, and what would be right.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
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
        /// The mistake, with the URL (its password left out) and the forms that work.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
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
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A prepared state whose code failed, or left something open.
    #[non_exhaustive]
    Prepared {
        /// The name of the state.
        name: String,
        /// The event, and its bind if it has one.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
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
        #[doc(hidden)]
        at: Option<Caller>,
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
        /// The mistake.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A table that no bind has.
    #[non_exhaustive]
    UnknownTable {
        /// The name that was asked for.
        table: String,
        /// The nearest names, each with its bind.
        nearest: Vec<(BindKey, String)>,
        #[doc(hidden)]
        at: Option<Caller>,
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
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A name that tables in several binds have.
    #[non_exhaustive]
    AmbiguousTable {
        /// The name.
        table: String,
        /// The binds that have it.
        binds: Vec<BindKey>,
        #[doc(hidden)]
        at: Option<Caller>,
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
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A statement that waited for another connection's lock as long as the busy timeout allows.
    #[non_exhaustive]
    Locked {
        /// The bind.
        bind: BindKey,
        /// The statement, where there was one.
        sql: Option<String>,
        /// The holder of the lock and the waiter, where they are known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
        #[doc(hidden)]
        at: Option<Caller>,
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
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A statement on a bind whose transaction SQLite has rolled back after an error.
    #[non_exhaustive]
    RolledBack {
        /// The bind.
        bind: BindKey,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A statement that SQLite does not accept in any bind.
    #[non_exhaustive]
    Prepare {
        /// The statement.
        sql: String,
        /// SQLite's answer.
        source: rusqlite::Error,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A session that was to be committed while a savepoint of it is open.
    #[non_exhaustive]
    OpenSavepoint {
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A statement of a session that a guard of the test refuses; it was not run.
    #[non_exhaustive]
    Guarded {
        /// The bind that it was for.
        bind: BindKey,
        /// The guard, as the test wrote it, and its place there: file, line and column.
        guard: String,
        /// The statement.
        sql: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A harness that was to be closed while sessions of it are alive, or was closed while connections of its pools were in use.
    #[non_exhaustive]
    StillInUse {
        /// The number of sessions, which keep the databases.
        sessions: usize,
        /// The connections that were not given back, by bind; they keep nothing.
        connections: Vec<(BindKey, u32)>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A statement that the session does not run.
    #[non_exhaustive]
    Statement {
        /// The statement.
        sql: String,
        /// The reason, and the call to use instead.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A statement that writes to one bind and reads from another, or writes to several.
    #[non_exhaustive]
    CrossBindWrite {
        /// The bind it writes to.
        write: BindKey,
        /// The other binds it uses.
        others: Vec<BindKey>,
        /// The statement or call to use instead.
        hint: String,
        /// The statement.
        sql: String,
        #[doc(hidden)]
        at: Option<Caller>,
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
        /// SQLite's answer, with the holder of a lock where one is held and known.
        source: rusqlite::Error,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A fault that a bind cannot have.
    #[non_exhaustive]
    Fault {
        /// The bind.
        bind: BindKey,
        /// The reason, and what to use instead.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A bind whose committed state cannot be read, because another connection keeps everyone else from reading.
    #[non_exhaustive]
    InUse {
        /// The bind.
        bind: BindKey,
        /// The holder of the lock and the waiter, where they are known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A restore that did not succeed in every bind.
    #[non_exhaustive]
    Restore {
        /// The bind that could not be put back.
        failed: BindKey,
        /// The binds that were put back before it, and stay so; none where another connection holds a lock.
        restored: Vec<BindKey>,
        /// The holder of the lock and the waiter, where they are known.
        conflict: Option<Box<Conflict>>,
        /// SQLite's answer.
        source: rusqlite::Error,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A snapshot of another harness.
    #[non_exhaustive]
    ForeignSnapshot {
        /// The binds of the harness that it is of.
        binds: Vec<BindKey>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A commit that would leave rows that refer to a row in another bind that is not there; nothing was committed.
    #[non_exhaustive]
    Orphans {
        /// The rows.
        orphans: Vec<Orphan>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A bind that was to follow its source and is not a replica.
    #[non_exhaustive]
    NotAReplica {
        /// The bind.
        bind: BindKey,
        /// The replicas that there are.
        replicas: Vec<BindKey>,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A pool that gave no connection.
    #[non_exhaustive]
    Pool {
        /// The bind.
        bind: BindKey,
        /// The pool's answer.
        source: r2d2::Error,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A row that cannot be used as it is.
    #[non_exhaustive]
    Row {
        /// The bind whose table it was for or from, where it is known.
        bind: Option<BindKey>,
        /// The mistake.
        problem: String,
        #[doc(hidden)]
        at: Option<Caller>,
    },

    /// A file or folder that could not be used.
    #[non_exhaustive]
    Io {
        /// The bind whose database is in it, where it is one's.
        bind: Option<BindKey>,
        /// The operation, a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
        #[doc(hidden)]
        at: Option<Caller>,
    },
}
