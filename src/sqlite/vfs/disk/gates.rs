//! The gates of files: which one a connection meets, by the URI or the path that it opens.
//!
//! The harness's own URIs name a file system and the number of a gate. What a driver opens by a path is met too, by the
//! file's name: SQLite's default file system stays what it is, and opens files by a function of ours, which hands on
//! whatever is no bind's. Another default file system would part the application's shared caches: SQLite looks for one by
//! its name and by its file system.

use std::cell::Cell;
use std::ffi::{c_char, c_int, CStr};
use std::ptr;
use std::sync::{Arc, LazyLock, Once, OnceLock, PoisonError, RwLock, Weak};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use super::super::gate::{waits_for_nobody, Gate, Writer};
use super::super::register::FileSystem;
use super::super::system::{access, delete, full_pathname, system};
use super::exchanged::Exchanged;
use super::refused::{self, is_refused, Refuser};
use super::File;
use crate::list::retain;
use crate::sqlite::callback::without_panic;
use crate::sqlite::copy::file_system;

/// The name of the file system that URIs with a number name.
static NAME: LazyLock<String> = LazyLock::new(|| file_system("multibind-disk"));

/// The parameter of a URI that has the number of a file's [`Gate`].
const NUMBER: &str = "multibind-faults";
const C_NUMBER: &CStr = c"multibind-faults";

/// The number of no gate.
const NONE: usize = 0;

/// Returns the gate of a number, while it lives. SQLite is given a number and never a pointer: a connection may outlive
/// the gate.
type Find = fn(usize) -> Option<Arc<dyn Gate>>;

/// The function that finds the gates, set before the first URI has a number.
static FIND: OnceLock<Find> = OnceLock::new();

/// The gates of files, for the connections whose URI has no number.
static NAMED: RwLock<Vec<Named>> = RwLock::new(Vec::new());

/// A file, by the name that SQLite has for it.
struct Named {
    name: Box<[u8]>,
    /// Set for those connections that only read.
    read_only: bool,
    gate: Weak<dyn Gate>,
}

/// A gate that connections to a file meet as long as the value lives.
#[derive(Debug)]
pub(crate) struct Gated(Weak<dyn Gate>);

impl Drop for Gated {
    fn drop(&mut self) {
        retain(&mut NAMED.write().unwrap_or_else(PoisonError::into_inner), |named| !named.gate.ptr_eq(&self.0));
    }
}

/// Makes each connection meet a gate that opens the file of that name, as SQLite spells it, whatever URI or path it is
/// opened by; those that only read, if `read_only` is set and the others have a gate of their own.
pub(crate) fn meet_by_name(name: &[u8], read_only: bool, gate: &Arc<dyn Gate>) -> Gated {
    see_default();
    by_name(name, read_only, gate)
}

/// Makes connections that open the file of that name meet a gate.
pub(super) fn by_name(name: &[u8], read_only: bool, gate: &Arc<dyn Gate>) -> Gated {
    let gate = Arc::downgrade(gate);
    let named = Named { name: name.into(), read_only, gate: Weak::clone(&gate) };
    NAMED.write().unwrap_or_else(PoisonError::into_inner).push(named);
    Gated(gate)
}

/// Returns a file's URI whose connections meet the gate of that number. Where the file system cannot be registered, the
/// URI stays the same.
pub(crate) fn with_gate(uri: String, number: usize, find: Find) -> String {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    FIND.get_or_init(|| find);
    let size = |system: c_int| system.max(c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX));
    let numbered = FileSystem { name: &NAME, size, open: open_numbered, delete, access, full_pathname };
    match numbered.register_once(&REGISTERED) {
        Ok(()) => format!("{uri}?vfs={}&{NUMBER}={number}", *NAME),
        Err(_) => uri,
    }
}

/// Returns a file's URI whose connections meet no gate.
pub(crate) fn without_gate(uri: &str) -> String {
    format!("{uri}?{NUMBER}={NONE}")
}

