//! One running database: where it is, its connections, its pool, and the image it was made from.

mod helper;
mod keeper;
mod known;
mod manager;
mod moment;
mod observer;
mod opening;
mod patience;
mod pool;
mod pooled;
mod process;
mod setup;
mod sqlx_url;
mod state;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rusqlite::Connection;

use keeper::Keeper;
pub use manager::Manager;
pub(crate) use moment::{at_one_moment, committed};
pub(crate) use patience::Patience;
pub use pool::{Pool, PooledConnection};
pub(crate) use setup::{enforces_keys, Setup};
pub(crate) use sqlx_url::sqlx_url;

use crate::config::{DataOptions, EngineOptions, Replica, Storage};
use crate::error::{is_lock, Conflict, Error, Result};
use crate::instrument::{Faults, Found, Waiting, Watch};
use crate::key::{BindKey, Keys};
use crate::list::{mapped, retain};
use crate::sqlite::vfs::{GivenUp, Opener};
use crate::sqlite::{Image, NamedConnection};
use crate::storage::{self, read_only, Store};
use known::Known;
use opening::{uncommitted, Source};
use process::Process;

/// One running database, under one bind key or several.
pub(crate) struct Database {
    keys: Keys,
    /// The keys that SQL has for it, which may be none.
    names: Vec<BindKey>,
    store: Arc<dyn Store>,
    setup: Setup,
    options: EngineOptions,
    uses: Uses,
    /// Its contents at start.
    image: Arc<Image>,
    /// This crate's own connection to a database that ends with its last one. Elsewhere none stays open between two
    /// looks: it would keep the application from what needs the database alone, as leaving WAL mode does.
    keeper: Arc<Keeper>,
    /// A connection to a copy of the image of that number.
    copy: Mutex<Option<(u64, Connection)>>,
    /// Set if there may be so many that a connection to each would take more memory than they do.
    is_one_of_many: bool,
    /// Its tables as they were when last looked at.
    known: Mutex<Known>,
    /// The number of sessions that have written to it and not committed.
    uncommitted: Arc<AtomicUsize>,
    pool: OnceLock<(Pool, Arc<Source>)>,
    /// Set if there may be a clone of the pool that lives longer.
    has_lent_pool: AtomicBool,
    /// The process that started it.
    process: Process,
    /// The instruments of connections that the application opens itself, for as long as they are given any.
    found: Option<Found>,
}

/// The use of a database: what the application can do with it, and its other keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// Set if it only reads.
    pub(crate) read_only: bool,
    /// The source that it is a replica of, by its first key.
    pub(crate) replica: Option<(Replica, BindKey)>,
    /// The keys of replicas that are other ways to this database.
    pub(crate) ways: Vec<BindKey>,
}

impl Database {
    /// Returns another way to a database that is there.
    pub(crate) fn way_to(source: &Database, keys: Keys, options: EngineOptions, uses: Uses) -> Result<Database> {
        // What a test has one of them answer, the other does not.
        let (store, image) = (Arc::clone(&source.store), Arc::clone(&source.image));
        Database::of(keys, store, options, uses, image, Arc::default()).found()
    }

    /// Starts a database from an image; `file` is where one of [`Storage::TempFile`] goes.
    pub(crate) fn start(
        keys: Keys,
        kind: Storage,
        options: EngineOptions,
        uses: Uses,
        image: Arc<Image>,
        file: &dyn Fn() -> Result<PathBuf>,
    ) -> Result<Database> {
        let faults = Arc::<Faults>::default();
        let store = storage::start(kind, keys.first(), &image, &faults, file)?;
        let database = Database::of(keys, store, options, uses, image, faults);
        database.fill()?;
        if database.uses.read_only && database.setup.has_pragmas() {
            // What stays with a database none of its own connections could write down.
            database.open().map(drop).map_err(Error::sql(database.key()))?;
        }
        database.found()
    }

    /// Gives the instruments to the connections that the application opens itself.
    fn found(mut self) -> Result<Database> {
        let found = self.store.find(self.setup.watch(), self.uses.read_only);
        self.found = Some(found.map_err(Error::sql(self.key()))?);
        Ok(self)
    }

