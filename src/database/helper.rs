//! Threads for what may take its time, so that those which all pools share never wait for it.

use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;
use std::thread;

use crate::sync::lock;

/// Work whose result is told once the thread is free for other work.
pub(super) type Work = Box<dyn FnOnce() -> Box<dyn FnOnce()> + Send>;

/// Threads without work, for the next that comes.
static IDLE: Mutex<Vec<Sender<Work>>> = Mutex::new(Vec::new());

/// How many stay without work. More are there only while as many work at once.
const MOST_IDLE: usize = 2;

/// Has a thread do some work, and returns at once.
pub(super) fn run(mut work: Work) -> io::Result<()> {
    let idle = lock(&IDLE).pop();
    if let Some(idle) = idle {
        match idle.send(work) {
            Ok(()) => return Ok(()),
            // The thread is gone.
            Err(returned) => work = returned.0,
        }
    }
    thread::Builder::new().name("multibind-open".to_string()).spawn(|| work_on(work)).map(drop)
}

fn work_on(first: Work) {
    let (sender, more) = channel();
    let mut next = Some(first);
    while let Some(work) = next {
        let tell = catch_unwind(AssertUnwindSafe(work));
        let is_kept = {
            let mut idle = lock(&IDLE);
            let is_kept = idle.len() < MOST_IDLE;
            if is_kept {
                idle.push(sender.clone());
            }
            is_kept
        };
        // A panic is told by the result that does not come.
        if let Ok(tell) = tell {
            drop(catch_unwind(AssertUnwindSafe(tell)));
        }
        next = if is_kept { more.recv().ok() } else { None };
    }
}
