//! The say that others have in what a file system does.

use std::cell::Cell;
use std::ffi::c_int;

use rusqlite::ffi;

/// The owner of a connection that writes to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Writer {
    /// One of the harness's pools or sessions.
    Ours,
    /// The harness's own looks and repairs.
    Harness,
    /// Code that has opened the database by the bind's URI.
    #[default]
    Others,
}

/// The thing that a transaction begins, for which it needs a lock first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// To read, as each transaction does.
    Reading,
    /// To write, after it has read.
    Writing,
}

/// The file that a transaction writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Into {
    /// A journal of whatever kind, which has what a transaction writes before the database has it.
    Journal,
    /// The database itself, which has it first where the journal is in memory, or there is none.
    Database,
}

/// Answers in place of a file system, and hears who writes.
///
/// It is asked from SQLite's callbacks, under SQLite's own locks: it calls no SQLite, and waits for nothing but a time that a
/// test has set.
pub(crate) trait Gate: Send + Sync {
    /// Returns SQLite's code in place of an opening.
    fn instead_of_open(&self) -> Option<c_int>;

    /// Returns SQLite's code in place of the lock that a transaction wants.
    fn instead_of_lock(&self, begins: Begins) -> Option<c_int>;

    /// Returns SQLite's code in place of a write by the transaction that has the lock.
    fn instead_of_write(&self, into: Into) -> Option<c_int>;

    /// Counts a transaction that has got the lock.
    fn writer_begins(&self, writer: Writer);

    /// Notes that a transaction that had the lock has given it back; what it has committed can be read.
    fn writer_ends(&self);

    /// Notes that a connection to a file has taken the lock of its log's writer, or has given it back.
    fn holds_log(&self, takes: bool);

    /// Notes that a connection of that number, which this thread uses, was refused a lock, or, to a file, has got that of a
    /// writer.
    fn is_refused_or_gets(&self, _connection: u64, _writer: Writer, _gets: bool) {}
}

thread_local! {
    /// Set from a lock that a gate has refused as taken to the next one that this thread asks for.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Asks a gate for SQLite's code in place of a lock, and notes whether it is that another connection has the lock.
pub(super) fn instead_of_lock(gate: &dyn Gate, begins: Begins) -> Option<c_int> {
    let code = gate.instead_of_lock(begins);
    REFUSED.set(code == Some(ffi::SQLITE_BUSY));
    code
}

/// Returns whether this thread is about to wait for a lock that a gate has refused. Nobody has that lock: SQLite's busy
/// handler counts its waits by their number, and each may end at once.
pub(super) fn waits_for_nobody() -> bool {
    REFUSED.take()
}

/// A gate that is always open.
#[derive(Debug)]
pub(crate) struct OpenGate;

impl Gate for OpenGate {
    fn instead_of_open(&self) -> Option<c_int> {
        None
    }

    fn instead_of_lock(&self, _: Begins) -> Option<c_int> {
        None
    }

    fn instead_of_write(&self, _: Into) -> Option<c_int> {
        None
    }

    fn writer_begins(&self, _: Writer) {}

    fn writer_ends(&self) {}

    fn holds_log(&self, _: bool) {}
}
