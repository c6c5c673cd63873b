//! Assertions on the statements that ran.

use crate::key::{BindKey, Selection};
use crate::observe::{Statement, StatementLog, Tally};
use crate::report::statements::{self as report, Counted};

impl StatementLog {
    /// Asserts how many statements ran on a bind since the log was made; gives the log for a next assertion.
    ///
    /// `BEGIN`, `COMMIT`, savepoints and the like are not counted, nor is what uses no table of a database, as a driver's own
    /// `SELECT 1` and its pragmas; failed statements are. A statement of a session that joins several binds counts for each of
    /// them.
    ///
    /// # Panics
    ///
    /// - When there were more or fewer; the message shows the statements.
    /// - When a write to the bind was seen that no statement makes: incremental blob I/O, or a backup into a connection; on a
    ///   connection that the application opened itself, where no statement is expected.
    /// - When the application has given a connection to the bind a trace or an authorizer of its own: the message names the
    ///   connection.
    /// - For a key that is not configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// let mut session = db.session();
    /// session.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// session.execute("UPDATE user SET name = 'anna'", [])?;
    /// session.commit()?;
    /// log.assert_count("auth", 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_count(&self, key: impl Into<BindKey>, count: usize) -> &StatementLog {
        let key = key.into();
        self.assert_counted(&key, Tally::Exactly(count))
    }

    /// Asserts that no more statements ran on a bind since the log was made, counted as by
    /// [`assert_count`](StatementLog::assert_count); gives the log for a next assertion.
    ///
    /// # Panics
    ///
    /// - When there were more; the message shows the statements.
    /// - For what else [`assert_count`](StatementLog::assert_count) panics.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("auth")?.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0))?;
    /// log.assert_at_most("auth", 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_at_most(&self, key: impl Into<BindKey>, most: usize) -> &StatementLog {
        self.assert_counted(&key.into(), Tally::AtMost(most))
    }

    #[track_caller]
    fn assert_counted(&self, key: &BindKey, expected: Tally) -> &StatementLog {
        match self.miscounted(key, expected) {
            Ok(None) => self,
            Ok(Some(miscount)) => self.fails(report::miscounted(Counted::On(key), expected, &miscount)),
            Err(error) => self.fails(format!("cannot tell whose statements to count: {error}")),
        }
    }

    /// Asserts how many statements ran on all binds together since the log was made, one that joins several counted once;
    /// gives the log for a next assertion.
    ///
    /// # Panics
    ///
    /// - When there were more or fewer; the message shows the statements.
    /// - When a write was seen that no statement makes, and when the application has set a trace or an authorizer of its own, as
    ///   for [`assert_count`](StatementLog::assert_count).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let t = "CREATE TABLE t (x)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(t)).bind("auth", Bind::memory().schema(t)).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// db.connection("auth")?.execute("INSERT INTO t VALUES (1)", [])?;
    /// log.assert_total(2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_total(&self, count: usize) -> &StatementLog {
        let expected = Tally::Exactly(count);
        if let Some(miscount) = self.miscounted_in_all(expected) {
            self.fails(report::miscounted(Counted::OnAll, expected, &miscount));
        }
        self
    }

    /// Asserts how many statements contain a text, as written or with their values, those that begin and end transactions
    /// included; gives the log for a next assertion.
    ///
    /// # Panics
    ///
    /// - When there were more or fewer; the message shows all statements.
    /// - When the application has set a trace or an authorizer of its own, as for [`assert_count`](StatementLog::assert_count).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("auth")?.execute("INSERT INTO user VALUES (?1)", ["ann"])?;
    /// log.assert_containing("INSERT INTO user", 1).assert_containing("DELETE", 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_containing(&self, text: &str, count: usize) -> &StatementLog {
        let expected = Tally::Exactly(count);
        let contains =
            |statement: &Statement| statement.sql().contains(text) || statement.sql_with_values().contains(text);
        if let Some(miscount) = self.mismatched(expected, &contains) {
            self.fails(report::miscounted(Counted::Containing(text), expected, &miscount));
        }
        self
    }

    /// Asserts that no statement that ran on the selected binds since the log was made was one that writes; gives the
    /// log for a next assertion.
    ///
    /// SQLite decides which statements write, and one that changes no row may be one; statements about temporary tables, a
    /// checkpoint and a pragma that asks are none. [`assert_count`](StatementLog::assert_count) asserts that any ran at all.
    ///
    /// # Panics
    ///
    /// - When one writes; the message shows the statements.
    /// - When a write to one of the binds was seen that no statement makes: incremental blob I/O, or a backup into a
    ///   connection.
    /// - When the application has given a connection to one of the binds a trace or an authorizer of its own.
    /// - For a key that is not configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("meta")?.query_row("SELECT count(*) FROM setting", [], |row| row.get::<_, i64>(0))?;
    /// log.assert_reads_only("meta");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_reads_only(&self, selection: impl Into<Selection>) -> &StatementLog {
        let selection = selection.into();
        match self.written(&selection) {
            Ok(None) => self,
            Ok(Some(written)) => self.fails(report::written(&selection, &written)),
            Err(error) => self.fails(format!("cannot tell which binds are only to be read: {error}")),
        }
    }
}
