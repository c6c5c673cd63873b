//! Opening a connection to a storage.

use std::io;
use std::path::Path;

use rusqlite::{ffi, Connection, OpenFlags};

use super::Store;
use crate::instrument::{noticing, unwatched};
use crate::sqlite::code::failure;
use crate::sqlite::platform::refusal;
use crate::sqlite::vfs::Opener;

/// Opens a connection under a URI of the storage.
pub(crate) fn open(store: &dyn Store, uri: &str) -> rusqlite::Result<Connection> {
    own(uri, store.flags()).map_err(|error| named(store, uri, error))
}

/// Opens a connection that reads, under a URI of the storage.
pub(crate) fn open_read_only(store: &dyn Store, uri: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    own(uri, flags).map_err(|error| named(store, uri, error))
}

/// Opens a connection that runs no statement and answers on every thread.
pub(super) fn open_idle(store: &dyn Store) -> rusqlite::Result<Connection> {
    let (uri, flags) = (store.uri_for(Opener::Harness), store.flags());
    let flags = flags.difference(OpenFlags::SQLITE_OPEN_NO_MUTEX) | OpenFlags::SQLITE_OPEN_FULL_MUTEX;
    own(&uri, flags).map_err(|error| named(store, &uri, error))
}

/// Opens a connection of this crate's own.
fn own(uri: &str, flags: OpenFlags) -> rusqlite::Result<Connection> {
    noticing(|| unwatched(|| Connection::open_with_flags(uri, flags)))
}

/// Adds to a URI that its connection only reads, for a database that is not in a shared cache.
pub(crate) fn read_only(uri: String) -> String {
    let parameter = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{parameter}mode=ro")
}

/// Returns an error of opening a database under `uri` with the name that its user knows, and with the system's reason
/// for a file that cannot be opened, which SQLite does not report.
pub(crate) fn named(store: &dyn Store, uri: &str, error: rusqlite::Error) -> rusqlite::Error {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else { return error };
    let mut message = message.replace(uri, &store.uri());
    let path = store.path().filter(|_| code.code == ffi::ErrorCode::CannotOpen);
    if let Some(reason) = path.and_then(reason) {
        message = format!("{message}: {reason}");
    }
    failure(code.extended_code, message)
}

/// Returns why the system does not open a file, without opening it: on Unix, closing a file releases the locks that the
/// whole process has on it.
fn reason(path: &Path) -> Option<io::Error> {
    if let Err(reason) = path.metadata() {
        return Some(reason);
    }
    refusal(path.parent()?)
}
