//! Threads for what may take its time, so that those which all pools share never wait for it.

use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Mutex;
use std::thread;

use super::process::Process;
use crate::sync::lock;

/// Work whose result is handed over once the thread is free for other work.
pub(super) type Work = Box<dyn FnOnce() -> Box<dyn FnOnce()> + Send>;

/// The thread that stays. It does what comes while it is free; for what comes beside that, a thread is started which
/// ends with it.
struct Helper {
    process: Process,
    works: Sender<Work>,
    is_free: bool,
}

static HELPER: Mutex<Option<Helper>> = Mutex::new(None);

/// Makes a thread do some work, and returns at once.
pub(super) fn run(work: Work) -> io::Result<()> {
    let mut helper = lock(&HELPER);
    match &mut *helper {
        Some(helper) if helper.process.is_this() => {
            if !helper.is_free {
                return start(move || hand_over(catch_unwind(AssertUnwindSafe(work))));
            }
            helper.is_free = false;
            match helper.works.send(work) {
                Ok(()) => Ok(()),
                Err(returned) => start(move || hand_over(catch_unwind(AssertUnwindSafe(returned.0)))),
            }
        }
        other => {
            let (works, more) = channel();
            start(move || work_on(work, &more))?;
            // That of the process which this one was forked from does not work here.
            std::mem::forget(other.replace(Helper { process: Process::this(), works, is_free: false }));
            Ok(())
        }
    }
}

fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("multibind-open".to_string()).spawn(work).map(drop)
}

fn work_on(first: Work, more: &Receiver<Work>) {
    let mut next = Ok(first);
    while let Ok(work) = next {
        let done = catch_unwind(AssertUnwindSafe(work));
        if let Some(helper) = &mut *lock(&HELPER) {
            helper.is_free = true;
        }
        hand_over(done);
        next = more.recv();
    }
}

/// Hands a result over; after a panic, none comes.
fn hand_over(done: thread::Result<Box<dyn FnOnce()>>) {
    if let Ok(result) = done {
        drop(catch_unwind(AssertUnwindSafe(result)));
    }
}
