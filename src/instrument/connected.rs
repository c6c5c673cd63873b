//! One connection to a bind, as the recorder follows it: its transaction, the statements that go on, and how they end.

use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::ThreadId;
use std::time::Instant;

use rusqlite::ffi;

use super::displaced::Displaced;
use super::handle::{Handle, Standing};
use super::last_use;
use super::looked::{Looked, Memory, Step};
use super::member::Member;
use super::opening::{OpenedBy, Opening, StillOpen};
use super::operation::Operation;
use super::outcome::{Open, Running, Start, Unsettled};
use super::recorded::Recorded;
use super::recorder::Recorder;
use super::state;
use super::threads::here;
use super::touched::Touched;
use super::transaction::{Reading, TransactionEnd};
use super::unprepared::UnpreparedOn;
use super::waits::Waiting;
use crate::key::Keys;
use crate::list::{filtered, retain};
use crate::sqlite::Slot;
use crate::sync::lock;

/// The number of times that the place of a statement is captured which a connection runs again and again.
const IN_A_ROW: u32 = 4;

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(super) address: usize,
    pub(super) to: To,
    /// Its number in the harness.
    number: u32,
    /// The instruments that were found lost as a statement began, by their bits.
    lost: AtomicUsize,
    /// The number of the thread that opened it.
    opened_on: usize,
    /// Set while its last error is that of a statement which it refused to prepare and which is known.
    has_refused: AtomicBool,
    pub(super) state: Mutex<State>,
}

/// The database that a connection is followed for, and its opening.
#[derive(Debug)]
pub(super) struct To {
    /// The address of the database's watch, which forgets the connection when it goes.
    pub(super) watch: usize,
    pub(super) recorder: Weak<Recorder>,
    /// The database's part in its harness.
    pub(super) member: Weak<Member>,
    /// The keys that mean the database.
    pub(super) names: Keys,
    pub(super) opened: Arc<Opening>,
    /// Set if the storage shows every write.
    pub(super) shows_writes: bool,
    /// Set if the connection has attached the database, and its own is no bind's.
    pub(super) is_attached: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) running: Vec<Running>,
    pub(super) open: Option<Open>,
    /// The last statement that has ended: SQLite may run it again.
    pub(super) last: Option<Last>,
    /// The last statement that has ended and whose error SQLite may know by now.
    pub(super) unsettled: Option<Unsettled>,
    /// Set if the application has closed it and left statements.
    is_left: bool,
    /// The version of the databases as the last statement ended.
    pub(super) version: u64,
    pub(super) memory: Memory,
    /// Accounts of statements that only read.
    pub(super) reads: Memory,
    /// The text that last wrote, and how often in a row.
    pub(super) written: Arc<str>,
    pub(super) in_a_row: u32,
    /// The table of the row that was last changed.
    table: Arc<str>,
}

/// A statement that has ended.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) running: Running,
    /// The transaction that was open in it, where its end may have changed that.
    pub(super) open: Option<Option<Open>>,
}

/// A statement that begins, as the callbacks know it.
pub(super) struct Begins {
    pub(super) standing: Standing,
    /// Its address; 0 for one of a session.
    pub(super) statement: usize,
    pub(super) may_write: bool,
    /// The number of times that it was prepared again.
    pub(super) prepared: i32,
    pub(super) looked: Option<Arc<Looked>>,
    /// The statement as it is recorded, if it is.
    pub(super) record: Option<Box<Recorded>>,
    /// The number of times that its connection has run it in a row, this one included.
    pub(super) again: u32,
}

