//! Assertions on the statements that ran.

use crate::key::{BindKey, Selection};
use crate::observe::StatementLog;
use crate::report::statements as report;

impl StatementLog {
    /// Asserts how many statements ran on a bind since the log was made; gives the log for a next assertion.
    ///
    /// What begins and ends a transaction or a savepoint is not counted; what failed is. A statement of a session that
    /// joins several binds counts for each of them.
    ///
    /// # Panics
    ///
    /// - When there were more or fewer; the message shows the statements.
    /// - When a write to the bind was seen that no statement makes: incremental blob I/O, or a backup into a connection; where
    ///   no statement is expected, also one by a connection that the harness did not open, to a bind in memory.
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
        match self.miscounted(&key, count) {
            Ok(None) => self,
            Ok(Some(miscount)) => panic!("{}", report::miscounted(&key, count, &miscount)),
            Err(error) => panic!("cannot tell whose statements to count: {error}"),
        }
    }

    /// Asserts that no statement that ran on the selected binds since the log was made was one that writes; gives the
    /// log for a next assertion.
    ///
    /// Whether a statement writes is what SQLite says of it, not whether it changed a row; what is only about temporary
    /// tables, a checkpoint and a pragma that asks do not. Whether any statement ran at all is what [`assert_count`](StatementLog::assert_count) asserts.
    ///
    /// # Panics
    ///
    /// - When one writes; the message shows the statements.
    /// - When a write to one of the binds was seen that no statement makes: incremental blob I/O, a backup into a connection,
    ///   or one by a connection that the harness did not open, to a bind in memory.
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
            Ok(Some(written)) => panic!("{}", report::written(&selection, &written)),
            Err(error) => panic!("cannot tell which binds are only to be read: {error}"),
        }
    }
}
