//! This crate's own looks at a database: they wait for no lock, and leave none.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use super::Database;
use crate::instrument::Spared;
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{self, Image};
use crate::sync::lock;

/// The time that the first read of a new connection waits for one that opens or closes, which has the database to
/// itself for a moment.
const MOMENT: Duration = Duration::from_millis(20);

impl Database {
    /// Runs `look`, which only reads, on a connection of this crate's own that waits for no lock. SQL has on it the
    /// meaning that the bind's pragmas give it.
    pub(crate) fn look_as_set_up<T>(
        &self,
        look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.look(|conn| {
            if !self.store.ends_with_its_connections() {
                self.setup.apply_what_reads(conn, &*self.store)?;
            }
            look(conn)
        })
    }

    /// Runs `look` as set up, on a connection that is closed afterwards, whatever the storage.
    pub(crate) fn look_apart<T>(
        &self,
        look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if !self.store.ends_with_its_connections() {
            return self.look_as_set_up(look);
        }
        let _spared = Spared::begin();
        look(&mut self.observer()?)
    }

    /// Runs `look` where no SQL of the application's schema is run.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        if self.store.ends_with_its_connections() {
            return self.observe_at_once(look);
        }
        let _spared = Spared::begin();
        let mut conn = self.observer()?;
        leave_the_log(&conn)?;
        look(&mut conn)
    }

    /// Runs `look` on a copy, where the database still is its image and that is not large; `None` where it is not. Its
    /// connection is kept for the next look, for it blocks nobody.
    /// Where it is `apart`, on one that is closed afterwards.
    pub(crate) fn look_at_copy<T>(
        &self,
        apart: bool,
        look: impl FnOnce(&mut Connection) -> T,
    ) -> Option<rusqlite::Result<T>> {
        /// Copying more takes longer than opening a connection.
        const MOST_BYTES: usize = 1 << 18;
        let image = self.unchanged()?;
        if !self.is_one_of_many && image.file().is_ok_and(|bytes| bytes.len() > MOST_BYTES) {
            return None;
        }
        let kept = if apart { None } else { lock(&self.copy).take().filter(|(id, _)| *id == image.id()) };
        let made = match kept {
            Some((_, conn)) => Ok(conn),
            None => self.copy_of(&image),
        };
        Some(made.map(|mut conn| {
            let seen = look(&mut conn);
            if !apart && !self.is_one_of_many {
                *lock(&self.copy) = Some((image.id(), conn));
            }
            seen
        }))
    }

    fn copy_of(&self, image: &Image) -> rusqlite::Result<Connection> {
        let mut copy = open_in_memory()?;
        self.set_up(&copy)?;
        copy.execute_batch("PRAGMA query_only = false")?;
        image.copy_into(&mut copy, "main")?;
        Ok(copy)
    }

    /// Runs `work`, which may write, on a connection of this crate's own that waits for no lock.
    pub(crate) fn observe_at_once<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let _spared = Spared::begin();
        if !self.store.ends_with_its_connections() {
            return work(&mut self.writing_observer()?);
        }
        self.process.check()?;
        let mut keeper = lock(&self.keeper.conn);
        let conn = self.kept_by(&mut keeper)?;
        self.setup.watch().ours(|| work(conn))
    }

    fn writing_observer(&self) -> rusqlite::Result<Connection> {
        let conn = self.observer()?;
        if self.path().is_some() {
            // Nothing has to survive a power cut.
            conn.execute_batch("PRAGMA synchronous = OFF")?;
        }
        Ok(conn)
    }

    /// Returns the keeper's connection, which is opened where there is none.
    fn kept_by<'k>(&self, keeper: &'k mut Option<Connection>) -> rusqlite::Result<&'k mut Connection> {
        match keeper {
            Some(conn) => Ok(conn),
            none => Ok(none.insert(self.new_observer()?)),
        }
    }

    /// Opens a connection for looks, which are then bound to find what they find at once.
    pub(super) fn observer(&self) -> rusqlite::Result<Connection> {
        self.process.check()?;
        self.await_turn();
        self.new_observer()
    }

    /// Waits until a connection can be opened without keeping others from opening any.
    pub(super) fn await_turn(&self) {
        if self.store.shares_cache() {
            self.keeper.await_turn();
        }
    }

    fn new_observer(&self) -> rusqlite::Result<Connection> {
        let conn = self.setup.open_observer(&*self.store)?;
        if self.store.ends_with_its_connections() {
            self.setup.apply_what_reads(&conn, &*self.store)?;
        } else {
            conn.busy_timeout(MOMENT)?;
            sqlite::schema_version(&conn)?;
            conn.busy_timeout(Duration::ZERO)?;
        }
        Ok(conn)
    }
}

/// Makes a connection close without copying its log back: that takes the database for itself for a moment, in which
/// another that opens would be refused.
pub(super) fn leave_the_log(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}
