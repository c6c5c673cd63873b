//! One transaction of one connection, and how it ended.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// The end of a transaction.
///
/// ```
/// # use multibind::{statements::TransactionEnd, Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
/// let log = db.record();
/// db.connection(None)?.execute_batch("BEGIN; INSERT INTO t VALUES (1); ROLLBACK")?;
/// assert_eq!(log.transactions()[0].end(), TransactionEnd::RolledBack);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionEnd {
    /// It has not ended, as far as was seen.
    Open,
    /// It was committed.
    Committed,
    /// A statement rolled it back.
    RolledBack,
    /// An error rolled it back.
    Failed,
    /// Its connection was closed, which rolled it back.
    Closed,
    /// It ended unseen, while the connection reported no statements.
    Unknown,
}

/// The ends by the number under which a transaction stores its own.
const ENDS: [TransactionEnd; 6] = [
    TransactionEnd::Open,
    TransactionEnd::Committed,
    TransactionEnd::RolledBack,
    TransactionEnd::Failed,
    TransactionEnd::Closed,
    TransactionEnd::Unknown,
];

/// A transaction, shared by its statements.
#[derive(Debug)]
pub(crate) struct Transaction {
    /// Its number in the harness, from 1.
    pub(crate) number: u64,
    end: AtomicU8,
    /// The start of the harness.
    start: Instant,
    /// The time since then as it began.
    pub(crate) began: Duration,
    /// The nanoseconds since then as it ended.
    ended: AtomicU64,
    /// Set if a statement has begun it, so that only another ends it.
    is_explicit: AtomicBool,
}

impl Transaction {
    /// Begins a transaction.
    pub(super) fn new(number: u64, start: Instant) -> Transaction {
        let (end, ended, is_explicit) = (AtomicU8::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Transaction { number, end, start, began: start.elapsed(), ended, is_explicit }
    }

    /// Returns how it ended.
    pub(crate) fn end(&self) -> TransactionEnd {
        ENDS[usize::from(self.end.load(Ordering::Acquire))]
    }

    /// Sets how it ended; again where SQLite runs its statement again.
    pub(super) fn ends(&self, end: TransactionEnd) {
        let now = self.start.elapsed().as_nanos();
        self.ended.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.end.store(end as u8, Ordering::Release);
    }

    /// Returns the time since the start of the harness as its end was seen; `None` while it is open.
    pub(crate) fn ended(&self) -> Option<Duration> {
        let is_open = self.end() == TransactionEnd::Open;
        (!is_open).then(|| Duration::from_nanos(self.ended.load(Ordering::Relaxed)))
    }

    /// Notes that a statement has begun it.
    pub(super) fn is_begun(&self) {
        self.is_explicit.store(true, Ordering::Relaxed);
    }

    /// Returns whether a statement has begun it, and not the only one in it.
    pub(crate) fn is_explicit(&self) -> bool {
        self.is_explicit.load(Ordering::Relaxed)
    }
}
