//! The system's temporary files, which are asked what a file on a disk would answer.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use rusqlite::ffi::{self, sqlite3_file};

use super::super::system::system;
use super::name::c_name;

/// Asks one of the system's temporary files, which is made for that.
///
/// # Safety
///
/// `argument` is what the operation takes.
pub(super) unsafe fn of_temporary_file(operation: c_int, argument: *mut c_void) -> c_int {
    with_temporary_file(|file, control| {
        // SAFETY: the file is open; the argument is by the caller.
        unsafe { control(file, operation, argument) }
    })
}

/// Returns how many bytes of a file SQLite maps into memory at most, or the code with which the system's file system
/// answers: where it maps none, that it does not know the operation.
pub(super) fn most_to_map() -> Result<i64, c_int> {
    static MOST: OnceLock<Result<i64, c_int>> = OnceLock::new();
    if let Some(most) = MOST.get() {
        return *most;
    }
    let mut most = i64::MAX;
    let code = with_temporary_file(|file, control| {
        let argument = (&raw mut most).cast();
        // SAFETY: the file is open, and the operation takes the address of a number: one to set, then one to ask.
        unsafe {
            let code = control(file, ffi::SQLITE_FCNTL_MMAP_SIZE, argument);
            most = -1;
            if code == ffi::SQLITE_OK {
                control(file, ffi::SQLITE_FCNTL_MMAP_SIZE, argument)
            } else {
                code
            }
        }
    });
    match code {
        ffi::SQLITE_OK => *MOST.get_or_init(|| Ok(most)),
        ffi::SQLITE_NOTFOUND => *MOST.get_or_init(|| Err(code)),
        // There may be room for a temporary file later.
        code => Err(code),
    }
}

type Control = unsafe extern "C" fn(*mut sqlite3_file, c_int, *mut c_void) -> c_int;

/// Opens a temporary file of the system's, asks it, and closes it. Returns SQLite's code.
fn with_temporary_file(ask: impl FnOnce(*mut sqlite3_file, Control) -> c_int) -> c_int {
    const FLAGS: c_int = ffi::SQLITE_OPEN_READWRITE
        | ffi::SQLITE_OPEN_CREATE
        | ffi::SQLITE_OPEN_EXCLUSIVE
        | ffi::SQLITE_OPEN_DELETEONCLOSE
        | ffi::SQLITE_OPEN_TEMP_DB;
    // SAFETY: the name is one; SQLite gives null or a file system that stays registered.
    let ours = unsafe { ffi::sqlite3_vfs_find(c_name()) };
    if ours.is_null() {
        return ffi::SQLITE_NOTFOUND;
    }
    // SAFETY: ours has the system's; a null name asks for a temporary file, for which there is as much room as it wants,
    // aligned as C's `malloc` would; it is closed once, unless opening it has left nothing to close.
    unsafe {
        let system = system(ours);
        let size = usize::try_from((*system).szOsFile).unwrap_or_default();
        let mut room = vec![0u128; size.div_ceil(size_of::<u128>())];
        let file = room.as_mut_ptr().cast::<sqlite3_file>();
        let Some(open) = (*system).xOpen else { return ffi::SQLITE_CANTOPEN };
        let mut code = open(system, std::ptr::null(), file, FLAGS, std::ptr::null_mut());
        let Some(methods) = (*file).pMethods.as_ref() else {
            return if code == ffi::SQLITE_OK { ffi::SQLITE_CANTOPEN } else { code };
        };
        if code == ffi::SQLITE_OK {
            code = methods.xFileControl.map_or(ffi::SQLITE_NOTFOUND, |control| ask(file, control));
        }
        if let Some(close) = methods.xClose {
            close(file);
        }
        code
    }
}