/// Has files of the default file system refused that are no bind's, where `refuser` says so.
pub(crate) fn refuse_files(refuser: &'static Refuser) {
    refused::ask(refuser);
    see_default();
}

/// The function by which the default file system opened files before.
static BEFORE: Exchanged = Exchanged::new();

/// The function by which it slept before.
static SLEPT: Exchanged = Exchanged::new();

/// Makes SQLite's default file system open files by [`open_named`] and wait by [`sleep`], once.
fn see_default() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        BEFORE.exchange(None, open_named);
        SLEPT.exchange_sleep(sleep);
    });
}

/// Waits, unless it would be for a lock that a gate has refused.
unsafe extern "C" fn sleep(vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    // No panic: it hands on.
    match SLEPT.sleeps().filter(|_| !waits_for_nobody()) {
        // SAFETY: SQLite passes the file system it found; the rest is handed on as it came.
        Some(sleeps) => unsafe { sleeps(vfs, microseconds) },
        None => microseconds,
    }
}

thread_local! {
    /// Set while this thread opens a file whose gate the URI names.
    static NUMBERED: Cell<bool> = const { Cell::new(false) };
}

/// Opens a file whose gate the URI names.
unsafe extern "C" fn open_numbered(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    without_panic(ffi::SQLITE_CANTOPEN, || {
        // SAFETY: SQLite passes the file system it found, a name that lives through the call, and room for a file.
        unsafe {
            (*file).pMethods = ptr::null();
            let system = system(vfs);
            let Some(opens) = (*system).xOpen else { return ffi::SQLITE_CANTOPEN };
            // What a bind's connection attaches is opened by its file system.
            if is_outside(name, flags) && number_of(name, flags).is_none() && is_refused() {
                return refused::open(name, file, flags, out_flags);
            }
            let before = NUMBERED.replace(true);
            let code = match numbered(name, flags) {
                Some(gate) => super::open(system, name, file, flags, out_flags, opens, (gate, Writer::Ours)),
                // A file without a gate is the system's, in the same place.
                None => opens(system, name, file, flags, out_flags),
            };
            NUMBERED.set(before);
            code
        }
    })
}

/// Opens a file of the default file system.
unsafe extern "C" fn open_named(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    without_panic(ffi::SQLITE_CANTOPEN, || {
        let Some(opens) = BEFORE.opens() else { return ffi::SQLITE_CANTOPEN };
        // SAFETY: SQLite passes the file system it found, a name that lives through the call, and room for a file.
        unsafe {
            match named(name, flags) {
                Some(gate) => super::open(vfs, name, file, flags, out_flags, opens, (gate, Writer::Others)),
                None if is_outside(name, flags) && is_refused() => refused::open(name, file, flags, out_flags),
                None => opens(vfs, name, file, flags, out_flags),
            }
        }
    })
}

/// The flags of what belongs to a bind: its database, its log and its journal.
const OF_A_BIND: c_int = ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL;

/// The flags of a database that is opened to read.
const READS: c_int = ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_READONLY;

/// Returns the value of the URI's parameter that has the number of a gate; a journal has the URI of its database.
///
/// # Safety
///
/// `name` is what SQLite passes to `xOpen` with these flags for what belongs to a bind, and lives as long as the answer.
unsafe fn number_of<'n>(name: *const c_char, flags: c_int) -> Option<&'n CStr> {
    // SAFETY: by the caller; such a name is followed by the URI's parameters, that of a journal by its database's before;
    // SQLite gives null or a text that lives as long as the name.
    unsafe {
        let is_main = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
        let database = if is_main { name } else { ffi::sqlite3_filename_database(name) };
        let number = ffi::sqlite3_uri_parameter(database, C_NUMBER.as_ptr());
        (!number.is_null()).then(|| CStr::from_ptr(number))
    }
}

