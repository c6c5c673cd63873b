//! SQLite's own account of what a connection runs: the trace of pooled connections.
//!
//! SQLite is given a number with each callback, and never a pointer: connections outlive harnesses, and a number that
//! nobody answers to any more is harmless. While nobody listens, a callback for a statement that only reads asks for nothing
//! else and returns; one that writes is kept by the recorder.
//!
//! Nothing here waits for a lock while another is held, and nothing calls SQLite with a lock held: a callback runs
//! under SQLite's own.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
use std::sync::Arc;
use std::thread;

use rusqlite::{ffi, Connection};

use super::accounts::Running;
use super::commits::end_here;
use super::connected::Connected;
use super::connections::{connected, is_closed, settle_here, settle_others};
use super::handle::Handle;
use super::opening::OpenedBy;
use super::settle::Account;
use super::sqlite_log::{take_aborted, Aborted};
use super::state::{
    begin_inside, begin_unheard, end_inside, end_unheard, is_heard, is_inside, is_own, is_underway, Underway,
};
use super::traced::{Begun, Statement};
use super::watch::{Context, Watch};
use super::{authorize, commit, last_use, late, own_writes, strays};
use crate::sqlite::callback::without_panic;
use crate::sqlite::Slot;
use crate::sync::lock;

/// The events, whose type in rusqlite differs by version.
const STMT: c_uint = ffi::SQLITE_TRACE_STMT as c_uint;
const PROFILE: c_uint = ffi::SQLITE_TRACE_PROFILE as c_uint;
const CLOSE: c_uint = ffi::SQLITE_TRACE_CLOSE as c_uint;

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
    // At the close SQLite still knows the last error.
    let events = STMT | PROFILE | CLOSE;
    // SAFETY: as the caller says; the callback has the signature asked for, and its context is never followed.
    unsafe {
        if Slot::Trace.is_free(db, CALLBACK as usize) {
            ffi::sqlite3_trace_v2(db, events, Some(CALLBACK), context.pointer());
        }
    }
}

/// The trace, which has one address.
static CALLBACK: unsafe extern "C" fn(c_uint, *mut c_void, *mut c_void, *mut c_void) -> c_int = on_event;

/// Reports a statement's event: `p` is the statement; as it begins, `x` is its text, or a comment that names what runs
/// inside it.
unsafe extern "C" fn on_event(event: c_uint, context: *mut c_void, p: *mut c_void, x: *mut c_void) -> c_int {
    without_panic(ffi::SQLITE_OK, || {
        // SAFETY: for the others SQLite passes a statement that lives through this call, on the thread that uses it.
        let statement = if event == CLOSE { None } else { unsafe { Statement::new(p.cast()) } };
        let Some(statement) = statement else {
            settle_here();
            if event == CLOSE {
                // SAFETY: for this event SQLite passes the connection, which is open still, on the thread that closes it.
                unsafe { is_closed(p.cast()) };
            }
            return ffi::SQLITE_OK;
        };
        if event == STMT {
            last_use::note(statement.handle().address());
        }
        // Of the statement that ends now, if one does: an error is logged right before that, on this thread.
        let aborted = take_aborted();
        let only_reads = statement.only_reads();
        // A statement that was heard as it began is followed to its end, though nobody listens by then.
        let heard = is_heard() || event == PROFILE && is_underway();
        if !heard && !only_reads && event == STMT {
            // SAFETY: as below.
            unsafe { begins_unheard(&statement, Context::of(context), x.cast()) };
            return ffi::SQLITE_OK;
        }
        settle_here();
        if late::is_any() && event == STMT && !is_own() {
            // SAFETY: as below.
            unsafe { reads_late(&statement, Context::of(context), x.cast()) };
        }
        if event == STMT && only_reads && !statement.handle().is_autocommit() && !is_own() {
            reads(&statement);
        }
        if event == PROFILE {
            end_unheard(statement.statement);
            if end_inside(statement.statement) {
                vacuumed(&statement.handle());
            }
        }
        // A statement that only reads is of interest to listeners alone.
        if !heard && only_reads || is_own() {
            return ffi::SQLITE_OK;
        }
        if !heard && event == PROFILE {
            has_ended(&statement, Context::of(context), None, aborted);
            return ffi::SQLITE_OK;
        }
        let context = Context::of(context);
        // The watch of a bind that a stray has attached is gone with its harness.
        let Some(watch) = context.watch().or_else(|| assigned(&statement.handle())) else { return ffi::SQLITE_OK };
        match event {
            // SAFETY: for this event SQLite passes null or a text that ends with a NUL and lives through this call.
            STMT => match unsafe { statement.begun(x.cast()) } {
                Begun::Trigger(name) => fires(&statement, name),
                Begun::Statement { nested } if !is_inside() => watch.began(&statement, nested, context),
                _ => {}
            },
            PROFILE => has_ended(&statement, context, Some(&watch), aborted),
            _ => {}
        }
        ffi::SQLITE_OK
    })
}

