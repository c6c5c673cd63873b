//! Assertions on the rows of a whole table.

use crate::harness::Harness;
use crate::key::BindKey;
use crate::observe::{verdict_on_rows, ExpectedRows, Extent, RowNames};
use crate::report::rows as report;

impl Harness {
    /// Asserts that a table of a bind holds exactly these rows, committed, and returns the harness for a next assertion.
    ///
    /// The rows are a list of [`row!`](crate::row!)s, none for a table that is to be empty; or the path of a CSV or JSON file,
    /// which is read as [`Bind::data`](crate::Bind::data) reads one, whatever its name; or a number, whatever the rows are. A row has the columns that it names and
    /// any others; a row that is listed twice is to be there twice. Their order does not count. Numbers compare by what they
    /// are, as the column stores them, and texts byte by byte.
    ///
    /// # Panics
    ///
    /// - When a row is missing, is too many, or has other values. The message shows each with the columns that differ, and
    ///   where else a missing row is.
    /// - When that is unknown: a transaction is open that can write to the bind, or another connection keeps it from being
    ///   read.
    /// - For a bind, a table or a column that does not exist, a row without columns, and a file that cannot be read.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// db.assert_rows("auth", "user", []);
    /// db.connection("auth")?.execute("INSERT INTO user (username) VALUES ('ann'), ('bob')", [])?;
    /// db.assert_rows("auth", "user", 2);
    /// db.assert_rows("auth", "user", [row! { username: "bob" }, row! { username: "ann" }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// From a file:
    ///
    /// ```
    /// # use multibind::Harness;
    /// # let db = Harness::from_file("fixtures/binds.toml")?;
    /// db.assert_rows(None, "post_tag", "fixtures/data/default/post_tag.csv");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_rows(&self, key: impl Into<BindKey>, table: &str, rows: impl Into<ExpectedRows>) -> &Harness {
        self.assert_exactly(&key.into(), table, &rows.into())
    }

    #[track_caller]
    fn assert_exactly(&self, key: &BindKey, table: &str, rows: &ExpectedRows) -> &Harness {
        match verdict_on_rows(self.running(), key, table, rows, Extent::Exactly) {
            Ok(None) => self,
            Ok(Some(other)) => self.running().fails(report::not_held(table, &other, &RowNames::default())),
            Err(error) => self.running().fails(report::not_compared(key, table, &error)),
        }
    }
}
