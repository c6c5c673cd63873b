//! What a test has SQLite answer for a while: which operations of a database fail, and how often.
//!
//! Nothing here calls SQLite and nothing waits for a second lock: it is asked from SQLite's callbacks, under SQLite's own
//! locks.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use rusqlite::ffi;

use super::account::epoch;
use super::watch::{Asking, Watch};
use crate::list::filtered;
use crate::sqlite::vfs::{Gate, Writer};
use crate::sync::lock;

/// The faults of one database that are alive, as its connections see them, which may outlive it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(super) count: AtomicUsize,
    pub(super) alive: Mutex<Vec<Arc<Fault>>>,
    /// How many transactions have got the lock that a writer needs: the number of the one that has it now.
    pub(super) writers: AtomicU64,
    /// How many connections of ours to a file hold the lock of its log's writer: one at most.
    pub(super) log_writers: AtomicUsize,
    /// Whose that is, and since when everything was seen as it got the lock.
    pub(super) writer: Mutex<(Writer, Option<usize>)>,
    /// Who knows the statements of the database.
    pub(super) watch: OnceLock<Weak<Watch>>,
    /// What they are found by, once a connection asks.
    pub(super) number: OnceLock<usize>,
    /// Those of its connections.
    pub(super) numbers: Mutex<Vec<usize>>,
}

/// One fault.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: FaultKind,
    /// How many of the operations that it is about it lets pass first, and how many it then fails.
    after: u64,
    times: u64,
    met: Mutex<Met>,
}

/// What a fault has met.
#[derive(Debug, Default)]
struct Met {
    operations: u64,
    struck: u64,
    /// How many could not be failed.
    passed: u64,
    /// The last transaction that it was asked about and what it said: all of what one writes fails, or nothing.
    last: Option<(u64, bool)>,
}

/// What fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A statement that does this to a table of that name.
    Statement(Operation, String),
    /// The commit of a transaction that has written.
    Commit,
    /// The lock that a writer needs, as if another connection had it.
    Busy,
    /// The same, as if nobody might write.
    ReadOnly,
    /// Writing to the disk that has no room left.
    Full,
    /// Writing to the disk that does not work.
    Io,
}

/// What a statement does to a table, as SQLite's authorizer tells it.
///
/// What a trigger, a view or a foreign key's action has it do counts.
///
/// ```
/// # use multibind::{Bind, Harness, Operation};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// let _fault = db.fault("auth").fail_statement("user", Operation::Insert)?;
/// let error = db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", []).unwrap_err();
/// assert_eq!(error.sqlite_error_code(), Some(multibind::rusqlite::ErrorCode::AuthorizationForStatementDenied));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// It reads from the table, be it to find the rows that it changes.
    Read,
    /// It inserts rows.
    Insert,
    /// It updates rows.
    Update,
    /// It deletes rows.
    Delete,
}

impl Faults {
    /// Has a fault strike as long as the answer lives.
    pub(crate) fn begin(self: &Arc<Self>, kind: FaultKind, after: u64, times: u64) -> Faulting {
        let asking = matches!(kind, FaultKind::Statement(..)).then(Asking::new);
        let fault = Arc::new(Fault { kind, after, times, met: Mutex::default() });
        lock(&self.alive).push(Arc::clone(&fault));
        self.count.fetch_add(1, Ordering::Relaxed);
        Faulting { faults: Arc::clone(self), fault, _asking: asking }
    }

    /// Whether a connection of ours to a file holds the lock of its log's writer.
    pub(crate) fn has_log_writer(&self) -> bool {
        self.log_writers.load(Ordering::Relaxed) > 0
    }

    /// Has a database's statements known by this.
    pub(crate) fn be_seen_by(&self, watch: &Arc<Watch>) {
        // Set once, when both are made.
        let _ = self.watch.set(Arc::downgrade(watch));
    }

    /// Whether a guard refuses what this thread writes now, which no statement accounts for.
    fn is_refused(&self, transaction: u64) -> bool {
        let Some(now) = epoch().filter(|_| !SPARED.get()) else { return false };
        let (writer, began) = *lock(&self.writer);
        // What was written before somebody listened is nobody's concern, and neither is what the harness writes.
        if writer == Writer::Harness || began != Some(now) {
            return false;
        }
        let watch = self.watch.get().and_then(Weak::upgrade);
        watch.is_some_and(|watch| watch.refuses_to_write(writer, transaction))
    }

    /// Whether a statement that is prepared, and does this to that table, is to fail.
    pub(crate) fn fails(&self, operation: Operation, table: &str) -> bool {
        self.first(|fault| (fault.is_about(operation, table) && fault.fails_next()).then_some(())).is_some()
    }

    /// The faults that are about statements.
    pub(crate) fn of_statements(&self) -> Vec<Arc<Fault>> {
        if self.count.load(Ordering::Relaxed) == 0 || SPARED.get() {
            return Vec::new();
        }
        let is_one = |fault: &Arc<Fault>| matches!(fault.kind, FaultKind::Statement(..));
        filtered(&lock(&self.alive), is_one)
    }

