//! The assertion on references: every row has what it refers to.

use crate::harness::Harness;
use crate::observe::broken_references;
use crate::report::references as report;

impl Harness {
    /// Asserts that every row of every bind has what it refers to, and returns the harness for a next assertion: by the foreign
    /// keys within a bind, whether or not a connection enforced them, and by the [references](crate::Config::reference) from one
    /// bind into another.
    ///
    /// # Panics
    ///
    /// - When a row refers to one that is not there. The message shows the rows, who wrote them, and whether that connection
    ///   had `PRAGMA foreign_keys` off.
    /// - When a bind cannot be read, or a foreign key's parent columns are not unique.
    ///
    /// ```should_panic
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INTEGER REFERENCES user)";
    /// let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// # db.keep(multibind::Keep::Never);
    /// db.assert_references();
    /// db.connection("auth")?.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO login VALUES (7)")?;
    /// db.assert_references(); // panics: auth.login (user_id = 7) refers to auth.user.id, which has no such row
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_references(&self) -> &Harness {
        match broken_references(self) {
            Ok(broken) if broken.is_empty() => self,
            Ok(broken) => self.running().fails(report::broken(&broken)),
            Err(error) => self.running().fails(report::not_checked(&error)),
        }
    }
}
