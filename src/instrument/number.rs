//! The number by which SQLite's callbacks find the faults of a database.
//!
//! SQLite is given a number and never a pointer: connections outlive harnesses, and a number that nobody answers to any
//! more is harmless.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use rusqlite::ffi;

use super::fault::Faults;
use crate::sorted::Sorted;
use crate::sync::lock;

/// The faults of a number, and the address of the connection that it is for, if it is for one.
static NUMBERED: RwLock<Sorted<usize, (Weak<Faults>, usize)>> = RwLock::new(Sorted::new());

impl Faults {
    /// The number under which they are found as long as they live.
    pub(crate) fn number(self: &Arc<Self>) -> usize {
        *self.number.get_or_init(|| self.register(0))
    }

    /// The same for one connection.
    pub(super) fn number_of(self: &Arc<Self>, db: *mut ffi::sqlite3) -> usize {
        let number = self.register(db.expose_provenance());
        lock(&self.numbers).push(number);
        number
    }

    fn register(self: &Arc<Self>, connection: usize) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let entry = (Arc::downgrade(self), connection);
        NUMBERED.write().unwrap_or_else(PoisonError::into_inner).insert(number, entry);
        number
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        let mut numbered = NUMBERED.write().unwrap_or_else(PoisonError::into_inner);
        for number in self.number.get().into_iter().chain(&*lock(&self.numbers)) {
            numbered.remove(number);
        }
    }
}

/// The faults of the number of a connection that commits, if they live, and the connection.
pub(super) fn committing(number: usize) -> Option<(Arc<Faults>, *mut ffi::sqlite3)> {
    let (faults, connection) = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()?;
    Some((faults.upgrade()?, ptr::with_exposed_provenance_mut(connection)))
}

/// The faults of that number, if they live.
pub(crate) fn find(number: usize) -> Option<Arc<Faults>> {
    // Not held any longer than this: the last who holds what was found takes the lock to forget it.
    NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&number).and_then(|(faults, _)| faults.upgrade())
}
