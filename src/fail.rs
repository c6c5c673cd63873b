//! The panic of an assertion. Its text stays known to the thread and to its harness, for the page of the test: a panic that goes
//! on is shown to nobody.

use std::cell::RefCell;
use std::panic::Location;
use std::sync::Mutex;
use std::thread::{self, Thread};
use std::time::Instant;

use crate::sync::lock;

/// An assertion that has failed.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) report: String,
    /// The place in the test; `None` for what a value says as it is dropped.
    pub(crate) place: Option<&'static Location<'static>>,
    at: Instant,
    /// The thread on which it did.
    pub(crate) thread: Thread,
}

/// The last assertion on a harness that has failed, in whichever thread.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<Option<Failed>>);

impl Failures {
    /// Fails the test with a report, at the caller's place.
    #[track_caller]
    pub(crate) fn fail(&self, report: String) -> ! {
        *lock(&self.0) = Some(Failed::now(&report, Some(Location::caller())));
        fail(report)
    }

    /// Returns the last, if it was on another thread than this.
    pub(crate) fn elsewhere(&self) -> Option<Failed> {
        lock(&self.0).clone().filter(|failed| failed.thread.id() != thread::current().id())
    }
}

impl Failed {
    fn now(report: &str, place: Option<&'static Location<'static>>) -> Failed {
        Failed { report: report.to_string(), place, at: Instant::now(), thread: thread::current() }
    }
}

thread_local! {
    static LAST: RefCell<Option<Failed>> = const { RefCell::new(None) };
}

/// Fails the test with a report, at the caller's place.
#[track_caller]
pub(crate) fn fail(report: String) -> ! {
    keep(&report, Some(Location::caller()));
    panic!("{report}")
}

/// Fails the test with a report as a value is dropped, which has no place in the test.
#[track_caller]
pub(crate) fn fail_at_end(report: String) -> ! {
    keep(&report, None);
    panic!("{report}")
}

fn keep(report: &str, place: Option<&'static Location<'static>>) {
    // The thread may end, with nothing left to keep it in.
    let _ = LAST.try_with(|last| last.replace(Some(Failed::now(report, place))));
}

/// Returns the last assertion that has failed in this thread since a moment.
pub(crate) fn last_since(moment: Instant) -> Option<Failed> {
    let last = LAST.try_with(|last| last.borrow().clone()).ok().flatten();
    last.filter(|failed| failed.at >= moment)
}
