//! The duties of a file system besides files, which the system's own does.

use std::ffi::{c_char, c_int, c_void};

use rusqlite::ffi::{self, sqlite3_vfs};

use super::gate::waits_for_nobody;

/// Returns the file system that ours hands on to.
///
/// # Safety
///
/// `vfs` is one that `FileSystem::register` made.
pub(super) unsafe fn system(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: by the caller.
    unsafe { (*vfs).pAppData.cast() }
}

pub(super) unsafe extern "C" fn dl_open(vfs: *mut sqlite3_vfs, name: *const c_char) -> *mut c_void {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xDlOpen.map_or(std::ptr::null_mut(), |open| open(system, name))
    }
}

pub(super) unsafe extern "C" fn dl_error(vfs: *mut sqlite3_vfs, room: c_int, answer: *mut c_char) {
    // No panic: it hands on.
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
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xDlSym.and_then(|symbol| symbol(system, library, name))
    }
}

pub(super) unsafe extern "C" fn dl_close(vfs: *mut sqlite3_vfs, library: *mut c_void) {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        if let Some(close) = (*system).xDlClose {
            close(system, library);
        }
    }
}

pub(super) unsafe extern "C" fn randomness(vfs: *mut sqlite3_vfs, room: c_int, answer: *mut c_char) -> c_int {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xRandomness.map_or(0, |random| random(system, room, answer))
    }
}

pub(super) unsafe extern "C" fn sleep(vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    // No panic: it hands on.
    if waits_for_nobody() {
        return microseconds;
    }
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xSleep.map_or(0, |sleep| sleep(system, microseconds))
    }
}

pub(super) unsafe extern "C" fn current_time(vfs: *mut sqlite3_vfs, answer: *mut f64) -> c_int {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xCurrentTime.map_or(ffi::SQLITE_ERROR, |time| time(system, answer))
    }
}

pub(super) unsafe extern "C" fn get_last_error(vfs: *mut sqlite3_vfs, room: c_int, answer: *mut c_char) -> c_int {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xGetLastError.map_or(0, |error| error(system, room, answer))
    }
}

pub(super) unsafe extern "C" fn current_time_int64(vfs: *mut sqlite3_vfs, answer: *mut i64) -> c_int {
    // No panic: it hands on.
    /// The milliseconds of a day.
    const DAY: f64 = 86_400_000.0;
    // SAFETY: SQLite passes the file system it found, and a place for the answer; the first version of a file system
    // ends before this function.
    unsafe {
        let system = system(vfs);
        if (*system).iVersion >= 2
            && let Some(time) = (*system).xCurrentTimeInt64
        {
            return time(system, answer);
        }
        let mut days = 0.0;
        let code = current_time(vfs, &raw mut days);
        #[allow(clippy::cast_possible_truncation, reason = "as SQLite does itself")]
        let milliseconds = (days * DAY) as i64;
        *answer = milliseconds;
        code
    }
}

pub(super) unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(system, name, sync_dir))
    }
}

pub(super) unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    answer: *mut c_int,
) -> c_int {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xAccess.map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(system, name, flags, answer))
    }
}

pub(super) unsafe extern "C" fn full_pathname(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    answer: *mut c_char,
) -> c_int {
    // No panic: it hands on.
    // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
    unsafe {
        let system = system(vfs);
        (*system).xFullPathname.map_or(ffi::SQLITE_CANTOPEN, |full| full(system, name, room, answer))
    }
}
