//! The kinds of folders that a process holds, and the outcomes of locking one.

use std::io;

/// The names, permissions and contents of one kind of folder.
pub(crate) struct FolderKind {
    /// The beginning of its name; six letters or digits follow.
    pub(crate) prefix: &'static str,
    /// Its permissions, before those that the process's mask takes.
    pub(crate) mode: u32,
    /// Returns whether this crate or SQLite creates a file of that name there, for the sweep of what a killed process has left.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has the sweep"))]
    pub(crate) holds: fn(&str) -> bool,
}

/// The outcome of locking a new folder.
#[derive(Debug)]
pub(crate) enum Hold<L> {
    /// A lock held until this is dropped.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has the lock"))]
    Locked(L),
    /// Another process was there first, to remove it.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has the lock"))]
    Taken,
    /// The file system has no such locks, or none left.
    Unlockable(io::Error),
}
