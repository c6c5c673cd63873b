//! The callbacks that a connection has now, of which it has one place for each.
//!
//! SQLite has no call that tells what is in such a place. It is read from the connection's structure. Where in that each
//! callback lies is found once in a process, on a connection that nobody uses: by setting a callback, removing it and
//! setting it again, and looking for the one word that follows.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::mem::size_of;
use std::panic::catch_unwind;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

use rusqlite::{ffi, Connection};

use super::private::open_in_memory;
use crate::say;

/// The place of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Trace,
    Authorizer,
    CommitHook,
    UpdateHook,
}

/// The number of places.
const SLOTS: usize = 4;

impl Slot {
    /// Those without which statements may go unseen, in the order in which reports name them.
    pub(crate) const ALL: [Slot; 3] = [Slot::Trace, Slot::Authorizer, Slot::CommitHook];

    /// Every one, in the order of its number.
    const EVERY: [Slot; SLOTS] = [Slot::Trace, Slot::Authorizer, Slot::CommitHook, Slot::UpdateHook];

    /// Notes the callback that this crate sets there, and returns whether a connection has none or this one: the
    /// application's own must stay.
    ///
    /// # Safety
    ///
    /// The connection is open, and stays so through the call.
    pub(crate) unsafe fn is_free(self, db: *mut ffi::sqlite3, callback: usize) -> bool {
        OURS[self as usize].store(callback, Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { self.of(db) }.is_none_or(|found| found == 0 || found == callback)
    }

    /// Returns whether a connection that had this crate's callback there has another now; `false` where this SQLite does not
    /// show it.
    ///
    /// # Safety
    ///
    /// The connection is open, and stays so through the call.
    pub(crate) unsafe fn is_taken(self, db: *mut ffi::sqlite3) -> bool {
        let ours = OURS[self as usize].load(Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { self.of(db) }.is_some_and(|found| found != 0 && found != ours)
    }

    /// Returns whether a connection that had this crate's callback there has another now, or none; `false` where this SQLite
    /// does not show it. A driver may remove them all as it closes the connection.
    ///
    /// # Safety
    ///
    /// The connection is open, and stays so through the call.
    pub(crate) unsafe fn is_lost(self, db: *mut ffi::sqlite3) -> bool {
        let ours = OURS[self as usize].load(Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { self.of(db) }.is_some_and(|found| found != ours)
    }

    /// Returns the bit of the place among others.
    pub(crate) fn bit(self) -> usize {
        1 << self as usize
    }

    /// Returns the bits of those places of [`ALL`](Slot::ALL) in which this crate's callback is [no longer](Slot::is_lost).
    ///
    /// # Safety
    ///
    /// The connection is open, and stays so through the call.
    pub(crate) unsafe fn lost(db: *mut ffi::sqlite3) -> usize {
        let (words, mut lost) = (words(), 0);
        for slot in Slot::ALL {
            let ours = OURS[slot as usize].load(Ordering::Relaxed);
            // SAFETY: as the caller says; the word is within the structure.
            if words[slot as usize].is_some_and(|word| unsafe { read(db, word) } != ours) {
                lost |= slot.bit();
            }
        }
        lost
    }

    /// Returns the address of the callback that a connection has there: 0 for none, and `None` where this SQLite does not show
    /// it.
    ///
    /// # Safety
    ///
    /// The connection is open, and stays so through the call.
    unsafe fn of(self, db: *mut ffi::sqlite3) -> Option<usize> {
        // SAFETY: as the caller says; the word is within the structure.
        words()[self as usize].map(|word| unsafe { read(db, word) })
    }

    /// Sets a callback on a connection, or none, and returns the callback's address.
    ///
    /// # Safety
    ///
    /// The connection is open, this thread's and one of this crate's own.
    unsafe fn set(self, db: *mut ffi::sqlite3, is_on: bool) -> usize {
        let nothing = ptr::null_mut::<c_void>();
        let events = if is_on { ffi::SQLITE_TRACE_CLOSE as c_uint } else { 0 };
        // SAFETY: as the caller says; the callbacks have the signatures asked for.
        unsafe {
            match self {
                Slot::Trace => ffi::sqlite3_trace_v2(db, events, is_on.then_some(traces as OnEvent), nothing),
                Slot::Authorizer => ffi::sqlite3_set_authorizer(db, is_on.then_some(authorizes as OnAction), nothing),
                Slot::CommitHook => {
                    ffi::sqlite3_commit_hook(db, is_on.then_some(commits as OnCommit), nothing);
                    ffi::SQLITE_OK
                }
                Slot::UpdateHook => {
                    ffi::sqlite3_update_hook(db, is_on.then_some(updates as OnUpdate), nothing);
                    ffi::SQLITE_OK
                }
            }
        };
        match self {
            Slot::Trace => (traces as OnEvent) as usize,
            Slot::Authorizer => (authorizes as OnAction) as usize,
            Slot::CommitHook => (commits as OnCommit) as usize,
            Slot::UpdateHook => (updates as OnUpdate) as usize,
        }
    }
}

/// The addresses of this crate's callbacks, once they are set on a connection.
static OURS: [AtomicUsize; SLOTS] = [const { AtomicUsize::new(0) }; SLOTS];

/// The place of each callback in the structure of a connection, in words.
type Words = [Option<usize>; SLOTS];

static WORDS: OnceLock<Words> = OnceLock::new();

/// Finds the places on a connection that is closed next, unless they are known: its callbacks are removed. Without this, a
/// connection is opened for it.
#[cfg(feature = "r2d2_sqlite")]
pub(crate) fn find_on(spare: &Connection) {
    WORDS.get_or_init(|| found_on(spare));
}

/// Returns the place of each callback.
fn words() -> &'static Words {
    WORDS.get_or_init(|| match open_in_memory() {
        Ok(own) => found_on(&own),
        Err(_) => reported([None; SLOTS]),
    })
}

fn found_on(conn: &Connection) -> Words {
    // SAFETY: the connection is open, and this thread's as long as it is borrowed.
    reported(Slot::EVERY.map(|slot| unsafe { find(conn.handle(), slot) }))
}

/// Warns where a place was not found.
fn reported(found: Words) -> Words {
    if found.contains(&None) {
        // A logger that panics stops no statement.
        let _ = catch_unwind(|| {
            say::warn(format_args!(
                "this SQLite does not show which callbacks a connection has: where the application sets a trace, an \
                 authorizer or a hook of its own, records, guards and faults may miss what runs there"
            ));
        });
    }
    found
}

/// Finds the place of a callback: the only word that has its address while it is set.
///
/// # Safety
///
/// The connection is open, this thread's and one of this crate's own.
unsafe fn find(db: *mut ffi::sqlite3, slot: Slot) -> Option<usize> {
    // SAFETY: as the caller says; SQLite knows the size of what it has allocated, and no word lies beyond.
    unsafe {
        let size = usize::try_from(ffi::sqlite3_msize(db.cast())).ok()?;
        let callback = slot.set(db, true);
        let word = only(std::slice::from_raw_parts(db.cast(), size / size_of::<usize>()), callback);
        slot.set(db, false);
        let word = word.filter(|word| read(db, *word) == 0);
        slot.set(db, true);
        let word = word.filter(|word| read(db, *word) == callback);
        slot.set(db, false);
        word
    }
}

/// Returns the place of a word that is there once. A loop by hand: it takes a fortieth of an iterator's time in unoptimised code.
fn only(words: &[usize], wanted: usize) -> Option<usize> {
    let (mut found, mut at) = (None, 0);
    while at < words.len() {
        if words[at] == wanted && found.replace(at).is_some() {
            return None;
        }
        at += 1;
    }
    found
}

/// Reads a word of a connection's structure, which another thread may write to meanwhile.
///
/// # Safety
///
/// The connection is open, and the word within its structure.
unsafe fn read(db: *mut ffi::sqlite3, word: usize) -> usize {
    // SAFETY: as the caller says; the structure is aligned for pointers.
    unsafe { AtomicUsize::from_ptr(db.cast::<usize>().add(word)) }.load(Ordering::Relaxed)
}

type OnEvent = unsafe extern "C" fn(c_uint, *mut c_void, *mut c_void, *mut c_void) -> c_int;
type OnAction =
    unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, *const c_char, *const c_char) -> c_int;
type OnCommit = unsafe extern "C" fn(*mut c_void) -> c_int;
type OnUpdate = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, i64);

