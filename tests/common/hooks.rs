//! An application's own authorizer and commit hook, through SQLite's C interface: rusqlite's way to set them differs by version.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use multibind::rusqlite::{ffi, Connection};

/// Sets an authorizer that allows everything.
pub(crate) fn replace_authorizer(conn: &Connection) {
    // SAFETY: the handle is open, and the callback has the signature asked for and no context.
    unsafe { ffi::sqlite3_set_authorizer(conn.handle(), Some(allow), ptr::null_mut()) };
}

/// Sets a commit hook that lets every transaction commit.
pub(crate) fn replace_commit_hook(conn: &Connection) {
    // SAFETY: the handle is open, and the callback has the signature asked for and no context.
    unsafe { ffi::sqlite3_commit_hook(conn.handle(), Some(commit), ptr::null_mut()) };
}

unsafe extern "C" fn allow(
    _: *mut c_void,
    _: c_int,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn commit(_: *mut c_void) -> c_int {
    0
}
