//! The state that all instruments share: how many in the process listen or guard, and what this thread is doing.
//!
//! SQLite's callbacks look here first: while nobody listens and no guard lives, they read one number and return.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use rusqlite::ffi;

use super::action::Noted;
use super::fault::Fault;
use super::looked::Looked;

/// The number of listeners to statements in this process.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

/// The number of guards in this process, and of faults that are about statements.
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// Counts how often a first listener came: what was seen before may have gone on unseen.
static EPOCH: AtomicUsize = AtomicUsize::new(0);

/// Returns whether anybody listens.
pub(super) fn is_heard() -> bool {
    LISTENERS.load(Ordering::Relaxed) > 0
}

/// Returns whether any guard lives, or a fault that is about statements.
pub(super) fn is_guarded() -> bool {
    GUARDS.load(Ordering::Relaxed) > 0
}

/// Returns the number of the time since which everything is seen; `None` while nobody listens.
pub(super) fn epoch() -> Option<usize> {
    is_heard().then(last_epoch)
}

/// Returns the number of the last time in which everything was seen.
pub(super) fn last_epoch() -> usize {
    EPOCH.load(Ordering::Relaxed)
}

/// A listener, counted as long as the value lives.
#[derive(Debug)]
pub(super) struct Listened(());

impl Listened {
    /// Counts a listener.
    pub(super) fn new() -> Listened {
        if LISTENERS.fetch_add(1, Ordering::Relaxed) == 0 {
            EPOCH.fetch_add(1, Ordering::Relaxed);
        }
        Listened(())
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
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
pub(super) struct Underway(());

impl Underway {
    /// Counts a statement.
    pub(super) fn new() -> Underway {
        UNDERWAY.fetch_add(1, Ordering::Relaxed);
        Underway(())
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        UNDERWAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A guard, counted as long as the value lives: connections ask before they prepare.
#[derive(Debug)]
pub(super) struct Guarded(());

impl Guarded {
    /// Counts a guard.
    pub(super) fn new() -> Guarded {
        GUARDS.fetch_add(1, Ordering::Relaxed);
        Guarded(())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        GUARDS.fetch_sub(1, Ordering::Relaxed);
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
pub(super) struct Present(());

impl Present {
    /// Counts a harness.
    pub(super) fn new() -> Present {
        HARNESSES.fetch_add(1, Ordering::Relaxed);
        Present(())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        HARNESSES.fetch_sub(1, Ordering::Relaxed);
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

    /// The last statement on this thread that may write, that began while nobody listened, and that has not ended: what
    /// it writes once somebody listens is its own.
    static UNHEARD: Cell<*mut ffi::sqlite3_stmt> = const { Cell::new(std::ptr::null_mut()) };

    /// The fault that a judged statement is compared with, the schema of its database where a connection has several, and
    /// whether the statement is one of those.
    static COMPARED: RefCell<Option<(Compared, bool)>> = const { RefCell::new(None) };

    /// The account of a judged statement, if somebody wants to know.
    static LOOKED: RefCell<Option<Looked>> = const { RefCell::new(None) };
}

/// Returns a number of this thread that no other has while it lives.
pub(super) fn thread_number() -> usize {
    MODE.try_with(|mode| std::ptr::from_ref(mode).addr()).unwrap_or(0)
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
    let before = MODE.replace(mode);
    let done = work();
    (done, MODE.replace(before))
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

/// A statement whose parts this thread prepares. It ends in the same call of SQLite, and so on the same thread.
#[derive(Debug)]
pub(super) struct Inside(Listened);

impl Inside {
    /// Begins the statement.
    pub(super) fn new() -> Inside {
        MODE.set(Mode::Inside);
        Inside(Listened::new())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        MODE.set(Mode::Guarded);
    }
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

/// Notes a statement that begins while nobody listens and may write.
pub(super) fn begin_unheard(statement: *mut ffi::sqlite3_stmt) {
    // A thread that ends has none.
    let _ = UNHEARD.try_with(|unheard| unheard.set(statement));
}

/// Notes that a statement has ended.
pub(super) fn end_unheard(statement: *mut ffi::sqlite3_stmt) {
    let _ = UNHEARD.try_with(|unheard| {
        if unheard.get() == statement {
            unheard.set(std::ptr::null_mut());
        }
    });
}

/// Returns whether a statement goes on, on this thread, that began while nobody listened.
pub(super) fn is_in_unheard() -> bool {
    UNHEARD.try_with(|unheard| !unheard.get().is_null()).unwrap_or(true)
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
