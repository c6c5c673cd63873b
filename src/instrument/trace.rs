//! SQLite's own account of what a connection runs: the trace of pooled connections.
//!
//! SQLite is given a number with each callback, and never a pointer: connections outlive harnesses, and a number that
//! nobody answers to any more is harmless. While nothing is listened to in the whole process, a callback looks at one
//! number in memory and returns.
//!
//! Nothing here waits for a lock while another is held, and nothing calls SQLite with a lock held: a callback runs
//! under SQLite's own.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
use std::marker::PhantomData;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::thread;

use rusqlite::{ffi, Connection};

use super::accounts::{Running, Stopped};
use super::authorize;
use super::deed::Deed;
use super::handle::Handle;
use super::recorder::Begun;
use super::state::{begin_unheard, end_unheard, is_heard, is_inside, is_own, Inside};
use super::used::Used;
use super::watch::{Beginning, Context, Member, Watch};
use crate::sync::lock;

/// Makes SQLite report each statement of a connection as it begins and as it ends.
///
/// `sqlite3_trace_v2` with a context, which rusqlite's own `trace_v2` does not take. The ends are asked for from the
/// start: SQLite reports the end only of a statement that began while that was asked for.
pub(super) fn start(conn: &Connection, context: Context) {
    // SAFETY: the handle is open.
    unsafe { start_on(conn.handle(), context) };
}

/// Makes SQLite report each statement of a connection that the application has opened.
///
/// # Safety
///
/// The connection is open.
pub(super) unsafe fn start_on(db: *mut ffi::sqlite3, context: Context) {
    let events = ffi::SQLITE_TRACE_STMT | ffi::SQLITE_TRACE_PROFILE;
    // SAFETY: the callback has the signature asked for, and its context is never followed.
    unsafe { ffi::sqlite3_trace_v2(db, events, Some(on_event), context.pointer()) };
}

/// Reports a statement's event: `p` is the statement; as it begins, `x` is its text, or a comment that names what runs
/// inside it.
unsafe extern "C" fn on_event(event: c_uint, context: *mut c_void, p: *mut c_void, x: *mut c_void) -> c_int {
    if !is_heard() {
        unheard(event, p.cast());
        return ffi::SQLITE_OK;
    }
    if is_own() {
        return ffi::SQLITE_OK;
    }
    // A panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let context = Context::of(context);
        let Some(watch) = context.watch() else { return };
        // SAFETY: for both events SQLite passes a statement that lives through this call, on the thread that uses it.
        let Some(statement) = (unsafe { Statement::new(p.cast()) }) else { return };
        match event {
            // SAFETY: for this event SQLite passes null or a text that ends with a NUL and lives through this call.
            ffi::SQLITE_TRACE_STMT => match unsafe { statement.begun(x.cast()) } {
                Some(nested) if !is_inside() => watch.began(&statement, nested, context),
                _ => {}
            },
            ffi::SQLITE_TRACE_PROFILE => watch.has_ended(&statement, context),
            _ => {}
        }
    }));
    ffi::SQLITE_OK
}

/// Notes a statement that begins or ends while nobody listens.
fn unheard(event: c_uint, statement: *mut ffi::sqlite3_stmt) {
    match event {
        // SAFETY: SQLite passes a statement that lives through this call.
        ffi::SQLITE_TRACE_STMT if unsafe { ffi::sqlite3_stmt_readonly(statement) } == 0 => begin_unheard(statement),
        ffi::SQLITE_TRACE_PROFILE => end_unheard(statement),
        _ => {}
    }
}

impl Watch {
    /// Records that a statement begins, by itself or from within another.
    fn began(&self, statement: &Statement<'_>, is_nested: bool, context: Context) {
        let Some(sql) = statement.sql() else { return };
        let by_session = context.is_session();
        let handle = statement.handle();
        let is_alone = handle.is_autocommit();
        let (is_stopped, is_part) =
            if is_nested { lock(&self.accounts).around(handle.address()) } else { (false, false) };
        // What runs within a statement that was stopped fails with it.
        let mut stopped = if is_stopped { None } else { self.meets(statement, sql) };
        let member = self.guarded().filter(|_| stopped.is_none() && !is_stopped);
        // A session's own statements are judged before, and it reports them itself.
        let (judges, records) = (member.is_some() && (is_nested || !by_session), self.is_heard());
        let deed = if judges || statement.writes() || handle.is_writing() || handle.has_attached() {
            handle.judge(sql)
        } else {
            None
        };
        let deed = deed.unwrap_or(Deed { writes: statement.writes(), ..Deed::default() });
        if let Some(member) = member.filter(|_| judges) {
            stopped = self.judge(member, statement, sql, deed);
        }
        // What runs inside a statement is part of it, unless it writes where that does not.
        let records = records && if is_nested { deed.writes && !is_part } else { !by_session };
        let begun = if records {
            self.begin(Beginning {
                sql: &sql.to_string_lossy(),
                values: statement.with_values(),
                writes: deed.writes,
                by_session,
                beside: &[],
                attached: if handle.has_attached() { self.used(&handle, sql, deed) } else { Vec::new() },
                changes: statement.changes().0,
            })
        } else {
            None
        };
        let may_write = statement.writes();
        let inside = (deed.vacuums && !is_nested).then(Inside::new);
        let (statement, connection, thread) = (statement.address(), handle.address(), thread::current().id());
        let (writes, writes_anywhere) = (deed.writes, deed.writes || deed.writes_elsewhere);
        let running =
            Running { statement, connection, thread, writes, writes_anywhere, may_write, begun, stopped, inside };
        lock(&self.accounts).begin(running, is_alone);
    }

