//! Every statement that SQLite starts on this thread, whichever connection it is on.
//!
//! A start runs statements on connections that no test is given. SQLite calls an automatic extension for each
//! connection that the process opens, and the extension has SQLite call back for each statement.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
use std::ptr;
use std::sync::Once;

use multibind::rusqlite::ffi;

/// A statement as SQLite started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) sql: String,
    /// Whether it may change the database.
    pub(crate) writes: bool,
}

impl Started {
    /// Whether it makes, changes or drops a table, an index, a view or a trigger.
    pub(crate) fn is_ddl(&self) -> bool {
        self.writes && ["CREATE", "ALTER", "DROP"].iter().any(|verb| self.sql.trim_start().starts_with(verb))
    }
}

thread_local! {
    static STARTED: RefCell<Option<Vec<Started>>> = const { RefCell::new(None) };
}

/// What `work` gives, and the statements it ran on connections that this thread opened in such calls.
pub(crate) fn started_by<T>(work: impl FnOnce() -> T) -> (T, Vec<Started>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the function has the signature asked for, lives as long as the process and opens no connection.
        let code = unsafe { ffi::sqlite3_auto_extension(Some(trace)) };
        assert_eq!(code, ffi::SQLITE_OK);
    });
    STARTED.with_borrow_mut(|started| *started = Some(Vec::new()));
    let done = work();
    let started = STARTED.with_borrow_mut(Option::take).unwrap();
    (done, started)
}

/// What SQLite calls for each connection that is opened.
unsafe extern "C" fn trace(
    db: *mut ffi::sqlite3,
    _error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // The connections of other tests keep the trace that the harness sets.
    if STARTED.with_borrow(Option::is_none) {
        return ffi::SQLITE_OK;
    }
    // SAFETY: the handle is the one that SQLite is opening; the callback has the signature asked for and takes no context.
    unsafe { ffi::sqlite3_trace_v2(db, ffi::SQLITE_TRACE_STMT as c_uint, Some(keep), ptr::null_mut()) }
}

/// What SQLite calls for each statement: `p` is the statement, `x` its text, or a comment that names a trigger.
unsafe extern "C" fn keep(_mask: c_uint, _context: *mut c_void, p: *mut c_void, x: *mut c_void) -> c_int {
    // SAFETY: for SQLITE_TRACE_STMT `x` is a NUL-terminated string that lives through this call.
    let sql = unsafe { CStr::from_ptr(x.cast::<c_char>()) }.to_string_lossy().into_owned();
    // SAFETY: for SQLITE_TRACE_STMT `p` is the prepared statement that has been started.
    let writes = unsafe { ffi::sqlite3_stmt_readonly(p.cast()) } == 0;
    STARTED.with_borrow_mut(|started| {
        if let Some(started) = started {
            started.push(Started { sql, writes });
        }
    });
    0
}
