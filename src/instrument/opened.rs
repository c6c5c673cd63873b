//! The connections that code opens by itself, with whichever driver: each gets the instruments of its bind as it opens.
//!
//! SQLite calls what is registered with [`sqlite3_auto_extension`](https://sqlite.org/c3ref/auto_extension.html) at the end of
//! each opening in the process. Whose database it is, the name of its file says; a shared cache has none, and is known by the
//! pager that its connections share, and a database of SQLite's `memdb` by the address of its pages.

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::{ffi, Connection};

use super::closing::watch_close;
use super::displaced::OpenedBy;
use super::handle::Handle;
use super::state::is_own;
use super::watch::{Context, Watch};
use super::{authorize, outside, strays, trace};
use crate::sqlite::vfs::disk::{meet_by_name, Gated};
use crate::sqlite::vfs::Gate;
use crate::sync::lock;

/// The databases of this process that a connection may open.
static PLACED: RwLock<Vec<Placed>> = RwLock::new(Vec::new());

/// A database and where a connection finds it.
struct Placed {
    place: Place,
    /// Set if it is a way to the database that only reads.
    read_only: bool,
    watch: Arc<Watch>,
}

/// A mark that no other database has.
enum Place {
    /// The name that SQLite has for its file.
    File(Box<[u8]>),
    /// The address of the pager's file, which the connections of a shared cache have in common.
    Cache(usize),
    /// A connection to a database of `memdb` that runs no statement, to be asked where its pages are.
    Store(Mutex<Connection>),
}

/// A database that connections find as long as the value lives.
#[derive(Debug)]
pub(crate) struct Found {
    watch: Arc<Watch>,
    /// For one in a file, whose connections meet the faults of the disk by its name.
    gated: Option<Gated>,
}

impl Drop for Found {
    fn drop(&mut self) {
        let mut placed = PLACED.write().unwrap_or_else(PoisonError::into_inner);
        let gone = placed.iter().position(|placed| Arc::ptr_eq(&placed.watch, &self.watch));
        let gone = gone.map(|gone| placed.swap_remove(gone));
        // A connection is closed without the lock, which its file system's callbacks might want.
        drop(placed);
        drop(gone);
        drop(self.gated.take());
    }
}

impl Watch {
    /// Gives the instruments to each connection that opens the file of that name, as SQLite spells it.
    pub(crate) fn found_by_name(self: &Arc<Self>, name: &[u8], read_only: bool) -> Found {
        self.found(Place::File(name.into()), read_only)
    }

    /// Gives the instruments to each connection that opens the file on a disk of that name, as SQLite spells it, and the
    /// faults of the disk.
    pub(crate) fn found_on_disk(self: &Arc<Self>, name: &[u8], read_only: bool) -> Found {
        let gate: Arc<dyn Gate> = Arc::clone(&self.faults) as _;
        let gated = meet_by_name(name, read_only, &gate);
        let mut found = self.found_by_name(name, read_only);
        found.gated = Some(gated);
        found
    }

    /// Gives the instruments to each connection that opens the shared cache of `kept`.
    pub(crate) fn found_by_cache(self: &Arc<Self>, kept: &Connection, read_only: bool) -> Found {
        // SAFETY: the handle is open.
        self.found(Place::Cache(unsafe { pager(kept.handle()) }), read_only)
    }

    /// Gives the instruments to each connection that opens the `memdb` database of `idle`, which runs no statement.
    pub(crate) fn found_by_store(self: &Arc<Self>, idle: Connection, read_only: bool) -> Found {
        self.found(Place::Store(Mutex::new(idle)), read_only)
    }

    fn found(self: &Arc<Self>, place: Place, read_only: bool) -> Found {
        see_openings();
        let placed = Placed { place, read_only, watch: Arc::clone(self) };
        PLACED.write().unwrap_or_else(PoisonError::into_inner).push(placed);
        Found { watch: Arc::clone(self), gated: None }
    }
}

/// Returns the number of databases that connections find.
#[cfg(test)]
pub(super) fn kept() -> usize {
    PLACED.read().unwrap_or_else(PoisonError::into_inner).len()
}

/// Makes SQLite report each opening. It does so once for one callback, however often that is asked for; and it is asked
/// for each time, since the application may have reset what it reports to.
pub(crate) fn see_openings() {
    // SAFETY: the callback has the signature of an extension's entry point, and lives as long as the process.
    unsafe { ffi::sqlite3_auto_extension(Some(on_open)) };
}

