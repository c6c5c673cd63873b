//! The ends of transactions that could write, for who waits for one.

use std::sync::atomic::{fence, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::sync::lock;

/// The number of waits in this process: as long as there is none, an end costs one look at it.
static AWAITED: AtomicUsize = AtomicUsize::new(0);

/// Returns whether anybody waits.
pub(super) fn are_awaited() -> bool {
    // A waiter that does not see what was committed is seen here, see `Ends::wait`.
    fence(Ordering::SeqCst);
    AWAITED.load(Ordering::SeqCst) > 0
}

/// The ends of the transactions of a harness, while somebody waits for one.
#[derive(Debug, Default)]
pub(super) struct Ends {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Ends {
    /// Begins to wait, as long as the answer lives.
    pub(super) fn wait(self: &Arc<Self>) -> Awaiting {
        AWAITED.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        Awaiting { ends: Arc::clone(self) }
    }

    /// Wakes those who wait. What a transaction has committed can be read by now.
    pub(super) fn note(&self) {
        if are_awaited() {
            *lock(&self.count) += 1;
            self.changed.notify_all();
        }
    }
}

/// A wait for the ends of transactions.
#[derive(Debug)]
pub(crate) struct Awaiting {
    ends: Arc<Ends>,
}

impl Awaiting {
    /// Returns the number of ends that were noted.
    pub(crate) fn seen(&self) -> u64 {
        *lock(&self.ends.count)
    }

    /// Waits until there are more than so many, or until a moment, for ever where that is `None`. Returns whether there are.
    pub(crate) fn wait_for_more(&self, than: u64, until: Option<Instant>) -> bool {
        let Ends { count, changed } = &*self.ends;
        let mut count = lock(count);
        while *count <= than {
            let Some(until) = until else {
                count = changed.wait(count).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            count = changed.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        AWAITED.fetch_sub(1, Ordering::SeqCst);
    }
}
