//! The connections of this process to what is no harness's, and what they wrote while harnesses lived.
//!
//! Each is followed as one to a bind is, by a watch and a recorder of its own, which keeps little. A test's process has other
//! tests: a write belongs to the harness that was started on its thread, else to the one that was started on the thread
//! that opened the connection, and else to each that lived.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Instant;

use rusqlite::ffi;

use super::extension;
use super::handle::Handle;
use super::place::Place;
use super::recorded::Recorded;
use super::recorder::{is_on, Recorder};
use super::state::{is_present, Present};
use super::stray::Stray;
use super::watch::Watch;
use crate::key::{BindKey, Keys};
use crate::list::retain;
use crate::sorted::Sorted;
use crate::sync::lock;

/// The strays of this process.
static STRAYS: Mutex<Strays> = Mutex::new(Strays::new());

/// The number of closed connections that are remembered, which have written.
const CLOSED: usize = 64;

/// The number of openings whose places are captured from one start of a harness to the next.
const PLACES: usize = 256;

struct Strays {
    /// Those that are open, by their addresses.
    open: Sorted<usize, Followed>,
    closed: VecDeque<Closed>,
    harnesses: Vec<Lived>,
    /// The number of places that may still be captured.
    places: usize,
}

/// A stray that is open.
struct Followed {
    stray: Stray,
    recorder: Arc<Recorder>,
    /// Found by SQLite's callbacks as long as this lives.
    watch: Arc<Watch>,
}

/// A stray that has written and was closed.
struct Closed {
    stray: Stray,
    recorder: Arc<Recorder>,
    at: Instant,
}

/// A harness, and the time in which it lived.
struct Lived {
    thread: ThreadId,
    from: Instant,
    to: Option<Instant>,
}

/// A stray with the statements by which it wrote, the last at the end.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    pub(crate) stray: Stray,
    /// Set while it is open, as far as is known.
    pub(crate) is_open: bool,
    pub(crate) statements: Vec<Recorded>,
}

impl Strays {
    const fn new() -> Strays {
        Strays { open: Sorted::new(), closed: VecDeque::new(), harnesses: Vec::new(), places: PLACES }
    }

    /// Forgets what no harness that lives can have seen.
    fn forget(&mut self) -> VecDeque<Closed> {
        let oldest = self.harnesses.iter().filter(|harness| harness.to.is_none()).map(|harness| harness.from).min();
        let Some(oldest) = oldest else {
            self.harnesses.clear();
            return std::mem::take(&mut self.closed);
        };
        retain(&mut self.harnesses, |harness| harness.to.is_none_or(|to| to >= oldest));
        let gone = self.closed.iter().take_while(|closed| closed.at < oldest).count();
        self.closed.drain(..gone).collect()
    }

    /// Remembers a stray that is closed, if it has written.
    fn closes(&mut self, followed: &Followed) -> Option<Closed> {
        if followed.recorder.next() == 0 || !is_present() {
            return None;
        }
        let (stray, recorder) = (followed.stray.clone(), Arc::clone(&followed.recorder));
        self.closed.push_back(Closed { stray, recorder, at: Instant::now() });
        if self.closed.len() > CLOSED {
            self.closed.pop_front()
        } else {
            None
        }
    }

    /// Returns the thread of the harness that something belongs to which was done at that time on one of these threads.
    fn owner(&self, threads: [ThreadId; 2], at: Instant) -> Option<ThreadId> {
        let lived = |thread: &ThreadId| {
            let is_it = |one: &Lived| one.thread == *thread && one.from <= at && one.to.is_none_or(|to| at <= to);
            self.harnesses.iter().any(is_it)
        };
        threads.into_iter().find(lived)
    }
}

/// Returns the place of an opening, unless enough have been captured, or the recorder is off.
fn place() -> Option<Place> {
    if !is_on() {
        return None;
    }
    let mut strays = lock(&STRAYS);
    strays.places = strays.places.checked_sub(1)?;
    drop(strays);
    Some(Place::capture())
}

