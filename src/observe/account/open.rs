//! A transaction that is open as an assertion fails: since when, and whether it ends soon.

use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::harness::Running;
use crate::instrument::{state_of, Place, ThreadState, Transaction};
use crate::observe::statements::Statement;

/// A transaction that was open as an assertion looked.
pub(crate) struct StillOpen {
    transaction: Arc<Transaction>,
    seen: Instant,
    /// Set if another thread may end it while this one waits.
    may_end: bool,
    /// The time for which it was waited for in vain.
    pub(crate) in_vain: Option<Duration>,
    /// The last statement in it that wrote, unless that is named anyway.
    pub(crate) last: Option<Box<Statement>>,
    /// The other thread that wrote in it, and its state.
    pub(crate) thread: Option<(Thread, ThreadState)>,
}

/// The time for which a report waits for the end of a transaction: longer than a commit takes that is under way.
const PATIENCE: Duration = Duration::from_millis(250);

impl StillOpen {
    /// Returns the transaction of a statement, if it is open.
    pub(in crate::observe) fn of(statement: &Statement, last: Option<Statement>) -> Option<StillOpen> {
        let transaction = Arc::clone(statement.recorded().transaction.as_ref()?);
        let of = last.as_ref().unwrap_or(statement).thread();
        let may_end = statement.thread().id() != thread::current().id();
        let thread = (of.id() != thread::current().id()).then(|| (of.clone(), state_of(of.id())));
        let last = last.map(Box::new);
        Some(StillOpen { transaction, seen: Instant::now(), may_end, in_vain: None, last, thread })
    }

    /// Returns the place of the statement that was written to begin it, if that is known.
    pub(crate) fn begun(&self) -> Option<Arc<Place>> {
        self.transaction.begun()
    }

    /// Returns the time for which it had been open as the assertion looked.
    pub(crate) fn open(&self) -> Duration {
        self.seen.saturating_duration_since(self.transaction.at)
    }

    /// Returns the time from then to its end, if it has ended since.
    pub(crate) fn ended_after(&self) -> Option<Duration> {
        Some(self.transaction.ended()?.saturating_duration_since(self.seen))
    }

    /// Waits a moment for its end, where a commit may be under way on another thread, however long it has been open: the report is
    /// the same on a machine that is busy.
    pub(in crate::observe) fn wait(&mut self, running: &Running) {
        if !self.may_end {
            return;
        }
        let awaiting = running.recorder().await_ends();
        let until = Instant::now() + PATIENCE;
        while self.transaction.ended().is_none() {
            let seen = awaiting.seen();
            if !awaiting.wait_for_more(seen, Some(until)) {
                // The close of a connection wakes nobody.
                self.in_vain = self.transaction.ended().is_none().then_some(PATIENCE);
                if let Some((thread, state)) = &mut self.thread {
                    *state = state_of(thread.id());
                }
                return;
            }
        }
    }
}
