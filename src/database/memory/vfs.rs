//! What SQLite calls: a file system whose files are the databases of [`Memory`], and which hands on to the system's own
//! what is not one of them.
//!
//! See <https://sqlite.org/vfs.html>. Each function here turns C's arguments into Rust's and calls the safe code beside
//! it. None of them panics: a panic in an `extern "C"` function ends the process.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::locks::{begins_to_write, Held, Level};
use super::system::{
    current_time, current_time_int64, dl_close, dl_error, dl_open, dl_sym, get_last_error, randomness, sleep, system,
};
use super::who::{Opener, PARAMETER};
use super::{find, index, split, Journal, Memory};
use crate::database::lock;

/// The file system's name, for `?vfs=` in a URI: with the version, since a process may link two of this crate.
pub(super) const NAME: &str = concat!("multibind-", env!("CARGO_PKG_VERSION"));
const C_NAME: &CStr = match CStr::from_bytes_with_nul(concat!("multibind-", env!("CARGO_PKG_VERSION"), "\0").as_bytes())
{
    Ok(name) => name,
    Err(_) => c"multibind",
};

/// Makes the file system known to SQLite, once.
pub(super) fn register() -> rusqlite::Result<()> {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    // A file that is not ours is the system's, in the same place.
    let size = |system: c_int| system.max(c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX));
    register_once(&REGISTERED, C_NAME, size, open)
}

