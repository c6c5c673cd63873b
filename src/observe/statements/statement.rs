//! One statement that ran, and what is known of it.

use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::instrument::{Recorded, Transaction, TransactionEnd, WrittenTable};
use crate::key::{BindKey, Keys};
use crate::list::mapped;

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
    pub(super) recorded: Recorded,
}

/// Reads recorded statements.
pub(crate) fn read(recorded: Vec<Recorded>) -> Vec<Statement> {
    let mut statements = Vec::with_capacity(recorded.len());
    for recorded in recorded {
        let writes = recorded.databases().any(|used| used.writes);
        let kind = match (recorded.is_step, writes) {
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
    /// Returns the bind that it ran on; of several keys for one database, the one that names it first.
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

    /// Returns the binds that it ran on: several where a session joined them.
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
        self.recorded.values.as_deref().unwrap_or(&self.recorded.sql)
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

    /// Returns the time from its beginning to its end, waits for locks and what its reader did between two rows included; `None`
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

    /// Returns the time at which it began.
    pub(crate) fn at(&self) -> Instant {
        self.recorded.at
    }

    /// Returns its transaction, with the times at which that began and ended.
    pub(crate) fn in_transaction(&self) -> Option<&Transaction> {
        self.recorded.transaction.as_deref()
    }

    /// Returns the thread that it began in.
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

    /// Returns whether it failed, where that is known.
    ///
    /// It is of a session's statement that has ended. Of any other, SQLite reports the end before it knows the error, which is
    /// read afterwards: on the thread that ran the statement, or as its connection goes on there. Where something else came
    /// between, one that changed no row in a transaction that goes on, or in one that was committed, is not known to have failed.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x UNIQUE)")).start()?;
    /// let log = db.record();
    /// let conn = db.connection(None)?;
    /// conn.execute("INSERT INTO t VALUES (1)", [])?;
    /// conn.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    /// assert_eq!(log.statements()[0].has_failed(), Some(false));
    /// assert_eq!(log.statements()[1].has_failed(), Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_failed(&self) -> Option<bool> {
        self.recorded.ended.as_ref()?.failed
    }

    /// Returns what failed it: SQLite's message, or the guard that refused it. Where the application has set
    /// [SQLite's log](https://sqlite.org/errlog.html) itself, the words for SQLite's code stand for the message of a statement
    /// that no session ran.
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
        self.recorded.ended.as_ref()?.error.as_deref()
    }

    /// Returns the number of its connection in the harness, from 1; 0 for a session's statement on several binds.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().pool_size(2).schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// let (one, other) = (db.connection(None)?, db.connection(None)?);
    /// one.execute("INSERT INTO t VALUES (1)", [])?;
    /// other.execute("INSERT INTO t VALUES (2)", [])?;
    /// assert_ne!(log.statements()[0].connection(), log.statements()[1].connection());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connection(&self) -> u32 {
        self.recorded.connection
    }

    /// Returns the number of its transaction in the harness, from 1; `None` for one that only reads outside of a
    /// transaction.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute_batch("BEGIN; INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2)")?;
    /// let numbers = log.statements().iter().map(|statement| statement.transaction()).collect::<Vec<_>>();
    /// assert_eq!((numbers[0], numbers[1]), (numbers[1], numbers[2]));
    /// assert_ne!(numbers[2], numbers[3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction(&self) -> Option<u64> {
        self.recorded.transaction.as_ref().map(|transaction| transaction.number)
    }

    /// Returns how its transaction ended, if it has one.
    ///
    /// ```
    /// # use multibind::{statements::TransactionEnd, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// let conn = db.connection(None)?;
    /// conn.execute_batch("BEGIN; INSERT INTO t VALUES (1)")?;
    /// assert_eq!(log.statements()[1].transaction_end(), Some(TransactionEnd::Open));
    /// conn.execute_batch("ROLLBACK")?;
    /// assert_eq!(log.statements()[1].transaction_end(), Some(TransactionEnd::RolledBack));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction_end(&self) -> Option<TransactionEnd> {
        self.recorded.transaction.as_ref().map(|transaction| transaction.end())
    }

    /// Returns whether what it wrote is in the database: `Some(true)` once it is committed, `Some(false)` if the statement
    /// failed, its transaction or savepoint was rolled back, or its bind was [put back](crate::Harness::restore) since; `None` as long as that is open or where it is not known, for
    /// one that writes nothing, and for one that changed no row and may have failed.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// let sql = "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK TO s; COMMIT";
    /// db.connection(None)?.execute_batch(sql)?;
    /// assert_eq!(log.statements()[1].stayed(), Some(true));
    /// assert_eq!(log.statements()[3].stayed(), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stayed(&self) -> Option<bool> {
        if self.kind != StatementKind::Write {
            return None;
        }
        let failed = self.has_failed();
        // One that failed half-way keeps the rows that it has changed, where it says so by `OR FAIL`.
        if self.is_undone() || failed == Some(true) && self.rows_changed() == 0 {
            return Some(false);
        }
        match self.transaction_end()? {
            TransactionEnd::Committed
                if failed.is_none() && self.rows_changed() == 0 && self.recorded.affected.changes_rows =>
            {
                None
            }
            TransactionEnd::Committed => Some(!self.recorded.is_put_back),
            TransactionEnd::RolledBack | TransactionEnd::Failed | TransactionEnd::Closed => Some(false),
            TransactionEnd::Open | TransactionEnd::Unknown => None,
        }
    }

    /// Returns what the recorder has of it.
    pub(crate) fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// Returns whether its savepoint was rolled back.
    pub(crate) fn is_undone(&self) -> bool {
        self.recorded.undone.is_some()
    }

    /// Returns the triggers that ran in it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let schema = "CREATE TABLE t (x); CREATE TABLE audit (x);
    /// #     CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (new.x); END";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// assert_eq!(log.statements()[0].triggers().collect::<Vec<_>>(), ["noted"]);
    /// assert_eq!(log.statements()[0].tables_written(), ["t", "audit"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn triggers(&self) -> impl Iterator<Item = &str> {
        self.recorded.ended.iter().flat_map(|ended| &ended.triggers).map(|trigger| &**trigger)
    }

    /// Returns the tables whose rows it may have changed, by itself, by a foreign key or by a trigger that ran.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("auth")?.execute("DELETE FROM user", [])?;
    /// assert_eq!(log.statements()[0].tables_written(), ["user"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tables_written(&self) -> Vec<&str> {
        let mut tables = Vec::new();
        for written in self.written() {
            if !tables.contains(&&*written.table) {
                tables.push(&*written.table);
            }
        }
        tables
    }

    /// Returns the tables that it may have written to.
    pub(crate) fn written(&self) -> impl Iterator<Item = &WrittenTable> {
        let ran = |by: &String| self.triggers().any(|trigger| trigger.eq_ignore_ascii_case(by));
        self.recorded.affected.tables.iter().filter(move |written| written.by.as_ref().is_none_or(ran))
    }

    /// Returns whether it may have changed rows of a table in a database that a key means.
    pub(crate) fn writes_rows_of(&self, key: &BindKey, table: &str) -> bool {
        let is_it = |names: &Keys| names.contains(key);
        self.written()
            .any(|written| written.names.as_ref().is_some_and(is_it) && written.table.eq_ignore_ascii_case(table))
    }

    /// Returns whether its connection enforced foreign keys as it wrote.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// assert!(log.statements()[0].foreign_keys());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn foreign_keys(&self) -> bool {
        self.recorded.foreign_keys
    }

    /// Returns whether it ran on a database that a key means.
    pub(super) fn is_on(&self, key: &BindKey) -> bool {
        self.recorded.databases().any(|used| used.names.contains(key))
    }

    /// Returns whether it may write to a database that a key means.
    pub(super) fn writes_to(&self, key: &BindKey) -> bool {
        self.does_something() && self.recorded.databases().any(|used| used.writes && used.names.contains(key))
    }

    /// Returns whether it does more than begin or end a transaction.
    pub(super) fn does_something(&self) -> bool {
        self.kind != StatementKind::Transaction
    }

    /// Returns whether it counts. Statements that begin or end transactions do not, nor do those that use no table.
    pub(super) fn counts(&self) -> bool {
        match self.kind {
            StatementKind::Transaction => false,
            StatementKind::Write => true,
            StatementKind::Read => self.recorded.uses_table,
        }
    }
}
