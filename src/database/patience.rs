//! The patience for looks that a lock blocks.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::is_lock;

/// The time to look again where another connection's lock blocks: a commit is over in less, a transaction that
/// somebody has left open is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The fewest looks before it is over: on a machine under load, a second is too short for one.
const FEWEST: u32 = 100;
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(200);

/// The time and the number of looks that one look at all binds may take for locks.
pub(crate) struct Patience {
    until: Instant,
    looks_left: Cell<u32>,
}

impl Patience {
    /// Returns the patience for what a test asks for.
    pub(crate) fn new() -> Patience {
        Patience { until: Instant::now() + PATIENCE, looks_left: Cell::new(FEWEST) }
    }

    /// Returns none, for a caller that has waited already.
    pub(crate) fn none() -> Patience {
        Patience { until: Instant::now(), looks_left: Cell::new(0) }
    }

    /// Tells after a look in vain whether to look again.
    pub(crate) fn lasts(&self) -> bool {
        let left = self.looks_left.get();
        self.looks_left.set(left.saturating_sub(1));
        left > 0 || Instant::now() < self.until
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

// A machine so slow that its time is over at once is not to be had from outside.
#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_lock_is_looked_at_many_times_however_slow_the_machine_is() {
        let slow = Patience { until: Instant::now(), looks_left: Cell::new(FEWEST) };
        let looks = Cell::new(0);
        let look = || -> rusqlite::Result<()> {
            looks.set(looks.get() + 1);
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None))
        };
        slow.look(&look).unwrap_err();
        assert_eq!(looks.get(), FEWEST + 1);
    }
}
