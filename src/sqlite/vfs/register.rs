//! Registering a file system with SQLite that hands on to the system's own what it does not do itself.
//!
//! See <https://sqlite.org/vfs.html>. None of the functions that SQLite calls panics: a panic in an `extern "C"`
//! function ends the process.

use std::ffi::{c_char, c_int, CString};
use std::sync::OnceLock;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use super::system::{
    current_time, current_time_int64, dl_close, dl_error, dl_open, dl_sym, get_last_error, randomness, sleep,
};
use crate::sqlite::code::check;

type Open = unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, *mut sqlite3_file, c_int, *mut c_int) -> c_int;
type Delete = unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int) -> c_int;
type Access = unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int, *mut c_int) -> c_int;
type FullPathname = unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int, *mut c_char) -> c_int;

/// A file system, by what it does otherwise than the system's.
pub(super) struct FileSystem<'n> {
    pub(super) name: &'n str,
    /// Returns the size of an open file's place, by that of the system's.
    pub(super) size: fn(c_int) -> c_int,
    pub(super) open: Open,
    pub(super) delete: Delete,
    pub(super) access: Access,
    pub(super) full_pathname: FullPathname,
}

impl FileSystem<'_> {
    /// Registers the file system, unless that was done before.
    pub(super) fn register_once(&self, registered: &OnceLock<c_int>) -> rusqlite::Result<()> {
        check(*registered.get_or_init(|| self.register()))
    }

    fn register(&self) -> c_int {
        // SAFETY: a null name asks for the default file system.
        let system = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        // SAFETY: SQLite gives null or a file system, which lives as long as it is registered: the default one always.
        let Some(known) = (unsafe { system.as_ref() }) else { return ffi::SQLITE_ERROR };
        let Ok(name) = CString::new(self.name) else { return ffi::SQLITE_MISUSE };
        let own = sqlite3_vfs {
            iVersion: 2,
            szOsFile: (self.size)(known.szOsFile),
            mxPathname: known.mxPathname,
            pNext: std::ptr::null_mut(),
            zName: name.into_raw(),
            pAppData: system.cast(),
            xOpen: Some(self.open),
            xDelete: Some(self.delete),
            xAccess: Some(self.access),
            xFullPathname: Some(self.full_pathname),
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
}
