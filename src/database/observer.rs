//! This crate's own looks at a database: they wait for no lock, and leave none.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use super::probe::{is_locked_out, SCHEMA};
use super::{fault, image, lock, Database, Location};
use crate::error::is_lock;

/// How long the first read of a new connection waits for one that opens or closes, which has the database to itself for a
/// moment.
const MOMENT: Duration = Duration::from_millis(20);

/// How long to look again where another connection's lock is in the way: a commit is over in less, a transaction that
/// somebody has left open is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(200);

/// This crate's own connection to a database that ends with its last one.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    conn: Mutex<Option<Connection>>,
}

impl Keeper {
    /// Waits until no statement runs in the database's shared cache.
    ///
    /// Whoever opens a connection to a cache in which a statement runs waits for that in SQLite, and meanwhile nobody in the
    /// process can open any shared cache. So the wait comes before.
    pub(super) fn await_turn(&self) {
        if let Some(conn) = &*lock(&self.conn) {
            is_locked_out(conn, SCHEMA);
        }
    }
}

/// The time that one look at all binds may take for locks.
pub(crate) struct Patience {
    until: Instant,
}

impl Patience {
    /// Patience for what a test asks for.
    pub(crate) fn new() -> Patience {
        Patience { until: Instant::now() + PATIENCE }
    }

    /// None, where it was waited already.
    pub(crate) fn none() -> Patience {
        Patience { until: Instant::now() }
    }

    pub(crate) fn lasts(&self) -> bool {
        Instant::now() < self.until
    }

    pub(crate) fn pause(&self) {
        thread::sleep(PAUSE);
    }

    /// Looks until no lock is in the way, or it has been for so long that somebody has left a transaction open.
    pub(crate) fn look<T>(&self, look: &dyn Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        loop {
            match look() {
                Err(error) if is_lock(&error) && self.lasts() => self.pause(),
                seen => return seen,
            }
        }
    }
}

impl Database {
    /// Runs `look`, which only reads, on a connection of this crate's own that waits for no lock.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.observe_at_once(|conn| {
            leave_the_log(conn)?;
            look(conn)
        })
    }

    /// Runs `work`, which may write, on a connection of this crate's own that waits for no lock.
    pub(crate) fn observe_at_once<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        fault::spared(|| {
            if !self.ends_with_its_connections() {
                return work(&mut self.observer()?);
            }
            self.check_process()?;
            let mut keeper = lock(&self.keeper.conn);
            let conn = match &mut *keeper {
                Some(conn) => conn,
                none => none.insert(self.new_observer()?),
            };
            work(conn)
        })
    }

    /// Opens a connection for looks, which are then bound to find what they find at once.
    pub(super) fn observer(&self) -> rusqlite::Result<Connection> {
        self.check_process()?;
        self.await_turn();
        self.new_observer()
    }

    /// Waits until a connection can be opened without keeping others from opening any.
    pub(super) fn await_turn(&self) {
        if self.is_shared_cache() {
            self.keeper.await_turn();
        }
    }

    fn new_observer(&self) -> rusqlite::Result<Connection> {
        let conn = self.setup.open_observer(&self.location)?;
        if !self.ends_with_its_connections() {
            conn.busy_timeout(MOMENT)?;
            image::schema_version(&conn)?;
            conn.busy_timeout(Duration::ZERO)?;
        }
        Ok(conn)
    }

    fn ends_with_its_connections(&self) -> bool {
        matches!(self.location, Location::SharedCache(_) | Location::MemDb(_))
    }
}

/// Has a connection close without copying its log back: that takes the database for itself for a moment, in which another
/// that opens would be refused.
pub(super) fn leave_the_log(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}
