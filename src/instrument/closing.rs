//! The close of a connection, of which SQLite tells whatever callbacks the application has set: it destroys the functions of
//! the connection, and so one that nobody calls.

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::ffi;

use super::connections::closes;
use super::{number, strays};
use crate::sqlite::callback::without_panic;

/// Makes SQLite report the close of a connection, once its last statement is gone too.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn watch_close(db: *mut ffi::sqlite3) {
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY;
    let connection = ptr::without_provenance_mut(db.expose_provenance());
    // SAFETY: as the caller says; the callbacks have the signatures asked for. Where this fails, SQLite calls the destructor at
    // once.
    unsafe {
        ffi::sqlite3_create_function_v2(
            db,
            NAME.as_ptr(),
            0,
            flags,
            connection,
            Some(answers_nothing),
            None,
            None,
            Some(on_close),
        );
    }
}

/// The function that a connection has for this.
const NAME: &std::ffi::CStr = c"multibind_connection";

/// Answers null.
unsafe extern "C" fn answers_nothing(_: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {}

/// Notes a close; SQLite passes the address of the connection, whose structure it frees afterwards.
unsafe extern "C" fn on_close(connection: *mut c_void) {
    without_panic((), || {
        let db = ptr::with_exposed_provenance_mut(connection.addr());
        // SAFETY: the connection is closed on this thread, and its structure is there still.
        unsafe { closes(db) };
        strays::closes(db.addr());
        number::closes(db.addr());
    })
}
