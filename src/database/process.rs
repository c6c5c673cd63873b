//! The process that a database belongs to.

use rusqlite::ffi;

/// Why a process cannot use the databases of the one that it is forked from.
pub(super) const FORKED: &str =
    "this process was forked from the one that started the harness, and has no part in its \
                                 databases. Start a harness in it, or give it work that needs none";

/// The process that started a database. One that is forked from it has no part in the database: SQLite's connections
/// and locks do not go over, and memory is a copy, in which nobody would see what is written. See
/// <https://sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_>.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(u32);

impl Process {
    /// Returns the process that runs.
    pub(super) fn this() -> Process {
        Process(std::process::id())
    }

    /// Returns whether it is the process that runs.
    pub(super) fn is_this(self) -> bool {
        self.0 == std::process::id()
    }

    /// Refuses any other.
    pub(super) fn check(self) -> rusqlite::Result<()> {
        if self.is_this() {
            return Ok(());
        }
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), Some(FORKED.to_string())))
    }
}
