//! The file system of a bind's file: the system's own, except where a gate says otherwise.
//!
//! See <https://sqlite.org/vfs.html>. A file here is the system's, which lies behind a few words of ours; each function
//! asks the file's [`Gate`] where it has a say, and hands on. None of them panics.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::{Arc, LazyLock, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use rusqlite::{Connection, OpenFlags};

use super::gate::{Gate, Writer};
use super::memory::begins_to_write;
use super::methods::io_methods;
use super::register::FileSystem;
use super::system::{access, delete, full_pathname, system};
use crate::sqlite::copy::file_system;

/// The file system's name, for `?vfs=` in a URI.
static NAME: LazyLock<String> = LazyLock::new(|| file_system("multibind-disk"));

/// The parameter of a URI that has the number of a file's [`Gate`].
const NUMBER: &str = "multibind-faults";
const C_NUMBER: &CStr = c"multibind-faults";

/// Returns the gate of a number, while it lives. SQLite is given a number and never a pointer: a connection may outlive
/// the gate.
type Find = fn(usize) -> Option<Arc<dyn Gate>>;

/// The function that finds the gates, set before the first URI has a number.
static FIND: OnceLock<Find> = OnceLock::new();

/// Returns a file's URI whose connections meet the gate of that number. Where the file system cannot be registered, the
/// URI stays the same.
pub(crate) fn with_gate(uri: String, number: usize, find: Find) -> String {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    FIND.get_or_init(|| find);
    let size = |system: c_int| system.saturating_add(c_int::try_from(OFFSET).unwrap_or(c_int::MAX));
    let registered = FileSystem { name: &NAME, size, open, delete, access, full_pathname }.register_once(&REGISTERED);
    match registered {
        Ok(()) => format!("{uri}?vfs={}&{NUMBER}={number}", *NAME),
        Err(_) => uri,
    }
}

/// An open file in the place that SQLite keeps for it. The first field is SQLite's; the system's file follows.
#[repr(C)]
struct File {
    base: sqlite3_file,
    open: *mut Open,
}

/// The place of the system's file, from the start of ours: as far aligned as C's `malloc` would.
const OFFSET: usize = size_of::<File>().next_multiple_of(16);

/// The state of an open file.
struct Open {
    gate: Arc<dyn Gate>,
    /// Set if it is a journal, into which a transaction writes.
    is_journal: bool,
    /// The locks of the WAL's index that it shares with others, a bit each.
    shared: u8,
}

/// Returns the file as the system knows it.
///
/// # Safety
///
/// `file` is one that `open` has made.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: SQLite has made room for the system's file behind ours.
    unsafe { file.byte_add(OFFSET) }
}

/// Returns what is known of the file, and the file as the system knows it, with its methods.
///
/// # Safety
///
/// `file` is one that `open` opened and that is not closed. SQLite uses a file from one thread at a time.
unsafe fn opened<'f>(file: *mut sqlite3_file) -> (&'f mut Open, *mut sqlite3_file, &'f sqlite3_io_methods) {
    // SAFETY: by the caller; `open` has put a box there, and has looked at the system's methods.
    unsafe {
        let inner = inner(file);
        (&mut *(*file.cast::<File>()).open, inner, &*(*inner).pMethods)
    }
}

/// The methods of a file, by the version of the system's, which may lack some: on some disks of a network, those that
/// share memory.
static METHODS: [sqlite3_io_methods; 3] = [io_methods!(1), io_methods!(2), io_methods!(3)];

/// Returns the methods that hand on to these.
fn methods_for(system: &sqlite3_io_methods) -> &'static sqlite3_io_methods {
    let [alone, sharing, mapping] = &METHODS;
    if !can_share(system) {
        alone
    } else if system.iVersion < 3 || system.xFetch.is_none() || system.xUnfetch.is_none() {
        sharing
    } else {
        mapping
    }
}

/// Returns whether connections can share memory, and so a write-ahead log.
fn can_share(methods: &sqlite3_io_methods) -> bool {
    methods.iVersion >= 2 && methods.xShmMap.is_some()
}

/// Returns whether connections to a file can share a write-ahead log where it lies, which nobody has open yet.
pub(crate) fn can_have_log(uri: &str) -> rusqlite::Result<bool> {
    let conn = Connection::open_with_flags(uri, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI)?;
    let mut file = std::ptr::null_mut::<sqlite3_file>();
    let place = (&raw mut file).cast();
    // SAFETY: the handle is open, the operation leaves the address of its file, and an open file has methods.
    unsafe {
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, place);
        Ok(file.as_ref().and_then(|file| file.pMethods.as_ref()).is_some_and(can_share))
    }
}

