//! The running set of binds: start, look-up by key, back to the start, close.

mod builder;
mod folder;
mod held;
mod keep;
mod references;
#[cfg(target_os = "linux")]
mod sweep;
mod tables;
mod template;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

pub use builder::HarnessBuilder;
pub(crate) use held::{HeldFolder, Kind};
pub use keep::Keep;
pub(crate) use references::{Reference, ReferenceEnd};

use crate::config::Config;
use crate::database::{drop_spent, lock, Database, Opener, Pool, PooledConnection, Recorder, Rules};
use crate::error::{Error, Result};
use crate::key::{BindKey, Selection};
use crate::order::sort_by_key;
use crate::schema::Metadata;
use template::Template;

/// A real SQLite database for every configured bind, for as long as it lives.
///
/// Dropping it frees the memory and removes the files, also when the test panics; [`close`](Harness::close) does so
/// and reports what `Drop` can only log. When a test fails, its databases are saved first: see [`keep`](Harness::keep). It is `Send` and `Sync`, and everything takes `&self`.
///
/// ```
/// use multibind::{row, Bind, Harness};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
///     .bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)"))
///     .start()?;
///
/// let conn = db.connection("auth")?;
/// conn.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
///
/// db.assert_landed("auth", "user", row! { username: "ann" });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Harness {
    running: Arc<Running>,
    /// What the test said of keeping its databases.
    keep: Mutex<Option<Keep>>,
    /// The thread that started it.
    started_by: Thread,
}

/// What a harness and its sessions share.
pub(crate) struct Running {
    databases: Vec<Bound>,
    /// Where the files are, if a bind has one. After the databases, whose connections close first.
    folder: Mutex<Option<HeldFolder>>,
    /// References from one bind into another.
    references: Vec<Reference>,
    /// The statements that ran while somebody recorded them.
    recorder: Arc<Recorder>,
    /// The guards that are alive.
    rules: Arc<Rules>,
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Harness").field(&self.running).finish()
    }
}

/// The binds, each with its storage.
impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binds = self.databases().map(|database| (database.label(), database.storage()));
        f.debug_map().entries(binds.map(|(keys, storage)| (keys, storage.to_string()))).finish()
    }
}

/// A database and what its tables are.
struct Bound {
    database: Database,
    template: Arc<Template>,
    metadata: Mutex<Option<Arc<Metadata>>>,
}

impl Harness {
    /// A builder for binds from code.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// assert_eq!(db.binds(), [BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn builder() -> HarnessBuilder {
        HarnessBuilder::default()
    }

    /// Starts the binds of a TOML file, `fixtures/binds.toml` for example, as its environment `test` has them, or the one
    /// that the variable `MULTIBIND_ENV` names: see [`Config::environment`].
    ///
    /// A relative path is looked for in the folder of the crate under test, where `cargo test` runs it; the paths in
    /// the file are relative to the file.
    ///
    /// # Errors
    ///
    /// What [`Config::from_file`] and [`HarnessBuilder::start`] report.
    ///
    /// ```
    /// use multibind::{BindKey, Harness};
    ///
    /// let db = Harness::from_file("fixtures/binds.toml")?;
    /// assert_eq!(db.binds(), [BindKey::DEFAULT, "auth".into(), "meta".into()]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Harness> {
        Harness::from_config(Config::from_file(path)?)
    }

    /// Starts the binds of a configuration.
    ///
    /// # Errors
    ///
    /// What [`HarnessBuilder::start`] reports.
    ///
    /// ```
    /// use multibind::{Bind, Config, Harness};
    ///
    /// let db = Harness::from_config(Config::new().bind("auth", Bind::memory()))?;
    /// assert_eq!(db.binds().len(), 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn from_config(config: Config) -> Result<Harness> {
        builder::start(config)
    }

    /// The configured keys, the default bind's first.
    ///
    /// ```
    /// use multibind::{Bind, BindKey, Harness};
    ///
    /// let db = Harness::builder().bind("auth", Bind::memory()).default_bind(Bind::memory()).start()?;
    /// assert_eq!(db.binds(), [BindKey::DEFAULT, BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn binds(&self) -> Vec<BindKey> {
        self.running.keys()
    }

    /// The bind's `r2d2` pool, for code under test that takes one; a clone, all of which are one pool.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().pool_size(2)).start()?;
    /// assert_eq!(db.pool(None)?.max_size(), 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pool(&self, key: impl Into<BindKey>) -> Result<Pool> {
        Ok(self.running.database(&key.into())?.pool().clone())
    }

    /// A connection from the bind's pool.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured, [`Error::Pool`] when none
    /// of its connections becomes free within the pool's timeout.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let two: i64 = db.connection(None)?.query_row("SELECT 1 + 1", [], |row| row.get(0))?;
    /// assert_eq!(two, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connection(&self, key: impl Into<BindKey>) -> Result<PooledConnection> {
        let key = key.into();
        self.running.database(&key)?.pool().get().map_err(|source| Error::Pool { bind: key, source })
    }

    /// An [SQLite URI](https://sqlite.org/uri.html) under which any driver that is linked to the same SQLite opens
    /// the bind's database; it must be opened as a URI.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let conn = multibind::rusqlite::Connection::open(db.uri(None)?)?;
    /// conn.execute("INSERT INTO t VALUES (1)", [])?;
    /// db.assert_landed(None, "t", multibind::row! { x: 1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn uri(&self, key: impl Into<BindKey>) -> Result<String> {
        Ok(self.running.database(&key.into())?.uri())
    }

    /// The bind's file, `None` for a bind in memory.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder().default_bind(Bind::temp_file()).bind("auth", Bind::memory()).start()?;
    /// assert!(db.path(None)?.is_some_and(|path| path.exists()));
    /// assert_eq!(db.path("auth")?, None);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn path(&self, key: impl Into<BindKey>) -> Result<Option<PathBuf>> {
        Ok(self.running.database(&key.into())?.path().map(Path::to_path_buf))
    }

    /// Puts every bind back to what it was at start: tables, rows and counters, whoever changed them.
    ///
    /// Connections and pools stay usable.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] with the bind when another connection has a transaction or an unfinished query open on it.
    /// Binds before it have been put back.
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    ///
    /// let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// db.reset()?;
    /// db.assert_not_landed(None, "t", row! { x: 1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&self) -> Result<()> {
        for bound in &self.running.databases {
            let database = &bound.database;
            database.overwrite(database.image()).map_err(|source| {
                Error::sql(database.key(), "")(source).held_by(|| database.in_the_way(Opener::Harness, 0))
            })?;
            *lock(&bound.metadata) = None;
        }
        Ok(())
    }

    /// Ends the harness and reports what `Drop` can only log.
    ///
    /// # Errors
    ///
    /// [`Error::StillInUse`] when a session of the harness is still alive, which keeps the databases until it is
    /// dropped; [`Error::Io`] when the folder of its files could not be removed.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder().default_bind(Bind::temp_file()).start()?;
    /// let file = db.path(None)?.unwrap();
    /// db.close()?;
    /// assert!(!file.exists());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn close(self) -> Result<()> {
        let running = Arc::clone(&self.running);
        drop(self);
        match Arc::try_unwrap(running) {
            Ok(mut running) => running.close(),
            Err(running) => Err(Error::StillInUse { sessions: Arc::strong_count(&running) - 1 }),
        }
    }

    fn of(running: Running) -> Harness {
        Harness { running: Arc::new(running), keep: Mutex::new(None), started_by: thread::current() }
    }

    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }
}

