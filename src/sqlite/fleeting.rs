//! Notices SQL that asks for the time or for a random number: what it makes differs each time it runs.
//!
//! SQLite's authorizer does not report the functions of a column's default. So the answer comes from where the values
//! do: the clock is that of the connection's file system, `random` and `randomblob` are functions of the connection,
//! and the largest rowid, after which SQLite picks rowids at random, passes the connection's update hook.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::OnceLock;

use rusqlite::ffi::{self, sqlite3_context, sqlite3_value, sqlite3_vfs};
use rusqlite::{Connection, OpenFlags};

use super::code::check;
use crate::error::shown_path;
use crate::sqlite::callback::without_panic;
use crate::sqlite::private::opening;

/// A value of SQLite's that differs each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fleeting {
    Time,
    Random,
    Rowid,
}

impl fmt::Display for Fleeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fleeting::Time => "asks for the time",
            Fleeting::Random => "asks for a random number",
            Fleeting::Rowid => "inserts the largest rowid, after which SQLite picks rowids at random",
        })
    }
}

/// The first such value that was asked for while a [`watch`] was on, and the place of its statement.
#[derive(Default)]
struct Noticed {
    value: Option<Fleeting>,
    place: Option<String>,
}

thread_local! {
    static NOTICED: RefCell<Option<Noticed>> = const { RefCell::new(None) };
}

/// Runs `work`. Also returns the words for its first statement that asked for the time or a random number, on a
/// connection of [`open`] and on this thread.
pub(crate) fn watch<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    // A migrator may start a harness of its own.
    let outer = NOTICED.replace(Some(Noticed::default()));
    let done = work();
    let noticed = NOTICED.replace(outer).unwrap_or_default();
    let words = noticed.value.map(|value| match noticed.place {
        Some(place) => format!("{place} {value}"),
        None => format!("its setup {value}"),
    });
    (done, words)
}

/// Notes where the statement stood that has just run, in case it was the first to ask. A migrator's has no place.
pub(crate) fn ran(file: Option<&Path>, line: Option<usize>) {
    NOTICED.with_borrow_mut(|noticed| {
        if let Some(Noticed { value: Some(_), place: place @ None }) = noticed {
            *place = Some(match (file, line) {
                (Some(file), Some(line)) => format!("{}:{line}", shown_path(file)),
                (Some(file), None) => shown_path(file),
                (None, Some(line)) => format!("line {line} of its schema"),
                (None, None) => "its migrator".to_string(),
            });
        }
    });
}

/// Returns whether the innermost [`watch`] of this thread has noticed a statement.
pub(crate) fn has_noticed() -> bool {
    NOTICED.with_borrow(|noticed| noticed.as_ref().is_some_and(|noticed| noticed.value.is_some()))
}

/// The number of times that any thread has asked, a thread that a migrator started too.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Returns a number that grows whenever a statement asks for such a value, on a connection of [`open`] and on whichever thread.
pub(crate) fn asked() -> u64 {
    ASKED.load(Ordering::Relaxed)
}

fn notice(value: Fleeting) {
    ASKED.fetch_add(1, Ordering::Relaxed);
    // A callback may run while the thread ends.
    let _ = NOTICED.try_with(|noticed| {
        if let Ok(mut noticed) = noticed.try_borrow_mut()
            && let Some(Noticed { value: first @ None, .. }) = &mut *noticed
        {
            *first = Some(value);
        }
    });
}

/// Opens a private database in memory on which a [`watch`] notices.
pub(crate) fn open() -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let uri = format!("file::memory:?vfs={}", clock()?);
    let conn = opening(|| Connection::open_with_flags(uri, flags))?;
    replace(&conn, c"random", 0, random)?;
    replace(&conn, c"randomblob", 1, randomblob)?;
    // SAFETY: the handle is open, and the hook has the signature asked for and no context.
    unsafe { ffi::sqlite3_update_hook(conn.handle(), Some(changed), std::ptr::null_mut()) };
    Ok(conn)
}

