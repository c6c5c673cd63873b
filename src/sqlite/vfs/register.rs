//! Making a file system known to SQLite: one that finds the databases in memory and their journals by their names, and
//! hands on to the system's own what is not one of them.
//!
//! See <https://sqlite.org/vfs.html>. None of the functions that SQLite calls panics: a panic in an `extern "C"` function
//! ends the process.

use std::ffi::{c_char, c_int, CStr, CString};
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use super::memory::{find, split, Journal};
use super::system::{
    current_time, current_time_int64, dl_close, dl_error, dl_open, dl_sym, get_last_error, randomness, sleep, system,
};
use crate::sync::lock;

/// Makes a file system known to SQLite, once, which differs from the system's in how it opens a file. `size` is that of a
/// file's place, by the size of the system's.
pub(crate) fn register_once(
    registered: &OnceLock<c_int>,
    name: &str,
    size: impl FnOnce(c_int) -> c_int,
    open: OpenFile,
) -> rusqlite::Result<()> {
    match *registered.get_or_init(|| register_now(name, size, open)) {
        ffi::SQLITE_OK => Ok(()),
        code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

/// How SQLite has a file opened.
type OpenFile = unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, *mut sqlite3_file, c_int, *mut c_int) -> c_int;

fn register_now(name: &str, size: impl FnOnce(c_int) -> c_int, open: OpenFile) -> c_int {
    // SAFETY: a null name asks for the default file system.
    let system = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: SQLite gives null or a file system, which lives as long as it is registered: the default one always.
    let Some(known) = (unsafe { system.as_ref() }) else { return ffi::SQLITE_ERROR };
    let Ok(name) = CString::new(name) else { return ffi::SQLITE_MISUSE };
    let own = sqlite3_vfs {
        iVersion: 2,
        szOsFile: size(known.szOsFile),
        mxPathname: known.mxPathname,
        pNext: std::ptr::null_mut(),
        zName: name.into_raw(),
        pAppData: system.cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: Some(dl_open),
        xDlError: Some(dl_error),
        xDlSym: Some(dl_sym),
        xDlClose: Some(dl_close),
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(get_last_error),
        xCurrentTimeInt64: Some(current_time_int64),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: what is registered must live as long as the process, and a leaked box does, and so does the name in it.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(own)), 0) }
}

/// A name as SQLite passes it, if it is one of ours.
///
/// # Safety
///
/// `name` is null or a NUL-terminated text that lives as long as the result.
pub(super) unsafe fn ours<'n>(name: *const c_char) -> Option<(&'n str, &'n str)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    split(unsafe { CStr::from_ptr(name) }.to_str().ok()?)
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: SQLite passes the file system it found and a name that lives through the call.
    unsafe {
        let Some((database, journal)) = ours(name) else {
            let system = system(vfs);
            return (*system).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(system, name, sync_dir));
        };
        if find(database).is_some_and(|memory| memory.remove_journal(journal)) {
            ffi::SQLITE_OK
        } else {
            ffi::SQLITE_IOERR_DELETE_NOENT
        }
    }
}

unsafe extern "C" fn access(vfs: *mut sqlite3_vfs, name: *const c_char, flags: c_int, answer: *mut c_int) -> c_int {
    // SAFETY: SQLite passes the file system it found, a name that lives through the call, and a place for the answer.
    unsafe {
        let Some((database, journal)) = ours(name) else {
            let system = system(vfs);
            return (*system).xAccess.map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(system, name, flags, answer));
        };
        // As on a disk, where an empty journal is none to who asks for one, and can be written to.
        let there = find(database).is_some_and(|memory| {
            let is_one = |bytes: Arc<Journal>| flags != ffi::SQLITE_ACCESS_EXISTS || !lock(&bytes).is_empty();
            journal.is_empty() || memory.journal(journal).is_some_and(is_one)
        });
        *answer = c_int::from(there);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    answer: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes the file system it found, a name that lives through the call, and `room` bytes.
    unsafe {
        if ours(name).is_none() {
            let system = system(vfs);
            return (*system).xFullPathname.map_or(ffi::SQLITE_CANTOPEN, |full| full(system, name, room, answer));
        }
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if usize::try_from(room).is_ok_and(|room| bytes.len() <= room) {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), answer.cast(), bytes.len());
            return ffi::SQLITE_OK;
        }
    }
    ffi::SQLITE_CANTOPEN
}
