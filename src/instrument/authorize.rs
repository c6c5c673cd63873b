//! The authorizer of each connection, by which SQLite asks before it prepares a statement.
//!
//! As for the [trace](super::trace), SQLite is given a number and never a pointer. While no guard lives in the whole
//! process, the authorizer looks at one number in memory and returns.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use super::action::{Action, Noted};
use super::fault::Fault;
use super::trace;

/// How many guards live in this process, and faults of statements.
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// Counts a guard.
pub(super) fn begin() {
    GUARDS.fetch_add(1, Ordering::Relaxed);
}

/// Takes back what `begin` counted.
pub(super) fn end() {
    GUARDS.fetch_sub(1, Ordering::Relaxed);
}

/// What is added to the number of a [`Watch`](super::watch::Watch) for a session's connection, whose statements guards judge
/// where the session asks for that: faults alone stop them here.
pub(super) const SESSION: usize = 1 << (usize::BITS - 1);

/// Has SQLite ask before it prepares anything on a connection. `context` is the number of its [`Watch`](super::watch::Watch).
pub(super) fn start(conn: &Connection, context: usize) {
    // SAFETY: the handle is open.
    unsafe { start_on(conn.handle(), context) };
}

/// Has SQLite ask before it prepares anything on a connection that somebody else has opened.
///
/// # Safety
///
/// The connection is open.
pub(super) unsafe fn start_on(db: *mut ffi::sqlite3, context: usize) {
    // SAFETY: the callback has the signature asked for, and its context is never followed.
    unsafe { ffi::sqlite3_set_authorizer(db, Some(on_action), ptr::without_provenance_mut(context)) };
}

/// What the statements are for that this thread prepares.
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

    /// The fault that a statement which is judged is compared with, and whether it is one of those.
    static COMPARED: RefCell<Option<(Arc<Fault>, bool)>> = const { RefCell::new(None) };

    /// The schemas that a statement which is judged uses, if somebody wants to know.
    static PLACES: RefCell<Option<Vec<(CString, bool)>>> = const { RefCell::new(None) };
}

/// Whether SQLite runs something for this crate on this thread.
pub(super) fn is_own() -> bool {
    matches!(MODE.get(), Mode::Own | Mode::Judged(_) | Mode::Denied)
}

/// Whether what SQLite runs on this thread is a part of a statement that has been judged itself.
pub(super) fn is_inside() -> bool {
    matches!(MODE.get(), Mode::Inside)
}

/// Compares what is judged from here on with a fault, or with none, and returns whether the last one was about it.
pub(super) fn compare_with(fault: Option<&Arc<Fault>>) -> bool {
    let before = COMPARED.replace(fault.map(|fault| (Arc::clone(fault), false)));
    before.is_some_and(|(_, is_one)| is_one)
}

/// Collects the schemas that what is judged from here on uses, or no longer, and returns those collected.
pub(super) fn collect(places: Option<Vec<(CString, bool)>>) -> Vec<(CString, bool)> {
    PLACES.replace(places).unwrap_or_default()
}

/// Has SQLite prepare each statement of a connection again before it runs again; those that are running go on. The
/// connection is the caller's, and has this authorizer.
pub(super) fn expire(db: *mut ffi::sqlite3, context: usize) {
    // SAFETY: the connection is open, the callback has the signature asked for, and its context is never followed.
    unsafe { ffi::sqlite3_set_authorizer(db, Some(on_action), ptr::without_provenance_mut(context)) };
}

/// What SQLite prepares from here on, on this thread, is a part of the statement that begins; until it has ended.
pub(super) fn inside(is_inside: bool) {
    MODE.set(if is_inside { Mode::Inside } else { Mode::Guarded });
}

/// Does something in a mode, and gives what the mode was at its end.
pub(super) fn within<T>(mode: Mode, work: impl FnOnce() -> T) -> (T, Mode) {
    let before = MODE.replace(mode);
    let done = work();
    (done, MODE.replace(before))
}

/// What SQLite calls for each action of a statement that is prepared.
unsafe extern "C" fn on_action(
    context: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    _inside: *const c_char,
) -> c_int {
    if GUARDS.load(Ordering::Relaxed) == 0 {
        return ffi::SQLITE_OK;
    }
    let answer = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: SQLite passes null or texts that end with a NUL and live through this call.
        let [first, second, schema] = unsafe { [first, second, schema].map(|text| borrowed(text)) };
        let action = Action { action, first, second, schema };
        match MODE.get() {
            Mode::Own | Mode::Inside => ffi::SQLITE_OK,
            Mode::Denied => ffi::SQLITE_DENY,
            Mode::Judged(noted) => {
                MODE.set(Mode::Judged(action.noted(noted)));
                compare(&action);
                place(&action);
                ffi::SQLITE_OK
            }
            Mode::Guarded => {
                let by_session = context.addr() & SESSION != 0;
                let refuses = trace::find(context.addr() & !SESSION).is_some_and(|watch| {
                    !by_session && watch.refuses_to_prepare(&action) || watch.fails_to_prepare(&action)
                });
                match refuses {
                    true => ffi::SQLITE_DENY,
                    false => ffi::SQLITE_OK,
                }
            }
        }
    }));
    // A panic must not cross into C, and lets nothing through.
    answer.unwrap_or(ffi::SQLITE_DENY)
}

/// Compares an action with the fault that is asked about, if one is.
fn compare(action: &Action<'_>) {
    let Some((operation, table)) = action.operation() else { return };
    COMPARED.with_borrow_mut(|compared| {
        if let Some((fault, is_one)) = compared {
            *is_one |= fault.is_about(operation, table);
        }
    });
}

/// Notes the schema that an action is about, if somebody wants to know.
fn place(action: &Action<'_>) {
    let Some((schema, writes)) = action.place() else { return };
    PLACES.with_borrow_mut(|places| {
        let Some(places) = places else { return };
        match places.iter_mut().find(|(known, _)| known.as_c_str() == schema) {
            Some((_, known)) => *known |= writes,
            None => places.push((schema.to_owned(), writes)),
        }
    });
}

/// # Safety
///
/// The text is null, or ends with a NUL and lives as long as the answer.
unsafe fn borrowed<'c>(text: *const c_char) -> Option<&'c CStr> {
    // SAFETY: as the caller says.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
