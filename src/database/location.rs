//! Where one running database is: a name in memory or a file, and the URI that leads there.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use rusqlite::OpenFlags;

use super::memory::{Memory, Opener};

/// The place of a running database.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// This process's memory, with the locks of a file.
    Memory(Arc<Memory>),
    /// Shared-cache memory under a name that is unique in the process.
    SharedCache(String),
    /// SQLite's `memdb` VFS under a name that is unique in the process.
    MemDb(String),
    /// A file in a private folder.
    File(PathBuf),
}

impl Location {
    /// A new name in shared-cache memory.
    pub(crate) fn shared_cache() -> Location {
        Location::SharedCache(unique_name())
    }

    /// A new name in the `memdb` VFS.
    pub(crate) fn memdb() -> Location {
        Location::MemDb(unique_name())
    }

    /// An SQLite URI that only reads, of a database that is not in a shared cache.
    pub(crate) fn read_only_uri(&self) -> String {
        read_only(self.uri())
    }

    /// An SQLite URI, see <https://sqlite.org/uri.html>.
    pub(crate) fn uri(&self) -> String {
        match self {
            Location::Memory(memory) => memory.uri(),
            Location::SharedCache(name) => format!("file:{name}?mode=memory&cache=shared"),
            // Only a name that starts with a slash is shared between connections.
            Location::MemDb(name) => format!("file:/{name}?vfs=memdb"),
            Location::File(path) => format!("file:{}", percent_encoded(path)),
        }
    }

    /// The same for one of this crate's own connections, which says what it is where that can be told.
    pub(crate) fn uri_for(&self, opener: Opener) -> String {
        match self {
            Location::Memory(memory) => memory.uri() + opener.parameter(),
            _ => self.uri(),
        }
    }

    /// The name that SQLite has for the file, where it has one.
    pub(crate) fn file_name(&self) -> Option<String> {
        match self {
            Location::Memory(memory) => Some(memory.name().to_string()),
            Location::File(path) => Some(path.to_string_lossy().into_owned()),
            // As of any database in memory, SQLite tells no name.
            Location::MemDb(_) | Location::SharedCache(_) => None,
        }
    }

    /// The file, for a database that is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Location::File(path) => Some(path),
            _ => None,
        }
    }

    /// How to open it where nothing is to be written.
    pub(crate) fn read_only_flags(&self) -> OpenFlags {
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX
    }

    /// How to open it. A file is never created by opening: one that is gone must not come back empty.
    pub(crate) fn flags(&self) -> OpenFlags {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Location::Memory(_) | Location::File(_) => flags,
            Location::SharedCache(_) | Location::MemDb(_) => flags | OpenFlags::SQLITE_OPEN_CREATE,
        }
    }
}

/// A database's URI with what makes SQLite only read it.
pub(super) fn read_only(uri: String) -> String {
    let parameter = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{parameter}mode=ro")
}

/// A name that no other database of this process has; the process number keeps logs of several apart.
fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("multibind-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A path as it stands in a URI: every byte that could mean something else is encoded.
fn percent_encoded(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if cfg!(windows) { format!("/{}", text.replace('\\', "/")) } else { text.into_owned() };
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
