//! The statements that ran on the databases of a harness, as far as they are recorded.

use std::fmt;

use super::statement::{read, Statement};
use crate::error::Result;
use crate::harness::Harness;
use crate::instrument::Listening;
use crate::key::BindKey;
use crate::list::retain;
use crate::observe::binds::Binds;

/// A record of the statements that run on the connections of a harness; from [`Harness::record`].
///
/// It records as long as it lives, and keeps no harness, session or pool alive. As text it is a table of the statements.
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// let log = db.record();
/// db.connection("auth")?.execute("INSERT INTO user VALUES (?1)", ["ann"])?;
/// assert_eq!(log.statements()[0].sql(), "INSERT INTO user VALUES (?1)");
/// log.assert_count("auth", 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it ends when it is dropped, here at once: bind it to `log`"]
pub struct StatementLog {
    pub(super) listening: Listening,
    pub(super) binds: Binds,
}

impl Harness {
    /// Records the statements that run from here on, for as long as the log lives.
    ///
    /// Recorded is what sessions run, what runs on connections of the harness's pools, in whatever thread,
    /// checked out before or after, and what runs on connections that a driver opens by [`uri`](Harness::uri) or
    /// [`path`](Harness::path). A write inside a statement that only reads, in an SQL function or by `PRAGMA optimize`,
    /// is recorded as one of its own. Not recorded is what else SQLite runs inside a statement (a trigger's, for one; a
    /// virtual table such as FTS5 may look itself up before, which is recorded), an `EXPLAIN`, what SQLite did not
    /// accept and so never ran, and what this crate runs for its own use. A connection to
    /// which the application gives [a trace](https://sqlite.org/c3ref/trace_v2.html) or an
    /// [authorizer](https://sqlite.org/c3ref/set_authorizer.html) of its own has that one only, and is no longer recorded, or
    /// not in full: assertions on the log then fail and name the connection. [`assert_reads_only`](StatementLog::assert_reads_only) and
    /// [`assert_count`](StatementLog::assert_count) also fail where a write was seen that no statement makes.
    ///
    /// Without a log, a harness keeps the last statements that wrote, for [`last_writes`](Harness::last_writes), and none that
    /// only read.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// let log = db.record();
    /// let pool = db.pool("auth")?;
    /// let thread = std::thread::spawn(move || pool.get().unwrap().execute("INSERT INTO user (name) VALUES ('ann')", []));
    /// thread.join().unwrap()?;
    /// db.session().query_row("SELECT count(*) FROM setting", [], |row| row.get::<_, i64>(0))?;
    ///
    /// log.assert_count("auth", 1).assert_reads_only("meta");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(&self) -> StatementLog {
        StatementLog { listening: self.running().recorder().record(), binds: Binds::configured(self.running()) }
    }
}

impl StatementLog {
    /// Returns the statements so far, in the order in which they began.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// let mut session = db.session();
    /// session.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// session.commit()?;
    /// let ran = log.statements();
    /// assert_eq!(
    ///     ran.iter().map(|statement| statement.sql()).collect::<Vec<_>>(),
    ///     ["BEGIN", "INSERT INTO user VALUES ('ann')", "COMMIT"]
    /// );
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn statements(&self) -> Vec<Statement> {
        read(self.listening.statements())
    }

    /// Returns the statements on one bind so far; any key of a database that several keys share means it, and the key of a
    /// [dynamic bind](crate::Bind::dynamic) all of its databases.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`](crate::Error::UnknownBind) or [`Error::NoDefaultBind`](crate::Error::NoDefaultBind) when no such bind is configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).start()?;
    /// let log = db.record();
    /// db.connection("auth")?.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?;
    /// assert_eq!(log.on("auth")?.len(), 1);
    /// assert_eq!(log.on(None)?.len(), 0);
    /// assert!(log.on("audit").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(&self, key: impl Into<BindKey>) -> Result<Vec<Statement>> {
        let key = key.into();
        self.binds.check(&key)?;
        let mut statements = Vec::new();
        for statement in self.statements() {
            if statement.is_on(&key) {
                statements.push(statement);
            }
        }
        Ok(statements)
    }
}

impl StatementLog {
    /// Returns the statements whose text, as written or with its values, contains another.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("auth")?.execute("INSERT INTO user VALUES (?1)", ["ann"])?;
    /// assert_eq!(log.containing("'ann'").len(), 1);
    /// assert_eq!(log.containing("DELETE").len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn containing(&self, text: &str) -> Vec<Statement> {
        self.matching(|statement| statement.sql().contains(text) || statement.sql_with_values().contains(text))
    }

    /// Returns the statements for which a function returns `true`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("auth")?.execute("INSERT INTO user VALUES (?1)", ["ann"])?;
    /// assert_eq!(log.matching(|statement| statement.tables_written() == ["user"]).len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matching(&self, mut is_one: impl FnMut(&Statement) -> bool) -> Vec<Statement> {
        let mut statements = self.statements();
        retain(&mut statements, |statement| is_one(statement));
        statements
    }
}

impl fmt::Debug for StatementLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.statements()).finish()
    }
}

impl StatementLog {
    /// Fails the test with a report on this log, at the caller's place.
    #[track_caller]
    pub(crate) fn fails(&self, report: String) -> ! {
        self.listening.recorder().failures.fail(report)
    }
}
