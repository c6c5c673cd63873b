//! The connections that the process opens to what is no harness's: refused as they open, where a test says so.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::ffi;

use super::place::Place;
use super::stray::Stray;
use crate::sync::lock;

/// The bans that are alive, the first that was made first.
static BANS: RwLock<Vec<Arc<Ban>>> = RwLock::new(Vec::new());

/// A ban on opening what is outside.
#[derive(Debug)]
struct Ban {
    place: &'static Location<'static>,
    refused: Mutex<Vec<Stray>>,
    /// Set if the test has asked what was refused.
    asked: AtomicBool,
}

/// A ban, as long as the value lives.
#[derive(Debug)]
pub(crate) struct Banning(Arc<Ban>);

impl Banning {
    /// Refuses every opening from here on that is no harness's.
    pub(crate) fn begin(place: &'static Location<'static>) -> Banning {
        let ban = Arc::new(Ban { place, refused: Mutex::default(), asked: AtomicBool::new(false) });
        BANS.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&ban));
        Banning(ban)
    }

    /// Returns the place of the call in the test.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.0.place
    }

    /// Returns what was refused so far, which the test has now asked.
    pub(crate) fn refused(&self) -> Vec<Stray> {
        self.0.asked.store(true, Ordering::Relaxed);
        lock(&self.0.refused).clone()
    }

    /// Ends the ban, and gives what was refused if the test has never asked.
    pub(crate) fn end(&self) -> Vec<Stray> {
        BANS.write().unwrap_or_else(PoisonError::into_inner).retain(|ban| !Arc::ptr_eq(ban, &self.0));
        if self.0.asked.load(Ordering::Relaxed) {
            return Vec::new();
        }
        lock(&self.0.refused).clone()
    }
}

impl Drop for Banning {
    fn drop(&mut self) {
        self.end();
    }
}

/// Refuses a connection that opens and is no harness's, if a ban lives; returns the words for it.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn refuse(db: *mut ffi::sqlite3) -> Option<String> {
    let ban = BANS.read().unwrap_or_else(PoisonError::into_inner).first().map(Arc::clone)?;
    // SAFETY: as the caller says.
    let stray = unsafe { Stray::of(db, Some(Place::capture())) };
    let (database, opening) = (stray.database(), stray.opening());
    let words = format!("refused by `deny_outside()` at {}: {database} is no bind of a harness; {opening}", ban.place);
    lock(&ban.refused).push(stray);
    Some(words)
}
