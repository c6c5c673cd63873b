//! The running set of binds: start, look-up by key, back to the start, close.

mod behind;
mod blueprint;
mod bound;
mod chosen;
mod dynamic;
mod end;
mod engines;
mod folder;
mod foreign_keys;
mod halves;
mod head;
mod held;
mod history;
mod images;
mod keep;
mod labels;
mod make;
mod migrate;
mod prepare;
mod prepared;
mod reference;
mod references;
mod replicas;
mod running;
mod scope;
mod shape;
mod shared_data;
mod start;
mod state;
mod tables;
mod template;

use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

pub(crate) use bound::{Bound, Standing};
pub(crate) use dynamic::DynamicBind;
pub(crate) use end::{Keeper, Kept};
pub use engines::Engine;
pub(crate) use held::HeldFolder;
pub use keep::Keep;
pub use prepared::Prepared;
pub(crate) use prepared::Stage;
pub(crate) use reference::{Reference, ReferenceEnd};
pub(crate) use running::{Created, Running, RunningBind, Transactions};
pub(crate) use scope::Scope;
#[cfg(test)]
pub(crate) use scope::ASKED;
pub(crate) use start::start;

use crate::database::{sqlx_url, Pool, PooledConnection};
use crate::error::{Error, Result};
use crate::instrument::{Banning, PutBackTo, Way};
use crate::key::BindKey;
use crate::sqlite::vfs::Opener;
use crate::sqlite::Image;

/// A real SQLite database for every configured bind, for as long as it lives.
///
/// Dropping it frees the memory and removes the files, also when the test panics; [`close`](Harness::close) does so
/// and reports what `Drop` can only log. When a test fails, its databases are saved first: see [`keep`](Harness::keep). It is
/// `Send` and `Sync`, and everything takes `&self`. The guide's chapters [Getting started](crate::guide::getting_started) and
/// [Landings](crate::guide::landings) show it at work.
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
#[must_use = "its databases end when it is dropped, here at once: bind it to `db`"]
pub struct Harness {
    running: Arc<Running>,
    /// The test's choice on keeping its databases.
    keep: Mutex<Option<Keep>>,
    /// The thread that started it.
    started_by: Thread,
    /// Saves its databases; registered at its start.
    keeper: Keeper,
    /// The ban on connections to what is no bind, where the configuration has it.
    outside: Option<Banning>,
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Harness").field(&self.running).finish()
    }
}

impl Harness {
    /// Returns the configured keys, the default bind's first.
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

