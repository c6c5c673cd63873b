//! What a file system does for SQLite besides files: the system's own does it.

use std::ffi::{c_char, c_int, c_void};

use rusqlite::ffi::{self, sqlite3_vfs};

/// The file system that ours hands on to.
///
/// # Safety
///
/// `vfs` is one that `register_now` made.
pub(in crate::database) unsafe fn system(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: by the caller.
    unsafe { (*vfs).pAppData.cast() }
}

pub(super) unsafe extern "C" fn dl_open(vfs: *mut sqlite3_vfs, name: *const c_char) -> *mut c_void {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xDlOpen.map_or(std::ptr::null_mut(), |open| open(system, name))
    }
}

pub(super) unsafe extern "C" fn dl_error(vfs: *mut sqlite3_vfs, room: c_int, answer: *mut c_char) {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        if let Some(error) = (*system).xDlError {
            error(system, room, answer);
        }
    }
}

type Symbol = unsafe extern "C" fn(*mut sqlite3_vfs, *mut c_void, *const c_char);

pub(super) unsafe extern "C" fn dl_sym(
    vfs: *mut sqlite3_vfs,
    library: *mut c_void,
    name: *const c_char,
) -> Option<Symbol> {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xDlSym.and_then(|symbol| symbol(system, library, name))
    }
}

pub(super) unsafe extern "C" fn dl_close(vfs: *mut sqlite3_vfs, library: *mut c_void) {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        if let Some(close) = (*system).xDlClose {
            close(system, library);
        }
    }
}

pub(super) unsafe extern "C" fn randomness(vfs: *mut sqlite3_vfs, room: c_int, answer: *mut c_char) -> c_int {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xRandomness.map_or(0, |random| random(system, room, answer))
    }
}

pub(super) unsafe extern "C" fn sleep(vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xSleep.map_or(0, |sleep| sleep(system, microseconds))
    }
}

pub(super) unsafe extern "C" fn current_time(vfs: *mut sqlite3_vfs, answer: *mut f64) -> c_int {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xCurrentTime.map_or(ffi::SQLITE_ERROR, |time| time(system, answer))
    }
}

pub(super) unsafe extern "C" fn get_last_error(vfs: *mut sqlite3_vfs, room: c_int, answer: *mut c_char) -> c_int {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xGetLastError.map_or(0, |error| error(system, room, answer))
    }
}

pub(super) unsafe extern "C" fn current_time_int64(vfs: *mut sqlite3_vfs, answer: *mut i64) -> c_int {
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xCurrentTimeInt64.map_or(ffi::SQLITE_ERROR, |time| time(system, answer))
    }
}
