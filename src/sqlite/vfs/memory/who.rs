//! The connections to a database: those that hold the lock of its writer, and those that were refused it.

use crate::list::mapped;
use crate::sqlite::vfs::gate::Writer;
use std::ffi::{c_char, CStr};
use std::panic::catch_unwind;
use std::thread::{self, Thread};
use std::time::Instant;

use rusqlite::ffi;

/// The opener of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Opener {
    /// A connection of the bind's pool.
    Pool,
    /// A session's.
    Session,
    /// By the URI that users get.
    #[default]
    Uri,
    /// This crate's own looks and repairs.
    Harness,
}

/// The parameter of a URI that says it.
const PARAMETER: &CStr = c"as";

impl Opener {
    /// Returns what stands behind the URI that users get.
    pub(crate) fn parameter(self) -> &'static str {
        match self {
            Opener::Pool => "&as=pool",
            Opener::Session => "&as=session",
            Opener::Uri => "",
            Opener::Harness => "&as=harness",
        }
    }

    /// Returns the one that the URI of a database says.
    ///
    /// # Safety
    ///
    /// `name` is as SQLite passes it to `xOpen` for a database: behind it lie the parameters of the URI.
    pub(in crate::sqlite::vfs) unsafe fn of_uri(name: *const c_char) -> Opener {
        // SAFETY: by the caller; SQLite gives null or a NUL-terminated text that lives as long as the name.
        unsafe {
            let opener = ffi::sqlite3_uri_parameter(name, PARAMETER.as_ptr());
            if opener.is_null() {
                Opener::default()
            } else {
                Opener::from_value(CStr::from_ptr(opener))
            }
        }
    }

    fn from_value(value: &CStr) -> Opener {
        match value.to_bytes() {
            b"pool" => Opener::Pool,
            b"session" => Opener::Session,
            b"harness" => Opener::Harness,
            _ => Opener::Uri,
        }
    }

    /// Returns the owner of the connection.
    pub(in crate::sqlite::vfs) fn writer(self) -> Writer {
        match self {
            Opener::Pool | Opener::Session => Writer::Ours,
            Opener::Uri => Writer::Others,
            Opener::Harness => Writer::Harness,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Opener::Pool => "a connection of the pool",
            Opener::Session => "a session",
            Opener::Uri => "a connection opened by the bind's URI",
            Opener::Harness => "the harness",
        }
    }
}

/// A connection, and the thread that used it.
#[derive(Clone, Debug)]
pub(super) struct Party {
    opener: Opener,
    /// None while a thread is ending.
    thread: Option<Thread>,
}

impl Party {
    /// Returns a connection of that kind, used by this thread.
    pub(super) fn here(opener: Opener) -> Party {
        // A thread that is ending may have forgotten itself already, and then this panics, which C must not see.
        Party { opener, thread: catch_unwind(thread::current).ok() }
    }

    pub(super) fn is_here(&self, opener: Opener) -> bool {
        self.opener == opener && self.is_on_this_thread()
    }

    pub(super) fn is_harness(&self) -> bool {
        self.opener == Opener::Harness
    }

    fn is_on_this_thread(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| thread.id() == thread::current().id())
    }

    /// Returns the words for it, on this thread.
    pub(super) fn shown(&self) -> String {
        let what = self.opener.name();
        match self.thread.as_ref().map(Thread::name) {
            _ if self.is_on_this_thread() => format!("{what} on this thread"),
            Some(Some(name)) => format!("{what} on thread `{name}`"),
            Some(None) | None => format!("{what} on a thread without a name"),
        }
    }
}

/// A kind of lock that blocks a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The writer's, of which there is one.
    Write,
    /// Those of readers, who keep a writer with a rollback journal from committing.
    Read,
}

/// A lock that was refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The connection's number.
    pub(super) id: u64,
    pub(super) waiter: Party,
    /// The holders, as far as is known.
    pub(super) holders: Vec<Party>,
    pub(super) lock: Lock,
    pub(super) at: Instant,
}

/// A connection that was refused a lock and has not got it since.
#[derive(Debug)]
pub(crate) struct GivenUp {
    /// Its number among those to the database.
    pub(crate) connection: u64,
    /// The origin of the connection, and the thread that used it, in words.
    pub(crate) waiter: String,
    pub(crate) lock: Lock,
    /// The holders in words, where they are known.
    pub(crate) holders: Option<String>,
    /// The time at which it was refused last.
    pub(crate) at: Instant,
}

impl Refusal {
    /// Returns who holds it and who wants it.
    pub(super) fn conflict(&self) -> String {
        conflict(&self.holders, self.lock, &self.waiter)
    }

    /// Returns the words for it after the test: who held the lock and who did not get it.
    pub(super) fn given_up(&self) -> GivenUp {
        GivenUp {
            connection: self.id,
            waiter: self.waiter.shown(),
            lock: self.lock,
            holders: Some(names(&self.holders)),
            at: self.at,
        }
    }
}

/// Returns who holds a lock and who wants it.
pub(super) fn conflict(holders: &[Party], lock: Lock, waiter: &Party) -> String {
    let (holders, waiter) = (names(holders), waiter.shown());
    match lock {
        Lock::Write => format!("{holders} holds the write lock, and {waiter} wants it"),
        Lock::Read => format!("{holders} reads it, and {waiter} wants to commit what it wrote"),
    }
}

fn names(parties: &[Party]) -> String {
    match parties {
        [] => "another connection".to_string(),
        parties => mapped(parties, Party::shown).join(" and "),
    }
}
