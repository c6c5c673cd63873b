//! The marks by which SQLite's callbacks find the faults of a database.
//!
//! SQLite is given a number or an address and never a pointer: connections outlive harnesses, and what nobody answers to any
//! more is harmless.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::faults::Faults;
use crate::sorted::Sorted;
use crate::sqlite::vfs::disk::with_gate;
use crate::sqlite::vfs::Gate;

/// The faults of a number, which is in a file's URI.
static NUMBERED: RwLock<Sorted<usize, Weak<Faults>>> = RwLock::new(Sorted::new());

/// The faults of the database of each connection that is open, by its address.
static COMMITTING: RwLock<Sorted<usize, Weak<Faults>>> = RwLock::new(Sorted::new());

impl Faults {
    /// Returns a file's URI whose connections meet them.
    pub(crate) fn on(self: &Arc<Self>, uri: String) -> String {
        let number = *self.number.get_or_init(|| {
            static NEXT: AtomicUsize = AtomicUsize::new(1);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            NUMBERED.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::downgrade(self));
            number
        });
        with_gate(uri, number, find)
    }

    /// Has them found by a connection to their database, until it is closed.
    pub(super) fn meet(self: &Arc<Self>, address: usize) {
        COMMITTING.write().unwrap_or_else(PoisonError::into_inner).insert(address, Arc::downgrade(self));
    }
}

/// Forgets a connection that is closed.
pub(super) fn closes(address: usize) {
    COMMITTING.write().unwrap_or_else(PoisonError::into_inner).remove(&address);
}

/// Returns the number of marks that faults are found by.
#[cfg(test)]
pub(super) fn kept() -> usize {
    let numbered = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).entries().len();
    numbered + COMMITTING.read().unwrap_or_else(PoisonError::into_inner).entries().len()
}

impl Drop for Faults {
    fn drop(&mut self) {
        if let Some(number) = self.number.get() {
            NUMBERED.write().unwrap_or_else(PoisonError::into_inner).remove(number);
        }
        // Those of this database can no longer be found.
        let lives = |(_, faults): &(usize, Weak<Faults>)| faults.strong_count() > 0;
        COMMITTING.write().unwrap_or_else(PoisonError::into_inner).retain(lives);
    }
}

/// Returns the faults of the database of a connection, if they live.
pub(super) fn committing(address: usize) -> Option<Arc<Faults>> {
    let committing = COMMITTING.read().unwrap_or_else(PoisonError::into_inner);
    // Not held any longer than this: the last who holds what was found takes the lock to forget it.
    committing.get(&address).and_then(Weak::upgrade)
}

/// Returns the faults of that number, if they live.
fn find(number: usize) -> Option<Arc<dyn Gate>> {
    // As above.
    let faults = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&number)?.upgrade()?;
    Some(faults)
}
