//! The names of the databases in memory and of their journals, as SQLite's file system knows them. Any other name is
//! the system's.

use std::ffi::{c_char, c_int, CStr};
use std::sync::Arc;

use rusqlite::ffi::{self, sqlite3_vfs};

use super::super::system;
use super::{find, split, Journal};
use crate::sqlite::callback::without_panic;
use crate::sync::lock;

/// Returns the database and the journal that a name of SQLite's means, if it is one of ours.
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

pub(super) unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_DELETE, || {
        // SAFETY: SQLite passes the file system it found and a name that lives through the call.
        unsafe {
            let Some((database, journal)) = ours(name) else {
                return system::delete(vfs, name, sync_dir);
            };
            if find(database).is_some_and(|memory| memory.remove_journal(journal)) {
                ffi::SQLITE_OK
            } else {
                ffi::SQLITE_IOERR_DELETE_NOENT
            }
        }
    })
}

pub(super) unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    answer: *mut c_int,
) -> c_int {
    without_panic(ffi::SQLITE_IOERR_ACCESS, || {
        // SAFETY: SQLite passes the file system it found, a name that lives through the call, and a place for the answer.
        unsafe {
            let Some((database, journal)) = ours(name) else {
                return system::access(vfs, name, flags, answer);
            };
            // As on a disk, where an empty journal is none to who asks for one, and can be written to.
            let there = find(database).is_some_and(|memory| {
                let is_one = |bytes: Arc<Journal>| flags != ffi::SQLITE_ACCESS_EXISTS || !lock(&bytes).is_empty();
                journal.is_empty() || memory.journal(journal).is_some_and(is_one)
            });
            *answer = c_int::from(there);
        }
        ffi::SQLITE_OK
    })
}

pub(super) unsafe extern "C" fn full_pathname(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    answer: *mut c_char,
) -> c_int {
    without_panic(ffi::SQLITE_CANTOPEN, || {
        // SAFETY: SQLite passes the file system it found, a name that lives through the call, and `room` bytes.
        unsafe {
            if ours(name).is_none() {
                return system::full_pathname(vfs, name, room, answer);
            }
            let bytes = CStr::from_ptr(name).to_bytes_with_nul();
            if usize::try_from(room).is_ok_and(|room| bytes.len() <= room) {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), answer.cast(), bytes.len());
                return ffi::SQLITE_OK;
            }
        }
        ffi::SQLITE_CANTOPEN
    })
}
