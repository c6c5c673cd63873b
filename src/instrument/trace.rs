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

use super::accounts::{Running, Stopped};
use super::commits::end_here;
use super::connected::{Begins, Connected};
use super::connections::{connected, settle_here};
use super::deed::Deed;
use super::faults::Faults;
use super::handle::Handle;
use super::looked::{Looked, Step};
use super::opening::OpenedBy;
use super::recorded::Ended;
use super::settle::Account;
use super::sqlite_log::take_error;
use super::state::{begin_unheard, end_unheard, is_heard, is_inside, is_own, Inside};
use super::touched::Touched;
use super::traced::{Begun, Statement};
use super::used::Used;
use super::watch::{Beginning, Context, Member, Watch};
use super::{authorize, commit, late, strays};
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
        settle_here();
        if event == CLOSE {
            return ffi::SQLITE_OK;
        }
        let heard = is_heard();
        // SAFETY: for the others SQLite passes a statement that lives through this call, on the thread that uses it.
        let Some(statement) = (unsafe { Statement::new(p.cast()) }) else { return ffi::SQLITE_OK };
        if late::is_any() && event == STMT && !is_own() {
            // SAFETY: as below.
            unsafe { reads_late(&statement, Context::of(context), x.cast()) };
        }
        if event == STMT && statement.reads_in_a_transaction() && !is_own() {
            reads(&statement);
        }
        if !heard {
            unheard(event, &statement);
            // A statement that only reads is of interest to listeners alone.
            if !statement.writes() && statement.is_query() {
                return ffi::SQLITE_OK;
            }
        }
        if is_own() {
            return ffi::SQLITE_OK;
        }
        let context = Context::of(context);
        // The watch of a bind that a stray has attached is gone with its harness.
        let Some(watch) = context.watch().or_else(|| assigned(&statement.handle())) else { return ffi::SQLITE_OK };
        match event {
            // SAFETY: for this event SQLite passes null or a text that ends with a NUL and lives through this call.
            STMT => match unsafe { statement.begun(x.cast()) } {
                Begun::Trigger(name) => fires(&statement, name),
                Begun::Statement { nested } if !is_inside() && heard => watch.began(&statement, nested, context),
                Begun::Statement { nested } if !is_inside() => watch.began_unheard(&statement, nested, context),
                _ => {}
            },
            PROFILE => watch.has_ended(&statement, context, heard),
            _ => {}
        }
        ffi::SQLITE_OK
    })
}