impl Running {
    /// Every configured key, the default bind's first.
    pub(crate) fn keys(&self) -> Vec<BindKey> {
        let mut keys = self.databases().flat_map(|database| database.keys().iter().cloned()).collect::<Vec<_>>();
        // Only the default bind's place is fixed; a shared stand-in keeps its other keys beside it.
        sort_by_key(&mut keys, |key| !key.is_default());
        keys
    }

    /// The databases in the order of the configuration; a position here is how the rest of the crate names one.
    pub(crate) fn databases(&self) -> impl ExactSizeIterator<Item = &Database> {
        self.databases.iter().map(|bound| &bound.database)
    }

    /// The references from one bind into another.
    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The statements that ran while somebody recorded them.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// The guards that are alive.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The database at a position.
    pub(crate) fn at(&self, position: usize) -> Option<&Database> {
        self.databases.get(position).map(|bound| &bound.database)
    }

    /// The first key of the database at a position.
    pub(crate) fn key(&self, position: usize) -> BindKey {
        self.at(position).map_or(BindKey::DEFAULT, |database| database.key().clone())
    }

    /// The database of a key.
    pub(crate) fn database(&self, key: &BindKey) -> Result<&Database> {
        Ok(&self.bound(key)?.database)
    }

    /// The position of a key's database.
    pub(crate) fn position(&self, key: &BindKey) -> Result<usize> {
        let position = self.databases().position(|database| database.keys().contains(key));
        position.ok_or_else(|| self.unknown(key))
    }

    fn bound(&self, key: &BindKey) -> Result<&Bound> {
        let bound = self.databases.iter().find(|bound| bound.database.keys().contains(key));
        bound.ok_or_else(|| self.unknown(key))
    }

    fn unknown(&self, key: &BindKey) -> Error {
        match key.is_default() {
            true => Error::NoDefaultBind { what: None, configured: self.keys() },
            false => Error::UnknownBind { bind: key.clone(), configured: self.keys() },
        }
    }

    /// The databases that a selection means, each once, in the order configured.
    fn selected(&self, selection: &Selection) -> Result<Vec<&Bound>> {
        let Some(keys) = selection.keys() else { return Ok(self.databases.iter().collect()) };
        let mut positions = keys.iter().map(|key| self.position(key)).collect::<Result<Vec<_>>>()?;
        positions.sort_unstable();
        positions.dedup();
        Ok(positions.into_iter().filter_map(|position| self.databases.get(position)).collect())
    }

    /// Closes the databases, then removes their folder. Doing it twice does nothing.
    fn close(&mut self) -> Result<()> {
        // On Unix a folder goes also while its files are open; elsewhere the databases must be closed first.
        self.databases.clear();
        drop_spent();
        let folder = lock(&self.folder).take();
        let path = folder.as_ref().map(|folder| folder.path().to_path_buf()).unwrap_or_default();
        folder.map_or(Ok(()), HeldFolder::close).map_err(Error::io("remove", path))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            log::warn!("{error}");
        }
    }
}
