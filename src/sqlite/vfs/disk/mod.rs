//! A bind's file: the system's own, except where a gate says otherwise.
//!
//! See <https://sqlite.org/vfs.html>. A file here is the system's, which lies behind a few words of ours; each function
//! asks the file's [`Gate`] where it has a say, and hands on. None of them panics.

mod exchanged;
mod gates;
mod memdb;
mod refused;

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

pub(crate) use gates::{meet_by_name, refuse_files, with_gate, without_gate, Gated};
pub(crate) use memdb::meet_in_memdb;
pub(crate) use refused::Refuser;
use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use rusqlite::{Connection, OpenFlags};

use super::gate::{instead_of_lock, Begins, Gate, Into, Writer};
use super::memory::begins;
use super::methods::io_methods;
use crate::sqlite::callback::without_panic;
use crate::sqlite::private::opening;

/// The function that opens the system's files.
type Opens = unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, *mut sqlite3_file, c_int, *mut c_int) -> c_int;

/// The function that waits so many microseconds.
type Sleeps = unsafe extern "C" fn(*mut sqlite3_vfs, c_int) -> c_int;

/// An open file in the place that SQLite keeps for it. The first field is SQLite's.
#[repr(C)]
struct File {
    base: sqlite3_file,
    open: *mut Open,
}

/// The state of an open file.
struct Open {
    /// The system's file, of the size that the system says.
    system: Box<[u64]>,
    /// A number that no other open file of the process has.
    number: u64,
    gate: Arc<dyn Gate>,
    /// The owner of its connection.
    writer: Writer,
    /// Set if it is a journal, into which a transaction writes.
    is_journal: bool,
    /// The locks of the WAL's index that it shares with others, a bit each.
    shared: u8,
    /// Set while it has the lock of the log's writer.
    has_log: bool,
    /// Set while it has the lock of the file's writer.
    is_reserved: bool,
    /// Set from the lock of the file to that of the index, both of which the first reading of a log takes.
    has_asked: bool,
}

/// Returns what is known of the file, and the file as the system knows it, with its methods.
///
/// # Safety
///
/// `file` is one that `open` opened and that is not closed. SQLite uses a file from one thread at a time.
unsafe fn opened<'f>(file: *mut sqlite3_file) -> (&'f mut Open, *mut sqlite3_file, &'f sqlite3_io_methods) {
    // SAFETY: by the caller; `open` has put a box there, and has looked at the system's methods.
    unsafe {
        let open = &mut *(*file.cast::<File>()).open;
        let inner = open.system.as_mut_ptr().cast::<sqlite3_file>();
        (open, inner, &*(*inner).pMethods)
    }
}

impl Open {
    /// Notes whether a connection that begins to write has got the lock for it.
    fn note_writer(&self, begins: Option<Begins>, code: c_int) {
        if begins == Some(Begins::Writing) && matches!(code, ffi::SQLITE_OK | ffi::SQLITE_BUSY) {
            self.gate.is_refused_or_gets(self.number, self.writer, code == ffi::SQLITE_OK);
        }
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
    let conn =
        opening(|| Connection::open_with_flags(uri, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI))?;
    let mut file = std::ptr::null_mut::<sqlite3_file>();
    let place = (&raw mut file).cast();
    // SAFETY: the handle is open, the operation leaves the address of its file, and an open file has methods.
    unsafe {
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, place);
        Ok(file.as_ref().and_then(|file| file.pMethods.as_ref()).is_some_and(can_share))
    }
}