/// Notes a statement that begins or ends while nobody listens.
fn unheard(event: c_uint, statement: &Statement<'_>) {
    match event {
        STMT if statement.writes() => begin_unheard(statement.statement),
        PROFILE => end_unheard(statement.statement),
        _ => {}
    }
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
    if context.is_session() || statement.writes() || !statement.is_query() {
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
    /// A statement begins while nobody listens, by itself or from within another: it is kept if it writes.
    fn began_unheard(&self, statement: &Statement<'_>, is_nested: bool, context: Context) {
        if context.is_session() || !self.records(true) {
            return;
        }
        let Some(sql) = statement.sql() else { return };
        let handle = statement.handle();
        let Some(connection) = connected(&handle) else { return };
        if is_nested && connection.is_in_write() {
            return;
        }
        let looked = connection.look(&handle, sql);
        self.follow(statement, &handle, &connection, looked, !is_nested);
    }

    /// Follows a statement on its connection, and records it where somebody wants that.
    fn follow(
        &self,
        statement: &Statement<'_>,
        handle: &Handle,
        connection: &Connected,
        looked: Option<Arc<Looked>>,
        always: bool,
    ) {
        let Some(sql) = statement.sql() else { return };
        let deed = looked.as_ref().map_or_else(|| statement.deed(), |looked| looked.deed);
        let mut again = 0;
        let uses = |looked: &Arc<Looked>| looked.places.iter().any(|(schema, _)| self.is_of_harness(handle, schema));
        let is_nobodys = connection.is_attached() && looked.as_ref().is_some_and(|looked| !uses(looked));
        let locks = statement.writes() && looked.as_ref().is_some_and(|looked| looked.step == Some(Step::Begin));
        let record = if !is_nobodys && self.records(deed.writes || deed.writes_elsewhere || locks) {
            let attached = match &looked {
                Some(looked) if handle.has_attached() => self.used(handle, looked),
                _ => Vec::new(),
            };
            let text = sql;
            let sql = match &looked {
                Some(looked) => looked.text(sql),
                None => Arc::from(sql.to_string_lossy().trim()),
            };
            if deed.writes || deed.writes_elsewhere {
                again = connection.again(&sql);
            }
            let values = if self.wants_values(again) { statement.with_values() } else { None };
            let beginning =
                Beginning { sql, values, writes: deed.writes, by_session: false, locks, beside: &[], attached };
            let mut record = self.recorded(handle, looked.as_deref(), beginning);
            if let Some(record) = &mut record {
                record.is_step |= deed.transaction;
                record.uses_table = record.uses_table && (looked.is_some() || connection.uses_table(handle, text));
            }
            record
        } else {
            None
        };
        if always || record.is_some() {
            let (may_write, prepared) = (statement.writes(), statement.prepared());
            let statement = statement.address();
            connection.begin(handle, Begins { statement, may_write, prepared, looked, record, again });
        }
    }

    /// A statement begins, by itself or from within another.
    fn began(&self, statement: &Statement<'_>, is_nested: bool, context: Context) {
        let Some(sql) = statement.sql() else { return };
        let by_session = context.is_session();
        let handle = statement.handle();
        if let Some(member) = self.harness.get().filter(|_| !is_nested && !statement.explains()) {
            member.recorder.sought.begins(&handle, sql);
        }
        let connection = connected(&handle);
        let is_alone = handle.is_autocommit();
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
            Some(connection) if looks => connection.look(&handle, sql),
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
        if if is_nested { deed.writes && !is_part } else { !by_session } {
            self.echo(&sql.to_string_lossy());
            if let Some(connection) = &connection {
                self.follow(statement, &handle, connection, looked, true);
            }
        }
        let may_write = statement.writes();
        let inside = (deed.vacuums && !is_nested).then(Inside::new);
        let (statement, connection, thread) = (statement.address(), handle.address(), thread::current().id());
        let (writes, writes_anywhere) = (deed.writes, deed.writes || deed.writes_elsewhere);
        let running = Running { statement, connection, thread, writes, writes_anywhere, may_write, stopped, inside };
        lock(&self.accounts).begin(running, is_alone);
    }

    /// Returns whether the database of a connection's schema is one of the harness.
    fn is_of_harness(&self, handle: &Handle, schema: &CStr) -> bool {
        self.harness.get().is_some_and(|member| member.names_of(handle, schema).is_some())
    }

    /// Returns the databases of the harness that a statement uses whose connection has attached some; where it uses
    /// none, its connection's own.
    fn used(&self, handle: &Handle, looked: &Looked) -> Vec<Used> {
        let Some(member) = self.harness.get() else { return Vec::new() };
        let (mut used, mut elsewhere) = (Vec::new(), false);
        for (schema, writes) in &looked.places {
            match member.names_of(handle, schema) {
                Some(names) => used.push(Used { names, writes: *writes }),
                None => elsewhere = true,
            }
        }
        if used.is_empty() {
            used.push(Used { names: member.names.clone(), writes: looked.deed.writes && !elsewhere });
        }
        used
    }

    /// Shows a statement to the faults that may be about it, and stops it if one is.
    fn meets(&self, statement: &Statement<'_>, sql: &CStr) -> Option<Stopped> {
        let handle = statement.handle();
        if !handle.has_attached() {
            return meets(&self.faults, None, statement, sql);
        }
        handle.databases().iter().find_map(|schema| {
            let watch = handle.placed(schema).and_then(|number| Context::numbered(number).watch())?;
            meets(&watch.faults, Some(schema), statement, sql)
        })
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

    fn has_ended(&self, statement: &Statement<'_>, context: Context, heard: bool) {
        end_unheard(statement.statement);
        end_here();
        let logged = take_error(statement.sql());
        let handle = statement.handle();
        let ended = if heard { lock(&self.accounts).end(statement.address(), handle.is_autocommit()) } else { None };
        if ended.as_ref().is_some_and(|running| running.inside.is_some()) {
            vacuumed(&handle);
        }
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
        if let Some(connection) = connected(&handle) {
            // SQLite reports the end before the connection knows the error of a statement that has failed; its log has it.
            let error = match &stopped {
                Some(stopped) => stopped.by.as_ref().map(|by| format!("refused by {by}")),
                None => logged,
            };
            let failed = (stopped.is_some() || error.is_some()).then_some(true);
            let account = Account { failed, error, is_dropped: statement.is_busy() };
            let again = connection.end(&handle, statement.address(), statement.prepared(), account);
            if let (Some(number), Some(sql), Some(member)) = (again, statement.sql(), self.harness.get())
                && let Some(looked) = connection.look(&handle, sql)
            {
                let tables = member.tables(&handle, &looked);
                member.recorder.amend(number, |statement| statement.tables = tables);
            }
            if connection.is_attached() && statement.writes() {
                writes_to_its_own(statement, &handle, &connection);
            }
            if !statement.writes() && handle.has_attached() {
                self.attaches(&handle, &connection);
            }
            if handle.has_attached() || connection.is_attached() {
                assigned(&handle);
            }
        }
    }
}

impl Watch {
    /// Notes the databases of the harness that a connection has attached.
    fn attaches(&self, handle: &Handle, connection: &Connected) {
        let Some(member) = self.harness.get().filter(|member| member.recorder.keeps_writes()) else { return };
        for schema in handle.attached() {
            if let Some(names) = member.names_of(handle, &schema) {
                member.recorder.note_opening(&names, OpenedBy::Application);
                connection.opened().attaches(&names, &schema, || member.recorder.place());
            }
        }
    }
}

/// Records what a connection to no bind has written to its own database while it has attached a bind, as one that has attached
/// none does.
fn writes_to_its_own(statement: &Statement<'_>, handle: &Handle, connection: &Connected) {
    let Some(stray) = strays::watch_of(handle.address()).filter(|stray| stray.records(true)) else { return };
    let (Some(sql), Some(member)) = (statement.sql(), stray.harness.get()) else { return };
    let Some(looked) = connection.look(handle, sql).filter(|looked| looked.deed.writes) else { return };
    let Some((transaction, rows, time)) = connection.last_ended(handle, statement.address()) else { return };
    let (text, values) = (looked.text(sql), statement.with_values());
    let beginning = Beginning {
        sql: text,
        values,
        writes: true,
        by_session: false,
        locks: false,
        beside: &[],
        attached: Vec::new(),
    };
    let Some(mut record) = stray.recorded(handle, Some(&looked), beginning) else { return };
    let own = looked.tables.iter().filter(|change| change.schema.as_c_str() == c"main");
    record.tables = own.map(|change| member.own(change)).collect();
    record.transaction = transaction;
    let (triggers, touched) = (Vec::new(), Touched::default());
    record.ended = Some(Ended { rows, time, failed: None, error: None, is_stale: false, triggers, touched });
    member.recorder.begin(record);
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

/// Shows a statement to the faults of one database of its connection, of that schema where it has several, and stops it if one is
/// about it.
fn meets(faults: &Faults, schema: Option<&CStr>, statement: &Statement<'_>, sql: &CStr) -> Option<Stopped> {
    let handle = statement.handle();
    for fault in faults.of_statements() {
        let Some(deed) = handle.is_met_by(&fault, schema, sql).filter(|_| !fault.lets_pass()) else { continue };
        match handle.stop(statement.statement, deed) {
            Some(how) if fault.triggers() => return Some(Stopped::new(None, how)),
            Some(how) => handle.release(how),
            None => fault.is_passed(),
        }
    }
    None
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

/// The words after a statement that was not stopped.
const NOT_STOPPED: &str = " (not stopped: that would have ended another statement of its connection too)";
