//! The state that all instruments share: how many in the process listen or guard, and what this thread is doing.
//!
//! SQLite's callbacks look here first: while nobody listens and no guard lives, they read one number and return.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use rusqlite::ffi;

use super::action::Noted;
use super::fault::Fault;
use super::looked::Looked;

/// The number of listeners to statements in this process and, in the upper half, how often a first one came: what was seen before
/// that may have gone on unseen. One number has both, so that nobody listens in the time of before.
static LISTENERS: AtomicU64 = AtomicU64::new(0);

/// The bits of the number of listeners, and a first one of a new time.
const NUMBER_OF_LISTENERS: u64 = FIRST - 1;
const FIRST: u64 = 1 << 32;

/// The number of guards in this process, and of faults that are about statements.
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// Returns whether anybody listens.
pub(super) fn is_heard() -> bool {
    LISTENERS.load(Ordering::Relaxed) & NUMBER_OF_LISTENERS > 0
}

/// Returns whether any guard lives, or a fault that is about statements.
pub(super) fn is_guarded() -> bool {
    GUARDS.load(Ordering::Relaxed) > 0
}

/// Returns the number of the time since which everything is seen; `None` while nobody listens.
pub(super) fn epoch() -> Option<u64> {
    let listeners = LISTENERS.load(Ordering::Relaxed);
    (listeners & NUMBER_OF_LISTENERS > 0).then_some(listeners / FIRST)
}

/// Returns the number of the last time in which everything was seen.
pub(super) fn last_epoch() -> u64 {
    LISTENERS.load(Ordering::Relaxed) / FIRST
}

/// A listener, counted as long as the value lives.
#[derive(Debug)]
pub(super) struct Listened(());

