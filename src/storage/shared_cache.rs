//! SQLite's shared-cache memory, see <https://sqlite.org/sharedcache.html>.

use std::sync::Arc;

use rusqlite::{ffi, Connection, OpenFlags};

use super::open::open_idle;
use super::Store;
use crate::config::Storage;
use crate::instrument::{Found, Watch};
use crate::sqlite::code::failure;
use crate::sqlite::copy::unique_name;
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{back_up, commits, is_locked_out, Step, SCHEMA};

/// A shared cache under a name that no other database in the process has.
#[derive(Debug)]
pub(super) struct SharedCache {
    name: String,
}

impl SharedCache {
    /// Takes a new name.
    pub(super) fn start() -> SharedCache {
        SharedCache { name: unique_name() }
    }
}

impl Store for SharedCache {
    fn kind(&self) -> Storage {
        Storage::SharedCache
    }

    fn uri(&self) -> String {
        format!("file:{}?mode=memory&cache=shared", self.name)
    }

    fn find(&self, watch: &Arc<Watch>, read_only: bool) -> rusqlite::Result<Found> {
        Ok(watch.found_by_cache(open_idle(self)?, read_only))
    }

    fn flags(&self) -> OpenFlags {
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
    }

    fn shares_cache(&self) -> bool {
        true
    }

    fn ends_with_its_connections(&self) -> bool {
        true
    }

    fn commits(&self, conn: &Connection) -> rusqlite::Result<Option<u64>> {
        commits(conn).map(|commits| Some(commits.into()))
    }

    /// Returns the count of commits: its connections count as one, so SQLite's number for others never changes.
    fn last_commit(&self, conn: &Connection) -> rusqlite::Result<i64> {
        commits(conn).map(i64::from)
    }

    /// Asks for a backup, which does not begin beside a writer of the same cache.
    fn has_writer_beside(&self, conn: &Connection) -> rusqlite::Result<bool> {
        let mut nowhere = open_in_memory()?;
        Ok(matches!(back_up(conn, &mut nowhere, "main", 0)?, Step::Busy | Step::Locked))
    }

    /// Checks that nobody holds the schema's lock: built with its feature `unlock_notify`, rusqlite would wait for it
    /// without a limit.
    fn check_schema_lock(&self, conn: &Connection) -> rusqlite::Result<()> {
        if is_locked_out(conn, SCHEMA) {
            return Err(failure(ffi::SQLITE_LOCKED_SHAREDCACHE, "database schema is locked"));
        }
        Ok(())
    }
}
