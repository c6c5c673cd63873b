//! One running database: where it is, its connections, its pool, and the image it was made from.

mod collations;
mod connect;
mod disk;
mod driver;
mod engine;
mod fault;
mod fleeting;
mod hold;
mod hook;
mod image;
mod location;
mod memory;
mod once;
mod original;
mod pool;
mod probe;
mod state;
mod watch;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

pub(crate) use collations::{collation_of, has_collation, stand_in_for_collations};
pub(crate) use connect::{attach, column_names, number, set_last_insert_rowid, texts, Setup};
pub use driver::Driver;
pub(crate) use engine::Engine;
pub use fault::Operation;
pub(crate) use fault::{spared, FaultKind, Faulting, Faults};
pub(crate) use fleeting::{open as open_noticing, ran, watch as noticing};
pub(crate) use hook::{authorize, Hooked};
pub(crate) use image::{copy_pages, schema_version, Image};
pub(crate) use location::Location;
pub(crate) use once::{drop_spent, OnceCache};
pub(crate) use original::{Digest, Original};
pub use pool::{Pool, PooledConnection};
pub(crate) use probe::is_locked_out;
pub(crate) use watch::{
    Beginning, Begun, Guarding, Listening, Recorded, Recorder, Refused, Refuses, Rule, Rules, Watch,
};

use crate::config::{EngineOptions, Reading, Replica, Storage};
use crate::error::{is_lock, Conflict, Error, Result};
use crate::key::BindKey;
use crate::list::mapped;
use hold::{hold, Against};
use memory::Memory;
pub(crate) use memory::Opener;
use state::Known;

/// The lock, also after a panic elsewhere: what it guards is never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One running database, under one bind key or several.
#[derive(Debug)]
pub(crate) struct Database {
    keys: Vec<BindKey>,
    /// The keys that SQL has for it.
    names: Vec<BindKey>,
    location: Location,
    setup: Setup,
    options: EngineOptions,
    uses: Uses,
    /// What it was at start.
    image: Arc<Image>,
    /// This crate's own connection: it keeps memory alive and looks without waiting. Opened on first use for a file.
    observer: Mutex<Option<Connection>>,
    /// Whether that stays open between two looks.
    keeps_observer: bool,
    /// Its tables as they were when last looked at.
    known: Mutex<Known>,
    /// How many sessions have written to it and not committed.
    uncommitted: AtomicUsize,
    pool: OnceLock<Pool>,
}

/// What the application can do with a database, and what else there is of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// Whether it only reads.
    pub(crate) read_only: bool,
    /// What it is a replica of, and that one's first key.
    pub(crate) replica: Option<(Replica, BindKey)>,
    /// The keys of replicas that are other ways to this database.
    pub(crate) ways: Vec<BindKey>,
}

impl Database {
    /// Another way to a database that is there.
    pub(crate) fn way_to(source: &Database, keys: Vec<BindKey>, options: EngineOptions, uses: Uses) -> Database {
        // What a test has one of them answer, the other does not.
        Database::of(keys, source.location.clone(), options, uses, Arc::clone(&source.image), Arc::default())
    }

    /// Starts a database from an image; `file` is where one of [`Storage::TempFile`] goes.
    pub(crate) fn start(
        keys: Vec<BindKey>,
        storage: Storage,
        options: EngineOptions,
        uses: Uses,
        image: Arc<Image>,
        file: &dyn Fn() -> Result<std::path::PathBuf>,
    ) -> Result<Database> {
        let faults = Arc::<Faults>::default();
        let location = match storage {
            Storage::Memory => {
                let memory = Memory::new(Arc::clone(&image), &faults);
                Location::Memory(memory.map_err(Error::sql(keys.first().unwrap_or(&BindKey::DEFAULT), ""))?)
            }
            Storage::SharedCache => Location::shared_cache(),
            Storage::MemDb => Location::memdb(),
            Storage::TempFile => {
                let key = keys.first().unwrap_or(&BindKey::DEFAULT);
                Location::File(file().map_err(Error::of_bind(key))?)
            }
        };
        let database = Database::of(keys, location, options, uses, image, faults);
        database.fill()?;
        if database.uses.read_only && database.setup.has_pragmas() {
            // What stays with a database none of its own connections could write down.
            database.observe(|_| Ok(())).map_err(Error::sql(database.key(), ""))?;
        }
        Ok(database)
    }

