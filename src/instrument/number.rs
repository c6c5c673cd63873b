//! The number by which SQLite's callbacks find the faults of a database.
//!
//! SQLite is given a number and never a pointer: connections outlive harnesses, and a number that nobody answers to any
//! more is harmless.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use rusqlite::ffi;

use super::faults::Faults;
use crate::sorted::Sorted;
use crate::sqlite::vfs::disk::with_gate;
use crate::sqlite::vfs::Gate;
use crate::sync::lock;

/// The faults of a number, and the address of the connection that it is for, if it is for one.
static NUMBERED: RwLock<Sorted<usize, (Weak<Faults>, usize)>> = RwLock::new(Sorted::new());

impl Faults {
    /// Returns a file's URI whose connections meet them.
    pub(crate) fn on(self: &Arc<Self>, uri: String) -> String {
        with_gate(uri, *self.number.get_or_init(|| self.register(0)), find)
    }

    /// Returns the number of one connection, under which they are found as long as they live.
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

/// Returns the number of numbers that faults are found by.
#[cfg(test)]
pub(super) fn kept() -> usize {
    NUMBERED.read().unwrap_or_else(PoisonError::into_inner).entries().len()
}

impl Drop for Faults {
    fn drop(&mut self) {
        let mut numbered = NUMBERED.write().unwrap_or_else(PoisonError::into_inner);
        for number in self.number.get().into_iter().chain(&*lock(&self.numbers)) {
            numbered.remove(number);
        }
    }
}

/// Returns the faults of the number of a connection that commits, if they live, and the connection.
pub(super) fn committing(number: usize) -> Option<(Arc<Faults>, *mut ffi::sqlite3)> {
    let (faults, connection) = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()?;
    Some((faults.upgrade()?, ptr::with_exposed_provenance_mut(connection)))
}

/// Returns the faults of that number, if they live.
fn find(number: usize) -> Option<Arc<dyn Gate>> {
    // Not held any longer than this: the last who holds what was found takes the lock to forget it.
    let faults = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&number)?.0.upgrade()?;
    Some(faults)
}
