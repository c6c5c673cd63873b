//! The threads that have used a database of a harness and live.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

use crate::sync::lock;

/// The threads that have used a database, and have not ended.
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

/// Returns this thread, which uses a database: it counts as one that lives from here on.
pub(super) fn here() -> ThreadId {
    // One that is ending has no value any more.
    HERE.try_with(|here| here.0).unwrap_or_else(|_| thread::current().id())
}

/// Returns whether a thread lives that has used a database.
pub(super) fn lives(thread: ThreadId) -> bool {
    lock(&LIVING).contains(&thread)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::{here, lives};

    #[test]
    fn a_thread_lives_until_it_has_ended() {
        let (to_end, end) = mpsc::channel::<()>();
        let (to_run, ran) = mpsc::channel();
        let worker = thread::spawn(move || {
            to_run.send(here()).unwrap();
            end.recv().unwrap_err();
        });
        let id = ran.recv().unwrap();
        assert_eq!(id, worker.thread().id());
        assert!(lives(id));
        drop(to_end);
        worker.join().unwrap();
        assert!(!lives(id));
    }
}
