//! The statements that SQLite refused to prepare. They never run, so that no trace has them: SQLite's log does.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Instant;

use super::place::Place;
use super::recorder::Recorder;
use super::state::thread_number;
use crate::key::Keys;
use crate::list::filtered;
use crate::sync::lock;

/// A statement that SQLite refused to prepare.
#[derive(Debug)]
pub(crate) struct Unprepared {
    /// SQLite's message.
    pub(crate) message: String,
    /// The statement, cut where SQLite's log cuts it.
    pub(crate) sql: String,
    pub(super) code: c_int,
    pub(crate) thread: Thread,
    pub(super) thread_number: usize,
    pub(crate) at: Instant,
    pub(crate) place: Option<Arc<Place>>,
    /// The connections that it is not on, for they had failed so before.
    pub(super) failed_before: Vec<usize>,
    on: OnceLock<UnpreparedOn>,
}

/// The connection that was to prepare it.
#[derive(Debug)]
pub(crate) struct UnpreparedOn {
    pub(super) recorder: Weak<Recorder>,
    /// The keys that mean its database.
    pub(crate) names: Keys,
    /// Its number in the harness.
    pub(crate) connection: u32,
}

/// The last of this process.
static UNPREPARED: Mutex<VecDeque<Arc<Unprepared>>> = Mutex::new(VecDeque::new());

/// The numbers that are kept: of one thread, and of all tests that run at once in the process.
const KEPT_OF_A_THREAD: usize = 64;
const KEPT: usize = 4096;

/// Keeps a statement that SQLite refuses on this thread.
pub(super) fn note(code: c_int, message: String, sql: String, place: Option<Arc<Place>>, failed_before: Vec<usize>) {
    let (thread, thread_number, at) = (thread::current(), thread_number(), Instant::now());
    let unprepared =
        Unprepared { message, sql, code, thread, thread_number, at, place, failed_before, on: OnceLock::new() };
    let mut kept = lock(&UNPREPARED);
    let of_this_thread = |kept: &Arc<Unprepared>| kept.thread_number == thread_number;
    if kept.iter().filter(|kept| of_this_thread(kept)).count() == KEPT_OF_A_THREAD {
        let oldest = kept.iter().position(of_this_thread);
        oldest.and_then(|oldest| kept.remove(oldest));
    } else if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(Arc::new(unprepared));
}

/// Returns those whose connection is not known.
pub(super) fn unattributed() -> Vec<Arc<Unprepared>> {
    filtered(&lock(&UNPREPARED).iter().cloned().collect::<Vec<_>>(), |unprepared| unprepared.on.get().is_none())
}

/// Returns those of a harness, and those since its beginning whose connection is not known.
pub(crate) fn unprepared(recorder: &Arc<Recorder>) -> Vec<Arc<Unprepared>> {
    let all = lock(&UNPREPARED).iter().cloned().collect::<Vec<_>>();
    filtered(&all, |unprepared| match unprepared.on.get() {
        Some(on) => std::ptr::eq(on.recorder.as_ptr(), Arc::as_ptr(recorder)),
        None => unprepared.at >= recorder.start(),
    })
}

impl Unprepared {
    /// Sets the connection.
    pub(super) fn is_on(&self, on: UnpreparedOn) {
        let _ = self.on.set(on);
    }

    /// Returns the connection, if it is known.
    pub(crate) fn on(&self) -> Option<&UnpreparedOn> {
        self.on.get()
    }
}