impl Listened {
    /// Counts a listener.
    pub(super) fn new() -> Listened {
        let one_more = |listeners: u64| {
            let first = if listeners & NUMBER_OF_LISTENERS == 0 { FIRST } else { 0 };
            Some(listeners.wrapping_add(first + 1))
        };
        // It always has an answer.
        let _ = LISTENERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        Listened(())
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Something that is counted as long as the value lives.
#[derive(Debug)]
struct Counted(&'static AtomicUsize);

impl Counted {
    fn by(counter: &'static AtomicUsize) -> Counted {
        counter.fetch_add(1, Ordering::Relaxed);
        Counted(counter)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The number of statements in this process that somebody heard begin and that have not ended.
static UNDERWAY: AtomicUsize = AtomicUsize::new(0);

/// Returns whether a statement goes on that somebody heard begin: its end is followed though nobody listens by then.
pub(super) fn is_underway() -> bool {
    UNDERWAY.load(Ordering::Relaxed) > 0
}

/// A statement that somebody heard begin, counted as long as the value lives.
#[derive(Debug)]
pub(super) struct Underway(#[expect(dead_code, reason = "counts as long as it lives")] Counted);

impl Underway {
    /// Counts a statement.
    pub(super) fn new() -> Underway {
        Underway(Counted::by(&UNDERWAY))
    }
}

/// A guard, counted as long as the value lives: connections ask before they prepare.
#[derive(Debug)]
pub(super) struct Guarded(#[expect(dead_code, reason = "counts as long as it lives")] Counted);

impl Guarded {
    /// Counts a guard.
    pub(super) fn new() -> Guarded {
        Guarded(Counted::by(&GUARDS))
    }
}

/// The number of harnesses in this process.
static HARNESSES: AtomicUsize = AtomicUsize::new(0);

/// Returns whether any harness lives.
pub(super) fn is_present() -> bool {
    HARNESSES.load(Ordering::Relaxed) > 0
}

/// A harness, counted as long as the value lives.
#[derive(Debug)]
pub(super) struct Present(#[expect(dead_code, reason = "counts as long as it lives")] Counted);

impl Present {
    /// Counts a harness.
    pub(super) fn new() -> Present {
        Present(Counted::by(&HARNESSES))
    }
}

/// A guard that listens too, or a fault that is about statements.
#[derive(Debug)]
pub(super) struct Asking {
    _guarded: Guarded,
    _listened: Listened,
}

impl Asking {
    /// Counts both.
    pub(super) fn new() -> Asking {
        Asking { _guarded: Guarded::new(), _listened: Listened::new() }
    }
}

/// The purpose of the statements that this thread prepares.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// The application's.
    Guarded,
    /// This crate's own.
    Own,
    /// Prepared to see what they would do, and never run.
    Judged(Noted),
    /// Prepared again to fail.
    Denied,
    /// Those of a statement that has been judged itself.
    Inside,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Guarded) };

    /// Set while this thread runs something of this crate's own, which no fault is for.
    static SPARED: Cell<bool> = const { Cell::new(false) };

    /// The statement whose parts this thread prepares, in the mode for that.
    static INSIDE: Cell<*mut ffi::sqlite3_stmt> = const { Cell::new(std::ptr::null_mut()) };

    /// The last statement on this thread that may write, that began while nobody listened, and that has not ended, with the
    /// watches of its connection's databases, by their numbers: what it writes to one of them once somebody listens is its own.
    static UNHEARD: RefCell<(*mut ffi::sqlite3_stmt, Vec<usize>)> = const { RefCell::new((std::ptr::null_mut(), Vec::new())) };

    /// The number of this thread, once it was asked for.
    static NUMBER: Cell<usize> = const { Cell::new(0) };

    /// The fault that a judged statement is compared with, the schema of its database where a connection has several, and
    /// whether the statement is one of those.
    static COMPARED: RefCell<Option<(Compared, bool)>> = const { RefCell::new(None) };

    /// The account of a judged statement, if somebody wants to know.
    static LOOKED: RefCell<Option<Looked>> = const { RefCell::new(None) };
}

/// Returns a number of this thread that no other has, before or after it.
pub(super) fn thread_number() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let number = |number: &Cell<usize>| {
        if number.get() == 0 {
            number.set(LAST.fetch_add(1, Ordering::Relaxed) + 1);
        }
        number.get()
    };
    NUMBER.try_with(number).unwrap_or(0)
}

/// Returns the mode of this thread.
pub(super) fn mode() -> Mode {
    MODE.get()
}

/// Sets the mode of this thread.
pub(super) fn set_mode(mode: Mode) {
    MODE.set(mode);
}

/// Does something in a mode, and also returns the mode at its end.
pub(super) fn within<T>(mode: Mode, work: impl FnOnce() -> T) -> (T, Mode) {
    /// Sets it back, also after a panic.
    struct Before(Mode);
    impl Drop for Before {
        fn drop(&mut self) {
            MODE.set(self.0);
        }
    }
    let _before = Before(MODE.replace(mode));
    let done = work();
    (done, MODE.get())
}

/// Returns whether SQLite runs something for this crate on this thread.
pub(super) fn is_own() -> bool {
    matches!(MODE.get(), Mode::Own | Mode::Judged(_) | Mode::Denied)
}

/// Returns whether what SQLite runs on this thread is a part of a statement that has been judged itself.
pub(super) fn is_inside() -> bool {
    matches!(MODE.get(), Mode::Inside)
}

/// Does something of this crate's own on a connection, which no guard is for and no record has.
pub(crate) fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    within(Mode::Own, work).0
}

/// Begins a statement whose parts this thread prepares. It ends in the same call of SQLite, and so on the same thread, though its
/// harness may be dropped meanwhile, on another one.
pub(super) fn begin_inside(statement: *mut ffi::sqlite3_stmt) {
    INSIDE.set(statement);
    MODE.set(Mode::Inside);
}

/// Notes that a statement has ended, and returns whether it was such a one.
pub(super) fn end_inside(statement: *mut ffi::sqlite3_stmt) -> bool {
    let is_it = INSIDE.try_with(|inside| inside.get() == statement).unwrap_or(false);
    if is_it {
        INSIDE.set(std::ptr::null_mut());
        MODE.set(Mode::Guarded);
    }
    is_it
}

/// The time in which this thread does something that no fault is for, until this is dropped.
pub(crate) struct Spared(bool);

impl Spared {
    /// Begins it.
    pub(crate) fn begin() -> Spared {
        Spared(SPARED.replace(true))
    }
}

impl Drop for Spared {
    fn drop(&mut self) {
        SPARED.set(self.0);
    }
}

/// Does something that no fault is for.
pub(crate) fn spared<T>(work: impl FnOnce() -> T) -> T {
    let _spared = Spared::begin();
    work()
}

/// Returns whether this thread does something that no fault is for.
pub(super) fn is_spared() -> bool {
    SPARED.get()
}

/// Notes a statement that begins while nobody listens and may write; `databases` are the numbers of its databases' watches.
pub(super) fn begin_unheard(statement: *mut ffi::sqlite3_stmt, databases: impl IntoIterator<Item = usize>) {
    // A thread that ends has none.
    let _ = UNHEARD.try_with(|unheard| {
        let mut unheard = unheard.borrow_mut();
        unheard.0 = statement;
        unheard.1.clear();
        unheard.1.extend(databases);
    });
}

/// Notes that a statement has ended.
pub(super) fn end_unheard(statement: *mut ffi::sqlite3_stmt) {
    let _ = UNHEARD.try_with(|unheard| {
        let mut unheard = unheard.borrow_mut();
        if unheard.0 == statement {
            unheard.0 = std::ptr::null_mut();
        }
    });
}

/// Returns whether a statement goes on, on this thread, that began while nobody listened and may write to the database of a watch.
pub(super) fn is_in_unheard(watch: usize) -> bool {
    let is_one = |unheard: &RefCell<(*mut ffi::sqlite3_stmt, Vec<usize>)>| {
        let unheard = unheard.borrow();
        !unheard.0.is_null() && unheard.1.contains(&watch)
    };
    UNHEARD.try_with(is_one).unwrap_or(true)
}

/// A fault, and the schema of its database where a connection has several.
type Compared = (Arc<Fault>, Option<CString>);

/// Compares what is judged from here on with a fault, or with none, and returns whether the last one was about it.
pub(super) fn compare_with(fault: Option<Compared>) -> bool {
    let before = COMPARED.replace(fault.map(|fault| (fault, false)));
    before.is_some_and(|(_, is_one)| is_one)
}

/// Shows the fault that is compared with, if one is, and its schema to a function that returns whether it is about the
/// statement.
pub(super) fn compare(is_about: impl FnOnce(&Fault, Option<&CStr>) -> bool) {
    COMPARED.with_borrow_mut(|compared| {
        if let Some(((fault, schema), is_one)) = compared {
            *is_one |= is_about(fault, schema.as_deref());
        }
    });
}

/// Collects what SQLite reports of the statement that is judged from here on, or no longer, and returns the account.
pub(super) fn collect(looked: Option<Looked>) -> Looked {
    LOOKED.replace(looked).unwrap_or_default()
}

/// Shows the account to a function, if one is collected.
pub(super) fn with_looked(note: impl FnOnce(&mut Looked)) {
    LOOKED.with_borrow_mut(|looked| {
        if let Some(looked) = looked {
            note(looked);
        }
    });
}

/// The number of changes in this process of what a name in a statement means.
static NAMES: AtomicUsize = AtomicUsize::new(0);

/// Notes that names may mean something else from here on.
pub(super) fn names_change() {
    NAMES.fetch_add(1, Ordering::Release);
}

/// Returns the number of changes of names.
pub(super) fn names() -> usize {
    NAMES.load(Ordering::Acquire)
}