    /// Returns the bind's `r2d2` pool, for code under test that takes one; a clone, all of which are one pool.
    ///
    /// A clone that outlives the harness gives connections that answer every statement with an error.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured; [`Error::Dynamic`]
    /// for the bare key of a [dynamic bind](crate::Bind::dynamic), see [`pool_for`](Harness::pool_for).
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().pool_size(2)).start()?;
    /// assert_eq!(db.pool(None)?.max_size(), 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn pool(&self, key: impl Into<BindKey>) -> Result<Pool> {
        let line = Location::caller();
        self.running.calls(|| {
            let database = self.running.database(&key.into())?;
            self.running.recorder().gives(database.keys(), Way::Pool, "pool", line);
            database.lent_pool()
        })
    }

    /// Returns a connection from the bind's pool.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured, [`Error::Pool`] when none
    /// of its connections becomes free within the pool's timeout. [`Error::Dynamic`] for the bare key of a
    /// [dynamic bind](crate::Bind::dynamic), see [`connection_for`](Harness::connection_for).
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let two: i64 = db.connection(None)?.query_row("SELECT 1 + 1", [], |row| row.get(0))?;
    /// assert_eq!(two, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn connection(&self, key: impl Into<BindKey>) -> Result<PooledConnection> {
        let line = Location::caller();
        self.running.calls(|| {
            let database = self.running.database(&key.into())?;
            self.running.recorder().gives(database.keys(), Way::Pool, "connection", line);
            database.pooled()
        })
    }

    /// Returns the [SQLite URI](https://sqlite.org/uri.html) by which a driver that is linked to the same SQLite opens the
    /// bind's database; sqlx and SeaORM take [`sqlx_url`](Harness::sqlx_url).
    ///
    /// It must be opened as a URI. That of a bind that is [only read](crate::Bind::read_only) opens it read-only. A driver's
    /// connections start with the driver's own settings, not with the bind's options: see its documentation for foreign
    /// keys and for how long it waits for a lock.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured; [`Error::Dynamic`]
    /// for the bare key of a [dynamic bind](crate::Bind::dynamic), see [`key_for`](Harness::key_for).
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let conn = multibind::rusqlite::Connection::open(db.uri(None)?)?;
    /// conn.execute("INSERT INTO t VALUES (1)", [])?;
    /// db.assert_landed(None, "t", multibind::row! { x: 1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn uri(&self, key: impl Into<BindKey>) -> Result<String> {
        self.uri_by("uri", &key.into(), Location::caller())
    }

    /// Returns the URL by which sqlx opens the bind's database, and so SeaORM; any other driver takes [`uri`](Harness::uri).
    ///
    /// # Errors
    ///
    /// Those of [`uri`](Harness::uri).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// let url = db.sqlx_url("auth")?; // SqlitePool::connect(&url).await
    /// assert!(url.starts_with("sqlite:///"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn sqlx_url(&self, key: impl Into<BindKey>) -> Result<String> {
        Ok(sqlx_url(&self.uri_by("sqlx_url", &key.into(), Location::caller())?))
    }

    /// Returns the bind's file, `None` for a bind in memory.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured; [`Error::Dynamic`]
    /// for the bare key of a [dynamic bind](crate::Bind::dynamic), see [`key_for`](Harness::key_for).
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder().default_bind(Bind::temp_file()).bind("auth", Bind::memory()).start()?;
    /// assert!(db.path(None)?.is_some_and(|path| path.exists()));
    /// assert_eq!(db.path("auth")?, None);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn path(&self, key: impl Into<BindKey>) -> Result<Option<PathBuf>> {
        let line = Location::caller();
        self.running.calls(|| {
            let database = self.running.database(&key.into())?;
            self.running.recorder().gives(database.keys(), Way::Address, "path", line);
            Ok(database.path().map(Path::to_path_buf))
        })
    }

    /// Puts every bind back to what it was at start: tables, rows and counters, whoever changed them. Of a part,
    /// [`part`](Harness::part) does so.
    ///
    /// Connections and pools stay usable: each reads its schema and its pages anew. The journal mode stays as it is, and so does
    /// the page size of a file that another connection has open in WAL mode.
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
    #[track_caller]
    pub fn reset(&self) -> Result<()> {
        self.running.calls(|| {
            for database in self.running.databases() {
                self.overwritten(&database, database.image())?;
            }
            Ok(())
        })
    }

    /// Puts a database back to its start, as an image has it.
    pub(crate) fn overwritten(&self, database: &Bound, image: &Arc<Image>) -> Result<()> {
        database
            .overwrite(image)
            .map_err(|source| Error::sql(database.key())(source).held_by(|| database.blocker(Opener::Harness, 0)))?;
        database.set_standing(Standing::default());
        self.running.recorder().is_put_back(database.keys(), PutBackTo::Start);
        Ok(())
    }

    /// Ends the harness and reports what `Drop` can only log.
    ///
    /// # Errors
    ///
    /// [`Error::StillInUse`] when a session of the harness is still alive, which keeps the databases until it is
    /// dropped, and when a connection of a pool is in use, which answers with an error from then on; [`Error::Io`] when the folder of its files could not be removed.
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
        let mut connections = Vec::new();
        for database in running.databases() {
            let out = database.connections_out();
            if out > 0 {
                connections.push((database.key().clone(), out));
            }
        }
        drop(self);
        match Arc::try_unwrap(running) {
            Ok(running) => running.close()?,
            Err(running) => {
                return Err(Error::StillInUse { sessions: Arc::strong_count(&running) - 1, connections, at: None });
            }
        }
        if connections.is_empty() {
            return Ok(());
        }
        Err(Error::StillInUse { sessions: 0, connections, at: None })
    }

    #[track_caller]
    fn uri_by(&self, method: &'static str, key: &BindKey, line: &'static Location<'static>) -> Result<String> {
        self.running.calls(|| {
            let database = self.running.database(key)?;
            self.running.recorder().gives(database.keys(), Way::Address, method, line);
            Ok(database.uri())
        })
    }

    /// Returns the number of sessions that are alive.
    fn sessions(&self) -> usize {
        Arc::strong_count(&self.running).saturating_sub(1)
    }

    fn of(running: Running, keeper: Keeper) -> Harness {
        let (running, keep, started_by) = (Arc::new(running), Mutex::new(None), thread::current());
        Harness { running, keep, started_by, keeper, outside: None }
    }

    /// Returns the harness with a ban that lasts until its end.
    pub(crate) fn with_ban(mut self, outside: Option<Banning>) -> Harness {
        self.outside = outside;
        self
    }

    /// Returns the ban that its configuration has.
    pub(crate) fn ban(&self) -> Option<&Banning> {
        self.outside.as_ref()
    }

    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }
}
