//! A bind's migrations once it runs: up to a later version, and back.

use std::sync::Arc;

use super::{Bound, Harness};
use crate::config::MigrationVersion;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::schema::{self, Metadata};

impl Harness {
    /// Migrates a bind's database up or back to a version of its folder of migrations; its rows stay, as far as the
    /// migrations leave them.
    ///
    /// Up runs what [`schema_path`](crate::Bind::schema_path) would run next; back runs what leads back from each migration,
    /// the last one first: `1_a.down.sql`, Diesel's `down.sql`, the part of a file below `-- migrate:down`. Each runs in the
    /// transaction of its tool. [`metadata`](Harness::metadata) has the new tables afterwards; `reset` and
    /// [`restore`](Harness::restore) put the version back with the rest. What the application's own migrator has done is not
    /// known here.
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownBind`] or [`Error::NoDefaultBind`] for a key that is not configured.
    /// - [`Error::Schema`] for a version that the folder does not have, for a migration from which nothing leads back (and
    ///   then nothing has run), and for one that fails: those before it have run.
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    ///
    /// let bind = Bind::memory().schema_up_to("fixtures/auth", 3);
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    /// db.migrate_to("auth", 4)?;
    /// db.assert_landed("auth", "user", row! { username: "ann", email: None });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn migrate_to(&self, key: impl Into<BindKey>, version: impl Into<MigrationVersion>) -> Result<()> {
        self.running().calls(|| {
            let key = key.into();
            let bound = self.running().home_of(&key)?;
            if bound.lags() {
                let problem = "it is a replica: migrate its source, then call `replicate`".to_string();
                return Err(Error::Schema { bind: key, file: None, line: None, problem, at: None });
            }
            self.running().recorder().runs_unseen("migrate_to");
            bound.migrate_to(&version.into())
        })
    }
}

impl Bound {
    fn migrate_to(&self, version: &MigrationVersion) -> Result<()> {
        let _alone = self.migrating();
        let (key, history) = (self.key(), self.history());
        let mut applied = match self.standing().applied {
            Some(applied) => (*applied).clone(),
            None => history.folder(key)?,
        };
        let mut conn = self.connect()?;
        let (ground, whose) = (history.ground(key), history.whose());
        let migrate = || schema::migrate_to(&mut conn, &ground, &whose, &mut applied, version);
        let outcome = self.watch().ours(migrate);
        // Also after a failure, for those before the one that failed have run.
        self.set_applied(applied);
        let metadata = Metadata::read(&conn, key);
        if let Ok(metadata) = &metadata {
            self.set_reflected(Some(Arc::new(metadata.clone())));
        }
        outcome.and(metadata.map(drop))
    }
}
