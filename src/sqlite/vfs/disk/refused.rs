//! A file that is refused as it is opened: nothing of that name is opened or made.
//!
//! An error here would have SQLite's own words, and SQLite would not call what says who refuses it. So the opening goes on,
//! with a file that is empty and cannot be locked: what opened it is refused at its end, and an `ATTACH`, which has no such
//! end, fails as it reads the schema.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods};

use crate::sqlite::callback::without_panic;

/// Says which files are refused, and hears of those that were attached.
pub(crate) struct Refuser {
    /// Returns whether this thread may open no file that is not a bind's.
    pub(crate) refuses: fn() -> bool,
    /// Notes that a connection that is open has attached a file of that name, or has tried to.
    pub(crate) attached: fn(&CStr),
}

/// The one that says so, set before the first file is refused.
static REFUSER: OnceLock<&'static Refuser> = OnceLock::new();

/// Has files refused from here on where `refuser` says so.
pub(super) fn ask(refuser: &'static Refuser) {
    REFUSER.get_or_init(|| refuser);
}

/// Returns whether a file is refused that is no bind's.
pub(super) fn is_refused() -> bool {
    REFUSER.get().is_some_and(|refuser| (refuser.refuses)())
}

/// A refused file in the place that SQLite keeps for it. The first field is SQLite's.
#[repr(C)]
struct Refused {
    base: sqlite3_file,
    name: *const c_char,
}

/// Puts a refused file in its place.
///
/// # Safety
///
/// As SQLite calls `xOpen` for a database: `file` has room for a [`Refused`], and the name lives until it is closed.
pub(super) unsafe fn open(name: *const c_char, file: *mut sqlite3_file, flags: c_int, out_flags: *mut c_int) -> c_int {
    // SAFETY: by the caller; the place for flags may be null.
    unsafe {
        (*file.cast::<Refused>()).name = name;
        (*file).pMethods = &raw const METHODS;
        if let Some(out_flags) = out_flags.as_mut() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(number_of_64),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(number_of_32),
    xFileControl: Some(control),
    xSectorSize: Some(nothing),
    xDeviceCharacteristics: Some(nothing),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // No panic: it sets a pointer.
    // SAFETY: SQLite closes a file once.
    unsafe { (*file).pMethods = ptr::null() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(_: *mut sqlite3_file, into: *mut c_void, amount: c_int, _: i64) -> c_int {
    // No panic: it fills what SQLite has room for.
    // SAFETY: SQLite passes so many bytes to write to.
    unsafe { ptr::write_bytes(into.cast::<u8>(), 0, usize::try_from(amount).unwrap_or_default()) };
    ffi::SQLITE_IOERR_SHORT_READ
}

unsafe extern "C" fn write(_: *mut sqlite3_file, _: *const c_void, _: c_int, _: i64) -> c_int {
    ffi::SQLITE_AUTH
}

unsafe extern "C" fn truncate(_: *mut sqlite3_file, _: i64) -> c_int {
    ffi::SQLITE_AUTH
}

unsafe extern "C" fn sync(_: *mut sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn number_of_64(_: *mut sqlite3_file, answer: *mut i64) -> c_int {
    // No panic: it sets a number.
    // SAFETY: SQLite passes a place for the answer.
    unsafe { *answer = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn number_of_32(_: *mut sqlite3_file, answer: *mut c_int) -> c_int {
    // No panic: it sets a number.
    // SAFETY: SQLite passes a place for the answer.
    unsafe { *answer = 0 };
    ffi::SQLITE_OK
}

/// Refuses the lock without which nothing is read.
unsafe extern "C" fn lock(file: *mut sqlite3_file, _: c_int) -> c_int {
    without_panic(ffi::SQLITE_AUTH, || {
        if let Some(refuser) = REFUSER.get() {
            // SAFETY: the file is one that `open` has put there; its name ends with a NUL and lives as long.
            (refuser.attached)(unsafe { CStr::from_ptr((*file.cast::<Refused>()).name) });
        }
        ffi::SQLITE_AUTH
    })
}

unsafe extern "C" fn unlock(_: *mut sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn nothing(_: *mut sqlite3_file) -> c_int {
    0
}
