//! Every bind's engine and metadata, to be read back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value;

use super::bound::Bound;
use super::Harness;
use crate::config::{EngineOptions, Storage};
use crate::database::Pool;
use crate::error::Result;
use crate::key::BindKey;
use crate::schema::Metadata;

/// A bind's engine: its database, with the options and the pool that it was started with; from [`Harness::engine`].
///
/// It keeps the database open for as long as it lives. As in Flask-SQLAlchemy, statements of a test go through the
/// [session](crate::Session); an engine is there to be looked at.
///
/// ```
/// use multibind::binds::Storage;
/// use multibind::{Bind, Harness};
///
/// let bind = Bind::url("mysql://app:secret@db.example/users").storage(Storage::TempFile).pool_size(3);
/// let db = Harness::builder().bind("auth", bind).start()?;
/// let auth = db.engine("auth")?;
/// assert_eq!(auth.url(), Some("mysql://app:***@db.example/users"));
/// assert_eq!((auth.storage(), auth.pool().max_size()), (Storage::TempFile, 3));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    key: BindKey,
    url: Option<String>,
    database: Arc<Bound>,
}

impl Engine {
    /// Returns the bind's key.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// assert_eq!(db.engine("auth")?.key(), &BindKey::from("auth"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn key(&self) -> &BindKey {
        &self.key
    }

    /// Returns the URL that the bind is configured with, without its password; `None` where it has none.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::url("postgresql:///main")).bind("auth", Bind::memory()).start()?;
    /// assert_eq!(db.engine(None)?.url(), Some("postgresql:///main"));
    /// assert_eq!(db.engine("auth")?.url(), None);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Returns the kind of storage that the database is in.
    ///
    /// ```
    /// # use multibind::{binds::Storage, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::url("file:x?mode=memory&cache=shared")).start()?;
    /// assert_eq!(db.engine(None)?.storage(), Storage::SharedCache);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn storage(&self) -> Storage {
        self.database.storage()
    }

    /// Returns the SQLite URI of the database, as [`Harness::uri`] gives it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// assert_eq!(db.engine(None)?.uri(), db.uri(None)?);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn uri(&self) -> String {
        self.database.uri()
    }

    /// Returns the file of the database, if it is in one.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::temp_file()).start()?;
    /// assert!(db.engine(None)?.path().unwrap().exists());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn path(&self) -> Option<&Path> {
        self.database.path()
    }

    /// Returns the pool, as [`Harness::pool`] gives it; it says its size, its timeout and how many connections are out.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().pool_size(2)).start()?;
    /// assert_eq!(db.engine(None)?.pool().max_size(), 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pool(&self) -> Pool {
        self.database.pool_of_engine()
    }

    /// Returns the time after which the pool replaces a connection; `None` for never.
    ///
    /// ```
    /// # use {multibind::{Bind, Harness}, std::time::Duration};
    /// # let db = Harness::builder().default_bind(Bind::memory().pool_recycle(Duration::from_secs(3600))).start()?;
    /// assert_eq!(db.engine(None)?.pool_recycle(), Some(Duration::from_secs(3600)));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pool_recycle(&self) -> Option<Duration> {
        self.options().pool_recycle
    }

    /// Returns the time that its connections wait for a lock.
    ///
    /// ```
    /// # use {multibind::{Bind, Harness}, std::time::Duration};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// assert_eq!(db.engine(None)?.busy_timeout(), Duration::from_secs(5));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn busy_timeout(&self) -> Duration {
        self.database.busy_timeout()
    }

    /// Returns whether its connections enforce foreign keys.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().foreign_keys(false)).start()?;
    /// assert!(!db.engine(None)?.foreign_keys());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn foreign_keys(&self) -> bool {
        self.options().foreign_keys.unwrap_or(true)
    }

    /// Returns whether its statements are logged.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().echo(true)).start()?;
    /// assert!(db.engine(None)?.echo());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn echo(&self) -> bool {
        self.options().echo.unwrap_or(false)
    }

    /// Returns the pragmas that its connections start with, in order.
    ///
    /// ```
    /// # use multibind::{rusqlite::types::Value, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().pragma("cache_size", 77)).start()?;
    /// assert_eq!(db.engine(None)?.pragmas(), [("cache_size".to_string(), Value::Integer(77))]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pragmas(&self) -> &[(String, Value)] {
        &self.options().pragmas
    }

    /// Returns whether the application can only read it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().read_only(true)).start()?;
    /// assert!(db.engine(None)?.is_read_only());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_read_only(&self) -> bool {
        self.database.is_read_only()
    }

    fn options(&self) -> &EngineOptions {
        self.database.options()
    }
}

impl Harness {
    /// Returns a bind's engine: the URL, storage, options and pool that it was started with.
    ///
    /// # Errors
    ///
    /// Those of [`pool`](Harness::pool).
    ///
    /// ```
    /// # use multibind::{binds::Storage, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// assert_eq!(db.engine("auth")?.storage(), Storage::Memory);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn engine(&self, key: impl Into<BindKey>) -> Result<Engine> {
        self.running().calls(|| {
            let key = key.into();
            let database = self.running().database(&key)?;
            // A database of a dynamic bind has the name of one.
            let url = self.running().url(&key).map(str::to_string);
            Ok(Engine { key, url, database })
        })
    }

    /// Returns the engine of every bind, as `db.engines` of Flask-SQLAlchemy: one for each key, the default bind's first, those of
    /// a [dynamic bind](crate::Bind::dynamic) one for each database that there is now.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::temp_file()).start()?;
    /// let storages: Vec<_> = db.engines().iter().map(|engine| format!("{} in {}", engine.key(), engine.storage())).collect();
    /// assert_eq!(storages, ["default in memory", "auth in temp_file"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn engines(&self) -> Vec<Engine> {
        let mut engines = Vec::new();
        for key in self.every_key() {
            // A database of a dynamic bind may have been closed since.
            engines.extend(self.engine(key));
        }
        engines
    }

    /// Returns the metadata of every bind, as `db.metadatas` of Flask-SQLAlchemy; in the order of [`engines`](Harness::engines).
    ///
    /// # Errors
    ///
    /// Those of [`metadata`](Harness::metadata).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// for (key, metadata) in db.metadatas()? {
    ///     assert_eq!((key.to_string().as_str(), metadata.tables().len()), ("auth", 1));
    /// }
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn metadatas(&self) -> Result<Vec<(BindKey, Arc<Metadata>)>> {
        let mut metadatas = Vec::new();
        for engine in self.engines() {
            metadatas.push((engine.key, engine.database.metadata()?));
        }
        Ok(metadatas)
    }

    /// Returns the configured keys, with those of its databases in place of a dynamic bind's.
    fn every_key(&self) -> Vec<BindKey> {
        let mut keys = Vec::new();
        for key in self.running().keys() {
            match self.running().dynamic(&key) {
                Ok(bind) => keys.extend(bind.databases().iter().map(|database| database.key().clone())),
                Err(_) => keys.push(key),
            }
        }
        keys
    }
}
