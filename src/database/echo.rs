//! Statements logged with their bind, as SQLite starts them.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;

use rusqlite::{ffi, Connection};

use super::lock;

/// The log target of echoed statements.
const TARGET: &str = "multibind::echo";

/// A bind's name that lives as long as the process: SQLite keeps a pointer to it for as long as a connection lives,
/// and connections outlive harnesses. There are as many as there are different names.
pub(super) fn interned(bind: &str) -> &'static BindName {
    static NAMES: Mutex<Vec<&'static BindName>> = Mutex::new(Vec::new());
    let mut names = lock(&NAMES);
    if let Some(name) = names.iter().find(|name| name.0 == bind) {
        return name;
    }
    let name: &'static BindName = Box::leak(Box::new(BindName(bind.to_string())));
    names.push(name);
    name
}

/// A bind's name with an address of its own.
#[derive(Debug)]
pub(super) struct BindName(String);

/// Logs each statement of `conn` under the bind's name when SQLite starts it.
///
/// `sqlite3_trace_v2` with a context, which rusqlite's own `trace_v2` does not take.
pub(super) fn start(conn: &Connection, bind: &'static BindName) {
    let context = std::ptr::from_ref(bind);
    let mask = ffi::SQLITE_TRACE_STMT as c_uint;
    // SAFETY: the handle is open; the callback has the signature asked for and its context lives as long as the process.
    unsafe { ffi::sqlite3_trace_v2(conn.handle(), mask, Some(log_statement), context.cast_mut().cast()) };
}

/// What SQLite calls: `p` is the statement, `x` its text, or a comment that names the trigger that runs.
unsafe extern "C" fn log_statement(_mask: c_uint, context: *mut c_void, _p: *mut c_void, x: *mut c_void) -> c_int {
    // A logger of the user's may panic, and a panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if context.is_null() || x.is_null() {
            return;
        }
        // SAFETY: the context is the `BindName` that `start` was given.
        let BindName(bind) = unsafe { &*context.cast::<BindName>() };
        // SAFETY: for SQLITE_TRACE_STMT SQLite passes a NUL-terminated string that lives through this call.
        let sql = unsafe { CStr::from_ptr(x.cast::<c_char>()) };
        log::info!(target: TARGET, "[{bind}] {}", sql.to_string_lossy());
    }));
    0
}
