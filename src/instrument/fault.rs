//! One fault: what it is about, what it has met, and what it fails next.

use std::ffi::c_int;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::ffi;

use super::operation::Operation;
use crate::sync::lock;

/// One fault.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: FaultKind,
    /// The number of operations that it lets pass first, and the number that it then fails.
    after: u64,
    times: u64,
    met: Mutex<Met>,
}

/// The operations that a fault has met.
#[derive(Debug, Default)]
struct Met {
    operations: u64,
    triggered: u64,
    /// The number of those that could not be failed.
    passed: u64,
    /// The last transaction that it was asked about and what it said: all of what one writes fails, or nothing.
    last: Option<(u64, bool)>,
}

/// The operation that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A statement that does this to a table of that name.
    Statement(Operation, String),
    /// The commit of a transaction that has written.
    Commit,
    /// The lock that a writer needs, as if another connection had it.
    Busy,
    /// The start of a transaction that writes, as if the file might only be read.
    ReadOnly,
    /// Writing to the disk that has no room left.
    Full,
    /// Writing to the disk that does not work.
    Io,
    /// Beginning to read from the disk that does not work.
    Read,
    /// Everything that needs the database.
    Down,
    /// Nothing: a transaction takes so much longer to begin.
    Slow(Duration),
}

impl FaultKind {
    /// Returns whether SQLite answers an operation that it fails with this code.
    pub(crate) fn gives(&self, extended_code: c_int) -> bool {
        let code = extended_code & 0xff;
        match self {
            FaultKind::Statement(..) => code == ffi::SQLITE_AUTH,
            FaultKind::Commit => extended_code == ffi::SQLITE_CONSTRAINT_COMMITHOOK,
            FaultKind::Busy => code == ffi::SQLITE_BUSY,
            FaultKind::ReadOnly => code == ffi::SQLITE_READONLY,
            FaultKind::Full => code == ffi::SQLITE_FULL,
            FaultKind::Io | FaultKind::Read => code == ffi::SQLITE_IOERR,
            FaultKind::Down => code == ffi::SQLITE_CANTOPEN || code == ffi::SQLITE_IOERR,
            FaultKind::Slow(_) => false,
        }
    }
}

impl Fault {
    /// Makes a fault that lets the first `after` operations pass and then fails `times` of them.
    pub(super) fn new(kind: FaultKind, after: u64, times: u64) -> Fault {
        Fault { kind, after, times, met: Mutex::default() }
    }

    /// Returns what fails.
    pub(super) fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// Returns how many operations it has met, and how many of them it failed.
    pub(super) fn met(&self) -> (u64, u64) {
        let met = lock(&self.met);
        (met.operations, met.triggered)
    }

    /// Returns how many statements it should have failed and could not.
    pub(super) fn passed(&self) -> u64 {
        lock(&self.met).passed
    }

    /// Returns whether it fails nothing more.
    pub(super) fn is_spent(&self) -> bool {
        lock(&self.met).triggered >= self.times
    }

    /// Returns whether it is about statements that do this to a table of that name.
    pub(super) fn is_about(&self, operation: Operation, table: &str) -> bool {
        match &self.kind {
            FaultKind::Statement(of, name) => *of == operation && name.eq_ignore_ascii_case(table),
            _ => false,
        }
    }

    /// Counts a statement that begins, unless it is one to fail.
    pub(super) fn lets_pass(&self) -> bool {
        let mut met = lock(&self.met);
        let passes = !met.is_due(self.after, self.times);
        met.operations += u64::from(passes);
        passes
    }

    /// Counts a statement that is to fail as it is prepared. One that is not is counted when it begins.
    pub(super) fn fails_next(&self) -> bool {
        let mut met = lock(&self.met);
        met.is_due(self.after, self.times) && met.count(self.after, self.times)
    }

    /// Notes that a statement could not be failed.
    pub(super) fn is_passed(&self) {
        let mut met = lock(&self.met);
        met.operations += 1;
        met.passed += 1;
    }

    /// Counts an operation, and returns whether it fails.
    pub(super) fn triggers(&self) -> bool {
        lock(&self.met).count(self.after, self.times)
    }

    /// Counts an operation that is a part of a transaction, and returns whether it fails: all of a transaction's do, or
    /// none.
    pub(super) fn triggers_for_all_of(&self, transaction: u64) -> bool {
        let mut met = lock(&self.met);
        match met.last {
            Some((last, triggered)) if last == transaction => triggered,
            _ => {
                let triggered = met.count(self.after, self.times);
                met.last = Some((transaction, triggered));
                triggered
            }
        }
    }
}

impl Met {
    fn is_due(&self, after: u64, times: u64) -> bool {
        self.operations >= after && self.triggered < times
    }

    /// Counts an operation, and returns whether it fails.
    fn count(&mut self, after: u64, times: u64) -> bool {
        let triggers = self.is_due(after, times);
        self.operations += 1;
        self.triggered += u64::from(triggers);
        triggers
    }
}
