//! The statements of a harness, in the order in which they began: the last that wrote, and all while somebody records.

use std::collections::VecDeque;
use std::env;
use std::panic::Location;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Instant;

use super::asked::{Asked, Asking, Way};
use super::commits::Commits;
use super::displaced::{Closed, Displaced};
use super::ends::{Awaiting, Ends};
use super::extension::{resets_known, resets_now};
use super::fault::{Fault, FaultKind};
use super::kept::{Bounds, Statements, HARNESS, OUTSIDE};
use super::opening::OpenedBy;
use super::place::Place;
use super::put_back::{PutBack, PutBackTo};
use super::recorded::{Recorded, Undone};
use super::repeated::End;
use super::savepoint::Savepoint;
use super::sought::Sought;
use super::state::is_present;
use super::touched::Touched;
use super::transaction::Transaction;
use crate::fail::Failures;
use crate::key::{BindKey, Keys};
use crate::sync::lock;

/// The variable that switches the recorder off.
const VARIABLE: &str = "MULTIBIND_RECORD";

/// The number of databases that are remembered as opened.
const OPENED: usize = 256;

/// The number of faults that are remembered.
const FAULTS: usize = 64;

/// A fault that has triggered.
pub(crate) struct Triggered {
    /// The keys that mean its database.
    pub(crate) database: Keys,
    /// The call as the test wrote it, with its place.
    pub(crate) fault: String,
    pub(crate) kind: FaultKind,
    /// The number of operations that it has failed.
    pub(crate) times: u64,
}

/// The statements that ran on the databases of a harness.
#[derive(Debug)]
pub(crate) struct Recorder {
    start: Instant,
    pub(super) bounds: &'static Bounds,
    /// The number of recordings that go on.
    pub(super) listeners: AtomicUsize,
    pub(super) statements: Mutex<Statements>,
    /// The commits to shared caches.
    pub(super) commits: Mutex<Vec<Arc<Commits>>>,
    /// The last faults of the test: the keys that mean the database, the call with its place, and the fault.
    faults: Mutex<VecDeque<(Keys, String, Arc<Fault>)>>,
    put_back: Mutex<PutBack>,
    connections: AtomicU32,
    /// The databases that connections were opened to, by whom.
    opened: Mutex<Vec<(Keys, OpenedBy)>>,
    transactions: AtomicU64,
    /// The last transactions whose end has a place, the oldest first.
    closings: Mutex<VecDeque<Weak<Transaction>>>,
    /// The number of places of statements that may still be captured, and of openings.
    pub(super) places: AtomicI64,
    openings: AtomicI64,
    readings: AtomicI64,
    begins: AtomicI64,
    displaced: Mutex<Closed>,
    /// The number of times that SQLite was found to report openings no longer, as it began.
    pub(super) resets: usize,
    pub(super) sought: Sought,
    /// The lines that have asked for ways to the databases.
    pub(super) asking: Asking,
    /// The last assertion on its harness that has failed.
    pub(crate) failures: Failures,
    /// The ends of transactions, for who waits for one.
    pub(super) ends: Arc<Ends>,
}

impl Recorder {
    /// Creates one for a harness that begins; `is_known` where it is known by now if SQLite reports openings no longer, or nobody has
    /// to know.
    pub(crate) fn begun(is_known: bool) -> Recorder {
        // Writes that went unseen before are not this harness's.
        Recorder::within(&HARNESS, if is_known { resets_known() } else { resets_now() })
    }

    /// Creates one for a connection to what is no harness's, which keeps little, and only while a harness lives.
    pub(super) fn outside() -> Recorder {
        Recorder::within(&OUTSIDE, 0)
    }

    fn within(bounds: &'static Bounds, resets: usize) -> Recorder {
        Recorder {
            start: Instant::now(),
            bounds,
            listeners: AtomicUsize::new(0),
            statements: Mutex::default(),
            commits: Mutex::default(),
            faults: Mutex::default(),
            put_back: Mutex::default(),
            connections: AtomicU32::new(0),
            opened: Mutex::default(),
            transactions: AtomicU64::new(0),
            closings: Mutex::default(),
            places: AtomicI64::new(bounds.captured),
            openings: AtomicI64::new(bounds.openings),
            readings: AtomicI64::new(bounds.readings),
            begins: AtomicI64::new(bounds.begins),
            displaced: Mutex::default(),
            resets,
            sought: Sought::default(),
            asking: Asking::default(),
            failures: Failures::default(),
            ends: Arc::default(),
        }
    }
}