/// Makes a file system known to SQLite, once, which differs from the system's in how it opens a file. `size` is that of a
/// file's place, by the size of the system's.
pub(in crate::database) fn register_once(
    registered: &OnceLock<c_int>,
    name: &'static CStr,
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

fn register_now(name: &'static CStr, size: impl FnOnce(c_int) -> c_int, open: OpenFile) -> c_int {
    // SAFETY: a null name asks for the default file system.
    let system = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: SQLite gives null or a file system, which lives as long as it is registered: the default one always.
    let Some(known) = (unsafe { system.as_ref() }) else { return ffi::SQLITE_ERROR };
    let own = sqlite3_vfs {
        iVersion: 2,
        szOsFile: size(known.szOsFile),
        mxPathname: known.mxPathname,
        pNext: std::ptr::null_mut(),
        zName: name.as_ptr(),
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
    // SAFETY: what is registered must live as long as the process, and a leaked box does.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(own)), 0) }
}

/// A name as SQLite passes it, if it is one of ours.
///
/// # Safety
///
/// `name` is null or a NUL-terminated text that lives as long as the result.
unsafe fn ours<'n>(name: *const c_char) -> Option<(&'n str, &'n str)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    split(unsafe { CStr::from_ptr(name) }.to_str().ok()?)
}

/// What stands where SQLite keeps an open file. Its first field is what SQLite knows of it.
#[repr(C)]
struct File {
    base: sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    memory: Arc<Memory>,
    part: Part,
}

enum Part {
    Database { held: Held, uses_index: bool },
    Journal { bytes: Arc<Journal>, name: String, goes_with_it: bool },
}

/// The open file behind SQLite's pointer.
///
/// # Safety
///
/// `file` is one that `open` opened and that is not closed. SQLite uses a file from one thread at a time.
unsafe fn opened<'f>(file: *mut sqlite3_file) -> &'f mut Open {
    // SAFETY: by the caller; `open` has put a box there.
    unsafe { &mut *(*file.cast::<File>()).open }
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock_file),
    xUnlock: Some(unlock_file),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes the file system it found, a name that lives through the call, and room for a file.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let Some((database, journal)) = ours(name) else {
            let system = system(vfs);
            return match (*system).xOpen {
                Some(open) => open(system, name, file, flags, out_flags),
                None => ffi::SQLITE_CANTOPEN,
            };
        };
        let opener = match flags & ffi::SQLITE_OPEN_MAIN_DB {
            0 => Opener::default(),
            _ => opener(name),
        };
        let Some(opened) = open_ours(database, journal, flags, opener) else { return ffi::SQLITE_CANTOPEN };
        (*file.cast::<File>()).open = Box::into_raw(Box::new(opened));
        (*file).pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

/// As what the URI behind a name says that it is opened.
///
/// # Safety
///
/// `name` is that of a main database as SQLite passes it to `xOpen`: what the URI says lies beside it.
unsafe fn opener(name: *const c_char) -> Opener {
    // SAFETY: by the caller; SQLite gives null or a NUL-terminated text that lives as long as the name.
    unsafe {
        let value = ffi::sqlite3_uri_parameter(name, PARAMETER.as_ptr());
        if value.is_null() {
            return Opener::default();
        }
        Opener::from_value(CStr::from_ptr(value))
    }
}

/// Opens a database that lives, or a journal of it; only a journal is made by opening.
fn open_ours(database: &str, journal: &str, flags: c_int, opener: Opener) -> Option<Open> {
    let memory = find(database)?;
    let part = match journal {
        "" => {
            memory.fill().ok()?;
            Part::Database { held: Held::new(opener), uses_index: false }
        }
        name => {
            let bytes = match flags & ffi::SQLITE_OPEN_CREATE {
                0 => memory.journal(name)?,
                _ => memory.journal_or_new(name),
            };
            Part::Journal { bytes, name: name.to_string(), goes_with_it: flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0 }
        }
    };
    Some(Open { memory, part })
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: SQLite passes the file system it found and a name that lives through the call.
    unsafe {
        let Some((database, journal)) = ours(name) else {
            let system = system(vfs);
            return (*system).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(system, name, sync_dir));
        };
        match find(database).is_some_and(|memory| memory.remove_journal(journal)) {
            true => ffi::SQLITE_OK,
            false => ffi::SQLITE_IOERR_DELETE_NOENT,
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
        // As on a disk, where an empty journal counts for none.
        let there = find(database).is_some_and(|memory| match journal {
            "" => true,
            name => memory.journal(name).is_some_and(|bytes| !lock(&bytes).is_empty()),
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

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; what `open` put there is taken back, and nothing is left to be used.
    let Open { memory, part } = unsafe {
        (*file).pMethods = std::ptr::null();
        *Box::from_raw((*file.cast::<File>()).open)
    };
    match part {
        Part::Database { mut held, uses_index } => {
            lock(&memory.locks).release_all(&mut held);
            if uses_index {
                lock(&memory.index).leave(false);
            }
        }
        Part::Journal { name, goes_with_it, .. } => {
            if goes_with_it {
                memory.remove_journal(&name);
            }
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, amount: c_int, offset: i64) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: the file is open, and SQLite passes `amount` bytes of room.
    let (open, into) = unsafe { (opened(file), std::slice::from_raw_parts_mut(into.cast::<u8>(), amount)) };
    let whole = match &open.part {
        Part::Database { .. } => lock(&open.memory.contents).read(offset, into),
        Part::Journal { bytes, .. } => {
            let bytes = lock(bytes);
            let there = bytes.get(offset..).unwrap_or_default();
            let (inside, beyond) = into.split_at_mut(amount.min(there.len()));
            inside.copy_from_slice(there.get(..inside.len()).unwrap_or_default());
            beyond.fill(0);
            beyond.is_empty()
        }
    };
    if whole {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_IOERR_SHORT_READ
    }
}

/// The most bytes that a file here can have. Memory ends long before, but a page number that is damaged must not make
/// room for what it says.
const LARGEST: usize = if usize::BITS > 32 { 1 << 38 } else { 1 << 30 };

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, offset: i64) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    let Some(end) = offset.checked_add(amount).filter(|end| *end <= LARGEST) else { return ffi::SQLITE_FULL };
    // SAFETY: the file is open, and SQLite passes `amount` bytes.
    let (open, from) = unsafe { (opened(file), std::slice::from_raw_parts(from.cast::<u8>(), amount)) };
    match &open.part {
        Part::Database { .. } => lock(&open.memory.contents).write(offset, from),
        // What a transaction writes goes into a journal first, of whatever kind; what is copied back into the database
        // was committed before.
        Part::Journal { bytes, .. } => {
            if let Some(code) = open.memory.faults.instead_of_write() {
                return code;
            }
            let mut bytes = lock(bytes);
            if bytes.len() < end {
                let more = end - bytes.len();
                if bytes.try_reserve(more).is_err() {
                    return ffi::SQLITE_FULL;
                }
                bytes.resize(end, 0);
            }
            if let Some(place) = bytes.get_mut(offset..end) {
                place.copy_from_slice(from);
            }
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    let Ok(size) = usize::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    match &open.part {
        Part::Database { .. } => lock(&open.memory.contents).truncate(size),
        Part::Journal { bytes, .. } => lock(bytes).truncate(size),
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(_file: *mut sqlite3_file, _flags: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, answer: *mut i64) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let size = match &open.part {
        Part::Database { .. } => lock(&open.memory.contents).size(),
        Part::Journal { bytes, .. } => lock(bytes).len(),
    };
    // SAFETY: SQLite passes a place for the answer.
    unsafe { *answer = i64::try_from(size).unwrap_or(i64::MAX) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let Open { memory, part } = unsafe { opened(file) };
    let Part::Database { held, .. } = part else { return ffi::SQLITE_OK };
    let begins_to_write = level == ffi::SQLITE_LOCK_RESERVED;
    if begins_to_write && let Some(code) = memory.faults.instead_of_lock() {
        return code;
    }
    match lock(&memory.locks).lock(held, Level::from_code(level)) {
        true => {
            if begins_to_write {
                memory.faults.writer_begins(held.opener().writer());
            }
            ffi::SQLITE_OK
        }
        false => ffi::SQLITE_BUSY,
    }
}

unsafe extern "C" fn unlock_file(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let Open { memory, part } = unsafe { opened(file) };
    if let Part::Database { held, .. } = part {
        lock(&memory.locks).unlock(held, Level::from_code(level));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, answer: *mut c_int) -> c_int {
    // SAFETY: the file is open, and SQLite passes a place for the answer.
    unsafe { *answer = c_int::from(lock(&opened(file).memory.locks).is_reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_file: *mut sqlite3_file, _operation: c_int, _argument: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn device_characteristics(_file: *mut sqlite3_file) -> c_int {
    // Memory does not lose power between two writes.
    ffi::SQLITE_IOCAP_ATOMIC
        | ffi::SQLITE_IOCAP_SAFE_APPEND
        | ffi::SQLITE_IOCAP_SEQUENTIAL
        | ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    number: c_int,
    size: c_int,
    extend: c_int,
    answer: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open.
    let Open { memory, part } = unsafe { opened(file) };
    let (Ok(number), Ok(index::PIECE), Part::Database { uses_index, .. }) =
        (usize::try_from(number), usize::try_from(size), part)
    else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    let mut index = lock(&memory.index);
    if !*uses_index {
        index.join();
        *uses_index = true;
    }
    // SAFETY: SQLite passes a place for the answer.
    unsafe { *answer = index.piece(number, extend != 0) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let Open { memory, part } = unsafe { opened(file) };
    let Part::Database { held, .. } = part else { return ffi::SQLITE_IOERR_SHMLOCK };
    let begins_to_write = begins_to_write(held.shared(), first, count, flags);
    let (Ok(first), Ok(count)) = (usize::try_from(first), usize::try_from(count)) else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    let slots = first..first.saturating_add(count).min(ffi::SQLITE_SHM_NLOCK as usize);
    if begins_to_write && let Some(code) = memory.faults.instead_of_lock() {
        return code;
    }
    let mut locks = lock(&memory.locks);
    let taken = if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        locks.release(held, slots);
        true
    } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
        locks.share(held, slots)
    } else {
        locks.exclude(held, slots)
    };
    if taken {
        if begins_to_write {
            memory.faults.writer_begins(held.opener().writer());
        }
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_BUSY
    }
}

unsafe extern "C" fn shm_barrier(_file: *mut sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: the file is open.
    let Open { memory, part } = unsafe { opened(file) };
    if let Part::Database { uses_index: used @ true, .. } = part {
        *used = false;
        lock(&memory.index).leave(delete != 0);
    }
    ffi::SQLITE_OK
}