    fn of(
        keys: Vec<BindKey>,
        location: Location,
        options: EngineOptions,
        uses: Uses,
        image: Arc<Image>,
        faults: Arc<Faults>,
    ) -> Database {
        let setup = Setup::new(&options, &label(&keys), faults);
        // A database in memory starts as the image without a copy.
        let commits = match &location {
            Location::Memory(memory) => Some(memory.commits()),
            _ => None,
        };
        let known = Known { image: Arc::clone(&image), version: image.version(), commits, copied: commits };
        let known = Mutex::new(known);
        let observer = Mutex::new(None);
        let (uncommitted, pool) = (AtomicUsize::new(0), OnceLock::new());
        // What SQL says of `main`, and of no bind, is for who can write where a replica is the default bind.
        let is_way = uses.replica.as_ref().is_some_and(|(replica, _)| !replica.lags);
        let mut names = keys.clone();
        names.retain(|key| !is_way || !key.is_default());
        names.extend(uses.ways.iter().filter(|key| key.is_default()).cloned());
        Database {
            keys,
            names,
            location,
            setup,
            options,
            uses,
            image,
            observer,
            keeps_observer: true,
            known,
            uncommitted,
            pool,
        }
    }

    fn fill(&self) -> Result<()> {
        match &self.location {
            Location::Memory(_) => Ok(()),
            Location::File(path) => {
                let bytes = self.image.file().map_err(Error::sql(self.key(), ""))?;
                let written = std::fs::write(path, bytes).map_err(Error::io("write", path));
                written.map_err(Error::of_bind(self.key()))
            }
            Location::SharedCache(_) | Location::MemDb(_) => {
                self.overwrite(&self.image).map_err(Error::sql(self.key(), ""))
            }
        }
    }

    /// The same for one of so many that a connection to each would take more memory than they do.
    pub(crate) fn one_of_many(mut self) -> Database {
        // In these the last connection takes the database with it.
        self.keeps_observer = matches!(self.location, Location::SharedCache(_) | Location::MemDb(_));
        if !self.keeps_observer {
            *lock(&self.observer) = None;
        }
        self
    }

    /// Whether it is one of so many.
    pub(crate) fn is_one_of_many(&self) -> bool {
        !self.keeps_observer
    }

    /// How many connections of the pool are not in it.
    pub(crate) fn connections_out(&self) -> u32 {
        let state = self.pool.get().map(Pool::state);
        state.map_or(0, |state| state.connections.saturating_sub(state.idle_connections))
    }

    /// The key that names the database first.
    pub(crate) fn key(&self) -> &BindKey {
        // A specification always has a key; the default's stands in so that nothing here can panic.
        self.keys.first().unwrap_or(&BindKey::DEFAULT)
    }

    /// Every key that means the database.
    pub(crate) fn keys(&self) -> &[BindKey] {
        &self.keys
    }

    /// Every key that SQL has for it.
    pub(crate) fn names(&self) -> &[BindKey] {
        &self.names
    }

    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// The URI for the application.
    pub(crate) fn uri(&self) -> String {
        match self.uses.read_only {
            true => self.location.read_only_uri(),
            false => self.location.uri(),
        }
    }

    pub(crate) fn options(&self) -> &EngineOptions {
        &self.options
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.uses.read_only
    }

    /// What it is a replica of, if it is one.
    pub(crate) fn replica(&self) -> Option<Replica> {
        self.uses.replica.as_ref().map(|(replica, _)| *replica)
    }

    /// The first key of what it is a replica of, if it is one.
    pub(crate) fn source(&self) -> Option<&BindKey> {
        self.uses.replica.as_ref().map(|(_, key)| key)
    }

    /// Whether it is a replica that is a database of its own.
    pub(crate) fn lags(&self) -> bool {
        self.replica().is_some_and(|replica| replica.lags)
    }

    /// Every key that means it, those of replicas that are other ways to it last.
    pub(crate) fn all_keys(&self) -> Vec<BindKey> {
        [self.keys.as_slice(), &self.uses.ways].concat()
    }

