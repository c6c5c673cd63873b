//! Replicas that lag: told to follow their source.

use super::{Bound, Harness};
use crate::database::{committed, Patience};
use crate::error::{Error, Result};
use crate::instrument::PutBackTo;
use crate::key::BindKey;
use crate::sqlite::vfs::Opener;

impl Harness {
    /// Makes a replica that lags equal to its source: what is committed there by now is read through the replica from here
    /// on.
    ///
    /// Connections and pools stay usable. A replica that does not lag has it all already, and nothing is done.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] for a key that is not configured, [`Error::NotAReplica`] for
    /// another kind of bind; [`Error::Locked`] with the bind where another connection's transaction is in the way: of one
    /// that reads the replica in the midst of a transaction, or in `memdb` of one that writes to the source.
    ///
    /// ```
    /// use multibind::binds::Lag;
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder()
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    ///     .bind("replica", Bind::mirror("auth").read_only(true).lag(Lag::Manual))
    ///     .start()?;
    /// let replica = db.connection("replica")?;
    /// let users = || replica.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0));
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// assert_eq!(users()?, 0); // a stale read
    /// db.replicate("replica")?;
    /// assert_eq!(users()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn replicate(&self, key: impl Into<BindKey>) -> Result<()> {
        self.running().calls(|| {
            let (key, running) = (key.into(), self.running());
            let replica = running.database(&key)?;
            let Some(of) = replica.replica() else {
                let mut replicas = Vec::new();
                for bind in running.binds().values().iter().filter(|bind| bind.replica().is_some()) {
                    replicas.extend_from_slice(bind.keys());
                }
                return Err(Error::NotAReplica { bind: key, replicas, at: None });
            };
            if !of.lags {
                return Ok(());
            }
            let source = running.fixed(of.source)?;
            let image = committed(source, &Patience::new()).map_err(failed(source))?;
            replica.overwrite(&image).map_err(failed(&replica))?;
            replica.set_standing(source.standing());
            running.recorder().is_put_back(replica.keys(), PutBackTo::Source);
            Ok(())
        })
    }
}

/// Returns the error of a database, with the connection that held the lock.
fn failed(database: &Bound) -> impl FnOnce(rusqlite::Error) -> Error + '_ {
    |source| Error::sql(database.key())(source).held_by(|| database.blocker(Opener::Harness, 0))
}