    fn of(
        keys: Keys,
        store: Arc<dyn Store>,
        options: EngineOptions,
        uses: Uses,
        image: Arc<Image>,
        faults: Arc<Faults>,
    ) -> Database {
        let setup = Setup::new(&options, &label(&keys), faults);
        if let Some(file) = store.file_name() {
            setup.watch().is_at(file);
        }
        // A database in memory starts as the image without a copy.
        let commits = store.commits_seen();
        let known =
            Known { image: Arc::clone(&image), tables: None, version: Some(image.version()), commits, copied: commits };
        let known = Mutex::new(known);
        let (keeper, uncommitted, pool) = (Arc::default(), Arc::default(), OnceLock::new());
        // What SQL says of `main`, and of no bind, is for who can write where a replica is the default bind.
        let is_way = uses.replica.as_ref().is_some_and(|(replica, _)| !replica.lags);
        let mut names = keys.to_vec();
        retain(&mut names, |key| !is_way || !key.is_default());
        names.extend(uses.ways.iter().filter(|key| key.is_default()).cloned());
        Database {
            keys,
            names,
            store,
            setup,
            options,
            uses,
            image,
            keeper,
            copy: Mutex::default(),
            is_one_of_many: false,
            known,
            uncommitted,
            pool,
            has_lent_pool: AtomicBool::new(false),
            process: Process::this(),
            found: None,
        }
    }

    /// Marks it as one of a number that may be large.
    pub(crate) fn one_of_many(mut self) -> Database {
        self.is_one_of_many = true;
        self
    }

    /// Returns how many connections of the pool are not in it.
    pub(crate) fn connections_out(&self) -> u32 {
        let state = self.pool.get().map(|(pool, _)| pool.state());
        state.map_or(0, |state| state.connections.saturating_sub(state.idle_connections))
    }

    /// Returns the key that names the database first.
    pub(crate) fn key(&self) -> &BindKey {
        self.keys.first()
    }

    /// Returns every key that means the database.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns every key that SQL has for it.
    pub(crate) fn names(&self) -> &[BindKey] {
        &self.names
    }

    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Returns the URI for the application.
    pub(crate) fn uri(&self) -> String {
        self.as_used(self.store.uri())
    }

    pub(crate) fn options(&self) -> &EngineOptions {
        &self.options
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.uses.read_only
    }

    /// Returns what it is a replica of, if it is one.
    pub(crate) fn replica(&self) -> Option<Replica> {
        self.uses.replica.as_ref().map(|(replica, _)| *replica)
    }

    /// Returns the first key of what it is a replica of, if it is one.
    pub(crate) fn source(&self) -> Option<&BindKey> {
        self.uses.replica.as_ref().map(|(_, key)| key)
    }

    /// Returns whether it is a replica that is a database of its own.
    pub(crate) fn lags(&self) -> bool {
        self.replica().is_some_and(|replica| replica.lags)
    }

    /// Returns every key that means it, those of replicas that are other ways to it last.
    pub(crate) fn all_keys(&self) -> Keys {
        self.keys.with(&self.uses.ways)
    }

    /// Returns the URI for one of this crate's own connections.
    pub(crate) fn uri_for(&self, opener: Opener) -> String {
        self.await_turn();
        self.as_used(self.store.uri_for(opener))
    }