unsafe extern "C" fn traces(_: c_uint, _: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn authorizes(
    _: *mut c_void,
    _: c_int,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn commits(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn updates(_: *mut c_void, _: c_int, _: *const c_char, _: *const c_char, _: i64) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_there_twice_is_not_found() {
        assert_eq!(only(&[1, 2, 3], 3), Some(2));
        assert_eq!(only(&[1, 2, 3], 4), None);
        assert_eq!(only(&[1, 2, 1], 1), None);
    }

    #[test]
    fn the_places_are_found_on_a_connection_with_callbacks() {
        let used = open_in_memory().unwrap();
        for slot in Slot::EVERY {
            // SAFETY: the connection is open, this thread's and nobody else's.
            unsafe { slot.set(used.handle(), true) };
        }
        assert_eq!(found_on(&used), found_on(&open_in_memory().unwrap()));
        assert_eq!(found_on(&used), *words());
    }

    #[test]
    fn the_place_of_each_callback_is_known() {
        let own = open_in_memory().unwrap();
        for slot in Slot::EVERY {
            // SAFETY: the connection is open, this thread's and nobody else's.
            unsafe {
                assert_eq!(slot.of(own.handle()), Some(0));
                let callback = slot.set(own.handle(), true);
                assert_eq!(slot.of(own.handle()), Some(callback));
                slot.set(own.handle(), false);
                assert_eq!(slot.of(own.handle()), Some(0));
            }
        }
    }
}
