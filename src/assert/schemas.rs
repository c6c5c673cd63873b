//! The assertion on the tables of two harnesses.

use crate::harness::Harness;
use crate::observe::{unlike, Part};
use crate::report::schemas as report;

impl Harness {
    /// Asserts that the binds of another harness have the same tables as those of this one, as they are now, and returns the
    /// harness for a next assertion.
    ///
    /// So a test shows that the application's migrator makes what a folder of migrations makes. Compared is what SQLite
    /// reports: tables, columns with their order, types, defaults and keys, foreign keys and indexes; and the SQL of views,
    /// triggers and virtual tables, blanks aside. What SQLite has in a table's text alone is not: `CHECK`s, the collations of columns,
    /// the expressions of generated columns.
    ///
    /// # Panics
    ///
    /// - When something is not the same. The message shows each with its form in both.
    /// - When a bind cannot be read.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let by_hand = Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)");
    /// let migrated = Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY); ALTER TABLE user ADD COLUMN name TEXT");
    /// let db = Harness::builder().bind("auth", by_hand).start()?;
    /// db.assert_same_schema(&Harness::builder().bind("auth", migrated).start()?);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_same_schema(&self, other: &Harness) -> &Harness {
        self.part(..).assert_same_schema(other);
        self
    }
}

impl Part<'_> {
    /// Asserts that another harness has the same tables as this part of the binds, as
    /// [`Harness::assert_same_schema`] does, and returns the part.
    ///
    /// # Panics
    ///
    /// Where [`Harness::assert_same_schema`] panics, for the binds and tables of the part.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let folder = Bind::memory().schema("CREATE TABLE user (name TEXT)");
    /// let migrator = Bind::memory().schema("CREATE TABLE user (name TEXT); CREATE TABLE _migrations (version INTEGER)");
    /// let db = Harness::builder().bind("auth", folder).start()?;
    /// let migrated = Harness::builder().bind("auth", migrator).start()?;
    /// db.part("auth").except(["_migrations"]).assert_same_schema(&migrated);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_same_schema(&self, other: &Harness) -> &Self {
        match unlike(self, other) {
            Ok(unlike) if unlike.is_empty() => self,
            Ok(unlike) => self.harness.running().fails(report::unlike(&unlike)),
            Err(error) => self.harness.running().fails(format!("cannot compare the schemas: {error}")),
        }
    }
}
