//! Checking references: from one bind into another, which SQLite cannot enforce, and foreign keys, which a connection may not.

use rusqlite::Connection;

use super::foreign_keys::broken;
use super::reference::ReferenceEnd;
use super::{Harness, Running};
use crate::error::{Error, Orphan, Result};
use crate::instrument::spared;
use crate::schema::Metadata;

impl Harness {
    /// Returns the rows that refer to one that is not there, whoever wrote them: by the foreign keys within each bind, then by
    /// the references from one bind into another that are declared with [`Config::reference`](crate::Config::reference) or
    /// `[[references]]`.
    ///
    /// A foreign key to a table that its bind does not have is not looked at: a reference says where that is.
    /// [`assert_references`](Harness::assert_references) asserts that there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when a bind cannot be read, [`Error::Sql`] when a table of a reference is gone, or a foreign key's parent
    /// columns are not unique.
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
            for database in running.databases().iter().filter(|database| !database.lags()) {
                let (bind, conn) = (database.key(), database.connect()?);
                let found = spared(|| {
                    let metadata = Metadata::read(&conn, bind)?;
                    broken(&conn, bind, &metadata).map_err(Error::sql(bind))
                });
                orphans.append(&mut found?);
            }
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
