//! SQLite's `memdb` file system, see <https://sqlite.org/inmemorydb.html>.

use std::sync::Arc;

use rusqlite::OpenFlags;

use super::open::open_idle;
use super::Store;
use crate::config::Storage;
use crate::instrument::{Found, Watch};
use crate::sqlite::copy::unique_name;
use crate::sqlite::vfs::Opener;

/// A `memdb` database under a name that no other in the process has.
#[derive(Debug)]
pub(super) struct MemDb {
    name: String,
}

impl MemDb {
    /// Takes a new name.
    pub(super) fn start() -> MemDb {
        MemDb { name: unique_name() }
    }

    /// Returns the name for SQLite. It begins with a slash: only such a one is shared between connections.
    fn file(&self) -> String {
        format!("/{}", self.name)
    }
}

impl Store for MemDb {
    fn kind(&self) -> Storage {
        Storage::MemDb
    }

    fn uri(&self) -> String {
        format!("file:{}?vfs=memdb", self.file())
    }

    fn uri_for(&self, opener: Opener) -> String {
        self.uri() + opener.parameter()
    }

    fn find(&self, watch: &Arc<Watch>, read_only: bool) -> rusqlite::Result<Found> {
        Ok(watch.found_by_store(open_idle(self)?, self.file().as_bytes(), read_only))
    }

    fn flags(&self) -> OpenFlags {
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
    }

    fn ends_with_its_connections(&self) -> bool {
        true
    }

    fn never_waits(&self) -> bool {
        true
    }
}