impl Connected {
    /// Returns a connection to follow.
    pub(super) fn new(handle: &Handle, recorder: &Recorder, to: To) -> Connected {
        last_use::note(handle.address());
        Connected {
            address: handle.address(),
            to,
            number: recorder.next_connection(),
            opened_on: state::thread_number(),
            has_refused: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn address(&self) -> usize {
        self.address
    }

    /// Returns whether it is one to a bind of the recorder's harness.
    pub(super) fn is_of(&self, recorder: &Arc<Recorder>) -> bool {
        ptr::eq(self.to.recorder.as_ptr(), Arc::as_ptr(recorder))
    }

    /// Notes that the application closes it, `leaving` statements: SQLite refuses that, or tells nothing of it from here on,
    /// until the last of them is gone. One that is finished may have committed by then.
    pub(super) fn is_closed(&self, leaving: bool) {
        lock(&self.state).is_left = leaving;
    }

    /// Follows its close, which rolls its transaction back.
    ///
    /// # Safety
    ///
    /// The structure of the connection is not freed yet.
    pub(super) unsafe fn closes(&self, db: *mut ffi::sqlite3) {
        let recorder = self.to.recorder.upgrade();
        // SAFETY: as the caller says.
        if let Some(displaced) = unsafe { self.displaced(db, false) }
            && let Some(recorder) = &recorder
        {
            recorder.note_displaced(displaced);
        }
        let mut state = lock(&self.state);
        let is_left = state.is_left;
        let open = state.open.take();
        drop(state);
        if let Some(open) = open {
            open.transaction.ends(if is_left { TransactionEnd::Unknown } else { TransactionEnd::Closed });
            if open.wrote
                && !is_left
                && let Some(recorder) = recorder.filter(|recorder| recorder.keeps_writes())
            {
                recorder.closes_here(&open.transaction);
            }
        }
    }

    /// Returns the instruments that the application has replaced, if there are any.
    ///
    /// # Safety
    ///
    /// The structure of the connection is not freed yet.
    pub(super) unsafe fn displaced(&self, db: *mut ffi::sqlite3, is_open: bool) -> Option<Displaced> {
        let found = self.lost.load(Ordering::Relaxed);
        let lost = filtered(&Slot::ALL, |slot| {
            // SAFETY: as the caller says. rusqlite removes the others, its own or not, before it closes a connection.
            let now = unsafe { slot.is_taken(db) || *slot == Slot::Trace && slot.is_lost(db) };
            now || found & slot.bit() != 0
        });
        (!lost.is_empty()).then(|| Displaced {
            opened: Some(Arc::clone(&self.to.opened)),
            connection: self.number,
            lost,
            is_open,
            shows_writes: self.to.shows_writes,
        })
    }

    /// Describes it while it is open.
    pub(super) fn still_open(&self) -> StillOpen {
        let in_transaction = lock(&self.state).open.is_some();
        StillOpen { names: self.to.names.clone(), opened: Arc::clone(&self.to.opened), in_transaction }
    }

    /// Returns the database's part in its harness, while that lives.
    pub(super) fn member(&self) -> Option<Arc<Member>> {
        self.to.member.upgrade()
    }

    /// Returns its opening.
    pub(super) fn opened(&self) -> &Opening {
        &self.to.opened
    }

    /// Returns whether the thread of a number is known to have used it last.
    pub(super) fn is_used_on(&self, thread: usize) -> bool {
        last_use::is_on(self.address, thread)
    }

    /// Returns whether it is a pool's and nobody is known to have used it.
    pub(super) fn is_fresh(&self) -> bool {
        self.to.opened.by == OpenedBy::Pool && self.is_used_on(self.opened_on)
    }

    /// Returns whether its last call has refused a statement that is known.
    pub(super) fn has_refused(&self) -> bool {
        self.has_refused.load(Ordering::Relaxed)
    }

    /// Notes that its last call has refused a statement on the thread of that number, and returns it as the one that was to
    /// prepare it.
    pub(super) fn refuses(&self, thread: usize) -> UnpreparedOn {
        last_use::note_on(self.address, thread);
        self.has_refused.store(true, Ordering::Relaxed);
        UnpreparedOn { recorder: self.to.recorder.clone(), names: self.to.names.clone(), connection: self.number }
    }

    /// Returns whether it is followed for the watch at an address.
    pub(super) fn is_watched_by(&self, watch: usize) -> bool {
        self.to.watch == watch
    }

    /// Returns whether it is followed for a database that it has attached.
    pub(super) fn is_attached(&self) -> bool {
        self.to.is_attached
    }

    /// Locks the state, and returns the version of the databases too. It stays as it is in a transaction that holds the lock of
    /// a writer, so that SQLite is asked, which is done without the lock, outside of one only.
    pub(super) fn at_version(&self, handle: &Handle, standing: Standing) -> (MutexGuard<'_, State>, u64) {
        if !standing.alone && !standing.attached {
            let state = lock(&self.state);
            if let Some(held) = state.open.as_ref().and_then(|open| open.held) {
                return (state, held);
            }
        }
        let version = handle.version();
        (lock(&self.state), version)
    }

    /// Follows a statement that begins, with the recorder of its harness.
    pub(super) fn begin(&self, recorder: &Recorder, handle: &Handle, begins: Begins) {
        self.is_used(handle);
        let standing = begins.standing;
        let (alone, (changes, _)) = (standing.alone, standing.changes);
        let looked = begins.looked;
        let step = looked.as_ref().and_then(|looked| looked.step.as_ref());
        // A pragma has switched foreign keys as it was prepared.
        if !begins.may_write && step.is_none() {
            let here = || (recorder.next(), if recorder.keeps_writes() { recorder.place() } else { None });
            self.to.opened.enforces(handle.enforces_keys(), here);
        }
        let wrote = looked.as_ref().is_some_and(|looked| looked.deed.writes || looked.deed.writes_elsewhere);
        let mut recorded = begins.record;
        let at = recorded.as_ref().map_or_else(Instant::now, |recorded| recorded.at);
        let can_commit = !step.is_some_and(Step::commits) || handle.can_commit();
        let (mut state, version) = self.at_version(handle, standing);
        state.forget(begins.statement);
        if alone
            && !state.running.iter().any(|running| running.start.may_write)
            && let Some(open) = state.open.take()
        {
            open.transaction.ends(TransactionEnd::Unknown);
        }
        if state.open.is_none() && (!alone || begins.may_write || step.is_some_and(Step::begins)) {
            let transaction = recorder.next_transaction(step.is_some_and(Step::begins));
            if !alone {
                transaction.is_begun();
            }
            state.open = Some(Open {
                transaction,
                is_explicit: !alone,
                wrote: false,
                held: None,
                has_read: false,
                savepoints: Vec::new(),
                repeating: None,
            });
        }
        if let Some(open) = &mut state.open {
            // A commit can lose nothing of a statement that failed for want of the lock.
            open.wrote = (open.wrote || wrote) && can_commit;
        }
        if let Some(recorded) = &mut recorded {
            recorded.connection = self.number;
            recorded.opened = Some(Arc::clone(&self.to.opened));
            recorded.transaction = state.open.as_ref().map(|open| Arc::clone(&open.transaction));
            if (wrote || recorded.locks) && begins.again <= IN_A_ROW {
                recorded.place = recorder.place();
            }
        }
        let number = recorded.map(|recorded| recorder.begin(recorded));
        state.running.push(Running {
            statement: begins.statement,
            thread: here(),
            at,
            version,
            prepared: begins.prepared,
            start: Start { number, changes, may_write: begins.may_write, alone, looked },
            triggers: Vec::new(),
            touched: Touched::default(),
        });
    }

    /// Notes that a statement runs on it, and which instruments it has lost.
    pub(super) fn is_used(&self, handle: &Handle) {
        let lost = handle.lost();
        if lost != 0 {
            self.lost.fetch_or(lost, Ordering::Relaxed);
        }
        self.has_refused.store(false, Ordering::Relaxed);
    }

    /// Returns the statement that goes on, on a thread, the last that began, and when that was.
    pub(super) fn runs_on(&self, thread: ThreadId) -> Option<(Instant, Waiting)> {
        let state = lock(&self.state);
        let running = state.running.iter().rev().find(|running| running.thread == thread)?;
        let transaction = state.open.as_ref().map(|open| open.transaction.number);
        Some((running.at, Waiting { statement: running.start.number, transaction }))
    }

    /// Notes that a statement reads. The first of a transaction is remembered with its place, by which it is known since when the
    /// transaction has an old state.
    pub(super) fn reads(&self, sql: &CStr) {
        let Some(recorder) = self.to.recorder.upgrade().filter(|recorder| recorder.keeps_writes()) else { return };
        let mut state = lock(&self.state);
        let Some(open) = state.open.as_mut().filter(|open| !open.has_read) else { return };
        open.has_read = true;
        let (sql, place, at) = (sql.to_string_lossy().trim().into(), recorder.place_of_reading(), Instant::now());
        open.transaction.begins_to_read(Reading { sql, place, at });
    }

    /// Notes a trigger that runs in a statement.
    pub(super) fn fires(&self, statement: usize, trigger: &str) {
        let mut state = lock(&self.state);
        let runs = |running: &&mut Running| running.statement == statement || running.statement == 0;
        let State { running, last, .. } = &mut *state;
        // SQLite runs one again that it had to prepare again.
        let last = last.as_mut().map(|last| &mut last.running).filter(|running| running.statement == statement);
        let Some(running) = running.iter_mut().rev().find(runs).or(last) else { return };
        if running.start.number.is_some() && !running.triggers.iter().any(|known| **known == *trigger) {
            running.triggers.push(trigger.into());
        }
    }

    /// Notes a row that the running statement changes.
    pub(super) fn touches(&self, schema: &CStr, table: &CStr, rowid: i64, operation: Operation) {
        let mut state = lock(&self.state);
        let State { running, last, table: known, .. } = &mut *state;
        // SQLite runs a statement within another to its end, and one again that it had to prepare again.
        let last = last.as_mut().map(|last| &mut last.running);
        if let Some(running) = running.iter_mut().rev().chain(last).find(|running| running.start.may_write)
            && running.start.number.is_some()
        {
            if known.as_bytes() != table.to_bytes() {
                *known = Arc::from(table.to_string_lossy());
            }
            running.touched.add(schema, known, rowid, operation);
        }
    }

    /// Returns whether a statement goes on that writes to the connection's own database, or lets a virtual table write there what
    /// it has held back, as the ends of transactions and savepoints do.
    pub(super) fn is_in_write(&self) -> bool {
        let is_one = |looked: &Arc<Looked>| looked.deed.writes || looked.step.is_some();
        let writes = |running: &Running| running.start.looked.as_ref().is_some_and(is_one);
        lock(&self.state).running.iter().any(writes)
    }
}

impl State {
    /// Forgets a statement at an address, whose end was not reported.
    pub(super) fn forget(&mut self, statement: usize) {
        if !self.running.is_empty() {
            retain(&mut self.running, |other| other.statement != statement || statement == 0);
        }
    }
}