/// Notices a row with the largest rowid.
unsafe extern "C" fn changed(_: *mut c_void, operation: c_int, _: *const c_char, _: *const c_char, rowid: i64) {
    without_panic((), || {
        if operation != ffi::SQLITE_DELETE && rowid == i64::MAX {
            notice(Fleeting::Rowid);
        }
    });
}

/// The file system that does everything as the system's own does and notices when it is asked for the time.
static SYSTEM: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(std::ptr::null_mut());

/// Registers it once; returns its name.
fn clock() -> rusqlite::Result<&'static str> {
    static NAME: OnceLock<Result<String, c_int>> = OnceLock::new();
    let name = NAME.get_or_init(|| {
        // By an address, since a process may link two versions of this crate.
        let name = format!("multibind-clock-{:x}", (&raw const SYSTEM).addr());
        let c_name = CString::new(name.as_str()).map_err(|_| ffi::SQLITE_ERROR)?;
        // SAFETY: a null name asks for the default file system.
        let system = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        // SAFETY: SQLite gives null or a file system, which lives as long as it is registered: the default one always.
        let Some(known) = (unsafe { system.as_ref() }) else { return Err(ffi::SQLITE_ERROR) };
        SYSTEM.store(system, Ordering::Relaxed);
        let own = sqlite3_vfs {
            pNext: std::ptr::null_mut(),
            zName: c_name.into_raw(),
            xCurrentTime: known.xCurrentTime.map(|_| current_time as CurrentTime),
            xCurrentTimeInt64: known.xCurrentTimeInt64.map(|_| current_time_int64 as CurrentTimeInt64),
            ..*known
        };
        // SAFETY: what is registered must live as long as the process, and a leaked box and a leaked name do.
        match unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(own)), 0) } {
            ffi::SQLITE_OK => Ok(name),
            code => Err(code),
        }
    });
    match name {
        Ok(name) => Ok(name),
        Err(code) => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(*code), None)),
    }
}

type CurrentTime = unsafe extern "C" fn(*mut sqlite3_vfs, *mut f64) -> c_int;
type CurrentTimeInt64 = unsafe extern "C" fn(*mut sqlite3_vfs, *mut ffi::sqlite3_int64) -> c_int;

unsafe extern "C" fn current_time(_: *mut sqlite3_vfs, answer: *mut f64) -> c_int {
    without_panic(ffi::SQLITE_ERROR, || {
        notice(Fleeting::Time);
        let system = SYSTEM.load(Ordering::Relaxed);
        // SAFETY: set before this is registered, and alive for as long as the process; the rest is handed on as it came.
        unsafe { (*system).xCurrentTime.map_or(ffi::SQLITE_ERROR, |time| time(system, answer)) }
    })
}

unsafe extern "C" fn current_time_int64(_: *mut sqlite3_vfs, answer: *mut ffi::sqlite3_int64) -> c_int {
    without_panic(ffi::SQLITE_ERROR, || {
        notice(Fleeting::Time);
        let system = SYSTEM.load(Ordering::Relaxed);
        // SAFETY: set before this is registered, and alive for as long as the process; the rest is handed on as it came.
        unsafe { (*system).xCurrentTimeInt64.map_or(ffi::SQLITE_ERROR, |time| time(system, answer)) }
    })
}

type Function = unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value);

/// Replaces a function of SQLite's own, see <https://sqlite.org/c3ref/create_function.html>.
fn replace(conn: &Connection, name: &'static CStr, arguments: c_int, function: Function) -> rusqlite::Result<()> {
    // `SQLITE_SUBTYPE` changes nothing here. It makes the entry in `pragma_function_list` differ from that of a function by
    // which an application replaces this one.
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_INNOCUOUS | ffi::SQLITE_SUBTYPE;
    // SAFETY: the handle is open, and the function has the signature asked for and no data to free.
    let code = unsafe {
        ffi::sqlite3_create_function_v2(
            conn.handle(),
            name.as_ptr(),
            arguments,
            flags,
            std::ptr::null_mut(),
            Some(function),
            None,
            None,
            None,
        )
    };
    check(code)
}

