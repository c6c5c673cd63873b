//! A bound on the places in the code that each thread captures.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bound on the places that each thread captures between the starts of two harnesses.
pub(super) struct Captures {
    most: u32,
    /// The number of harnesses that were started.
    starts: AtomicU64,
}

/// The places that a thread has captured since the last start that it saw.
#[derive(Clone, Copy)]
pub(super) struct Captured {
    starts: u64,
    places: u32,
}

impl Captured {
    pub(super) const NONE: Captured = Captured { starts: 0, places: 0 };
}

impl Captures {
    /// Allows each thread that many.
    pub(super) const fn at_most(most: u32) -> Captures {
        Captures { most, starts: AtomicU64::new(0) }
    }

    /// Allows each thread as many again, since a harness starts.
    pub(super) fn begin(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a place to be captured on this thread; returns false where there were enough.
    pub(super) fn may_capture(&self, here: &Cell<Captured>) -> bool {
        let starts = self.starts.load(Ordering::Relaxed);
        let before = here.get();
        let places = if before.starts == starts { before.places } else { 0 };
        here.set(Captured { starts, places: places.saturating_add(1) });
        places < self.most
    }
}
