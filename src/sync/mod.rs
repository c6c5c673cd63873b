//! Locks of values that a panic leaves whole.

mod handoff;
mod making;
mod once;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use handoff::{handoff, Giver, Taken, Taker};
pub(crate) use making::Blocked;
pub(crate) use once::{drop_spent, OnceCache};

/// Locks a value, also after a panic elsewhere: what is locked here is never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
