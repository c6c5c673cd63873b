//! The number by which SQLite's callbacks find the faults of a database.
//!
//! SQLite is given a number and never a pointer: connections outlive harnesses, and a number that nobody answers to any
//! more is harmless.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::Faults;
use crate::sorted::Sorted;

static NUMBERED: RwLock<Sorted<usize, Weak<Faults>>> = RwLock::new(Sorted::new());

impl Faults {
    /// The number under which they are found as long as they live.
    pub(in crate::database) fn number(self: &Arc<Self>) -> usize {
        *self.number.get_or_init(|| {
            static NEXT: AtomicUsize = AtomicUsize::new(1);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            NUMBERED.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::downgrade(self));
            number
        })
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        if let Some(number) = self.number.get() {
            NUMBERED.write().unwrap_or_else(PoisonError::into_inner).remove(number);
        }
    }
}

/// The faults of that number, if they live.
pub(in crate::database) fn find(number: usize) -> Option<Arc<Faults>> {
    // Not held any longer than this: the last who holds what was found takes the lock to forget it.
    NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&number).and_then(Weak::upgrade)
}
