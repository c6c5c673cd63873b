//! The patience for looks that a lock blocks.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::is_lock;

/// The time to look again where another connection's lock blocks: a commit is over in less, a transaction that
/// somebody has left open is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(200);

/// The time that one look at all binds may take for locks.
pub(crate) struct Patience {
    until: Instant,
}

impl Patience {
    /// Returns the patience for what a test asks for.
    pub(crate) fn new() -> Patience {
        Patience { until: Instant::now() + PATIENCE }
    }

    /// Returns none, for a caller that has waited already.
    pub(crate) fn none() -> Patience {
        Patience { until: Instant::now() }
    }

    pub(crate) fn lasts(&self) -> bool {
        Instant::now() < self.until
    }

    pub(crate) fn pause(&self) {
        thread::sleep(PAUSE);
    }

    /// Looks until no lock blocks it, or it has been for so long that somebody has left a transaction open.
    pub(crate) fn look<T>(&self, look: &dyn Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        loop {
            match look() {
                Err(error) if is_lock(&error) && self.lasts() => self.pause(),
                seen => return seen,
            }
        }
    }
}