/// Follows a statement that does more than read and begins while nobody listens, by itself or from within another: it is kept if
/// it writes.
///
/// # Safety
///
/// The text is null, or ends with a NUL and lives through the call.
unsafe fn begins_unheard(statement: &Statement<'_>, context: Context, text: *const c_char) {
    let handle = statement.handle();
    let is_own = is_own();
    if is_own {
        settle_here();
    } else {
        // The one before it on its own connection is settled below.
        settle_others(handle.address());
    }
    if statement.writes() {
        if handle.has_attached() {
            begin_unheard(statement.statement, handle.databases().iter().filter_map(|schema| handle.placed(schema)));
        } else {
            begin_unheard(statement.statement, [context.number()]);
        }
    }
    if is_own {
        return;
    }
    // SAFETY: as the caller says.
    let begun = unsafe { statement.begun(text) };
    // A session reports its own statements.
    if matches!(begun, Begun::Nothing) || context.is_session() && matches!(begun, Begun::Statement { .. }) {
        return;
    }
    let found = connected(&handle).or_else(|| {
        // The watch of a bind that a stray has attached is gone with its harness.
        if context.watch().is_none() {
            assigned(&handle);
        }
        connected(&handle)
    });
    let Some(connection) = found else { return };
    let is_nested = match begun {
        Begun::Statement { nested } if !is_inside() => nested,
        Begun::Trigger(name) => return connection.fires(statement.address(), &name.to_string_lossy()),
        _ => return,
    };
    let (Some(member), Some(sql)) = (connection.member(), statement.sql()) else { return };
    if !member.records(true) || is_nested && connection.is_in_write() {
        return;
    }
    let standing = handle.standing();
    if !is_nested && connection.begin_again(&member.recorder, &handle, &statement.again(standing, sql)) {
        return;
    }
    // Before SQLite is asked about this one, which would change the result of its last call.
    connection.settle_before(&handle, standing);
    let looked = connection.look(&handle, standing, sql);
    member.follow(statement, sql, (&handle, standing), &connection, looked, !is_nested);
}

/// Notes a statement that reads within a transaction.
fn reads(statement: &Statement<'_>) {
    if let (Some(connection), Some(sql)) = (connected(&statement.handle()), statement.sql()) {
        connection.reads(sql);
    }
}

/// Notes a trigger that runs.
fn fires(statement: &Statement<'_>, trigger: &CStr) {
    if let Some(connection) = connected(&statement.handle()) {
        connection.fires(statement.address(), &trigger.to_string_lossy());
    }
}

/// Notes a statement that reads a replica which lags.
///
/// # Safety
///
/// The text is null, or ends with a NUL and lives through the call.
unsafe fn reads_late(statement: &Statement<'_>, context: Context, text: *const c_char) {
    if context.is_session() || !statement.only_reads() {
        return;
    }
    // SAFETY: as the caller says.
    let begun = unsafe { statement.begun(text) };
    if let (Begun::Statement { nested: false }, Some(watch), Some(sql)) = (begun, context.watch(), statement.sql()) {
        let shown = || statement.with_values().unwrap_or_else(|| sql.to_string_lossy().into_owned()).trim().to_string();
        watch.reads_late(&statement.handle(), sql, shown);
    }
}

impl Watch {
    /// A statement begins, by itself or from within another.
    fn began(&self, statement: &Statement<'_>, is_nested: bool, context: Context) {
        let Some(sql) = statement.sql() else { return };
        let by_session = context.is_session();
        let handle = statement.handle();
        if let Some(member) = self.harness.get().filter(|_| !is_nested && !statement.explains()) {
            member.recorder.sought.begins(&handle, sql);
        }
        let connection = connected(&handle);
        let standing = handle.standing();
        if let Some(connection) = &connection {
            connection.settle_before(&handle, standing);
        }
        let (is_stopped, is_part) =
            if is_nested { lock(&self.accounts).around(handle.address()) } else { (false, false) };
        // What runs within a statement that was stopped fails with it.
        let mut stopped = if is_stopped { None } else { self.meets(statement, sql) };
        let member = self.guarded().filter(|_| stopped.is_none() && !is_stopped);
        // A session's own statements are judged before, and it reports them itself.
        let judges = member.is_some() && (is_nested || !by_session);
        let looks = statement.writes() || !statement.is_query() || handle.is_writing() || handle.has_attached();
        let looked = match &connection {
            _ if judges => handle.look(sql).map(Arc::new),
            Some(connection) if looks => connection.look(&handle, standing, sql),
            None if looks => handle.look(sql).map(Arc::new),
            _ => None,
        };
        let deed = looked.as_ref().map_or_else(|| statement.deed(), |looked| looked.deed);
        // Such a connection's own database is no bind's.
        let is_nobodys = context.is_attached() && looked.is_some() && !deed.elsewhere;
        if let Some(member) = member.filter(|_| judges && !is_nobodys) {
            stopped = self.judge(member, statement, sql, deed);
        }
        // What runs inside a statement is part of it, unless it writes where that does not.
        let is_part = is_part || connection.as_ref().is_some_and(|connection| connection.is_in_write());
        if if is_nested { deed.writes && !is_part } else { !by_session } {
            self.echo(&sql.to_string_lossy());
            if let Some(connection) = &connection
                && let Some(member) = connection.member()
            {
                let is_again = !is_nested && statement.writes() && member.records(true) && {
                    connection.begin_again(&member.recorder, &handle, &statement.again(standing, sql))
                };
                if !is_again {
                    member.follow(statement, sql, (&handle, standing), connection, looked, true);
                }
            }
        }
        let may_write = statement.writes();
        if deed.vacuums && !is_nested {
            begin_inside(statement.statement);
        }
        let (statement, connection, thread) = (statement.address(), handle.address(), thread::current().id());
        let (writes, writes_anywhere) = (deed.writes, deed.writes || deed.writes_elsewhere);
        let _underway = Underway::new();
        let is_step = deed.transaction;
        let running =
            Running { statement, connection, thread, writes, writes_anywhere, may_write, is_step, stopped, _underway };
        lock(&self.accounts).begin(running, standing.alone);
    }
}

