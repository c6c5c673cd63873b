//! Values in the making: which thread makes each, and which threads wait for it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::lock;
use crate::list::retain;

/// The reason why a thread gets no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// The thread itself is making the value.
    ByItself,
    /// The value's maker waits, perhaps by way of others, for a value that this thread is making.
    ByEachOther,
    /// The value was not made within this time.
    For(Duration),
}

impl Blocked {
    /// Says for a bind's tables what happened and what to do.
    pub(crate) fn problem(self) -> String {
        match self {
            Blocked::ByItself => "a migrator starts a harness with tables that are made by that migrator, which would wait \
                for itself: leave the migrator out of the harness that it starts"
                .to_string(),
            Blocked::ByEachOther => "two migrators, on two threads, each start a harness with the tables of the other and \
                would wait for each other: leave one of them out of the harness that the other starts"
                .to_string(),
            Blocked::For(limit) => format!(
                "another thread has been making these tables for {limit:?}: set a longer `schema_timeout` if its migrator \
                 takes so long; if the migrator waits for a thread that starts a harness with these tables, leave it out there"
            ),
        }
    }
}

/// Every value in the making, by its address, with its maker; and every waiting thread with the value that it waits
/// for.
struct Work {
    makers: Vec<(usize, ThreadId)>,
    waiters: Vec<(ThreadId, usize)>,
}

static WORK: Mutex<Work> = Mutex::new(Work { makers: Vec::new(), waiters: Vec::new() });

/// Notified when any value is no longer in the making.
static ENDED: Condvar = Condvar::new();

/// The time that a thread waits for the first maker of a value. Making one may run code of the user's, which may never
/// return: another test must not wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most threads that make one value: the first, and one that has lost its patience.
const MOST_MAKERS: usize = 2;

/// A value in the making by one thread, until this is dropped.
pub(super) struct Making(usize, ThreadId);

/// Makes this thread a maker of a value, or returns as soon as the value `is_made`; blocks for as long as another
/// thread makes it, no longer than `limit`, and for a moment only where there is but one maker.
pub(super) fn begin(value: usize, limit: Duration, is_made: &dyn Fn() -> bool) -> Result<Option<Making>, Blocked> {
    let this = thread::current().id();
    let began = Instant::now();
    let mut work = lock(&WORK);
    loop {
        if is_made() {
            return Ok(None);
        }
        if work.makers.contains(&(value, this)) {
            return Err(Blocked::ByItself);
        }
        if work.leads_to(value, this) {
            return Err(Blocked::ByEachOther);
        }
        let waited = began.elapsed();
        let makers = work.makers.iter().filter(|(made, _)| *made == value).count();
        if makers == 0 || (makers < MOST_MAKERS && waited >= PATIENCE && waited < limit) {
            work.makers.push((value, this));
            return Ok(Some(Making(value, this)));
        }
        let until = if makers < MOST_MAKERS { limit.min(PATIENCE) } else { limit };
        let left = until.saturating_sub(waited);
        if left.is_zero() {
            return Err(Blocked::For(limit));
        }
        work.waiters.push((this, value));
        (work, _) = ENDED.wait_timeout(work, left).unwrap_or_else(PoisonError::into_inner);
        retain(&mut work.waiters, |(waiter, _)| *waiter != this);
    }
}

impl Work {
    fn maker(&self, value: usize) -> Option<ThreadId> {
        self.makers.iter().find(|(made, _)| *made == value).map(|(_, maker)| *maker)
    }

    /// Reports whether the value waits, by way of makers that wait for values themselves, for a thread.
    fn leads_to(&self, value: usize, thread: ThreadId) -> bool {
        let mut next = Some(value);
        while let Some(maker) = next.and_then(|value| self.maker(value)) {
            if maker == thread {
                return true;
            }
            next = self.waiters.iter().find(|(waiter, _)| *waiter == maker).map(|(_, value)| *value);
        }
        false
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let own = (self.0, self.1);
        retain(&mut lock(&WORK).makers, |making| *making != own);
        ENDED.notify_all();
    }
}
