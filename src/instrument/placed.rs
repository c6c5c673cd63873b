//! The databases of this process that a connection may open or attach, and the marks by which they are known.
//!
//! Whose database it is, the name of its file says; a shared cache has none, and is known by the pager that its connections
//! share, and a database of SQLite's `memdb` by the address of its pages.

use std::ffi::{c_char, c_void, CStr};
use std::ptr;
use std::sync::{Mutex, PoisonError, RwLock};

use rusqlite::{ffi, Connection};

use crate::sync::lock;

/// The databases of this process that a connection may open.
static PLACED: RwLock<Vec<Placed>> = RwLock::new(Vec::new());

/// A database and where a connection finds it.
struct Placed {
    place: Place,
    /// Set if it is a way to the database that only reads.
    read_only: bool,
    /// The number of its watch.
    watch: usize,
}

/// A mark that no other database has.
pub(super) enum Place {
    /// The name that SQLite has for its file.
    File(Box<[u8]>),
    /// The address of the pager's file, which the connections of a shared cache have in common.
    Cache(usize),
    /// A connection to a database of `memdb` that runs no statement, to be asked where its pages are.
    Store(Mutex<Connection>),
}

/// Adds a database, by the number of its watch.
pub(super) fn add(place: Place, read_only: bool, watch: usize) {
    PLACED.write().unwrap_or_else(PoisonError::into_inner).push(Placed { place, read_only, watch });
}

/// Removes a way to a database.
pub(super) fn remove(watch: usize) {
    let mut placed = PLACED.write().unwrap_or_else(PoisonError::into_inner);
    let gone = placed.iter().position(|placed| placed.watch == watch);
    let gone = gone.map(|gone| placed.swap_remove(gone));
    // A connection is closed without the lock, which its file system's callbacks might want.
    drop(placed);
    drop(gone);
}

/// Returns the number of the watch of the database that a connection has as that schema.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn find(db: *mut ffi::sqlite3, schema: &CStr) -> Option<usize> {
    // SAFETY: the connection is open; the name is null, or ends with a NUL and lives as long as the connection.
    let (name, read_only) = unsafe {
        let name = ffi::sqlite3_db_filename(db, schema.as_ptr());
        let name = if name.is_null() { c"" } else { CStr::from_ptr(name) };
        (name.to_bytes(), ffi::sqlite3_db_readonly(db, schema.as_ptr()) == 1)
    };
    // SAFETY: as the caller says.
    let (pager, store) = if name.is_empty() { unsafe { (pager(db, schema), store(db, schema)) } } else { (0, None) };
    let placed = PLACED.read().unwrap_or_else(PoisonError::into_inner);
    let mut found: Option<&Placed> = None;
    for one in placed.iter() {
        let is_it = match &one.place {
            Place::File(file) => !name.is_empty() && **file == *name,
            Place::Cache(cache) => name.is_empty() && *cache == pager,
            // SAFETY: the handle is open, and the lock is held.
            Place::Store(idle) => store.is_some() && store == unsafe { self::store(lock(idle).handle(), c"main") },
        };
        if is_it && found.is_none_or(|found| found.read_only != read_only) {
            found = Some(one);
        }
    }
    found.map(|found| found.watch)
}

/// Returns the address of the file of a connection's pager.
///
/// # Safety
///
/// The connection is open.
pub(super) unsafe fn pager(db: *mut ffi::sqlite3, schema: &CStr) -> usize {
    let mut file: *mut c_void = ptr::null_mut();
    // SAFETY: as the caller says; for this operation SQLite writes a pointer.
    unsafe {
        ffi::sqlite3_file_control(db, schema.as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, (&raw mut file).cast());
    }
    file.addr()
}

/// Where the pages of a `memdb` database are, as its file system spells it; `None` for a connection to something else.
///
/// # Safety
///
/// The connection is open.
unsafe fn store(db: *mut ffi::sqlite3, schema: &CStr) -> Option<Box<[u8]>> {
    let mut name: *mut c_char = ptr::null_mut();
    // SAFETY: as the caller says; for this operation SQLite writes a pointer to a text that ends with a NUL, which the caller
    // frees.
    let name = unsafe {
        ffi::sqlite3_file_control(db, schema.as_ptr(), ffi::SQLITE_FCNTL_VFSNAME, (&raw mut name).cast());
        if name.is_null() {
            return None;
        }
        let text = CStr::from_ptr(name).to_bytes().to_vec();
        ffi::sqlite3_free(name.cast());
        text
    };
    // `memdb(ADDRESS,SIZE)`; the size may grow meanwhile.
    let address = name.strip_prefix(b"memdb(")?.split(|byte| *byte == b',').next()?;
    Some(address.into())
}

/// Returns the number of databases that connections find.
#[cfg(test)]
pub(super) fn kept() -> usize {
    PLACED.read().unwrap_or_else(PoisonError::into_inner).len()
}
