//! The statements that read a replica which lags: what they were given may be old.
//!
//! They are kept for such replicas alone. While the process has none, a statement that reads costs one number more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::Instant;

use super::place::Place;
use crate::sync::lock;

/// The number of replicas in this process that lag.
static LATE: AtomicUsize = AtomicUsize::new(0);

/// The most reads of a replica that are kept, the last ones.
const KEPT: usize = 32;

/// The places of reads that are captured of a replica, beyond those of statements that write.
const CAPTURED: usize = 64;

/// Returns whether the process has a replica that lags.
pub(super) fn is_any() -> bool {
    LATE.load(Ordering::Relaxed) > 0
}

/// A statement that has read a replica which lags.
#[derive(Clone, Debug)]
pub(crate) struct LateRead {
    /// The time at which it began.
    pub(crate) at: Instant,
    /// The statement with its values.
    pub(crate) sql: String,
    /// The tables that it reads.
    pub(crate) tables: Vec<String>,
    pub(crate) thread: Thread,
    pub(crate) place: Option<Arc<Place>>,
}

/// The last reads of a replica that lags.
#[derive(Debug)]
pub(super) struct LateReads {
    reads: Mutex<VecDeque<LateRead>>,
    captured: AtomicUsize,
}

impl LateReads {
    /// Counts a replica.
    pub(super) fn new() -> LateReads {
        LATE.fetch_add(1, Ordering::Relaxed);
        LateReads { reads: Mutex::default(), captured: AtomicUsize::new(0) }
    }

    /// Keeps a read. One that is repeated, as in a loop, takes the place of the one before.
    pub(super) fn push(&self, sql: String, tables: Vec<String>) {
        let (at, thread) = (Instant::now(), thread::current());
        let mut reads = lock(&self.reads);
        if let Some(last) = reads.back_mut()
            && last.sql == sql
            && last.thread.id() == thread.id()
        {
            last.at = at;
            return;
        }
        let may_capture = self.captured.fetch_add(1, Ordering::Relaxed) < CAPTURED;
        let place = may_capture.then(|| Arc::new(Place::capture()));
        if reads.len() == KEPT {
            reads.pop_front();
        }
        reads.push_back(LateRead { at, sql, tables, thread, place });
    }

    /// Returns those that are kept, the oldest first.
    pub(super) fn all(&self) -> Vec<LateRead> {
        lock(&self.reads).iter().cloned().collect()
    }
}

impl Drop for LateReads {
    fn drop(&mut self) {
        LATE.fetch_sub(1, Ordering::Relaxed);
    }
}
