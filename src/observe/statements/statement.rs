//! One statement that ran, and what is known of it.

use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::Connection;

use crate::instrument::Recorded;
use crate::key::{BindKey, Keys};
use crate::list::mapped;
use crate::sorted::Sorted;
use crate::sqlite::authorize;
use crate::sqlite::private::open_in_memory;
use crate::sync::lock;

/// The effect of a statement on the databases it ran on, as SQLite reports it.
///
/// ```
/// # use multibind::{statements::StatementKind, Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
/// let log = db.record();
/// db.connection(None)?.execute_batch("BEGIN; DELETE FROM t; COMMIT")?;
/// let kinds = log.statements().iter().map(|statement| statement.kind()).collect::<Vec<_>>();
/// assert_eq!(kinds, [StatementKind::Transaction, StatementKind::Write, StatementKind::Transaction]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementKind {
    /// It writes to no database, see <https://sqlite.org/c3ref/stmt_readonly.html>.
    Read,
    /// It may write, whether or not it changed a row.
    Write,
    /// It begins or ends a transaction or a savepoint.
    Transaction,
}

/// A statement that ran on a connection of the harness; from [`StatementLog::statements`](crate::statements::StatementLog::statements).
///
/// ```
/// # use multibind::{statements::StatementKind, Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// let log = db.record();
/// db.connection("auth")?.execute("INSERT INTO user VALUES (?1), (?2)", ["ann", "bob"])?;
/// let insert = &log.statements()[0];
/// assert_eq!(insert.bind().as_str(), Some("auth"));
/// assert_eq!(insert.sql_with_values(), "INSERT INTO user VALUES ('ann'), ('bob')");
/// assert_eq!((insert.kind(), insert.rows_changed()), (StatementKind::Write, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Statement {
    binds: Keys,
    kind: StatementKind,
    recorded: Recorded,
}

/// Reads recorded statements.
pub(crate) fn read(recorded: Vec<Recorded>) -> Vec<Statement> {
    let mut transactions = Transactions::default();
    let mut statements = Vec::with_capacity(recorded.len());
    for recorded in recorded {
        let writes = recorded.databases().any(|used| used.writes);
        let kind = match (transactions.has(&recorded.sql), writes) {
            (true, _) => StatementKind::Transaction,
            (false, true) => StatementKind::Write,
            (false, false) => StatementKind::Read,
        };
        let others = mapped(&recorded.others, |used| used.names.first().clone());
        let binds = Keys::new(recorded.first.names.first().clone(), others);
        statements.push(Statement { binds, kind, recorded });
    }
    statements
}

