//! Threads for what may take its time, so that those which all pools share never wait for it.

use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::process::Process;
use crate::sync::{handoff, lock, Giver, Taken};

/// Work whose result is handed over once the thread is free for other work.
pub(super) type Work = Box<dyn FnOnce() -> Box<dyn FnOnce()> + Send>;

/// The thread that stays. It does what comes while it is free; for what comes beside that, a thread is started which
/// ends with it.
struct Helper {
    process: Process,
    /// Takes its next work, while it is free.
    next: Option<Giver<Work>>,
}

static HELPER: Mutex<Option<Helper>> = Mutex::new(None);

/// Makes a thread do some work, and returns at once.
pub(super) fn run(work: Work) -> io::Result<()> {
    let mut helper = lock(&HELPER);
    match &mut *helper {
        Some(helper) if helper.process.is_this() => {
            let work = match helper.next.take() {
                Some(free) => free.give(work),
                None => Err(work),
            };
            match work {
                Ok(()) => Ok(()),
                Err(work) => start(move || hand_over(catch_unwind(AssertUnwindSafe(work)))),
            }
        }
        other => {
            start(move || work_on(work))?;
            // That of the process which this one was forked from does not work here.
            std::mem::forget(other.replace(Helper { process: Process::this(), next: None }));
            Ok(())
        }
    }
}

fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("multibind-open".to_string()).spawn(work).map(drop)
}

fn work_on(mut work: Work) {
    loop {
        let done = catch_unwind(AssertUnwindSafe(work));
        let (giver, taker) = handoff();
        if let Some(helper) = &mut *lock(&HELPER) {
            helper.next = Some(giver);
        }
        hand_over(done);
        let Taken::Value(next) = taker.take(Duration::MAX) else { return };
        work = next;
    }
}

/// Hands a result over; after a panic, none comes.
fn hand_over(done: thread::Result<Box<dyn FnOnce()>>) {
    if let Ok(result) = done {
        drop(catch_unwind(AssertUnwindSafe(result)));
    }
}