    /// Whether a commit on a connection, which this thread has, is to be refused.
    pub(super) fn refuses_commit(&self, db: *mut ffi::sqlite3) -> bool {
        if epoch().is_some() && !SPARED.get() {
            let watch = self.watch.get().and_then(Weak::upgrade);
            // SAFETY: SQLite calls from within a commit of that connection: it is open and this thread's.
            if watch.is_some_and(|watch| unsafe { watch.refuses_to_commit(db) }) {
                return true;
            }
        }
        self.first(|fault| (fault.kind == FaultKind::Commit && fault.strikes()).then_some(())).is_some()
    }

    fn first<T>(&self, answer: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        if self.count.load(Ordering::Relaxed) == 0 || SPARED.get() {
            return None;
        }
        lock(&self.alive).iter().find_map(|fault| answer(fault))
    }
}

impl Gate for Faults {
    fn instead_of_lock(&self) -> Option<c_int> {
        self.first(|fault| {
            let code = match fault.kind {
                FaultKind::Busy => ffi::SQLITE_BUSY,
                FaultKind::ReadOnly => ffi::SQLITE_READONLY,
                _ => return None,
            };
            fault.strikes().then_some(code)
        })
    }

    fn holds_log(&self, takes: bool) {
        if takes {
            self.log_writers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.log_writers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn writer_begins(&self, writer: Writer) {
        *lock(&self.writer) = (writer, epoch());
        self.writers.fetch_add(1, Ordering::Relaxed);
    }

    fn instead_of_write(&self) -> Option<c_int> {
        let writer = self.writers.load(Ordering::Relaxed);
        if self.is_refused(writer) {
            return Some(ffi::SQLITE_READONLY);
        }
        self.first(|fault| {
            let code = match fault.kind {
                FaultKind::Full => ffi::SQLITE_FULL,
                FaultKind::Io => ffi::SQLITE_IOERR_WRITE,
                _ => return None,
            };
            fault.strikes_all_of(writer).then_some(code)
        })
    }
}

impl Fault {
    /// Whether it is about statements that do this to a table of that name.
    pub(crate) fn is_about(&self, operation: Operation, table: &str) -> bool {
        match &self.kind {
            FaultKind::Statement(of, name) => *of == operation && name.eq_ignore_ascii_case(table),
            _ => false,
        }
    }

    /// Counts a statement that begins, unless it is one to fail.
    pub(crate) fn lets_pass(&self) -> bool {
        let mut met = lock(&self.met);
        let passes = !met.is_due(self.after, self.times);
        met.operations += u64::from(passes);
        passes
    }

    /// Counts a statement that is to fail as it is prepared. One that is not is counted when it begins.
    fn fails_next(&self) -> bool {
        let mut met = lock(&self.met);
        met.is_due(self.after, self.times) && met.count(self.after, self.times)
    }

    /// Notes that a statement could not be failed.
    pub(crate) fn is_passed(&self) {
        let mut met = lock(&self.met);
        met.operations += 1;
        met.passed += 1;
    }

    pub(crate) fn strikes(&self) -> bool {
        lock(&self.met).count(self.after, self.times)
    }

    /// The same for an operation that is a part of a transaction.
    fn strikes_all_of(&self, transaction: u64) -> bool {
        let mut met = lock(&self.met);
        match met.last {
            Some((last, struck)) if last == transaction => struck,
            _ => {
                let struck = met.count(self.after, self.times);
                met.last = Some((transaction, struck));
                struck
            }
        }
    }
}

impl Met {
    fn is_due(&self, after: u64, times: u64) -> bool {
        self.operations >= after && self.struck < times
    }

    /// Counts an operation, and says whether it fails.
    fn count(&mut self, after: u64, times: u64) -> bool {
        let strikes = self.is_due(after, times);
        self.operations += 1;
        self.struck += u64::from(strikes);
        strikes
    }
}

/// A fault that is alive.
#[derive(Debug)]
pub(crate) struct Faulting {
    faults: Arc<Faults>,
    fault: Arc<Fault>,
    /// For one that is about statements.
    _asking: Option<Asking>,
}

impl Faulting {
    /// How many operations the fault has met, and how many of them it failed.
    pub(crate) fn met(&self) -> (u64, u64) {
        let met = lock(&self.fault.met);
        (met.operations, met.struck)
    }

    /// How many statements it should have failed and could not.
    pub(crate) fn passed(&self) -> u64 {
        lock(&self.fault.met).passed
    }
}

impl Drop for Faulting {
    fn drop(&mut self) {
        lock(&self.faults.alive).retain(|fault| !Arc::ptr_eq(fault, &self.fault));
        self.faults.count.fetch_sub(1, Ordering::Relaxed);
    }
}

thread_local! {
    /// Whether this thread runs something of this crate's own, which no fault is for.
    static SPARED: Cell<bool> = const { Cell::new(false) };
}

/// Does something that no fault is for.
pub(crate) fn spared<T>(work: impl FnOnce() -> T) -> T {
    /// Also after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            SPARED.set(self.0);
        }
    }
    let _before = Before(SPARED.replace(true));
    work()
}
