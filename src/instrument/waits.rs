//! The connections that were refused a lock and have not got it since, and the statements that wanted it.

use std::panic::catch_unwind;
use std::thread::{self, Thread};
use std::time::Instant;

use crate::list::{mapped, retain};
use crate::sqlite::vfs::{GivenUp, Lock, Writer};

/// The number of connections that are remembered: more than a test has threads.
const WAITS: usize = 64;

/// Waits for the lock of a writer, one of each connection, the last one last.
#[derive(Debug, Default)]
pub(super) struct Waits(Vec<Wait>);

#[derive(Debug)]
struct Wait {
    connection: u64,
    writer: Writer,
    /// None while a thread is ending.
    thread: Option<Thread>,
    at: Instant,
    waiting: Waiting,
}

/// A statement that waits for a lock, as far as it is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    /// Its number.
    pub(crate) statement: Option<u64>,
    /// The number of its transaction.
    pub(crate) transaction: Option<u64>,
}

impl Waits {
    /// Adds one of this thread's; the oldest makes room.
    pub(super) fn add(&mut self, connection: u64, writer: Writer, waiting: Waiting) {
        if self.0.len() == WAITS {
            self.0.remove(0);
        }
        // A thread that is ending may have forgotten itself already, and then this panics, which C must not see.
        let thread = catch_unwind(thread::current).ok();
        self.0.push(Wait { connection, writer, thread, at: Instant::now(), waiting });
    }

    /// Forgets that a connection waits.
    pub(super) fn forget(&mut self, connection: u64) {
        retain(&mut self.0, |wait| wait.connection != connection);
    }

    /// Returns the statement with which a connection waits.
    pub(super) fn of(&self, connection: u64) -> Waiting {
        let wait = self.0.iter().find(|wait| wait.connection == connection);
        wait.map(|wait| wait.waiting).unwrap_or_default()
    }

    /// Returns those for the lock of a file's writer in words.
    pub(super) fn given_up(&self) -> Vec<GivenUp> {
        mapped(&self.0, |wait| {
            let what = match wait.writer {
                Writer::Ours => "a connection of the pool or of a session",
                Writer::Harness => "the harness",
                Writer::Others => "a connection opened by the bind's URI or path",
            };
            let on = match wait.thread.as_ref().map(|thread| (thread.id() == thread::current().id(), thread.name())) {
                Some((true, _)) => "this thread".to_string(),
                Some((false, Some(name))) => format!("thread `{name}`"),
                Some((false, None)) | None => "a thread without a name".to_string(),
            };
            let (waiter, at) = (format!("{what} on {on}"), wait.at);
            GivenUp { connection: wait.connection, waiter, lock: Lock::Write, holders: None, at }
        })
    }
}
