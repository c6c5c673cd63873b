//! A connection's progress handler, set through SQLite's C interface: rusqlite's way to set it differs by version.

use std::ffi::{c_int, c_void};
use std::fmt;
use std::ptr;
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use crate::sqlite::callback::without_panic;

/// A callback that returns whether a statement that runs is to be interrupted.
pub(crate) type Stop = dyn Fn() -> bool + Send + Sync;

/// A connection whose statements are interrupted when a callback says so, for as long as this lives.
pub(crate) struct Stoppable<'c> {
    conn: &'c Connection,
    /// SQLite has the address of the inner box. Where this is forgotten, both are leaked.
    _stop: Arc<Box<Stop>>,
}

impl<'c> Stoppable<'c> {
    /// Has SQLite ask after every `instructions` of a statement's bytecode.
    pub(crate) fn new(conn: &'c Connection, instructions: c_int, stop: Box<Stop>) -> Stoppable<'c> {
        let stop = Arc::new(stop);
        let context = Arc::as_ptr(&stop).cast_mut().cast();
        // SAFETY: the handle is open, and no other thread uses it. The callback has the signature asked for; what its context
        // points at lives until this is dropped, which removes the callback, or as long as the process.
        unsafe { ffi::sqlite3_progress_handler(conn.handle(), instructions, Some(ask), context) };
        Stoppable { conn, _stop: stop }
    }
}

impl Drop for Stoppable<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and no other thread uses it.
        unsafe { ffi::sqlite3_progress_handler(self.conn.handle(), 0, None, ptr::null_mut()) };
    }
}

impl fmt::Debug for Stoppable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stoppable").field("conn", self.conn).finish_non_exhaustive()
    }
}

/// Asks the callback; after a panic the statement goes on.
unsafe extern "C" fn ask(context: *mut c_void) -> c_int {
    // SAFETY: the context is that of `new`, which is alive while the callback is set.
    let stop = unsafe { &*context.cast_const().cast::<Box<Stop>>() };
    c_int::from(without_panic(false, stop))
}
