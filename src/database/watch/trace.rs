//! SQLite's own account of what a connection runs: the trace of pooled connections.
//!
//! SQLite is given a number with each callback, and never a pointer: connections outlive harnesses, and a number that
//! nobody answers to any more is harmless. While nothing is listened to in the whole process, a callback looks at one
//! number in memory and returns.
//!
//! Nothing here waits for a lock while another is held, and nothing calls SQLite with a lock held: a callback runs under
//! SQLite's own.

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void, CStr};
use std::marker::PhantomData;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use rusqlite::{ffi, Connection};

use super::authorize::{self, Handle};
use super::{Beginning, Begun, Deed, Inside, Listened, Member, Running, Stopped, Watch};
use crate::sorted::Sorted;

/// How many in this process want to know of statements.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

/// What is listened to, by the number that SQLite was given.
static WATCHED: RwLock<Sorted<usize, Weak<Watch>>> = RwLock::new(Sorted::new());

/// Has SQLite tell of each statement of a connection as it begins and as it ends.
///
/// `sqlite3_trace_v2` with a context, which rusqlite's own `trace_v2` does not take. The ends are asked for from the
/// start: SQLite tells the end only of a statement that began while that was asked for.
pub(super) fn start(conn: &Connection, context: usize) {
    let events = ffi::SQLITE_TRACE_STMT | ffi::SQLITE_TRACE_PROFILE;
    // SAFETY: the handle is open, the callback has the signature asked for, and its context is never followed.
    unsafe {
        ffi::sqlite3_trace_v2(conn.handle(), events, Some(on_event), ptr::without_provenance_mut(context));
    }
}

/// The number that SQLite is given.
pub(super) fn context(watch: &Arc<Watch>) -> usize {
    *watch.context.get_or_init(|| register(watch))
}

fn register(watch: &Arc<Watch>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let context = NEXT.fetch_add(1, Ordering::Relaxed);
    WATCHED.write().unwrap_or_else(PoisonError::into_inner).insert(context, Arc::downgrade(watch));
    if watch.echo {
        begin();
    }
    context
}

/// Forgets what is gone.
pub(super) fn forget(context: usize, echo: bool) {
    WATCHED.write().unwrap_or_else(PoisonError::into_inner).remove(&context);
    if echo {
        end();
    }
}

/// Counts one who wants to know.
pub(super) fn begin() {
    LISTENERS.fetch_add(1, Ordering::Relaxed);
}

/// Takes back what `begin` counted.
pub(super) fn end() {
    LISTENERS.fetch_sub(1, Ordering::Relaxed);
}

/// What a number stands for, if it has not gone.
pub(super) fn find(context: usize) -> Option<Arc<Watch>> {
    // Not held any longer than this: the last who holds what was found takes the lock to forget it.
    WATCHED.read().unwrap_or_else(PoisonError::into_inner).get(&context).and_then(Weak::upgrade)
}

/// What SQLite calls: `p` is the statement; as it begins, `x` is its text, or a comment that names what runs inside it.
unsafe extern "C" fn on_event(event: c_uint, context: *mut c_void, p: *mut c_void, x: *mut c_void) -> c_int {
    if LISTENERS.load(Ordering::Relaxed) == 0 || authorize::is_own() {
        return ffi::SQLITE_OK;
    }
    // A panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let by_session = context.addr() & authorize::SESSION != 0;
        let Some(watch) = find(context.addr() & !authorize::SESSION) else { return };
        // SAFETY: for both events SQLite passes a statement that lives through this call, on the thread that uses it.
        let Some(statement) = (unsafe { Statement::new(p.cast()) }) else { return };
        match event {
            ffi::SQLITE_TRACE_STMT => {
                watch.meets(&statement, x);
                if !by_session {
                    watch.began(&statement, x);
                }
            }
            ffi::SQLITE_TRACE_PROFILE => watch.has_ended(&statement),
            _ => {}
        }
    }));
    ffi::SQLITE_OK
}

impl Watch {
    /// Shows a statement to the faults that may be about it. One that fails it does so as SQLite prepares it again, so
    /// that it fails as others do that are prepared while the fault lives.
    fn meets(&self, statement: &Statement<'_>, text: *const c_void) {
        let Some(sql) = statement.sql().filter(|sql| ptr::eq(sql.as_ptr().cast(), text)) else { return };
        let handle = statement.handle();
        for fault in self.faults.of_statements() {
            if handle.is_met_by(&fault, sql) && !fault.lets_pass() {
                handle.prepare_again();
            }
        }
    }

