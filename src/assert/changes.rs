//! Assertions on what changed.

use crate::key::Selection;
use crate::observe::{ChangeSet, Expected, ExpectedChanges};
use crate::report::landing::not_looked_for;
use crate::report::{changes as report, written};
use crate::row::Row;

impl ChangeSet {
    /// Asserts that the selected binds changed, each of them, and no other; gives the change set for a next assertion.
    ///
    /// A selected bind in which nothing changed fails too: a test that passes although its subject did nothing proves
    /// nothing. Where several keys share one database, any of them means it. The key of a
    /// [dynamic bind](crate::Bind::dynamic) means its databases, at least one of which changed.
    ///
    /// # Panics
    ///
    /// When another bind changed, when nothing changed in a selected one, and for a key that is not configured. The
    /// message shows every change.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let t = "CREATE TABLE t (x)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(t)).bind("auth", Bind::memory().schema(t)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO t VALUES (1)", [])?;
    /// db.changes_since(&before)?.assert_only("auth");
    ///
    /// db.connection(None)?.execute("INSERT INTO t VALUES (2)", [])?;
    /// db.changes_since(&before)?.assert_only([None, Some("auth")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_only(&self, selection: impl Into<Selection>) -> &ChangeSet {
        let selection = selection.into();
        match self.verdict_on(&selection) {
            Ok(None) => self,
            Ok(Some(failure)) => self.fails(report::not_only(self, &selection, &failure)),
            Err(error) => self.fails(format!("cannot tell which binds may change: {error}")),
        }
    }

    /// Asserts that nothing changed in any bind; gives the change set for a next assertion.
    ///
    /// # Panics
    ///
    /// When something changed. The message shows every change.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let before = db.snapshot()?;
    /// db.connection(None)?.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?;
    /// db.changes_since(&before)?.assert_none();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_none(&self) -> &ChangeSet {
        if self.is_empty() {
            return self;
        }
        self.fails(report::not_unchanged(self));
    }

    /// Asserts that these tables changed in this way, and no other; gives the change set for a next assertion.
    ///
    /// The argument lists tables with the number of rows inserted in each, or deleted where it is negative. The
    /// macro [`changes!`](crate::changes!) also says how many were updated. Where several keys share one database, any of
    /// them means it.
    ///
    /// # Panics
    ///
    /// When another table changed, or one of these in another way, and for a table whose bind is not configured. The
    /// message shows what was expected of each table and what was found, and every change.
    ///
    /// ```
    /// # use multibind::{changes, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(user)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('bob'), ('cleo')", [])?;
    /// db.changes_since(&before)?.assert([("auth.user", 2)]);
    ///
    /// db.connection("auth")?.execute("UPDATE user SET name = 'anna' WHERE id = 1", [])?;
    /// db.changes_since(&before)?.assert(changes! { "auth.user" => +2 ~1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert(&self, expected: impl Into<ExpectedChanges>) -> &ChangeSet {
        match self.compared_with(&expected.into()) {
            Ok(None) => self,
            Ok(Some(tables)) => self.fails(report::not_expected(self, &tables)),
            Err(problem) => self.fails(report::not_compared(&problem)),
        }
    }

    /// Asserts that a row was written to one bind since the snapshot, and to no other: inserted, or updated to be what it is.
    /// Returns the change set for a next assertion.
    ///
    /// [`Harness::assert_landed`](crate::Harness::assert_landed) finds a row that was there before as well. Of a list of binds,
    /// it asserts that the row was written to each of them and to no other. Values compare as in [`assert`](ChangeSet::assert):
    /// as the columns store them, texts byte by byte.
    ///
    /// # Panics
    ///
    /// - When the row was not written there, or to another bind too. The message shows what was written to tables of that name.
    /// - For a bind, a table or a column that does not exist, and for a list without a bind.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('bob')", [])?;
    /// let changes = db.changes_since(&before)?;
    /// changes.assert_landed("auth", "user", row! { name: "bob" }).assert_not_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed(&self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> &ChangeSet {
        self.assert_written(Expected::Landed, &binds.into(), table, &row.into())
    }

    /// Asserts that a row was written to one bind since the snapshot exactly once, and to no other; returns the change set for a
    /// next assertion.
    ///
    /// # Panics
    ///
    /// - When several such rows were written.
    /// - Where [`assert_landed`](ChangeSet::assert_landed) panics.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('bob')", [])?;
    /// db.changes_since(&before)?.assert_landed_once("auth", "user", row! { name: "bob" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed_once(&self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> &ChangeSet {
        self.assert_written(Expected::Once, &binds.into(), table, &row.into())
    }

    /// Asserts that a row was not written to a bind since the snapshot, or to none of a list; returns the change set for a next
    /// assertion. The row may have been there before.
    ///
    /// # Panics
    ///
    /// - When the row was written there.
    /// - For a bind, a table or a column that does not exist, and for a list without a bind.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let before = db.snapshot()?;
    /// db.changes_since(&before)?.assert_not_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_not_landed(&self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> &ChangeSet {
        self.assert_written(Expected::NotLanded, &binds.into(), table, &row.into())
    }

    #[track_caller]
    fn assert_written(&self, expected: Expected, selection: &Selection, table: &str, row: &Row) -> &ChangeSet {
        match self.verdict_on_row(expected, selection, table, row) {
            Ok(None) => self,
            Ok(Some(failure)) => self.fails(written::failed(&failure)),
            Err(error) => self.fails(not_looked_for(selection, table, &error)),
        }
    }
}