impl Statement {
    /// The bind that it ran on; of several keys for one database, the one that names it first.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?;
    /// assert_eq!(log.statements()[0].bind(), &BindKey::DEFAULT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        self.binds.first()
    }

    /// The binds that it ran on: several where a session joined them.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    /// #     .start()?;
    /// let log = db.record();
    /// db.session().query("SELECT * FROM post JOIN user ON author = name", [], |_| Ok(()))?;
    /// assert_eq!(log.statements()[0].binds(), [BindKey::DEFAULT, BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn binds(&self) -> &[BindKey] {
        &self.binds
    }

    /// Its text, as it was written.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.query_row("SELECT ?1", [1], |row| row.get::<_, i64>(0))?;
    /// assert_eq!(log.statements()[0].sql(), "SELECT ?1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sql(&self) -> &str {
        &self.recorded.sql
    }

    /// Its text with the values of its parameters, as SQLite writes them.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.query_row("SELECT ?1, ?2", ("it's", 1.5), |row| row.get::<_, String>(0))?;
    /// assert_eq!(log.statements()[0].sql_with_values(), "SELECT 'it''s', 1.5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sql_with_values(&self) -> &str {
        self.recorded.values.as_ref().unwrap_or(&self.recorded.sql)
    }

    /// Returns whether it reads, writes, or begins or ends a transaction.
    ///
    /// ```
    /// # use multibind::{statements::StatementKind, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("CREATE TABLE t (x)", [])?;
    /// assert_eq!(log.statements()[0].kind(), StatementKind::Write);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kind(&self) -> StatementKind {
        self.kind
    }

    /// Returns the number of rows it inserted, updated or deleted itself, those of triggers and foreign keys not counted, as
    /// [`sqlite3_changes`](https://sqlite.org/c3ref/changes.html) counts; 0 until it has ended.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)")).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("DELETE FROM t", [])?;
    /// assert_eq!(log.statements()[0].rows_changed(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rows_changed(&self) -> u64 {
        self.recorded.ended.as_ref().map_or(0, |ended| ended.rows)
    }

    /// The time from its beginning to its end, waits for locks and what its reader did between two rows included; `None`
    /// while it has not ended.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?;
    /// assert!(log.statements()[0].time().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn time(&self) -> Option<Duration> {
        self.recorded.ended.as_ref().map(|ended| ended.time)
    }

    /// The thread that it began in.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection(None)?.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?;
    /// assert_eq!(log.statements()[0].thread().id(), std::thread::current().id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn thread(&self) -> &Thread {
        &self.recorded.thread
    }

    /// Returns whether a [`Session`](crate::Session) ran it, and not code with a connection from a pool.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let log = db.record();
    /// db.session().query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?;
    /// assert!(log.statements().iter().all(|statement| statement.is_from_session()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_from_session(&self) -> bool {
        self.recorded.by_session
    }

    /// Returns whether it failed, where that is known: of a statement that a session ran and that has ended.
    ///
    /// Of a pooled connection's statements, SQLite tells the end before it knows the error; their errors are known only
    /// to the code that ran them.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x UNIQUE)")).start()?;
    /// let log = db.record();
    /// let mut session = db.session();
    /// session.execute("INSERT INTO t VALUES (1)", [])?;
    /// session.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    /// let ran = log.statements();
    /// assert_eq!((ran[1].has_failed(), ran[2].has_failed()), (Some(false), Some(true)));
    /// assert_eq!(ran[2].error(), Some("UNIQUE constraint failed: t.x"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn has_failed(&self) -> Option<bool> {
        let outcome = self.recorded.ended.as_ref()?.outcome.as_ref()?;
        Some(outcome.is_err())
    }

    /// Returns SQLite's message if it is known to have failed. See [`has_failed`](Statement::has_failed).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x NOT NULL)")).start()?;
    /// let log = db.record();
    /// db.session().execute("INSERT INTO t VALUES (NULL)", []).unwrap_err();
    /// assert_eq!(log.statements()[1].error(), Some("NOT NULL constraint failed: t.x"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn error(&self) -> Option<&str> {
        let outcome = self.recorded.ended.as_ref()?.outcome.as_ref()?;
        outcome.as_ref().err().map(String::as_str)
    }

    /// Returns whether it ran on a database that a key means.
    pub(super) fn is_on(&self, key: &BindKey) -> bool {
        self.recorded.databases().any(|used| used.names.contains(key))
    }

    /// Returns whether it may write to a database that a key means.
    pub(super) fn writes_to(&self, key: &BindKey) -> bool {
        self.counts() && self.recorded.databases().any(|used| used.writes && used.names.contains(key))
    }

    /// Returns whether it counts; statements that begin or end transactions do not.
    pub(super) fn counts(&self) -> bool {
        self.kind != StatementKind::Transaction
    }
}

/// Which texts are statements of transactions. SQLite says so when it prepares one, and those name no table: any
/// connection can ask.
#[derive(Default)]
struct Transactions {
    known: Sorted<String, bool>,
    asked: Option<(Connection, Arc<Mutex<bool>>)>,
}

impl Transactions {
    fn has(&mut self, sql: &str) -> bool {
        if let Some(known) = self.known.get(sql) {
            return *known;
        }
        // Where there is no memory for a connection there is no answer either.
        let is_one = self.ask(sql).unwrap_or(false);
        self.known.insert(sql.to_string(), is_one);
        is_one
    }

    fn ask(&mut self, sql: &str) -> rusqlite::Result<bool> {
        let (conn, noted) = match &mut self.asked {
            Some(asked) => asked,
            none => none.insert(listening()?),
        };
        *lock(noted) = false;
        let accepted = conn.prepare(sql).is_ok();
        Ok(accepted && *lock(noted))
    }
}

/// A connection to nothing, with a note of whether what was last prepared on it is a statement of transactions.
fn listening() -> rusqlite::Result<(Connection, Arc<Mutex<bool>>)> {
    let conn = open_in_memory()?;
    let noted = Arc::new(Mutex::new(false));
    let note = Arc::clone(&noted);
    let look = move |context: AuthContext<'_>| {
        if let AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } = context.action {
            *lock(&note) = true;
        }
        Authorization::Allow
    };
    authorize(&conn, Some(Box::new(look)))?;
    Ok((conn, noted))
}
