//! Assertions on where a row landed.

use crate::harness::Harness;
use crate::key::Selection;
use crate::observe::{verdict_on, Expected};
use crate::report::landing as report;
use crate::row::Row;

impl Harness {
    /// Asserts that a row is in one bind, committed, and in no other; a replica is no other bind than its source.
    /// Returns the harness for a next assertion.
    ///
    /// Of a list of binds, it asserts that the row is in each of them and in no other. Several such rows in one bind pass as
    /// one does, unless [`assert_landed_once`](Harness::assert_landed_once) asserts it.
    ///
    /// It passes only on what is committed. Where another connection's transaction hides that, it
    /// looks again for a second, longer than a commit takes, and then fails: it waits for nobody who has
    /// left a transaction open.
    ///
    /// # Panics
    ///
    /// - When it is not there, is there but not committed, is in another bind too, or that is unknown. The message shows
    ///   what was found in every bind, the nearest rows where none matches.
    /// - For a bind, a table or a column that does not exist, and for a list without a bind.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.assert_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A row that is meant to be in two binds:
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (name TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(user)).bind("auth", Bind::memory().schema(user)).bind("meta", Bind::memory().schema(user)).start()?;
    /// for key in ["auth", "meta"] {
    ///     db.connection(key)?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// }
    /// db.assert_landed(["auth", "meta"], "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed(&self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> &Harness {
        self.assert_expected(Expected::Landed, &binds.into(), table, &row.into())
    }

    /// Asserts that a row is in one bind exactly once, committed, and in no other: what
    /// [`assert_landed`](Harness::assert_landed) does, and that no second row of that bind matches. Returns the harness for
    /// a next assertion.
    ///
    /// Of a list of binds, it asserts that the row is once in each of them.
    ///
    /// # Panics
    ///
    /// - When several rows match; the message shows them.
    /// - Where [`assert_landed`](Harness::assert_landed) panics.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE login (name TEXT)")).start()?;
    /// db.connection("auth")?.execute("INSERT INTO login VALUES ('ann')", [])?;
    /// db.assert_landed_once("auth", "login", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed_once(&self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> &Harness {
        self.assert_expected(Expected::Once, &binds.into(), table, &row.into())
    }

    /// Asserts that a row is not in a bind, or in none of a list, and returns the harness for a next assertion.
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
    /// - For a bind that is not configured, a list without a bind, a table that no bind has, or a column that the bind's
    ///   table does not have: the assertion would say nothing. A bind without the table does not have the row.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.assert_not_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_not_landed(&self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> &Harness {
        self.assert_expected(Expected::NotLanded, &binds.into(), table, &row.into())
    }

    #[track_caller]
    fn assert_expected(&self, expected: Expected, selection: &Selection, table: &str, row: &Row) -> &Harness {
        match verdict_on(self.running(), expected, selection, table, row) {
            Ok(None) => self,
            Ok(Some(mut failure)) => {
                failure.wait_for_open(self.running());
                self.running().fails(report::failed(&failure))
            }
            Err(error) => self.running().fails(report::not_looked_for(selection, table, &error)),
        }
    }
}
