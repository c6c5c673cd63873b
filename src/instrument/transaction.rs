//! One transaction of one connection, and how it ended.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use super::place::Place;

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
    /// The place that rolled it back, if that is known.
    ended_at: OnceLock<Arc<Place>>,
}

impl Transaction {
    /// Begins a transaction.
    pub(super) fn new(number: u64) -> Transaction {
        Transaction { number, end: AtomicU8::new(0), ended_at: OnceLock::new() }
    }

    /// Returns how it ended.
    pub(crate) fn end(&self) -> TransactionEnd {
        ENDS[usize::from(self.end.load(Ordering::Acquire))]
    }

    /// Returns the place that rolled it back, if that is known.
    pub(crate) fn ended_at(&self) -> Option<&Place> {
        self.ended_at.get().map(|place| &**place)
    }

    /// Sets the place that rolls it back.
    pub(super) fn ends_at(&self, place: Option<Arc<Place>>) {
        if let Some(place) = place {
            let _ = self.ended_at.set(place);
        }
    }

    /// Sets how it ended; again where SQLite runs its statement again.
    pub(super) fn ends(&self, end: TransactionEnd) {
        self.end.store(end as u8, Ordering::Release);
    }
}
