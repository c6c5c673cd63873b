//! One transaction of one connection, and how it ended.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::place::Place;
use crate::sync::lock;

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
    /// The place of the statement that was written to begin it, while it is open or where it failed to end.
    begun: Mutex<Option<Arc<Place>>>,
    end: AtomicU8,
    /// The time at which it began, and the nanoseconds from then to its end.
    pub(crate) at: Instant,
    lasted: AtomicU64,
    /// Set if a statement has begun it, so that only another ends it.
    is_explicit: AtomicBool,
    /// Its first statement that read, if one that wrote nothing did.
    reading: Mutex<Option<Reading>>,
    /// The place of what ended it.
    closing: Mutex<Option<Arc<Place>>>,
    /// The last commit of it that failed.
    refused: Mutex<Option<RefusedCommit>>,
}

/// A commit that failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefusedCommit {
    pub(crate) place: Option<Arc<Place>>,
    /// SQLite's words for its code.
    pub(crate) error: Option<String>,
}

/// The first statement of a transaction that read: the transaction sees the state of that moment.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) sql: Arc<str>,
    pub(crate) place: Option<Arc<Place>>,
    pub(crate) at: Instant,
}

impl Transaction {
    /// Begins a transaction.
    pub(super) fn new(number: u64, begun: Option<Arc<Place>>) -> Transaction {
        Transaction {
            number,
            begun: Mutex::new(begun),
            end: AtomicU8::new(0),
            at: Instant::now(),
            lasted: AtomicU64::new(0),
            is_explicit: AtomicBool::new(false),
            reading: Mutex::default(),
            closing: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Returns how it ended.
    pub(crate) fn end(&self) -> TransactionEnd {
        ENDS[usize::from(self.end.load(Ordering::Acquire))]
    }

    /// Returns the place of the statement that was written to begin it, of one that was not committed, if it was captured.
    pub(crate) fn begun(&self) -> Option<Arc<Place>> {
        lock(&self.begun).clone()
    }

    /// Sets how it ended; again where SQLite runs its statement again.
    pub(super) fn ends(&self, end: TransactionEnd) {
        // Nobody asks where one began that is committed, and a place takes more room than all else of it.
        if matches!(end, TransactionEnd::Committed) {
            *lock(&self.begun) = None;
        }
        let lasted = u64::try_from(self.at.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.lasted.store(lasted, Ordering::Relaxed);
        self.end.store(end as u8, Ordering::Release);
    }

    /// Returns whether it was open at a moment.
    pub(crate) fn was_open(&self, at: Instant) -> bool {
        self.at <= at && self.ended().is_none_or(|ended| ended >= at)
    }

    /// Returns its first statement that read; `None` where it wrote first.
    pub(crate) fn reading(&self) -> Option<Reading> {
        lock(&self.reading).clone()
    }

    /// Notes its first statement that reads.
    pub(super) fn begins_to_read(&self, reading: Reading) {
        *lock(&self.reading) = Some(reading);
    }

    /// Returns the place of what ended it, if one was captured and is kept.
    pub(crate) fn closing(&self) -> Option<Arc<Place>> {
        lock(&self.closing).clone()
    }

    /// Sets or forgets the place of what ended it.
    pub(super) fn closes_at(&self, place: Option<Arc<Place>>) {
        *lock(&self.closing) = place;
    }

    /// Returns the last commit of it that failed.
    pub(crate) fn refused(&self) -> Option<RefusedCommit> {
        lock(&self.refused).clone()
    }

    /// Notes a commit that fails here.
    pub(super) fn refuses(&self, place: Option<Arc<Place>>) {
        *lock(&self.refused) = Some(RefusedCommit { place, error: None });
    }

    /// Notes what failed that commit.
    pub(super) fn refuses_for(&self, error: &str) {
        if let Some(refused) = &mut *lock(&self.refused) {
            refused.error = Some(error.to_string());
        }
    }

    /// Returns the time at which its end was seen; `None` while it is open.
    pub(crate) fn ended(&self) -> Option<Instant> {
        let is_open = self.end() == TransactionEnd::Open;
        (!is_open).then(|| self.at + Duration::from_nanos(self.lasted.load(Ordering::Relaxed)))
    }

    /// Notes that a statement has begun it.
    pub(super) fn is_begun(&self) {
        self.is_explicit.store(true, Ordering::Relaxed);
    }

    /// Returns whether a statement has begun it, so that only another ends it.
    pub(crate) fn is_explicit(&self) -> bool {
        self.is_explicit.load(Ordering::Relaxed)
    }
}
