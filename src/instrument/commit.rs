//! The commit hook of a bind's connections, which refuses a commit where a fault says so, or a guard.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use super::faults::Faults;
use super::number::committing;
use crate::sqlite::Slot;

impl Faults {
    /// Makes a connection ask before each commit of a transaction that has written.
    ///
    /// Through SQLite's own interface: what rusqlite's `commit_hook` takes is a closure, which would keep the database
    /// alive. A hook of the application's own takes the place of this one, and nothing has to be freed then.
    pub(super) fn hook(self: &Arc<Self>, conn: &Connection) {
        // SAFETY: the handle is open.
        unsafe { self.hook_on(conn.handle()) };
    }

    /// Makes a connection ask that somebody else has opened.
    ///
    /// # Safety
    ///
    /// The connection is open.
    pub(super) unsafe fn hook_on(self: &Arc<Self>, db: *mut ffi::sqlite3) {
        // SAFETY: as the caller says; the callback has the signature asked for, and the number is never followed.
        unsafe {
            if Slot::CommitHook.is_free(db, CALLBACK as usize) {
                let number = ptr::without_provenance_mut(self.number_of(db));
                ffi::sqlite3_commit_hook(db, Some(CALLBACK), number);
            }
        }
    }
}

/// The commit hook, which has one address.
static CALLBACK: unsafe extern "C" fn(*mut c_void) -> c_int = on_commit;

/// Returns what SQLite calls before a commit; anything but zero makes a rollback of it. Nothing in it panics.
unsafe extern "C" fn on_commit(number: *mut c_void) -> c_int {
    // The connection of that number is the one that commits: it is open, and this thread's.
    c_int::from(committing(number.addr()).is_some_and(|(faults, db)| faults.refuses_commit(db)))
}