/// Follows a connection to what is no harness's from here on, by the watch that is returned.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn follow(db: *mut ffi::sqlite3) -> Arc<Watch> {
    let recorder = Arc::new(Recorder::outside());
    // SAFETY: as the caller says; neither value is kept.
    let (stray, handle) = unsafe { (Stray::of(db, place()), Handle::new(db)) };
    let name = stray.name();
    let watch = Watch::new(&name, false, Arc::default());
    watch.report_to(&recorder, &Arc::default(), Keys::one(BindKey::from(name)));
    let followed = Followed { stray, recorder, watch: Arc::clone(&watch) };
    let mut strays = lock(&STRAYS);
    // One of that address has been closed unseen.
    let before = strays.open.insert(handle.address(), followed);
    let evicted = before.as_ref().and_then(|before| strays.closes(before));
    drop(strays);
    drop((before, evicted));
    watch
}

/// Returns the watch of a stray that is open.
pub(super) fn watch_of(address: usize) -> Option<Arc<Watch>> {
    lock(&STRAYS).open.get(&address).map(|followed| Arc::clone(&followed.watch))
}

/// Notes the close of a connection.
pub(super) fn closes(address: usize) {
    let mut strays = lock(&STRAYS);
    let gone = strays.open.remove(&address);
    let evicted = gone.as_ref().and_then(|gone| strays.closes(gone));
    // What is dropped takes locks of its own.
    drop(strays);
    drop((gone, evicted));
}

/// Returns the number of strays and of harnesses that are remembered.
#[cfg(test)]
pub(super) fn kept() -> usize {
    let strays = lock(&STRAYS);
    strays.open.entries().len() + strays.closed.len() + strays.harnesses.len()
}

/// A harness that lives.
#[derive(Debug)]
pub(crate) struct Presence {
    thread: ThreadId,
    from: Instant,
    /// Set if no other lived when it began.
    is_alone: bool,
    _present: Present,
}

impl Presence {
    /// Begins the life of a harness that is started on this thread.
    pub(crate) fn begin() -> Presence {
        let (thread, from) = (thread::current().id(), Instant::now());
        let mut strays = lock(&STRAYS);
        let is_alone = strays.harnesses.iter().all(|lived| lived.to.is_some());
        if is_alone {
            // Nobody has to learn that SQLite reported openings no longer. Another that begins waits for this.
            extension::renew();
        }
        strays.harnesses.push(Lived { thread, from, to: None });
        strays.places = PLACES;
        for (_, followed) in strays.open.entries() {
            followed.recorder.capture_again();
        }
        Presence { thread, from, is_alone, _present: Present::new() }
    }

    /// Returns whether no other harness lived when it began.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Returns the strays that may be of this harness's test, and what they wrote; those that have written nothing while
    /// they are open.
    pub(crate) fn outside(&self) -> Vec<Outside> {
        if !is_on() {
            return Vec::new();
        }
        let strays = lock(&STRAYS);
        let mut found = Vec::new();
        for closed in &strays.closed {
            found.push((closed.stray.clone(), false, Arc::clone(&closed.recorder)));
        }
        for (_, followed) in strays.open.entries() {
            found.push((followed.stray.clone(), true, Arc::clone(&followed.recorder)));
        }
        drop(strays);
        let mut outside = Vec::new();
        for (stray, is_open, recorder) in found {
            let all = recorder.all();
            let wrote = !all.is_empty();
            let mut statements = Vec::new();
            let strays = lock(&STRAYS);
            for statement in all {
                if self.has(&strays, &stray, &statement) {
                    statements.push(statement);
                }
            }
            drop(strays);
            if !wrote || !statements.is_empty() {
                outside.push(Outside { stray, is_open, statements });
            }
        }
        outside
    }

    /// Returns whether a statement may be one of this harness's test.
    fn has(&self, strays: &Strays, stray: &Stray, statement: &Recorded) -> bool {
        let (by, at) = (statement.thread.id(), statement.at);
        let owner = strays.owner([by, stray.thread().id()], at);
        at >= self.from && (by == thread::current().id() || owner.is_none_or(|owner| owner == self.thread))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut strays = lock(&STRAYS);
        let is_it = |one: &&mut Lived| one.to.is_none() && one.thread == self.thread && one.from == self.from;
        if let Some(lived) = strays.harnesses.iter_mut().find(is_it) {
            lived.to = Some(Instant::now());
        }
        let gone = strays.forget();
        drop(strays);
        drop(gone);
    }
}
