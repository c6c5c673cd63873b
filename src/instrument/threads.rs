//! The threads that have used a database of a harness and live.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

use crate::sync::lock;

/// The threads that have run a statement which was recorded, and have not ended.
static LIVING: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

thread_local! {
    static HERE: Living = Living::new();
}

/// A thread that lives, as long as the value does.
struct Living(ThreadId);

impl Living {
    fn new() -> Living {
        let id = thread::current().id();
        lock(&LIVING).push(id);
        Living(id)
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        lock(&LIVING).retain(|id| *id != self.0);
    }
}

/// The state of a thread that has run a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadState {
    Ended,
    /// It is within a statement on a connection to a bind.
    InStatement,
    /// It lives, and runs no statement.
    Idle,
}

/// Notes that this thread runs a statement.
pub(super) fn runs_here() {
    // A thread that ends has none.
    let _ = HERE.try_with(|_| ());
}

/// Returns whether a thread lives that has run a statement which was recorded.
pub(super) fn lives(thread: ThreadId) -> bool {
    lock(&LIVING).contains(&thread)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::{lives, runs_here};

    #[test]
    fn a_thread_lives_until_it_has_ended() {
        let (to_end, end) = mpsc::channel::<()>();
        let (to_run, ran) = mpsc::channel();
        let worker = thread::spawn(move || {
            runs_here();
            to_run.send(()).unwrap();
            end.recv().unwrap_err();
        });
        let id = worker.thread().id();
        ran.recv().unwrap();
        assert!(lives(id));
        drop(to_end);
        worker.join().unwrap();
        assert!(!lives(id));
    }
}
