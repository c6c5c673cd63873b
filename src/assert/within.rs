//! Assertions on what comes true within a time.

use std::path::Path;

use crate::key::{BindKey, Selection};
use crate::observe::{
    verdict_on, verdict_on_data, verdict_on_rows, Expected, ExpectedChanges, ExpectedRows, Extent, Looked, RowNames,
    Snapshot, Waited, Within,
};
use crate::report::{changes, data, landing, rows, within as report};
use crate::row::Row;

impl Within<'_> {
    /// Asserts within the time what [`Harness::assert_landed`](crate::Harness::assert_landed) asserts, and returns the value
    /// for a next assertion.
    ///
    /// # Panics
    ///
    /// - When the time is over, with that assertion's report and how long it waited.
    /// - At once, for a bind or a column that does not exist.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user VALUES ('ann')", []));
    /// db.within(Duration::from_secs(5)).assert_landed("auth", "user", row! { name: "ann" });
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed(self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> Self {
        self.assert_expected(Expected::Landed, &binds.into(), table, &row.into())
    }

    /// Asserts within the time what [`Harness::assert_landed_once`](crate::Harness::assert_landed_once) asserts, and returns
    /// the value for a next assertion.
    ///
    /// It passes as soon as the row is there once: what writes it a second time has to have ended before, to be found.
    ///
    /// # Panics
    ///
    /// As [`assert_landed`](Within::assert_landed) does.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user VALUES ('ann')", []));
    /// db.within(Duration::from_secs(5)).assert_landed_once("auth", "user", row! { name: "ann" });
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_landed_once(self, binds: impl Into<Selection>, table: &str, row: impl Into<Row>) -> Self {
        self.assert_expected(Expected::Once, &binds.into(), table, &row.into())
    }

    /// Asserts within the time what [`Harness::assert_rows`](crate::Harness::assert_rows) asserts, and returns the value for a
    /// next assertion.
    ///
    /// # Panics
    ///
    /// As [`assert_landed`](Within::assert_landed) does, and for a file that cannot be read.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user VALUES ('ann')", []));
    /// db.within(Duration::from_secs(5)).assert_rows("auth", "user", [row! { name: "ann" }]);
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_rows(self, key: impl Into<BindKey>, table: &str, rows: impl Into<ExpectedRows>) -> Self {
        self.assert_exactly(&key.into(), table, &rows.into())
    }

    /// Asserts within the time that these tables have changed since a snapshot in this way, and no other, as
    /// [`ChangeSet::assert`](crate::changes::ChangeSet::assert) does; returns the value for a next assertion.
    ///
    /// # Panics
    ///
    /// - When the time is over, with that assertion's report and how long it waited.
    /// - At once, for a snapshot of another harness.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{changes, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let before = db.snapshot()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user VALUES ('ann')", []));
    /// db.within(Duration::from_secs(5)).assert_changes(&before, changes! { "auth.user" => +1 });
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_changes(self, since: &Snapshot, expected: impl Into<ExpectedChanges>) -> Self {
        let (expected, mut mistake) = (expected.into(), None);
        let found = self.look(&mut || {
            let changes = self.harness.changes_since(since)?;
            Ok(match changes.compared_with(&expected) {
                Ok(None) => None,
                Ok(Some(tables)) => Some((changes, Ok(tables))),
                // No wait mends that.
                Err(problem) if changes.expects_of_no_bind(&expected, self.harness.running()) => {
                    mistake = Some(problem);
                    None
                }
                Err(problem) => Some((changes, Err(problem))),
            })
        });
        if let Some(mistake) = mistake {
            self.harness.running().fails(changes::not_compared(&mistake));
        }
        match found {
            Looked::Right => self,
            Looked::Wrong((found, tables), waited) => {
                let report = match tables {
                    Ok(tables) => changes::not_expected(&found, &tables),
                    Err(problem) => changes::not_compared(&problem),
                };
                self.fails(Some(waited), report)
            }
            Looked::Failed(error, waited) => self.fails(waited, changes::not_read(&error)),
        }
    }

    /// Asserts within the time what [`Harness::assert_data`](crate::Harness::assert_data) asserts, and returns the value for a
    /// next assertion.
    ///
    /// # Panics
    ///
    /// As [`assert_landed`](Within::assert_landed) does, and for a file that cannot be read.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("ann.toml");
    /// # std::fs::write(&file, "[auth.user.ann]\nname = 'Ann'\n")?;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user (name) VALUES ('Ann')", []));
    /// db.within(Duration::from_secs(5)).assert_data(&file);
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_data(self, path: impl AsRef<Path>) -> Self {
        self.assert_tables(path.as_ref(), Extent::Exactly)
    }

    /// Asserts within the time what [`Harness::assert_has_data`](crate::Harness::assert_has_data) asserts, and returns the value
    /// for a next assertion.
    ///
    /// # Panics
    ///
    /// As [`assert_data`](Within::assert_data) does, but for rows that are too many.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("ann.toml");
    /// # std::fs::write(&file, "[auth.user.ann]\nname = 'Ann'\n")?;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user (name) VALUES ('Ann'), ('Bob')", []));
    /// db.within(Duration::from_secs(5)).assert_has_data(&file);
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_has_data(self, path: impl AsRef<Path>) -> Self {
        self.assert_tables(path.as_ref(), Extent::AtLeast)
    }

    #[track_caller]
    fn assert_tables(self, path: &Path, extent: Extent) -> Self {
        match self.look(&mut || verdict_on_data(self.harness.running(), path, extent)) {
            Looked::Right => self,
            Looked::Wrong(wrong, waited) => self.fails(Some(waited), data::not_that_of(path, &wrong)),
            Looked::Failed(error, waited) => self.fails(waited, data::not_compared(path, &error)),
        }
    }

    #[track_caller]
    fn assert_expected(self, expected: Expected, selection: &Selection, table: &str, row: &Row) -> Self {
        match self.look(&mut || verdict_on(self.harness.running(), expected, selection, table, row)) {
            Looked::Right => self,
            Looked::Wrong(failure, waited) => self.fails(Some(waited), landing::failed(&failure)),
            Looked::Failed(error, waited) => self.fails(waited, landing::not_looked_for(selection, table, &error)),
        }
    }

    #[track_caller]
    fn assert_exactly(self, key: &BindKey, table: &str, expected: &ExpectedRows) -> Self {
        match self.look(&mut || verdict_on_rows(self.harness.running(), key, table, expected, Extent::Exactly)) {
            Looked::Right => self,
            Looked::Wrong(other, waited) => {
                self.fails(Some(waited), rows::not_held(table, &other, &RowNames::default()))
            }
            Looked::Failed(error, waited) => self.fails(waited, rows::not_compared(key, table, &error)),
        }
    }

    #[track_caller]
    fn fails(&self, waited: Option<Waited>, report: String) -> ! {
        let report = waited.map_or_else(|| report.clone(), |waited| report::in_vain(&report, waited));
        self.harness.running().fails(report)
    }
}
