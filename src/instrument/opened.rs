//! The connections that code opens by itself, with whichever driver: each gets the instruments of its bind as it opens.
//!
//! SQLite calls what is registered with [`sqlite3_auto_extension`](https://sqlite.org/c3ref/auto_extension.html) at the end of
//! each opening in the process.

use std::ffi::{c_char, c_int, CString};
use std::sync::{Arc, Mutex};

use rusqlite::{ffi, Connection};

use super::closing::watch_close;
use super::commits::Commits;
use super::handle::Handle;
use super::opening::OpenedBy;
use super::placed::{self, pager, Place};
use super::state::is_own;
use super::watch::{Context, Watch};
use super::{authorize, commit, extension, outside, strays, trace};
use crate::sqlite::callback::without_panic;
use crate::sqlite::vfs::disk::{meet_by_name, meet_in_memdb, Gated};
use crate::sqlite::vfs::Gate;

/// A database that connections find as long as the value lives.
#[derive(Debug)]
pub(crate) struct Found {
    watch: Arc<Watch>,
    /// For one in a file or in `memdb`, whose connections meet its gate by its name.
    gated: Option<Gated>,
}

impl Drop for Found {
    fn drop(&mut self) {
        placed::remove(Context::new(&self.watch, false).number());
        if let Some(commits) = self.watch.commits() {
            commits.end();
        }
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

    /// Gives the instruments to each connection that opens the shared cache of `idle`, which runs no statement.
    pub(crate) fn found_by_cache(self: &Arc<Self>, idle: Connection, read_only: bool) -> Found {
        // SAFETY: the handle is open.
        let place = Place::Cache(unsafe { pager(idle.handle(), c"main") });
        if !read_only {
            // Set once, when the database is made.
            let _ = self.faults.commits.set(Commits::new(idle));
        }
        self.found(place, read_only)
    }

    /// Gives the instruments to each connection that opens the `memdb` database of `idle`, which runs no statement, and of that
    /// name.
    pub(crate) fn found_by_store(self: &Arc<Self>, idle: Connection, name: &[u8], read_only: bool) -> Found {
        let gate: Arc<dyn Gate> = Arc::clone(&self.faults) as _;
        let gated = meet_in_memdb(name, read_only, &gate);
        let mut found = self.found(Place::Store(Mutex::new(idle)), read_only);
        found.gated = Some(gated);
        found
    }

    fn found(self: &Arc<Self>, place: Place, read_only: bool) -> Found {
        see_openings();
        placed::add(place, read_only, Context::new(self, false).number());
        Found { watch: Arc::clone(self), gated: None }
    }
}

/// Makes SQLite report each opening. It is asked for each time, since the application may have reset what it reports to.
pub(crate) fn see_openings() {
    extension::ask(on_open);
}

/// Notes an opening; SQLite calls it at the end of each. An answer other than zero fails the opening.
unsafe extern "C" fn on_open(
    db: *mut ffi::sqlite3,
    error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    without_panic(ffi::SQLITE_OK, || {
        extension::is_called();
        // SAFETY: SQLite calls with a connection that is open, on the thread that opens it.
        let refused = if is_own() { None } else { unsafe { instruments(db) } };
        let Some(words) = refused.and_then(|words| CString::new(words).ok()) else { return ffi::SQLITE_OK };
        // SAFETY: SQLite passes a place for a text of its own memory, which it frees.
        unsafe { *error = ffi::sqlite3_mprintf(c"%s".as_ptr(), words.as_ptr()) };
        ffi::SQLITE_AUTH
    })
}

/// Gives the instruments to a connection that opens, or refuses it; returns the words for that.
///
/// # Safety
///
/// The connection is open and this thread's.
unsafe fn instruments(db: *mut ffi::sqlite3) -> Option<String> {
    // SAFETY: as the caller says.
    let bind = unsafe { placed::find(db, c"main") }.and_then(|number| Context::numbered(number).watch());
    let watch = match &bind {
        Some(watch) => Arc::clone(watch),
        None if outside::is_ours() => return None,
        None => {
            // SAFETY: as the caller says.
            let refused = unsafe { outside::refuse(db) };
            if refused.is_some() {
                return refused;
            }
            // SAFETY: as the caller says.
            unsafe { strays::follow(db) }
        }
    };
    let context = Context::new(&watch, false);
    // SAFETY: as the caller says; the value is not kept.
    let handle = unsafe { Handle::new(db) };
    authorize::expire(db, context);
    // SAFETY: as the caller says.
    unsafe {
        trace::start_on(db, context);
        if bind.is_some() {
            commit::hook_on(&watch.faults, db);
        }
    }
    watch.connect(&handle, OpenedBy::Application);
    // SAFETY: as the caller says.
    unsafe { watch_close(db) };
    None
}