/// Follows the end of a statement; `watch` is the database's where the statement may be among those that run on it.
fn has_ended(statement: &Statement<'_>, context: Context, watch: Option<&Watch>, aborted: Option<Aborted>) {
    end_here();
    let logged = aborted.and_then(|aborted| aborted.error_of(statement));
    let handle = statement.handle();
    let ended = watch.and_then(|watch| lock(&watch.accounts).end(statement.address(), handle.is_autocommit()));
    let stopped = ended.and_then(|Running { stopped, .. }| stopped);
    if let Some(stopped) = &stopped {
        handle.release(stopped.how);
        if stopped.is_denied() {
            handle.deny(statement.statement, |db| authorize::expire(db, context));
        }
    }
    if context.is_session() {
        return;
    }
    let Some(connection) = connected(&handle) else {
        if context.watch().is_none() {
            assigned(&handle);
        }
        return;
    };
    // SQLite reports the end before the connection knows the error of a statement that has failed; its log has it.
    let error = match &stopped {
        Some(stopped) => stopped.by.as_ref().map(|by| format!("refused by {by}")),
        None => logged,
    };
    let failed = (stopped.is_some() || error.is_some()).then_some(true);
    let account = Account { failed, error, is_dropped: statement.is_busy() };
    let (standing, again) = connection.end(&handle, statement.address(), statement.prepared(), account);
    if let Some(number) = again
        && let (Some(sql), Some(member)) = (statement.sql(), connection.member())
        && let Some(looked) = connection.look(&handle, standing, sql)
    {
        let tables = member.tables(&handle, &looked);
        member.recorder.amend(number, |statement| Arc::make_mut(&mut statement.affected).tables = tables);
    }
    if connection.is_attached() && statement.writes() {
        own_writes::record(statement, &handle, standing, &connection);
    }
    if standing.attached && !statement.writes() {
        attaches(&handle, &connection);
    }
    if standing.attached || connection.is_attached() {
        assigned(&handle);
    }
}

/// Notes the databases of the harness that a connection has attached.
fn attaches(handle: &Handle, connection: &Connected) {
    let Some(member) = connection.member().filter(|member| member.recorder.keeps_writes()) else { return };
    for schema in handle.attached() {
        if let Some(names) = member.names_of(handle, &schema) {
            member.recorder.note_opening(&names, OpenedBy::Application);
            connection.opened().attaches(&names, &schema, || member.recorder.place());
        }
    }
}

/// Counts the commit of a `VACUUM`, which meets no hook; of whichever database.
fn vacuumed(handle: &Handle) {
    for schema in handle.databases() {
        let watch = handle.placed(&schema).and_then(|number| Context::numbered(number).watch());
        if let Some(commits) = watch.as_ref().and_then(|watch| watch.commits()) {
            commits.begins();
        }
    }
    end_here();
}

/// Returns the watch of a connection whose own database is no bind's: that of the first bind that it has attached, else its own.
/// The connection gets the instruments of that one where it has those of another.
fn assigned(handle: &Handle) -> Option<Arc<Watch>> {
    if handle.placed(c"main").is_some() {
        return None;
    }
    let attached = handle.attached_to_none().map(Context::numbered);
    let watch = match attached {
        Some(context) => context.watch()?,
        None => strays::watch_of(handle.address())?,
    };
    if watch.follows(handle) {
        return Some(watch);
    }
    let context = Context::new(&watch, false);
    let context = if attached.is_some() { context.attached() } else { context };
    authorize::expire(handle.pointer(), context);
    // SAFETY: the connection is open and this thread's.
    unsafe {
        start_on(handle.pointer(), context);
        if attached.is_some() {
            commit::ask(handle.pointer());
        }
    }
    if attached.is_some() {
        watch.is_attached_by(handle);
    } else {
        watch.connect(handle, OpenedBy::Application);
    }
    Some(watch)
}