/// Returns whether the environment lets the recorder run; read once in a process.
pub(super) fn is_on() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| env::var_os(VARIABLE).is_none_or(|value| value != "off"))
}

impl Recorder {
    /// Returns the time at which it began, with its harness.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Returns whether somebody records.
    pub(super) fn is_heard(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// Returns whether statements that write are kept.
    pub(crate) fn keeps_writes(&self) -> bool {
        self.is_heard() || is_on() && is_present()
    }

    /// Notes that a line has got a way to a database, by a method of the harness.
    pub(crate) fn gives(&self, database: &Keys, way: Way, method: &'static str, line: &'static Location<'static>) {
        if self.keeps_writes() {
            self.asking.note(database, way, method, line);
        }
    }

    /// Returns the lines that have last got a way to a database, the oldest first.
    pub(crate) fn given(&self, database: &Keys, way: Way) -> Vec<Asked> {
        self.asking.of(database, way)
    }

    /// Returns the lines that have last got a way to any database, the oldest first.
    pub(crate) fn given_any(&self, way: Way) -> Vec<Asked> {
        self.asking.all(way)
    }

    /// Begins to wait for the ends of transactions, as long as the answer lives.
    pub(crate) fn await_ends(&self) -> Awaiting {
        self.ends.wait()
    }

    /// Returns the number of the next connection.
    pub(super) fn next_connection(&self) -> u32 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Notes that a connection to a database is opened.
    pub(super) fn note_opening(&self, database: &Keys, by: OpenedBy) {
        let mut opened = lock(&self.opened);
        if opened.len() < OPENED && !opened.iter().any(|(known, own)| *own == by && known.first() == database.first()) {
            opened.push((database.clone(), by));
        }
    }

    /// Returns whether no connection to a database was opened by anybody.
    pub(crate) fn is_unopened(&self, bind: &BindKey) -> bool {
        let opened = lock(&self.opened);
        opened.len() < OPENED && !opened.iter().any(|(database, _)| database.contains(bind))
    }

    /// Begins a transaction, which a statement may have been written to begin.
    pub(super) fn next_transaction(&self, is_begun: bool) -> Arc<Transaction> {
        let begun = if is_begun { self.place_of_begin() } else { None };
        Arc::new(Transaction::new(self.transactions.fetch_add(1, Ordering::Relaxed) + 1, begun))
    }

    /// Captures the place at which a transaction or a savepoint is opened, unless enough have been captured.
    pub(super) fn place_of_begin(&self) -> Option<Arc<Place>> {
        if self.keeps_writes() {
            captured(&self.begins)
        } else {
            None
        }
    }

    /// Captures the place of this call, unless enough have been captured.
    pub(super) fn place(&self) -> Option<Arc<Place>> {
        captured(&self.places)
    }

    /// Captures the place of an opening, unless enough have been captured.
    pub(super) fn place_of_opening(&self) -> Option<Arc<Place>> {
        captured(&self.openings)
    }

    /// Captures the place at which a transaction begins to read, unless enough have been captured.
    pub(super) fn place_of_reading(&self) -> Option<Arc<Place>> {
        captured(&self.readings)
    }

    /// Notes a connection that is closed and was not seen whole.
    pub(super) fn note_displaced(&self, displaced: Displaced) {
        lock(&self.displaced).push(displaced);
    }

    /// Returns the number of such connections so far.
    pub(crate) fn displaced_so_far(&self) -> u64 {
        lock(&self.displaced).next()
    }

    /// Returns those that were closed since there were so many.
    pub(super) fn displaced_since(&self, number: u64) -> Vec<Displaced> {
        lock(&self.displaced).since(number)
    }

    /// Captures places again where enough have been captured.
    pub(super) fn capture_again(&self) {
        self.places.store(self.bounds.captured, Ordering::Relaxed);
    }

    /// Captures the place of the end of a transaction. The oldest such places are forgotten.
    pub(super) fn closes_here(&self, transaction: &Arc<Transaction>) {
        let Some(place) = self.place() else { return };
        transaction.closes_at(Some(place));
        let mut closings = lock(&self.closings);
        closings.push_back(Arc::downgrade(transaction));
        if closings.len() > self.bounds.places
            && let Some(oldest) = closings.pop_front().and_then(|oldest| oldest.upgrade())
        {
            oldest.closes_at(None);
        }
    }

    /// Keeps a statement that begins, and returns its number. While nobody records, the oldest are evicted.
    pub(super) fn begin(&self, mut statement: Box<Recorded>) -> u64 {
        let is_heard = self.is_heard();
        statement.is_asked_for = is_heard;
        if !is_heard {
            statement.cut_short();
        }
        let mut statements = lock(&self.statements);
        let number = statements.begin(statement);
        if !self.is_heard() {
            statements.evict(self.bounds);
        }
        number
    }

    /// Counts another execution of a statement, which begins, and returns its number.
    pub(super) fn begin_again(&self, model: &Arc<Recorded>, at: Instant) -> u64 {
        let mut statements = lock(&self.statements);
        let (number, is_more) = statements.begin_again(model, at);
        if is_more && !self.is_heard() {
            statements.evict(self.bounds);
        }
        number
    }

    /// Notes the end of an execution that was counted; returns false where a statement has to be kept in full.
    pub(super) fn end_again(&self, number: u64, end: End, touched: &Touched) -> bool {
        lock(&self.statements).end_again(number, end, touched)
    }

    /// Returns a statement by which others of a loop can be counted, if it is one.
    pub(super) fn model(&self, number: u64) -> Option<Arc<Recorded>> {
        lock(&self.statements).model(number)
    }

    /// Changes a statement that is kept.
    pub(super) fn amend(&self, number: u64, amend: impl FnOnce(&mut Recorded)) {
        lock(&self.statements).amend(number, amend);
    }

    /// Marks the statements of a transaction within a savepoint as rolled back to it.
    pub(super) fn undo(&self, savepoint: &Savepoint, transaction: &Arc<Transaction>) {
        let Savepoint { name, from, opened, .. } = savepoint;
        let (from, place) = (*from, if self.keeps_writes() { self.place() } else { None });
        let undone = Arc::new(Undone { at: Instant::now(), savepoint: name.clone(), opened: opened.clone(), place });
        lock(&self.statements).undo(from, transaction, &undone);
    }

    /// Returns the number of the next statement.
    pub(crate) fn next(&self) -> u64 {
        lock(&self.statements).next()
    }

    /// Remembers a fault.
    pub(super) fn add_fault(&self, database: &Keys, call: String, fault: &Arc<Fault>) {
        let mut faults = lock(&self.faults);
        faults.push_back((database.clone(), call, Arc::clone(fault)));
        if faults.len() > FAULTS {
            faults.pop_front();
        }
    }

    /// Returns the last faults that have triggered and made something fail, those that have ended too.
    pub(crate) fn triggered(&self) -> Vec<Triggered> {
        let mut triggered = Vec::new();
        for (database, call, fault) in &*lock(&self.faults) {
            let (_, times) = fault.met();
            if times > 0 && !matches!(fault.kind(), FaultKind::Slow(_)) {
                let (database, kind) = (database.clone(), fault.kind().clone());
                triggered.push(Triggered { database, fault: call.clone(), kind, times });
            }
        }
        triggered
    }

    /// Notes that a database was put into another state as a whole.
    pub(crate) fn is_put_back(&self, database: &Keys, state: PutBackTo) {
        lock(&self.put_back).add(database, state);
    }

    /// Returns whether a replica that lags has what was committed to its source at a moment after the start.
    pub(crate) fn has_followed(&self, replica: &Keys, committed: Instant) -> bool {
        lock(&self.put_back).has(replica.first(), committed, true)
    }

    /// Returns the number of the first statement that is kept: 0 where none was evicted.
    pub(crate) fn first(&self) -> u64 {
        lock(&self.statements).first()
    }

    /// Returns those statements that are kept and wanted. Their ends may not be settled: a report reads them by the functions of
    /// `record`.
    pub(super) fn kept(&self, is_wanted: &dyn Fn(&Recorded) -> bool) -> Vec<Recorded> {
        let mut kept = lock(&self.statements).wanted(is_wanted);
        let put_back = lock(&self.put_back);
        for statement in &mut kept {
            statement.is_put_back = put_back.has_lost(statement);
        }
        kept
    }
}

/// Captures the place of this call, while a number of them is left.
fn captured(left: &AtomicI64) -> Option<Arc<Place>> {
    let may = left.load(Ordering::Relaxed) > 0 && left.fetch_sub(1, Ordering::Relaxed) > 0;
    may.then(|| Arc::new(Place::capture()))
}
