//! The panic of an assertion. Its text stays known to the thread, for the page of the test: a panic that goes on is shown to
//! nobody.

use std::cell::RefCell;
use std::panic::Location;
use std::time::Instant;

/// An assertion that has failed.
#[derive(Clone)]
pub(crate) struct Failed {
    pub(crate) report: String,
    /// The place in the test; `None` for what a value says as it is dropped.
    pub(crate) place: Option<&'static Location<'static>>,
    at: Instant,
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
    let failed = Failed { report: report.to_string(), place, at: Instant::now() };
    // The thread may end, with nothing left to keep it in.
    let _ = LAST.try_with(|last| last.replace(Some(failed)));
}

/// Returns the last assertion that has failed in this thread since a moment.
pub(crate) fn last_since(moment: Instant) -> Option<Failed> {
    let last = LAST.try_with(|last| last.borrow().clone()).ok().flatten();
    last.filter(|failed| failed.at >= moment)
}
