//! The commit hook of the connections to binds, which refuses a commit where a fault says so, or a guard.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use super::commits::end_here;
use super::faults::Faults;
use super::handle::Handle;
use super::number::committing;
use super::watch::Context;
use crate::sqlite::callback::without_panic;
use crate::sqlite::Slot;

/// Makes a connection to a bind ask before each commit of a transaction that has written.
///
/// Through SQLite's own interface: what rusqlite's `commit_hook` takes is a closure, which would keep the database alive. A hook
/// of the application's own takes the place of this one, and nothing has to be freed then.
pub(super) fn hook(faults: &Arc<Faults>, conn: &Connection) {
    // SAFETY: the handle is open.
    unsafe { hook_on(faults, conn.handle()) };
}

/// Makes a connection to a bind ask that somebody else has opened.
///
/// # Safety
///
/// The connection is open.
pub(super) unsafe fn hook_on(faults: &Arc<Faults>, db: *mut ffi::sqlite3) {
    faults.meet(db.addr());
    // SAFETY: as the caller says.
    unsafe { ask(db) };
}

/// Makes a connection ask, which has attached a bind or is to one.
///
/// # Safety
///
/// The connection is open.
pub(super) unsafe fn ask(db: *mut ffi::sqlite3) {
    // SAFETY: as the caller says; the callback has the signature asked for, and the address is of that connection.
    unsafe {
        if Slot::CommitHook.is_free(db, CALLBACK as usize) {
            ffi::sqlite3_commit_hook(db, Some(CALLBACK), ptr::without_provenance_mut(db.expose_provenance()));
        }
    }
}

/// The commit hook, which has one address.
static CALLBACK: unsafe extern "C" fn(*mut c_void) -> c_int = on_commit;

/// Returns what SQLite calls before a commit; anything but zero makes a rollback of it.
unsafe extern "C" fn on_commit(connection: *mut c_void) -> c_int {
    let db = ptr::with_exposed_provenance_mut(connection.addr());
    // SAFETY: the connection that has the hook is the one that commits: it is open, and this thread's.
    c_int::from(without_panic(false, || unsafe { refuses(db) }))
}

/// Returns whether a commit is to be refused.
///
/// # Safety
///
/// The connection is open, this thread's, and about to commit.
unsafe fn refuses(db: *mut ffi::sqlite3) -> bool {
    // SAFETY: as the caller says; the value is not kept.
    let handle = unsafe { Handle::new(db) };
    let attached = handle.attached();
    let own = committing(db.addr()).filter(|_| attached.is_empty() || handle.is_writing_to(c"main"));
    if own.as_ref().is_some_and(|faults| faults.refuses_commit(db)) {
        return true;
    }
    let mut others = Vec::new();
    for schema in attached.iter().filter(|schema| handle.is_writing_to(schema)) {
        let Some(watch) = handle.placed(schema).and_then(|number| Context::numbered(number).watch()) else { continue };
        if watch.faults.fails_commit() {
            return true;
        }
        others.push(watch);
    }
    end_here();
    // What is written to temporary tables alone is committed too.
    if let Some(commits) = own.and_then(|faults| faults.commits.get().cloned())
        && handle.is_writing_to(c"main")
    {
        commits.begins();
    }
    for commits in others.iter().filter_map(|watch| watch.commits()) {
        commits.begins();
    }
    false
}

impl Handle {
    /// Returns whether a commit would keep anything: whether a transaction has written, or may, to a database that is not the
    /// temporary one.
    pub(super) fn can_commit(&self) -> bool {
        if self.has_attached() {
            self.databases().iter().any(|schema| self.is_writing_to(schema))
        } else {
            self.is_writing_to(c"main")
        }
    }
}
