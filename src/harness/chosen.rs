//! The databases of dynamic binds, by a context.

use std::panic::Location;

use super::running::RunningBind;
use super::Harness;
use crate::context::BindContext;
use crate::database::{Pool, PooledConnection};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::instrument::Way;
use crate::key::BindKey;
use crate::list::mapped;

impl Harness {
    /// Returns the pool of the database that a context means, for code under test that gets one by request or by tenant.
    ///
    /// The database of a dynamic bind is made if nobody has used it yet. For other binds the context does not matter.
    ///
    /// # Errors
    ///
    /// [`Error::Dynamic`] when the bind's callback fails, panics or gives no name; [`Error::UnknownBind`] or
    /// [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # use multibind::{context, row, Bind, Harness};
    /// # let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// let acme = context! { tenant: "acme" };
    /// let pool = db.pool_for("users", &acme)?;
    /// pool.get()?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.assert_landed(("users", "acme"), "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn pool_for(&self, key: impl Into<BindKey>, context: impl Into<BindContext>) -> Result<Pool> {
        let line = Location::caller();
        self.running().calls(|| {
            let database = self.running().hold_for(&key.into(), &context.into())?;
            self.running().recorder().gives(database.keys(), Way::Pool, "pool_for", line);
            database.lent_pool()
        })
    }

    /// Returns a connection from the pool of the database that a context means; see [`pool_for`](Harness::pool_for).
    ///
    /// # Errors
    ///
    /// Those of [`pool_for`](Harness::pool_for), and [`Error::Pool`] when no connection becomes free within the pool's
    /// timeout.
    ///
    /// ```
    /// # use multibind::{context, row, Bind, Harness};
    /// # let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// let conn = db.connection_for("users", context! { tenant: "acme" })?;
    /// conn.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.assert_landed("users[acme]", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn connection_for(&self, key: impl Into<BindKey>, context: impl Into<BindContext>) -> Result<PooledConnection> {
        let line = Location::caller();
        self.running().calls(|| {
            // Held until the connection is out, which keeps it from being closed then.
            let database = self.running().hold_for(&key.into(), &context.into())?;
            self.running().recorder().gives(database.keys(), Way::Pool, "connection_for", line);
            database.pooled()
        })
    }

    /// Returns the key of the database that a context means, which [`uri`](Harness::uri), [`path`](Harness::path),
    /// [`assert_landed`](Harness::assert_landed) and everything else takes; see [`pool_for`](Harness::pool_for).
    ///
    /// # Errors
    ///
    /// Those of [`pool_for`](Harness::pool_for).
    ///
    /// ```
    /// # use multibind::{context, rusqlite, Bind, Harness};
    /// # let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// let acme = db.key_for("users", context! { tenant: "acme" })?;
    /// assert_eq!(acme.to_string(), "users[acme]");
    /// let conn = rusqlite::Connection::open(db.uri(acme)?)?;
    /// # conn.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn key_for(&self, key: impl Into<BindKey>, context: impl Into<BindContext>) -> Result<BindKey> {
        self.running().calls(|| {
            let key = key.into();
            let database = self.running().hold_for(&key, &context.into())?;
            // Of several keys for one database, that which was asked for.
            Ok(if database.keys().contains(&key) { key } else { database.key().clone() })
        })
    }

    /// Returns the keys of the databases that a dynamic bind has now, in order.
    ///
    /// # Errors
    ///
    /// [`Error::NotDynamic`] for another bind; [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is
    /// configured.
    ///
    /// ```
    /// # use multibind::{context, Bind, BindKey, Harness};
    /// # let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string()));
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// assert_eq!(db.database_keys("users")?, [] as [BindKey; 0]);
    /// for tenant in ["bee", "acme"] {
    ///     db.pool_for("users", context! { tenant: tenant })?;
    /// }
    /// assert_eq!(db.database_keys("users")?, ["users[acme]".into(), "users[bee]".into()]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn database_keys(&self, key: impl Into<BindKey>) -> Result<Vec<BindKey>> {
        self.running().calls(|| {
            let bind = self.running().dynamic(&key.into())?;
            Ok(mapped(&bind.databases(), |database| database.key().clone()))
        })
    }

    /// Closes one database of a dynamic bind, with all there is in it. Who uses it next gets a new one.
    ///
    /// Pools that the code under test still has, and connections opened by its [`uri`](Harness::uri), are not known here: nobody
    /// sees what they write afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Dynamic`] when a session has used it or a connection of its pool is out, and when there is no such
    /// database; [`Error::NotDynamic`] for a bind that is not dynamic; [`Error::Io`] when its file cannot be removed.
    ///
    /// ```
    /// # use multibind::{context, row, Bind, Harness};
    /// # let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// let acme = context! { tenant: "acme" };
    /// db.connection_for("users", &acme)?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.close_database("users[acme]")?;
    /// assert!(db.database_keys("users")?.is_empty());
    ///
    /// db.pool_for("users", &acme)?;
    /// db.assert_not_landed("users[acme]", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn close_database(&self, key: impl Into<BindKey>) -> Result<()> {
        self.running().calls(|| {
            let key = key.into();
            let running = self.running();
            match &running.binds()[running.bind(&key)?] {
                RunningBind::Dynamic(bind) if bind.owns(&key) => bind.close(&key),
                _ => Err(running.dynamic(&key)?.not_said()),
            }
        })
    }

    /// Closes every database of a dynamic bind that nobody uses, as [`close_database`](Harness::close_database) does,
    /// and gives their number.
    ///
    /// # Errors
    ///
    /// [`Error::NotDynamic`] for another bind; [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is
    /// configured; [`Error::Io`] when a file cannot be removed.
    ///
    /// ```
    /// # use multibind::{context, Bind, Harness};
    /// # let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string()));
    /// # let db = Harness::builder().bind("users", users).start()?;
    /// let held = db.connection_for("users", context! { tenant: "acme" })?;
    /// for tenant in 0..100 {
    ///     db.connection_for("users", context! { tenant: tenant })?;
    /// }
    /// assert_eq!(db.close_unused_databases("users")?, 100);
    /// assert_eq!(db.database_keys("users")?, ["users[acme]".into()]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn close_unused_databases(&self, key: impl Into<BindKey>) -> Result<usize> {
        self.running().calls(|| self.running().dynamic(&key.into())?.close_unused())
    }
}
