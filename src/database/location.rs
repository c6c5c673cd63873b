//! Where one running database is: a name in memory or a file, and the URI that leads there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::OpenFlags;

use crate::sqlite::copy::unique_name;
use crate::sqlite::vfs::{Memory, Opener};

/// The place of a running database.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// This process's memory, with the locks of a file.
    Memory(Arc<Memory>),
    /// Shared-cache memory under a name that no other database in the process has.
    SharedCache(String),
    /// SQLite's `memdb` VFS under a name that no other database in the process has.
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
            Location::File(path) => file_uri(path.as_os_str().as_encoded_bytes(), cfg!(windows)),
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

/// Returns the SQLite URI of a file, on Windows or elsewhere; `path` is as the system spells it, UTF-8 or not.
fn file_uri(path: &[u8], windows: bool) -> String {
    const VERBATIM: [&[u8]; 2] = [br"\\?\", br"\\.\"];
    if !windows || VERBATIM.iter().any(|prefix| path.starts_with(prefix)) {
        // Windows takes no slash for a backslash in a verbatim path.
        return after_authority(&percent_encoded(path));
    }
    let mut slashed = path.to_vec();
    slashed.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    if slashed.get(1) == Some(&b':') {
        // SQLite drops the slash before a drive.
        slashed.insert(0, b'/');
    }
    after_authority(&percent_encoded(&slashed))
}

/// Returns the URI of an encoded path; where that begins with two slashes, SQLite takes what follows for a host.
fn after_authority(path: &str) -> String {
    let authority = if path.starts_with("//") { "//" } else { "" };
    format!("file:{authority}{path}")
}

/// Encodes every byte of a path that could mean something else in a URI.
fn percent_encoded(path: &[u8]) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("/tmp/0.db", false, "file:/tmp/0.db")]
    #[case::characters_of_a_uri("/a b/?#%/0.db", false, "file:/a%20b/%3F%23%25/0.db")]
    #[case::two_slashes("//tmp/0.db", false, "file:////tmp/0.db")]
    #[case::a_backslash_in_a_name(r"/tmp/a\b.db", false, "file:/tmp/a%5Cb.db")]
    #[case::drive(r"C:\tmp\0.db", true, "file:/C:/tmp/0.db")]
    #[case::share(r"\\server\share\0.db", true, "file:////server/share/0.db")]
    #[case::verbatim_drive(r"\\?\C:\tmp\a b.db", true, "file:%5C%5C%3F%5CC:%5Ctmp%5Ca%20b.db")]
    #[case::verbatim_share(r"\\?\UNC\server\share\0.db", true, "file:%5C%5C%3F%5CUNC%5Cserver%5Cshare%5C0.db")]
    #[case::device(r"\\.\C:\0.db", true, "file:%5C%5C.%5CC:%5C0.db")]
    #[case::no_ascii("/ü/0.db", false, "file:/%C3%BC/0.db")]
    fn the_uri_of_a_file_leads_to_it(#[case] path: &str, #[case] windows: bool, #[case] uri: &str) {
        assert_eq!(file_uri(path.as_bytes(), windows), uri);
    }

    #[test]
    fn the_uri_of_a_path_that_is_not_utf_8_has_its_bytes() {
        assert_eq!(file_uri(b"/tmp/\xff/0.db", false), "file:/tmp/%FF/0.db");
    }
}