/// Returns the gate that a file's URI names; a journal has the URI of its database.
///
/// # Safety
///
/// `name` is null or what SQLite passes to `xOpen` with these flags.
unsafe fn gate_of(name: *const c_char, flags: c_int) -> Option<Arc<dyn Gate>> {
    const WITH_URI: c_int = ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL;
    if name.is_null() || flags & WITH_URI == 0 {
        return None;
    }
    // SAFETY: by the caller; such a name is followed by the URI's parameters, and SQLite gives null or a text that lives
    // as long as the name.
    let number = unsafe {
        let number = ffi::sqlite3_uri_parameter(ffi::sqlite3_filename_database(name), C_NUMBER.as_ptr());
        if number.is_null() {
            return None;
        }
        CStr::from_ptr(number)
    };
    FIND.get()?(number.to_str().ok()?.parse().ok()?)
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes the file system it found, a name that lives through the call, and room for both files.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let system = system(vfs);
        let Some(open) = (*system).xOpen else { return ffi::SQLITE_CANTOPEN };
        // A file without a gate is the system's, in the same place.
        let Some(gate) = gate_of(name, flags) else { return open(system, name, file, flags, out_flags) };
        let inner = inner(file);
        (*inner).pMethods = std::ptr::null();
        let code = open(system, name, inner, flags, out_flags);
        let Some(methods) = (*inner).pMethods.as_ref() else { return code };
        if code != ffi::SQLITE_OK {
            if let Some(close) = methods.xClose {
                close(inner);
            }
            return code;
        }
        let is_journal = flags & ffi::SQLITE_OPEN_MAIN_DB == 0;
        (*file.cast::<File>()).open = Box::into_raw(Box::new(Open { gate, is_journal, shared: 0 }));
        (*file).pMethods = methods_for(methods);
        code
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; what `open` put there is taken back, and nothing is left to be used.
    unsafe {
        let (_, inner, methods) = opened(file);
        let code = methods.xClose.map_or(ffi::SQLITE_OK, |close| close(inner));
        (*file).pMethods = std::ptr::null();
        drop(Box::from_raw((*file.cast::<File>()).open));
        code
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, offset: i64) -> c_int {
    // SAFETY: the file is open; the rest is handed on as it came.
    unsafe {
        let (open, inner, methods) = opened(file);
        // What a transaction writes goes into a journal first; what is copied back was committed before.
        if open.is_journal
            && let Some(code) = open.gate.instead_of_write()
        {
            return code;
        }
        methods.xWrite.map_or(ffi::SQLITE_IOERR_WRITE, |write| write(inner, from, amount, offset))
    }
}

unsafe extern "C" fn lock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open; the rest is handed on as it came.
    unsafe {
        let (open, inner, methods) = opened(file);
        let begins_to_write = level == ffi::SQLITE_LOCK_RESERVED;
        if begins_to_write && let Some(code) = open.gate.instead_of_lock() {
            return code;
        }
        let code = methods.xLock.map_or(ffi::SQLITE_IOERR_LOCK, |lock| lock(inner, level));
        if begins_to_write && code == ffi::SQLITE_OK {
            open.gate.writer_begins(Writer::Ours);
        }
        code
    }
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: the file is open; the rest is handed on as it came.
    unsafe {
        let (open, inner, methods) = opened(file);
        let begins_to_write = begins_to_write(open.shared, first, count, flags);
        if begins_to_write && let Some(code) = open.gate.instead_of_lock() {
            return code;
        }
        let code = methods.xShmLock.map_or(ffi::SQLITE_IOERR_SHMLOCK, |lock| lock(inner, first, count, flags));
        if code == ffi::SQLITE_OK {
            // SQLite shares one lock at a time.
            let bit = u32::try_from(first).ok().and_then(|first| 1u8.checked_shl(first)).unwrap_or_default();
            match (flags & ffi::SQLITE_SHM_SHARED != 0, flags & ffi::SQLITE_SHM_LOCK != 0) {
                (true, true) => open.shared |= bit,
                (true, false) => open.shared &= !bit,
                _ => {}
            }
            if first == 0 && flags & ffi::SQLITE_SHM_EXCLUSIVE != 0 {
                // The lock of a writer.
                open.gate.holds_log(flags & ffi::SQLITE_SHM_LOCK != 0);
            }
            if begins_to_write {
                open.gate.writer_begins(Writer::Ours);
            }
        }
        code
    }
}

/// Methods that hand on what they are called with, and the answer where the system has no such method.
macro_rules! handed_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*) $(-> $result:ty, $missing:expr)?;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) $(-> $result)? {
            // SAFETY: the file is open; the rest is handed on as it came.
            unsafe {
                let (_, inner, methods) = opened(file);
                match methods.$method {
                    Some(method) => method(inner, $($argument),*),
                    None => { $($missing)? }
                }
            }
        }
    )*};
}

handed_on! {
    read = xRead(into: *mut c_void, amount: c_int, offset: i64) -> c_int, ffi::SQLITE_IOERR_READ;
    truncate = xTruncate(size: i64) -> c_int, ffi::SQLITE_IOERR_TRUNCATE;
    sync = xSync(flags: c_int) -> c_int, ffi::SQLITE_IOERR_FSYNC;
    file_size = xFileSize(answer: *mut i64) -> c_int, ffi::SQLITE_IOERR_FSTAT;
    unlock_file = xUnlock(level: c_int) -> c_int, ffi::SQLITE_IOERR_UNLOCK;
    check_reserved_lock = xCheckReservedLock(answer: *mut c_int) -> c_int, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK;
    file_control = xFileControl(operation: c_int, argument: *mut c_void) -> c_int, ffi::SQLITE_NOTFOUND;
    sector_size = xSectorSize() -> c_int, 0;
    device_characteristics = xDeviceCharacteristics() -> c_int, 0;
    shm_map = xShmMap(number: c_int, size: c_int, extend: c_int, answer: *mut *mut c_void) -> c_int,
        ffi::SQLITE_IOERR_SHMMAP;
    shm_barrier = xShmBarrier();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int, ffi::SQLITE_OK;
    fetch = xFetch(offset: i64, amount: c_int, answer: *mut *mut c_void) -> c_int, ffi::SQLITE_IOERR;
    unfetch = xUnfetch(offset: i64, address: *mut c_void) -> c_int, ffi::SQLITE_IOERR;
}