/// Notes an opening; SQLite calls it at the end of each. An answer other than zero fails the opening.
unsafe extern "C" fn on_open(
    db: *mut ffi::sqlite3,
    error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    if is_own() {
        return ffi::SQLITE_OK;
    }
    // A panic must not cross into C.
    let refused = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: SQLite calls with a connection that is open, on the thread that opens it.
        let bind = unsafe { watch_of(db) };
        let watch = match &bind {
            Some(watch) => Arc::clone(watch),
            None if outside::is_ours() => return None,
            None => {
                // SAFETY: as above.
                let refused = unsafe { outside::refuse(db) };
                if refused.is_some() {
                    return refused;
                }
                // SAFETY: as above.
                unsafe { strays::follow(db) }?
            }
        };
        let context = Context::new(&watch, false);
        // SAFETY: as above; the value is not kept.
        let handle = unsafe { Handle::new(db) };
        authorize::expire(db, context);
        // SAFETY: as above.
        unsafe {
            trace::start_on(db, context);
            if bind.is_some() {
                watch.faults.hook_on(db);
            }
        }
        watch.connect(&handle, OpenedBy::Application);
        // SAFETY: as above.
        unsafe { watch_close(db) };
        None
    }));
    let Some(words) = refused.ok().flatten().and_then(|words| CString::new(words).ok()) else { return ffi::SQLITE_OK };
    // SAFETY: SQLite passes a place for a text of its own memory, which it frees.
    unsafe { *error = ffi::sqlite3_mprintf(c"%s".as_ptr(), words.as_ptr()) };
    ffi::SQLITE_AUTH
}

/// Returns the instruments of the bind whose database a connection has opened.
///
/// # Safety
///
/// The connection is open and this thread's.
unsafe fn watch_of(db: *mut ffi::sqlite3) -> Option<Arc<Watch>> {
    // SAFETY: the connection is open; the name is null, or ends with a NUL and lives as long as the connection.
    let (name, read_only) = unsafe {
        let name = ffi::sqlite3_db_filename(db, c"main".as_ptr());
        let name = if name.is_null() { c"" } else { CStr::from_ptr(name) };
        (name.to_bytes(), ffi::sqlite3_db_readonly(db, c"main".as_ptr()) == 1)
    };
    // SAFETY: as the caller says.
    let (pager, store) = if name.is_empty() { unsafe { (pager(db), store(db)) } } else { (0, None) };
    let placed = PLACED.read().unwrap_or_else(PoisonError::into_inner);
    let mut found: Option<&Placed> = None;
    for one in placed.iter() {
        let is_it = match &one.place {
            Place::File(file) => !name.is_empty() && **file == *name,
            Place::Cache(cache) => name.is_empty() && *cache == pager,
            // SAFETY: the handle is open, and the lock is held.
            Place::Store(idle) => store.is_some() && store == unsafe { self::store(lock(idle).handle()) },
        };
        if is_it && found.is_none_or(|found| found.read_only != read_only) {
            found = Some(one);
        }
    }
    found.map(|found| Arc::clone(&found.watch))
}

/// Returns the address of the file of a connection's pager.
///
/// # Safety
///
/// The connection is open.
unsafe fn pager(db: *mut ffi::sqlite3) -> usize {
    let mut file: *mut c_void = ptr::null_mut();
    // SAFETY: as the caller says; for this operation SQLite writes a pointer.
    unsafe {
        ffi::sqlite3_file_control(db, c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, (&raw mut file).cast());
    }
    file.addr()
}

/// Where the pages of a `memdb` database are, as its file system spells it; `None` for a connection to something else.
///
/// # Safety
///
/// The connection is open.
unsafe fn store(db: *mut ffi::sqlite3) -> Option<Box<[u8]>> {
    let mut name: *mut c_char = ptr::null_mut();
    // SAFETY: as the caller says; for this operation SQLite writes a pointer to a text that ends with a NUL, which the caller
    // frees.
    let name = unsafe {
        ffi::sqlite3_file_control(db, c"main".as_ptr(), ffi::SQLITE_FCNTL_VFSNAME, (&raw mut name).cast());
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
