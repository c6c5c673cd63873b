//! Checking the references from one bind into another, which SQLite cannot enforce.

use rusqlite::Connection;

use super::reference::ReferenceEnd;
use super::{Harness, Running};
use crate::error::Orphan;
use crate::error::{Error, Result};

impl Harness {
    /// Returns the rows that refer to one in another bind that is not there, by the references declared with
    /// [`Config::reference`](crate::Config::reference) or `[[references]]`; whoever wrote them.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when a bind cannot be read, [`Error::Sql`] when a table of a reference is gone.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT)"))
    /// #     .reference("auth.nut.tree_name", "default.tree.name")
    /// #     .start()?;
    /// assert!(db.check_references()?.is_empty());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn check_references(&self) -> Result<Vec<Orphan>> {
        self.running().calls(|| {
            let running = self.running();
            let mut orphans = Vec::new();
            for reference in running.references() {
                for database in running.binds()[reference.from.bind].databases() {
                    let (bind, from) = (reference.from.named_in(&database), database.connect()?);
                    let to = running.quiet(&reference.to)?;
                    orphans.extend(reference.orphans(bind, &from, &to).map_err(Error::sql(bind))?);
                }
            }
            Ok(orphans)
        })
    }
}

impl Running {
    /// Returns a connection to one end's database.
    pub(crate) fn quiet(&self, end: &ReferenceEnd) -> Result<Connection> {
        self.fixed(end.bind)?.open().map_err(Error::sql(&end.key))
    }
}
