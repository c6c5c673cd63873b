//! Assertions on the tables of all binds, as a file has them.

use std::path::Path;

use crate::harness::Harness;
use crate::observe::{verdict_on_data, Extent};
use crate::report::data as report;

impl Harness {
    /// Asserts that the tables in a [scenario](crate::guide::scenarios) hold exactly its rows, committed, each in its bind, and returns
    /// the harness for a next assertion. Tables that the file does not name are not looked at.
    ///
    /// The label of a row that was loaded stands for that row, and so for its key. Any other label stands for a row that the code under
    /// test has made: the key is the one that it has, and what refers to the label has to have that key. A row has the columns that
    /// it names and any others. `[auth.user]` without rows is an empty table, `{ any = true }` any value: of a key that is a text, for
    /// example, which is its label else.
    ///
    /// # Panics
    ///
    /// - When a row is missing, is too many, or has other values, in any of the tables. The message has a report for each, with the
    ///   labels of the rows.
    /// - When that is unknown: a label that others refer to may be several rows, or a transaction is open that can write to the bind.
    /// - For a file that cannot be read, and for a bind, a table, a column or a label in it that does not exist.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("signed_up.toml");
    /// # std::fs::write(&file, "[auth.user.ann]\nname = 'Ann'\n[meta.log.sign_up]\nuser_id = { ref = 'auth.user.ann' }\n")?;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    /// # let log = "CREATE TABLE log (user_id INTEGER)";
    /// let db = Harness::builder().bind("auth", Bind::memory().schema(user)).bind("meta", Bind::memory().schema(log)).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES (7, 'Ann')", [])?; // the code under test
    /// db.connection("meta")?.execute("INSERT INTO log VALUES (7)", [])?;
    /// db.assert_data(&file);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_data(&self, path: impl AsRef<Path>) -> &Harness {
        self.assert_tables(path.as_ref(), Extent::Exactly)
    }

    /// Asserts that the tables in a [scenario](crate::guide::scenarios) hold its rows, whatever else they hold, and returns the harness
    /// for a next assertion.
    ///
    /// # Panics
    ///
    /// As [`assert_data`](Harness::assert_data) does, but for rows that are too many.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("ann.toml");
    /// # std::fs::write(&file, "[auth.user.ann]\nname = 'Ann'\n")?;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('Ann'), ('Bob')", [])?;
    /// db.assert_has_data(&file);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_has_data(&self, path: impl AsRef<Path>) -> &Harness {
        self.assert_tables(path.as_ref(), Extent::AtLeast)
    }

    #[track_caller]
    fn assert_tables(&self, path: &Path, extent: Extent) -> &Harness {
        match verdict_on_data(self.running(), path, extent) {
            Ok(None) => self,
            Ok(Some(wrong)) => self.running().fails(report::not_that_of(path, &wrong)),
            Err(error) => self.running().fails(report::not_compared(path, &error)),
        }
    }
}