    /// The same for one of this crate's own connections.
    pub(crate) fn uri_for(&self, opener: Opener) -> String {
        match self.uses.read_only {
            true => location::read_only(self.location.uri_for(opener)),
            false => self.location.uri_for(opener),
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.location.path()
    }

    /// Whether connections share one cache, with locks by table and a view of what is not committed.
    pub(crate) fn is_shared_cache(&self) -> bool {
        matches!(self.location, Location::SharedCache(_))
    }

    pub(crate) fn storage(&self) -> Storage {
        match self.location {
            Location::Memory(_) => Storage::Memory,
            Location::SharedCache(_) => Storage::SharedCache,
            Location::MemDb(_) => Storage::MemDb,
            Location::File(_) => Storage::TempFile,
        }
    }

    pub(crate) fn busy_timeout(&self) -> Duration {
        self.setup.busy_timeout()
    }

    /// The keys as people read them, `default = test1` where there are several.
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

    /// Whether a session has written to it and not committed.
    pub(crate) fn has_uncommitted_session(&self) -> bool {
        self.uncommitted.load(Ordering::Relaxed) > 0
    }

    /// Whether some connection has a transaction open that can write; where only waiting would tell, whether that is in
    /// the way now.
    pub(crate) fn has_writer(&self) -> bool {
        match &self.location {
            Location::Memory(memory) => memory.has_writer(),
            _ => {
                let held = self.observe(|conn| hold(conn, Against::Writers, self.busy_timeout(), |_| Ok(())));
                held.is_err_and(|error| is_lock(&error))
            }
        }
    }

    /// Who has a transaction open that can write, where that is known.
    pub(crate) fn writer(&self) -> Option<String> {
        match &self.location {
            Location::Memory(memory) => memory.writer(),
            _ => None,
        }
    }

    /// Who is in the way of `waiter`, which was refused a lock on this thread and counts as `own` sessions that have
    /// written: the holder where the locks are this crate's own, else what is known of who may be.
    pub(crate) fn in_the_way(&self, waiter: Opener, own: usize) -> Option<Box<Conflict>> {
        if let Location::Memory(memory) = &self.location {
            return memory.conflict(waiter).map(Conflict::new);
        }
        let sessions = self.uncommitted.load(Ordering::Relaxed).saturating_sub(own);
        let pooled = self.connections_out();
        let sessions = match sessions {
            0 => None,
            1 => Some("1 session has written to it and not committed".to_string()),
            many => Some(format!("{many} sessions have written to it and not committed")),
        };
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
            "another connection has a transaction or an unfinished query open on it. SQLite does not tell which; {known}"
        )))
    }

    /// Who was refused a lock of it and has not got it since, and who was in the way, where that is known.
    pub(crate) fn given_up(&self) -> Vec<String> {
        match &self.location {
            Location::Memory(memory) => memory.given_up(),
            _ => Vec::new(),
        }
    }

    /// How its data files are read.
    pub(crate) fn reading(&self) -> Reading {
        self.options.reading()
    }

    /// The pool, made when first asked for.
    pub(crate) fn pool(&self) -> &Pool {
        self.pool.get_or_init(|| pool::build(&self.location, &self.setup, &self.options, self.uses.read_only))
    }

    /// A connection of its own for a session, on which the bind's key is a schema name.
    pub(crate) fn engine(&self, key: &BindKey) -> rusqlite::Result<Engine> {
        let conn = match self.uses.read_only {
            true => self.setup.open_read_only(&self.location, Opener::Session)?,
            false => self.open_as(Opener::Session)?,
        };
        self.setup.watch().listen_in_session(&conn);
        self.faults().hook(&conn);
        Engine::new(conn, key)
    }

    /// A connection for this crate's own looks and repairs.
    pub(crate) fn open(&self) -> rusqlite::Result<Connection> {
        self.open_as(Opener::Harness)
    }

    /// A connection that can write, and tells nobody of its statements: for this crate's own looks and repairs, and for a
    /// session, which tells of those that it was given.
    pub(crate) fn open_as(&self, opener: Opener) -> rusqlite::Result<Connection> {
        self.setup.open(&self.location, opener)
    }

    /// Who is told of the statements.
    pub(crate) fn watch(&self) -> &Watch {
        self.setup.watch()
    }

    /// What a test has it answer.
    pub(crate) fn faults(&self) -> &Arc<Faults> {
        self.setup.faults()
    }

    /// Sets a connection to no database up as one to this would be.
    pub(crate) fn set_up(&self, conn: &Connection) -> rusqlite::Result<()> {
        self.setup.apply(conn, false)
    }

    /// Runs `look` on this crate's own connection, which is open for as long as the database lives.
    pub(crate) fn observe<T>(&self, look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut observer = lock(&self.observer);
        let conn = match &mut *observer {
            Some(conn) => conn,
            none => none.insert(self.new_observer()?),
        };
        let seen = fault::spared(|| look(conn));
        if !self.keeps_observer {
            *observer = None;
        }
        seen
    }

    fn new_observer(&self) -> rusqlite::Result<Connection> {
        let conn = self.open()?;
        // Whatever the user's pragmas are for the application's connections, this one keeps notes in memory and sees what
        // is committed.
        conn.execute_batch("PRAGMA temp_store = memory; PRAGMA query_only = false; PRAGMA read_uncommitted = false")?;
        if let Location::Memory(_) | Location::File(_) = self.location {
            // A first read waits for who has the database to itself for a moment, opening or closing it. From then on
            // nobody has, and nothing that is tried at once fails for it.
            image::schema_version(&conn)?;
        }
        Ok(conn)
    }

    /// The same on a connection that is closed afterwards.
    pub(crate) fn observe_apart<T>(
        &self,
        look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut conn = self.new_observer()?;
        fault::spared(|| look(&mut conn))
    }

    /// The same, giving up on a lock at once.
    pub(crate) fn observe_at_once<T>(
        &self,
        look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.observe(|conn| {
            // What waits is a busy handler, which a shared cache has none of and a WAL file's reader never calls.
            conn.busy_timeout(Duration::ZERO)?;
            let seen = look(conn);
            conn.busy_timeout(self.busy_timeout())?;
            seen
        })
    }
}

fn label(keys: &[BindKey]) -> String {
    mapped(keys, BindKey::to_string).join(" = ")
}
