//! A lock that outlives a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, also after a panic elsewhere: what it guards is never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
