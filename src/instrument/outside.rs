//! The connections that the process opens to what is no harness's: refused as they open, where a test says so.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, ThreadId};

use rusqlite::ffi;

use super::place::Place;
use super::state::is_own;
use super::stray::Stray;
use crate::list::filtered;
use crate::sqlite::private::is_opening;
use crate::sqlite::vfs::disk::{refuse_files, Refuser};
use crate::sync::lock;

/// The bans that are alive, the first that was made first.
static BANS: RwLock<Vec<Arc<Ban>>> = RwLock::new(Vec::new());

/// A ban on opening what is outside.
#[derive(Debug)]
struct Ban {
    /// The words for what has made it, with the place.
    by: String,
    /// The thread that has made it, which is the test's.
    thread: ThreadId,
    refused: Mutex<Vec<Stray>>,
    /// Set if the test has asked what was refused.
    asked: AtomicBool,
}

/// A ban, as long as the value lives.
#[derive(Debug)]
pub(crate) struct Banning(Arc<Ban>);

impl Banning {
    /// Refuses every opening from here on that is no harness's; `by` says what refuses it, and where that is written.
    pub(crate) fn begin(by: String) -> Banning {
        static FILES: Refuser = Refuser { refuses: is_refused, attached };
        refuse_files(&FILES);
        let thread = thread::current().id();
        let ban = Arc::new(Ban { by, thread, refused: Mutex::default(), asked: AtomicBool::new(false) });
        BANS.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&ban));
        Banning(ban)
    }

    /// Returns what was refused so far, which the test has now asked.
    pub(crate) fn refused(&self) -> Vec<Stray> {
        self.0.asked.store(true, Ordering::Relaxed);
        lock(&self.0.refused).clone()
    }

    /// Ends the ban and returns what it has refused and nobody has asked about, in words, if there is anything.
    pub(crate) fn unasked(&self) -> Option<String> {
        self.end();
        let refused = lock(&self.0.refused);
        if refused.is_empty() || self.0.asked.load(Ordering::Relaxed) {
            return None;
        }
        let mut lines = format!("{} refused:\n", self.0.by);
        for stray in &*refused {
            lines += &format!("\n  {stray}");
        }
        lines += "\n\nIf that is meant, ask what was refused before the end: `refused()` of the guard, or `refused_outside()` of\n\
                  the harness. If not, give the code under test the address of a bind: `uri(key)`, `path(key)` or `pool(key)`.";
        Some(lines)
    }

    fn end(&self) {
        BANS.write().unwrap_or_else(PoisonError::into_inner).retain(|ban| !Arc::ptr_eq(ban, &self.0));
    }
}

impl Drop for Banning {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns the bans that what this thread opens is for: those that were made on it, else all.
fn bans() -> Vec<Arc<Ban>> {
    let bans = BANS.read().unwrap_or_else(PoisonError::into_inner);
    let thread = thread::current().id();
    let own = filtered(&bans, |ban| ban.thread == thread);
    if own.is_empty() {
        bans.clone()
    } else {
        own
    }
}

/// Returns whether this thread may open no file that is not a bind's.
fn is_refused() -> bool {
    !BANS.read().unwrap_or_else(PoisonError::into_inner).is_empty() && !is_own() && !is_ours()
}

/// Returns the number of bans that are alive.
#[cfg(test)]
pub(super) fn kept() -> usize {
    BANS.read().unwrap_or_else(PoisonError::into_inner).len()
}

/// Notes a file that was not attached.
fn attached(name: &CStr) {
    let stray = Stray::attached(name, Place::capture());
    for ban in bans() {
        lock(&ban.refused).push(stray.clone());
    }
}

/// Refuses a connection that opens and is no harness's, if a ban lives; returns the words for it.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn refuse(db: *mut ffi::sqlite3) -> Option<String> {
    let bans = bans();
    let by = &bans.first()?.by;
    // SAFETY: as the caller says.
    let stray = unsafe { Stray::of(db, Some(Place::capture())) };
    let (database, opening) = (stray.database(), stray.opening());
    let words = format!("refused by {by}: {database} is no bind of a harness; {opening}");
    for ban in &bans {
        lock(&ban.refused).push(stray.clone());
    }
    Some(words)
}

/// Returns whether what this thread opens is this crate's own, though no bind: on a thread of its pools `r2d2_sqlite` opens a
/// connection to nothing before the bind's takes its place.
pub(super) fn is_ours() -> bool {
    is_opening() || thread::current().name().is_some_and(|name| name.starts_with("multibind-"))
}