/// Returns the gate that a file's URI names.
///
/// # Safety
///
/// `name` is null or what SQLite passes to `xOpen` with these flags.
unsafe fn numbered(name: *const c_char, flags: c_int) -> Option<Arc<dyn Gate>> {
    if name.is_null() || flags & OF_A_BIND == 0 {
        return None;
    }
    // SAFETY: by the caller.
    let number = unsafe { number_of(name, flags) }?;
    FIND.get()?(number.to_str().ok()?.parse().ok()?)
}

/// Returns the gate that a file has by its name, unless the URI has a number.
///
/// # Safety
///
/// `name` is null or ends with a NUL; if it is a bind's, it is one that SQLite passes to `xOpen` with these flags.
pub(super) unsafe fn named(name: *const c_char, flags: c_int) -> Option<Arc<dyn Gate>> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller.
    let text = unsafe { CStr::from_ptr(name) }.to_bytes();
    let file = match flags & OF_A_BIND {
        ffi::SQLITE_OPEN_MAIN_DB => text,
        ffi::SQLITE_OPEN_WAL => text.strip_suffix(b"-wal")?,
        ffi::SQLITE_OPEN_MAIN_JOURNAL => text.strip_suffix(b"-journal")?,
        _ => return None,
    };
    let reads = flags & READS == READS;
    let gate = {
        let named = NAMED.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Option<&Named> = None;
        for one in named.iter().filter(|named| *named.name == *file) {
            if found.is_none_or(|_| one.read_only == reads) {
                found = Some(one);
            }
        }
        // The last owner of a gate takes locks to forget it, so it is not taken while this one is held.
        Weak::clone(&found?.gate)
    };
    // A file that is no bind's is not asked for its URI: another file system may have made its name.
    // SAFETY: the file is a bind's.
    let number = unsafe { number_of(name, flags) };
    if number.is_some() {
        return None;
    }
    gate.upgrade()
}

/// Returns whether a file is a database that is no bind's.
///
/// # Safety
///
/// `name` is null or ends with a NUL.
unsafe fn is_outside(name: *const c_char, flags: c_int) -> bool {
    if name.is_null() || flags & ffi::SQLITE_OPEN_MAIN_DB == 0 || NUMBERED.get() {
        return false;
    }
    // SAFETY: by the caller.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    !NAMED.read().unwrap_or_else(PoisonError::into_inner).iter().any(|named| *named.name == *name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::gate::OpenGate;
    use super::*;
    use crate::sqlite::platform::sqlite_path;

    use rusqlite::Connection;

    /// The methods of a connection's file.
    pub(in super::super) fn methods(conn: &Connection) -> *const ffi::sqlite3_io_methods {
        let mut file = ptr::null_mut::<sqlite3_file>();
        // SAFETY: the handle is open, and the operation writes the address of its file.
        unsafe {
            let answer = (&raw mut file).cast();
            ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, answer);
            (*file).pMethods
        }
    }

    #[test]
    fn only_gated_files_have_our_methods() {
        let folder = tempfile::tempdir().unwrap();
        let path = sqlite_path(folder.path()).join("a.db");
        let before = methods(&Connection::open(&path).unwrap());
        let gate: Arc<dyn Gate> = Arc::new(OpenGate);
        let gated = meet_by_name(path.as_os_str().as_encoded_bytes(), false, &gate);
        assert_ne!(methods(&Connection::open(&path).unwrap()), before);
        assert_eq!(methods(&Connection::open(folder.path().join("b.db")).unwrap()), before);
        drop(gated);
        assert_eq!(methods(&Connection::open(&path).unwrap()), before);
    }

    #[test]
    fn a_gate_finds_an_earlier_shared_cache() {
        let uri = "file:from_before?mode=memory&cache=shared";
        let first = Connection::open(uri).unwrap();
        first.execute_batch("CREATE TABLE t (x)").unwrap();
        see_default();
        assert!(Connection::open(uri).unwrap().prepare("SELECT x FROM t").is_ok());
    }
}
