//! The kinds of place that a bind's database is kept in.

use std::fmt;

/// The kind of storage of a bind's database.
///
/// ```
/// use multibind::binds::Storage;
/// use multibind::{Bind, Harness};
///
/// for storage in [Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile] {
///     let db = Harness::builder().default_bind(Bind::url("sqlite:///app.db").storage(storage)).start()?;
///     assert_eq!(db.path(None)?.is_some(), storage == Storage::TempFile);
/// }
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Storage {
    /// Memory with the locks of a file in WAL mode: readers beside one writer, and a wait of up to the busy timeout where
    /// two write. It starts in the same time whatever is in it.
    Memory,
    /// SQLite's shared-cache memory: a table written to in an open transaction is locked for others, who get an error at
    /// once. See [SQLite's shared-cache mode](https://sqlite.org/sharedcache.html).
    SharedCache,
    /// SQLite's `memdb` VFS: memory with the busy timeout of a file; nobody reads while a transaction writes.
    MemDb,
    /// A file in a private temporary folder, in WAL mode, for code that needs a path or other processes.
    TempFile,
}

/// The name in a file: `memory`, `shared_cache`, `memdb` or `temp_file`.
impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Storage::Memory => "memory",
            Storage::SharedCache => "shared_cache",
            Storage::MemDb => "memdb",
            Storage::TempFile => "temp_file",
        })
    }
}