    fn began(&self, statement: &Statement<'_>, text: *const c_void) {
        let Some(sql) = statement.sql() else { return };
        // Of what runs inside a statement (a trigger, a function's own) the text is another.
        if !ptr::eq(sql.as_ptr().cast(), text) {
            return;
        }
        let begun = match self.is_heard() {
            true => self.begin(Beginning {
                sql: &sql.to_string_lossy(),
                values: statement.with_values(),
                writes: statement.writes(),
                by_session: false,
                beside: &[],
                changes: statement.changes().0,
            }),
            false => None,
        };
        let (stopped, inside) = self.guarded().map_or((None, false), |member| self.judge(member, statement, sql));
        if begun.is_some() || stopped.is_some() || inside {
            let inside = inside.then(Inside::new);
            self.remember(Running { statement: statement.address(), begun, stopped, inside });
        }
    }

    /// Stops a statement that a guard refuses. Also gives whether it will prepare others of its own.
    fn judge(&self, member: &Member, statement: &Statement<'_>, sql: &CStr) -> (Option<Stopped>, bool) {
        let handle = statement.handle();
        let unclear = Deed { writes: statement.writes(), ..Deed::default() };
        let deed = handle.judge(sql).unwrap_or(unclear);
        let text = || statement.with_values().unwrap_or_else(|| sql.to_string_lossy().into_owned()).trim().to_string();
        let stopped = self.refuse(member, deed, text).map(|by| {
            let held = handle.stop(deed.writes).then(Listened::new);
            Stopped { by, held }
        });
        (stopped, deed.vacuums)
    }

    fn has_ended(&self, statement: &Statement<'_>) {
        let Some(Running { begun, stopped, inside, .. }) = self.ended(statement.address()) else {
            return statement.has_ended_again();
        };
        drop(inside);
        if stopped.as_ref().is_some_and(|stopped| stopped.held.is_some()) {
            statement.handle().release();
        }
        if let Some(begun) = begun {
            let (all, of_last) = statement.changes();
            // SQLite tells of the end before it knows the error of a statement that has failed.
            let outcome = stopped.map(|stopped| Err(format!("refused by {}", stopped.by)));
            begun.end(all, of_last, outcome);
            remember_last(statement.address(), begun);
        }
    }
}

thread_local! {
    /// The address of the statement that last ended on this thread.
    static LAST: Cell<Option<(usize, Begun)>> = const { Cell::new(None) };
}

fn remember_last(address: usize, begun: Begun) {
    // A thread that ends has none.
    let _ = LAST.try_with(|last| last.set(Some((address, begun))));
}

/// A statement for as long as a callback runs.
struct Statement<'c> {
    statement: *mut ffi::sqlite3_stmt,
    callback: PhantomData<&'c ()>,
}

impl Statement<'_> {
    /// # Safety
    ///
    /// The statement lives as long as the value, and no other thread uses it meanwhile.
    unsafe fn new(statement: *mut ffi::sqlite3_stmt) -> Option<Self> {
        (!statement.is_null()).then_some(Statement { statement, callback: PhantomData })
    }

    /// The end of a statement that SQLite has begun twice, since the schema had changed: it tells of one beginning and of
    /// two ends.
    fn has_ended_again(&self) {
        let last = LAST.try_with(Cell::take).ok().flatten().filter(|(address, _)| *address == self.address());
        let (Some((address, begun)), Some(sql)) = (last, self.sql()) else { return };
        if begun.is(&sql.to_string_lossy()) {
            let (all, of_last) = self.changes();
            begun.end(all, of_last, None);
            remember_last(address, begun);
        }
    }

    fn address(&self) -> usize {
        self.statement.addr()
    }

    fn sql(&self) -> Option<&CStr> {
        // SAFETY: the statement lives, and SQLite keeps its text, which ends with a NUL, as long.
        unsafe {
            let sql = ffi::sqlite3_sql(self.statement);
            (!sql.is_null()).then(|| CStr::from_ptr(sql))
        }
    }

    /// The text with the values of the parameters, if there are any.
    fn with_values(&self) -> Option<String> {
        // SAFETY: the statement lives; the text is a copy that ends with a NUL and is freed by who asked for it.
        unsafe {
            if ffi::sqlite3_bind_parameter_count(self.statement) == 0 {
                return None;
            }
            let copy = ffi::sqlite3_expanded_sql(self.statement);
            if copy.is_null() {
                return None;
            }
            let text = CStr::from_ptr(copy).to_string_lossy().into_owned();
            ffi::sqlite3_free(copy.cast());
            Some(text)
        }
    }

    fn handle(&self) -> Handle {
        // SAFETY: the connection of a statement that lives is open, and nobody else uses it while the callback runs. The
        // value is not kept.
        unsafe { Handle::new(ffi::sqlite3_db_handle(self.statement)) }
    }

    fn writes(&self) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_readonly(self.statement) == 0 }
    }

    /// The rows that its connection has changed, ever and by its last statement.
    fn changes(&self) -> (u64, u64) {
        // SAFETY: the statement lives, and so its connection does.
        let (all, of_last) = unsafe {
            let db = ffi::sqlite3_db_handle(self.statement);
            (ffi::sqlite3_total_changes(db), ffi::sqlite3_changes(db))
        };
        (u64::try_from(all).unwrap_or_default(), u64::try_from(of_last).unwrap_or_default())
    }
}