    /// Returns the databases of the harness that a statement uses whose connection has attached some; where it uses
    /// none, its connection's own.
    fn used(&self, handle: &Handle, sql: &CStr, deed: Deed) -> Vec<Used> {
        let Some(member) = self.harness.get() else { return Vec::new() };
        let (mut used, mut elsewhere) = (Vec::new(), false);
        for (schema, writes) in handle.places(sql) {
            if &*schema == c"main" {
                used.push(Used { names: member.names.clone(), writes });
                continue;
            }
            elsewhere = true;
            if let Some(names) = handle.file(&schema).and_then(|file| member.recorder.database_at(&file)) {
                used.push(Used { names, writes });
            }
        }
        if used.is_empty() {
            used.push(Used { names: member.names.clone(), writes: deed.writes && !elsewhere });
        }
        used
    }

    /// Shows a statement to the faults that may be about it, and stops it if one is.
    fn meets(&self, statement: &Statement<'_>, sql: &CStr) -> Option<Stopped> {
        let handle = statement.handle();
        for fault in self.faults.of_statements() {
            let Some(deed) = handle.is_met_by(&fault, sql).filter(|_| !fault.lets_pass()) else { continue };
            match handle.stop(statement.statement, deed) {
                Some(how) if fault.triggers() => return Some(Stopped::new(None, how)),
                Some(how) => handle.release(how),
                None => fault.is_passed(),
            }
        }
        None
    }

    /// Stops a statement that a guard refuses.
    fn judge(&self, member: &Member, statement: &Statement<'_>, sql: &CStr, deed: Deed) -> Option<Stopped> {
        let rule = member.rules.against(&member.names, deed)?;
        let handle = statement.handle();
        let mut what = statement.with_values().unwrap_or_else(|| sql.to_string_lossy().into_owned()).trim().to_string();
        let how = handle.stop(statement.statement, deed);
        if how.is_none() {
            if deed.writes && deed.acts_at_once {
                // Within a transaction or beside another statement, SQLite keeps the journal mode that a database has.
                return None;
            }
            what += NOT_STOPPED;
        }
        rule.note(member.bind(), what, false);
        how.map(|how| Stopped::new(Some(rule), how))
    }

    fn has_ended(&self, statement: &Statement<'_>, context: Context) {
        end_unheard(statement.statement);
        let is_alone = statement.handle().is_autocommit();
        let Some(Running { begun, stopped, inside, .. }) = lock(&self.accounts).end(statement.address(), is_alone)
        else {
            return statement.has_ended_again();
        };
        drop(inside);
        if let Some(stopped) = &stopped {
            let handle = statement.handle();
            handle.release(stopped.how);
            if stopped.is_denied() {
                handle.deny(statement.statement, |db| authorize::expire(db, context));
            }
        }
        if let Some(begun) = begun {
            let (all, of_last) = statement.changes();
            // SQLite reports the end before it knows the error of a statement that has failed.
            let outcome = stopped.and_then(|stopped| stopped.by).map(|by| Err(format!("refused by {by}")));
            begun.end(all, of_last, outcome);
            remember_last(statement.address(), begun);
        }
    }
}

/// The words after a statement that was not stopped.
const NOT_STOPPED: &str = " (not stopped: that would have ended another statement of its connection too)";

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

    /// Ends a statement that SQLite has begun twice, since the schema had changed: SQLite reports one beginning and
    /// of two ends.
    fn has_ended_again(&self) {
        let last = LAST.try_with(Cell::take).ok().flatten().filter(|(address, _)| *address == self.address());
        let (Some((address, begun)), Some(sql)) = (last, self.sql()) else { return };
        if begun.is(&sql.to_string_lossy()) {
            let (all, of_last) = self.changes();
            begun.end(all, of_last, None);
            remember_last(address, begun);
        }
    }

    /// Returns whether it begins from within another statement, if it begins: what SQLite runs inside a statement (a
    /// trigger, for one) has another text than the statement has.
    ///
    /// # Safety
    ///
    /// The text is null, or ends with a NUL and lives through the call.
    unsafe fn begun(&self, text: *const c_char) -> Option<bool> {
        let sql = self.sql().filter(|_| !text.is_null())?;
        if ptr::eq(sql.as_ptr(), text) {
            return Some(false);
        }
        // SAFETY: as the caller says.
        let text = unsafe { CStr::from_ptr(text) };
        // SQLite puts that before the text; a trigger it names by a comment, which is no statement's text.
        (text.to_bytes().strip_prefix(b"-- ") == Some(sql.to_bytes())).then_some(true)
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

    /// Returns the text with the values of the parameters, if there are any.
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

    /// Returns the rows that its connection has changed, ever and by its last statement.
    fn changes(&self) -> (u64, u64) {
        // SAFETY: the statement lives, and so its connection does.
        let (all, of_last) = unsafe {
            let db = ffi::sqlite3_db_handle(self.statement);
            (ffi::sqlite3_total_changes(db), ffi::sqlite3_changes(db))
        };
        (u64::try_from(all).unwrap_or_default(), u64::try_from(of_last).unwrap_or_default())
    }
}
