//! The function that SQLite calls at the end of each opening in the process, and whether it still does.
//!
//! An application may call [`sqlite3_reset_auto_extension`](https://sqlite.org/c3ref/reset_auto_extension.html). SQLite tells
//! nobody, so each opening of this crate's own is compared with what was reported on its thread.

use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

use rusqlite::ffi;

use super::state::unwatched;
use crate::sqlite::private::open_in_memory;

/// The entry point of an extension.
pub(super) type Entry =
    unsafe extern "C" fn(*mut ffi::sqlite3, *mut *mut c_char, *const ffi::sqlite3_api_routines) -> c_int;

/// The one that SQLite calls, once that was asked for.
static ENTRY: OnceLock<Entry> = OnceLock::new();

/// The number of times that SQLite was found to call it no longer.
static RESETS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The number of openings that SQLite has reported on this thread.
    static REPORTED: Cell<u32> = const { Cell::new(0) };
    /// The number of openings on this thread that were compared with what was reported.
    static COMPARED: Cell<u32> = const { Cell::new(0) };
}

/// Has SQLite call the entry point at the end of each opening. It does so once for one, however often that is asked for.
pub(super) fn ask(entry: Entry) {
    ENTRY.get_or_init(|| entry);
    // SAFETY: the callback has the signature of an extension's entry point, and lives as long as the process.
    unsafe { ffi::sqlite3_auto_extension(Some(entry)) };
}

/// Notes an opening that SQLite reports.
pub(super) fn is_called() {
    REPORTED.set(REPORTED.get().wrapping_add(1));
}

/// Opens a connection of this crate's own, and has SQLite report openings again where it did not report this one.
pub(crate) fn noticing<T, E>(open: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let (entry, before) = (ENTRY.get(), REPORTED.get());
    let opened = open();
    if let Some(entry) = entry
        && opened.is_ok()
    {
        COMPARED.set(COMPARED.get().wrapping_add(1));
        if REPORTED.get() == before {
            RESETS.fetch_add(1, Ordering::Relaxed);
            ask(*entry);
        }
    }
    opened
}

/// Returns the number of openings on this thread that were compared with what SQLite reported.
pub(crate) fn compared() -> u32 {
    COMPARED.get()
}

/// Returns the number of times that SQLite was found to report openings no longer; opens a connection to find out.
pub(super) fn resets_now() -> usize {
    // The first harness of a process has no need to ask. What cannot be opened shows nothing, and nothing can be opened then.
    if ENTRY.get().is_some() {
        drop(noticing(|| unwatched(open_in_memory)));
    }
    RESETS.load(Ordering::Relaxed)
}

/// Has SQLite call the entry point again, if it has ever been asked for that.
pub(super) fn renew() {
    if let Some(entry) = ENTRY.get() {
        ask(*entry);
    }
}

/// Returns the number of times that SQLite was found to report openings no longer, without finding out.
pub(super) fn resets_known() -> usize {
    RESETS.load(Ordering::Relaxed)
}