    fn as_used(&self, uri: String) -> String {
        if self.uses.read_only {
            read_only(uri)
        } else {
            uri
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.store.path()
    }

    /// Returns whether connections share one cache, with locks by table and a view of what is not committed.
    pub(crate) fn is_shared_cache(&self) -> bool {
        self.store.shares_cache()
    }

    /// Returns whether faults of the disk and of the writer's lock are met.
    pub(crate) fn meets_disk_faults(&self) -> bool {
        self.store.meets_disk_faults()
    }

    pub(crate) fn storage(&self) -> Storage {
        self.store.kind()
    }

    pub(crate) fn busy_timeout(&self) -> Duration {
        self.setup.busy_timeout()
    }

    /// Returns whether connections to it enforce foreign keys.
    pub(crate) fn enforces_keys(&self) -> bool {
        self.setup.enforces_keys()
    }

    /// Returns the keys as people read them, `default = test1` where there are several.
    pub(crate) fn label(&self) -> String {
        let keys = label(&self.keys);
        let ways = mapped(&self.uses.ways, |key| format!(" = {key} (read only)")).concat();
        match &self.uses.replica {
            Some((Replica { lags: true, .. }, source)) => format!("{keys} (lags behind {source})"),
            _ if self.uses.read_only => format!("{keys} (read only)"),
            _ => format!("{keys}{ways}"),
        }
    }

    /// Counts a session that has begun to write.
    pub(crate) fn write_begun(&self) {
        self.uncommitted.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back what `write_begun` counted.
    pub(crate) fn write_ended(&self) {
        self.uncommitted.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns whether a session has written to it and not committed.
    pub(crate) fn has_uncommitted_session(&self) -> bool {
        self.uncommitted.load(Ordering::Relaxed) > 0
    }

    /// Returns whether some connection has a transaction open that can write. No lock is taken to find out: of a file
    /// in WAL mode other connections than those of the pool and of sessions are seen on Linux alone.
    pub(crate) fn has_writer(&self) -> bool {
        self.store.has_writer_seen(self.faults()).unwrap_or_else(|| {
            let looked = self.observe_at_once(|conn| self.store.has_writer_beside(conn));
            looked.unwrap_or_else(|error| is_lock(&error))
        })
    }

    /// Returns the writer that has a transaction open, where that is known.
    pub(crate) fn writer(&self) -> Option<String> {
        self.store.writer()
    }

    /// Returns what blocks `waiter`, which was refused a lock on this thread and counts as `own` sessions that have
    /// written: the holder where the locks are this crate's own, else what is known of who may be.
    pub(crate) fn blocker(&self, waiter: Opener, own: usize) -> Option<Box<Conflict>> {
        if self.store.knows_its_locks() {
            return self.store.conflict(waiter).map(Conflict::new);
        }
        let sessions = self.uncommitted.load(Ordering::Relaxed).saturating_sub(own);
        let pooled = self.connections_out();
        let sessions = uncommitted(sessions);
        let pooled = match pooled {
            0 => None,
            1 => Some("1 connection of its pool is in use".to_string()),
            many => Some(format!("{many} connections of its pool are in use")),
        };
        let known = match (sessions, pooled) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(sessions), Some(pooled)) => format!("{sessions}, {pooled}"),
        };
        Some(Conflict::new(format!(
            "another connection has a transaction or an unfinished query open on it. SQLite does not report which one; {known}"
        )))
    }

    /// Returns the connections that were refused a lock and have not got it since, each with the statement that it is known to
    /// have waited with.
    pub(crate) fn given_up(&self) -> Vec<(GivenUp, Waiting)> {
        let known = self.store.knows_its_locks();
        let given_up = if known { self.store.given_up() } else { self.faults().given_up() };
        let mut with_statements = Vec::with_capacity(given_up.len());
        for wait in given_up {
            let waiting = self.faults().waiting(wait.connection);
            with_statements.push((wait, waiting));
        }
        with_statements
    }

    /// Returns how its data files are read.
    pub(crate) fn reading(&self) -> DataOptions {
        self.options.reading()
    }

    /// Refuses a process that was forked from the one that started the database.
    pub(crate) fn check_process(&self) -> rusqlite::Result<()> {
        self.process.check()
    }

    /// Returns a connection of its own for a session, on which the bind's key is a schema name.
    pub(crate) fn engine(&self, key: &BindKey) -> rusqlite::Result<NamedConnection> {
        self.process.check()?;
        self.await_turn();
        let conn = if self.uses.read_only {
            self.setup.open_read_only(&*self.store, Opener::Session)?
        } else {
            self.open_as(Opener::Session)?
        };
        self.setup.watch().listen_in_session(&conn);
        NamedConnection::new(conn, key.schema_name())
    }

    /// Returns a connection for this crate's own looks and repairs.
    pub(crate) fn open(&self) -> rusqlite::Result<Connection> {
        self.open_as(Opener::Harness)
    }

    /// Opens a connection that can write and reports no statements: for this crate's own looks and repairs,
    /// and for a session, which reports those that it was given.
    pub(crate) fn open_as(&self, opener: Opener) -> rusqlite::Result<Connection> {
        self.process.check()?;
        self.await_turn();
        self.setup.open(&*self.store, opener)
    }

    /// Returns the watch that statements are reported to.
    pub(crate) fn watch(&self) -> &Watch {
        self.setup.watch()
    }

    /// Returns the faults that tests set.
    pub(crate) fn faults(&self) -> &Arc<Faults> {
        self.setup.faults()
    }

    /// Sets a connection to no database up as one to this would be.
    pub(crate) fn set_up(&self, conn: &Connection) -> rusqlite::Result<()> {
        self.setup.apply(conn, false)
    }
}

fn label(keys: &[BindKey]) -> String {
    mapped(keys, BindKey::to_string).join(" = ")
}