/// [`random()`](https://sqlite.org/lang_corefunc.html#random).
unsafe extern "C" fn random(context: *mut sqlite3_context, _: c_int, _: *mut *mut sqlite3_value) {
    without_panic((), || {
        notice(Fleeting::Random);
        let mut bytes = [0; 8];
        // SAFETY: SQLite writes as many bytes as there are, and the context is that of this call.
        unsafe {
            ffi::sqlite3_randomness(8, bytes.as_mut_ptr().cast());
            let number = i64::from_ne_bytes(bytes);
            // Never the smallest, of which there is no absolute value.
            ffi::sqlite3_result_int64(context, if number < 0 { -(number & i64::MAX) } else { number });
        }
    })
}

/// [`randomblob(n)`](https://sqlite.org/lang_corefunc.html#randomblob).
unsafe extern "C" fn randomblob(context: *mut sqlite3_context, _: c_int, arguments: *mut *mut sqlite3_value) {
    without_panic((), || {
        notice(Fleeting::Random);
        // SAFETY: SQLite passes the one argument that the function was made with, and the context is that of this call. The
        // bytes are as many as were asked for, and SQLite frees them.
        unsafe {
            let length = ffi::sqlite3_value_int64(*arguments).max(1);
            let most = ffi::sqlite3_limit(ffi::sqlite3_context_db_handle(context), ffi::SQLITE_LIMIT_LENGTH, -1);
            let Some(length) = c_int::try_from(length).ok().filter(|length| *length <= most) else {
                return ffi::sqlite3_result_error_toobig(context);
            };
            let bytes: *mut c_void = ffi::sqlite3_malloc(length);
            if bytes.is_null() {
                return ffi::sqlite3_result_error_nomem(context);
            }
            ffi::sqlite3_randomness(length, bytes);
            ffi::sqlite3_result_blob(context, bytes, length, Some(ffi::sqlite3_free));
        }
    })
}

thread_local! {
    /// The number of statements that have asked for a count, on a connection that [`notice_counts`] has changed.
    static COUNTS: Cell<u64> = const { Cell::new(0) };
}

/// Has a connection notice `changes()` and `total_changes()`: their values are its own, and not those of its database.
pub(crate) fn notice_counts(conn: &Connection) -> rusqlite::Result<()> {
    replace(conn, c"changes", 0, changes)?;
    replace(conn, c"total_changes", 0, total_changes)
}

/// Returns how often statements of this thread have asked for a count.
pub(crate) fn counts() -> u64 {
    COUNTS.get()
}

fn counted() {
    let _ = COUNTS.try_with(|counts| counts.set(counts.get() + 1));
}

/// [`changes()`](https://sqlite.org/lang_corefunc.html#changes).
unsafe extern "C" fn changes(context: *mut sqlite3_context, _: c_int, _: *mut *mut sqlite3_value) {
    without_panic((), || {
        counted();
        // SAFETY: the context is that of this call, and its connection is open.
        unsafe {
            let count = ffi::sqlite3_changes(ffi::sqlite3_context_db_handle(context));
            ffi::sqlite3_result_int64(context, count.into());
        }
    })
}

/// [`total_changes()`](https://sqlite.org/lang_corefunc.html#total_changes).
unsafe extern "C" fn total_changes(context: *mut sqlite3_context, _: c_int, _: *mut *mut sqlite3_value) {
    without_panic((), || {
        counted();
        // SAFETY: the context is that of this call, and its connection is open.
        unsafe {
            let count = ffi::sqlite3_total_changes(ffi::sqlite3_context_db_handle(context));
            ffi::sqlite3_result_int64(context, count.into());
        }
    })
}