/// Opens a file behind a gate; `opens` opens that of the system.
///
/// # Safety
///
/// As SQLite calls `xOpen`: `vfs` is what `opens` takes, and `file` has room for a [`File`].
unsafe fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
    opens: Opens,
    (gate, writer): (Arc<dyn Gate>, Writer),
) -> c_int {
    // SAFETY: by the caller.
    unsafe {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        (*file).pMethods = std::ptr::null();
        let is_journal = flags & ffi::SQLITE_OPEN_MAIN_DB == 0;
        if !is_journal && let Some(code) = gate.instead_of_open() {
            return code;
        }
        let size = usize::try_from((*vfs).szOsFile).unwrap_or_default().max(size_of::<sqlite3_file>());
        let mut system = vec![0_u64; size.div_ceil(size_of::<u64>())].into_boxed_slice();
        let inner = system.as_mut_ptr().cast::<sqlite3_file>();
        let code = opens(vfs, name, inner, flags, out_flags);
        let Some(methods) = (*inner).pMethods.as_ref() else { return code };
        if code != ffi::SQLITE_OK {
            if let Some(close) = methods.xClose {
                close(inner);
            }
            return code;
        }
        (*file.cast::<File>()).open = Box::into_raw(Box::new(Open {
            system,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            gate,
            writer,
            is_journal,
            shared: 0,
            has_log: false,
            is_reserved: false,
            has_asked: false,
        }));
        (*file).pMethods = methods_for(methods);
        code
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    without_panic(ffi::SQLITE_IOERR_CLOSE, || {
        // SAFETY: SQLite closes a file once; what `open` put there is taken back, and nothing is left to be used.
        unsafe {
            let (_, inner, methods) = opened(file);
            let code = methods.xClose.map_or(ffi::SQLITE_OK, |close| close(inner));
            (*file).pMethods = std::ptr::null();
            drop(Box::from_raw((*file.cast::<File>()).open));
            code
        }
    })
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, offset: i64) -> c_int {
    without_panic(ffi::SQLITE_IOERR_WRITE, || {
        // SAFETY: the file is open; the rest is handed on as it came.
        unsafe {
            let (open, inner, methods) = opened(file);
            // What is copied back from a log was committed before.
            let into = if open.is_journal { Some(Into::Journal) } else { open.is_reserved.then_some(Into::Database) };
            if let Some(into) = into
                && let Some(code) = open.gate.instead_of_write(into)
                && (into == Into::Journal || !has(inner, methods, from, amount, offset))
            {
                return code;
            }
            methods.xWrite.map_or(ffi::SQLITE_IOERR_WRITE, |write| write(inner, from, amount, offset))
        }
    })
}

/// Returns whether a file has these bytes already: a transaction that was refused writes them as it is rolled back.
///
/// # Safety
///
/// `file` is an open file of the system's with these methods, and there are `amount` bytes at `from`.
unsafe fn has(
    file: *mut sqlite3_file,
    methods: &sqlite3_io_methods,
    from: *const c_void,
    amount: c_int,
    offset: i64,
) -> bool {
    let (Some(read), Ok(length)) = (methods.xRead, usize::try_from(amount)) else { return false };
    let mut there = vec![0_u8; length];
    // SAFETY: by the caller, and there is room for as many bytes.
    unsafe {
        read(file, there.as_mut_ptr().cast(), amount, offset) == ffi::SQLITE_OK
            && there == std::slice::from_raw_parts(from.cast::<u8>(), length)
    }
}

unsafe extern "C" fn lock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_LOCK, || {
        // SAFETY: the file is open; the rest is handed on as it came.
        unsafe {
            let (open, inner, methods) = opened(file);
            let begins = match level {
                ffi::SQLITE_LOCK_SHARED => Some(Begins::Reading),
                ffi::SQLITE_LOCK_RESERVED => Some(Begins::Writing),
                _ => None,
            };
            if let Some(code) = begins.and_then(|part| instead_of_lock(&*open.gate, part)) {
                return code;
            }
            open.has_asked = begins == Some(Begins::Reading);
            let code = methods.xLock.map_or(ffi::SQLITE_IOERR_LOCK, |lock| lock(inner, level));
            if begins == Some(Begins::Writing) && code == ffi::SQLITE_OK {
                open.is_reserved = true;
                open.gate.writer_begins(open.writer);
            }
            open.note_writer(begins, code);
            code
        }
    })
}

unsafe extern "C" fn unlock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_UNLOCK, || {
        // SAFETY: the file is open; the rest is handed on as it came.
        unsafe {
            let (open, inner, methods) = opened(file);
            let code = methods.xUnlock.map_or(ffi::SQLITE_IOERR_UNLOCK, |unlock| unlock(inner, level));
            if std::mem::take(&mut open.is_reserved) {
                open.gate.writer_ends();
            }
            code
        }
    })
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    without_panic(ffi::SQLITE_IOERR_SHMLOCK, || {
        // SAFETY: the file is open; the rest is handed on as it came.
        unsafe {
            let (open, inner, methods) = opened(file);
            let begins = begins(open.shared, open.has_log, first, count, flags);
            // The lock of the file was asked about just now, if the log is read for the first time.
            let has_asked = begins == Some(Begins::Reading) && std::mem::take(&mut open.has_asked);
            let asks = begins.filter(|_| !has_asked);
            if let Some(code) = asks.and_then(|part| instead_of_lock(&*open.gate, part)) {
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
                    open.has_log = flags & ffi::SQLITE_SHM_LOCK != 0;
                    open.gate.holds_log(open.has_log);
                    if !open.has_log {
                        open.gate.writer_ends();
                    }
                }
                if begins == Some(Begins::Writing) {
                    open.gate.writer_begins(open.writer);
                }
            }
            open.note_writer(begins, code);
            code
        }
    })
}

/// Methods that hand on what they are called with, and the answer where the system has no such method.
macro_rules! handed_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*) $(-> $result:ty, $missing:expr)?;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) $(-> $result)? {
            // No panic: it hands on.
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
