//! Assertions on where a row landed.

use crate::error::Error;
use crate::harness::Harness;
use crate::key::BindKey;
use crate::observe::{verdict_on, Expected};
use crate::report::landing as report;
use crate::row::Row;

impl Harness {
    /// Asserts that a row is in one bind, committed, and in no other; a replica is no other bind than its source.
    /// Gives the harness for a next assertion.
    ///
    /// Several such rows in that bind pass as one does: [`ChangeSet::assert`](crate::changes::ChangeSet::assert) counts them.
    ///
    /// It passes only on what is committed. Where another connection's transaction hides that, it
    /// looks again for a second, longer than a commit takes, and then fails: it waits for nobody who has
    /// left a transaction open.
    ///
    /// # Panics
    ///
    /// When it is not there, is there but not committed, is in another bind too, or that is unknown; and for a
    /// bind, a table or a column that does not exist. The message shows what was found in every bind, the nearest rows
    /// where none matches.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.assert_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed(&self, key: impl Into<BindKey>, table: &str, row: Row) -> &Harness {
        self.assert_expected(Expected::Landed, &key.into(), table, &row)
    }

    /// Asserts that a row is not in a bind, and returns the harness for a next assertion.
    ///
    /// A transaction that is open may have inserted the row, and nobody else sees that before it is committed. While one is
    /// open that can write to the bind, the assertion looks again for a second and then fails, unless it sees the row. To
    /// assert that nothing is committed yet, use [`locate`](Harness::locate).
    ///
    /// # Panics
    ///
    /// - When the row is there, committed or not.
    /// - When that is unknown: a transaction that can write to the bind is still open. In a shared cache that is one that has
    ///   written to the table; in a file in WAL mode, transactions of other drivers are known on Linux only.
    /// - For a bind that is not configured, a table that no bind has, or a column that the bind's table does not have: the
    ///   assertion would say nothing. A bind without the table does not have the row.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.assert_not_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_not_landed(&self, key: impl Into<BindKey>, table: &str, row: Row) -> &Harness {
        self.assert_expected(Expected::NotLanded, &key.into(), table, &row)
    }

    #[track_caller]
    fn assert_expected(&self, expected: Expected, key: &BindKey, table: &str, row: &Row) -> &Harness {
        match verdict_on(self.running(), expected, key, table, row) {
            Ok(None) => self,
            Ok(Some(failure)) => panic!("{}", report::failed(&failure)),
            Err(Error::Row { problem, .. }) => panic!("cannot look for a row of `{table}` in bind `{key}`: {problem}"),
            Err(error) => panic!("cannot look for a row of `{table}` in bind `{key}`: {error}"),
        }
    }
}
