//! The seam between a database and its storage.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use crate::config::Storage;
use crate::error::Result;
use crate::instrument::{Faults, Found, Watch};
use crate::key::BindKey;
use crate::sqlite::vfs::memory::Replaced;
use crate::sqlite::vfs::{GivenUp, Opener};
use crate::sqlite::{is_locked_by_writer, number, schema_version, Image};

/// The storage of one running database. What a kind does not say for itself is as SQLite has it for most.
pub(crate) trait Store: Send + Sync {
    /// Returns the kind, by the name that users know.
    fn kind(&self) -> Storage;

    /// Returns the SQLite URI for users, see <https://sqlite.org/uri.html>.
    fn uri(&self) -> String;

    /// Returns the URI for one of this crate's own connections, which says what opens it where there is a place for
    /// that.
    fn uri_for(&self, _opener: Opener) -> String {
        self.uri()
    }

    /// Returns the URI for one of this crate's own connections, which meets the faults. None of the harness's does.
    fn uri_with(&self, opener: Opener, _faults: &Arc<Faults>) -> String {
        self.uri_for(opener)
    }

    /// Gives the instruments of `watch` to the connections that the application opens itself; to those that only read, where
    /// it is the watch of a way that does.
    fn find(&self, watch: &Arc<Watch>, read_only: bool) -> rusqlite::Result<Found>;

    /// Returns how to open it. A file is never created by opening: one that is gone must not come back empty.
    fn flags(&self) -> OpenFlags {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX
    }

    /// Returns the name that SQLite has for the file, where it has one.
    fn file_name(&self) -> Option<String> {
        None
    }

    /// Returns the file, for a database that is one.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Returns whether faults of the disk and of the writer's lock are met: they are where this crate has a file
    /// system.
    fn meets_disk_faults(&self) -> bool {
        false
    }

    /// Returns whether connections share one cache, with locks by table and a view of what is not committed.
    fn shares_cache(&self) -> bool {
        false
    }

    /// Returns whether the database ends with its last connection.
    fn ends_with_its_connections(&self) -> bool {
        false
    }

    /// Returns whether a connection is opened without a lock, a disk, and a mutex that a running statement holds.
    fn never_waits(&self) -> bool {
        false
    }

    /// Writes the image before there is any connection, and returns whether that was all: where it was not, the image
    /// is copied over a first connection. Errors name the bind of that key.
    fn fill(&self, _image: &Image, _key: &BindKey) -> Result<bool> {
        Ok(false)
    }

    /// Replaces the contents without a connection, unless somebody has a transaction open; `None` where that was
    /// not done.
    fn replace(&self, _image: &Image) -> rusqlite::Result<Option<Replaced>> {
        Ok(None)
    }

    /// Returns how many commits there have been, where a number says so; elsewhere only reading does.
    fn commits(&self, _conn: &Connection) -> rusqlite::Result<Option<u64>> {
        Ok(self.commits_seen())
    }

    /// Returns how many commits there have been, where a number says so without a connection.
    fn commits_seen(&self) -> Option<u64> {
        None
    }

    /// Returns how many commits there have been while nobody has a transaction open that can write, where a number says
    /// so without a connection.
    fn commits_settled(&self) -> Option<u64> {
        None
    }

    /// Returns a number that changes with every commit, where others may commit beside a transaction that reads; `None`
    /// where such a transaction keeps them out. Numbers of a file can be compared if the same counter gave them, which
    /// `open` opens unless it is there.
    fn commits_beside_readers(
        &self,
        _counter: &mut Option<Connection>,
        _open: &dyn Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Option<u64>> {
        Ok(self.commits_seen())
    }

    /// Returns a number that changes with each commit by another connection, as this one has last read it.
    fn last_commit(&self, conn: &Connection) -> rusqlite::Result<i64> {
        number(conn, "PRAGMA data_version")
    }

    /// Returns whether some connection has a transaction open that can write, where that is known without a connection.
    fn has_writer_seen(&self, _faults: &Faults) -> Option<bool> {
        None
    }

    /// Returns whether another connection has a transaction open that can write. A lock error means so too, where a
    /// writer keeps others from reading.
    ///
    /// No lock is taken that keeps a writer waiting: one that has read, and is refused as it comes to write, is refused
    /// for good.
    fn has_writer_beside(&self, conn: &Connection) -> rusqlite::Result<bool> {
        schema_version(conn)?;
        Ok(is_locked_by_writer(conn))
    }

    /// Returns whether the storage knows who holds which lock.
    fn knows_its_locks(&self) -> bool {
        false
    }

    /// Returns the holder of the writer's lock, where that is known.
    fn writer(&self) -> Option<String> {
        None
    }

    /// Returns who holds a lock and who wants it, after one was refused to a connection of that kind on this thread.
    fn conflict(&self, _waiter: Opener) -> Option<String> {
        None
    }

    /// Returns which of the application's connections were refused a lock and have not got it since, and what held it.
    fn given_up(&self) -> Vec<GivenUp> {
        Vec::new()
    }

    /// Fails where another connection's lock blocks reading the schema in a way that rusqlite would wait for without a
    /// limit.
    fn check_schema_lock(&self, _conn: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }
}
