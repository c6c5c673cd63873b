//! SQLite's own enforcement of guards: an authorizer on each connection, `query_only` and interrupts.
//!
//! As for the [trace](super::trace), SQLite is given a number and never a pointer. While no guard lives in the whole
//! process, the authorizer looks at one number in memory and returns.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use super::rules::Deed;
use super::trace;
use crate::database::fault::{Fault, Operation};

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

/// What is added to the number of a [`Watch`](super::Watch) for a session's connection, whose statements guards judge
/// where the session asks for that: faults alone stop them here.
pub(super) const SESSION: usize = 1 << (usize::BITS - 1);

/// Has SQLite ask before it prepares anything on a connection. `context` is the number of its [`Watch`](super::Watch).
pub(super) fn start(conn: &Connection, context: usize) {
    // SAFETY: the handle is open, the callback has the signature asked for, and its context is never followed.
    unsafe { ffi::sqlite3_set_authorizer(conn.handle(), Some(on_action), ptr::without_provenance_mut(context)) };
}

/// What the statements are for that this thread prepares.
#[derive(Clone, Copy)]
enum Mode {
    /// The application's.
    Guarded,
    /// This crate's own.
    Own,
    /// Prepared to see what they would do, and never run.
    Judged(Noted),
    /// Those of a statement that has been judged itself.
    Inside,
}

/// What was reported of a statement that is judged.
#[derive(Clone, Copy, Default)]
struct Noted {
    transaction: bool,
    elsewhere: bool,
    writes: bool,
    writes_temporary: bool,
    /// Anything at all.
    something: bool,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Guarded) };

    /// The fault that a statement which is judged is compared with, and whether it is one of those.
    static COMPARED: RefCell<Option<(Arc<Fault>, bool)>> = const { RefCell::new(None) };
}

/// Whether SQLite runs something for this crate on this thread.
pub(super) fn is_own() -> bool {
    matches!(MODE.get(), Mode::Own | Mode::Judged(_))
}

/// What SQLite prepares from here on, on this thread, is a part of the statement that begins; until it has ended.
pub(super) fn inside(is_inside: bool) {
    MODE.set(if is_inside { Mode::Inside } else { Mode::Guarded });
}

/// Does something in a mode, and gives what the mode was at its end.
fn within<T>(mode: Mode, work: impl FnOnce() -> T) -> (T, Mode) {
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
            Mode::Judged(noted) => {
                MODE.set(Mode::Judged(action.noted(noted)));
                action.compare();
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

/// # Safety
///
/// The text is null, or ends with a NUL and lives as long as the answer.
unsafe fn borrowed<'c>(text: *const c_char) -> Option<&'c CStr> {
    // SAFETY: as the caller says.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

/// What SQLite asks about, see <https://sqlite.org/c3ref/c_alter_table.html>.
pub(super) struct Action<'c> {
    action: c_int,
    first: Option<&'c CStr>,
    second: Option<&'c CStr>,
    schema: Option<&'c CStr>,
}

impl Action<'_> {
    /// What is known of the statement by this alone.
    pub(super) fn deed(&self) -> Deed {
        Deed { transaction: self.is_of_transaction(), elsewhere: self.is_elsewhere(), ..Deed::default() }
    }

    /// What it does to which table, where a fault may be about that.
    pub(super) fn operation(&self) -> Option<(Operation, &str)> {
        let operation = match self.action {
            ffi::SQLITE_READ => Operation::Read,
            ffi::SQLITE_INSERT => Operation::Insert,
            ffi::SQLITE_UPDATE => Operation::Update,
            ffi::SQLITE_DELETE => Operation::Delete,
            _ => return None,
        };
        let table = self.first.filter(|_| !self.is_temporary())?;
        Some((operation, table.to_str().ok()?))
    }

    /// Compares it with the fault that is asked about, if one is.
    fn compare(&self) {
        let Some((operation, table)) = self.operation() else { return };
        COMPARED.with_borrow_mut(|compared| {
            if let Some((fault, is_one)) = compared {
                *is_one |= fault.is_about(operation, table);
            }
        });
    }

    /// Whether it says nothing that what follows will not say better.
    pub(super) fn is_vague(&self) -> bool {
        matches!(self.action, ffi::SQLITE_SELECT | ffi::SQLITE_FUNCTION | ffi::SQLITE_RECURSIVE)
    }

    /// Whether SQLite asks about each table of a statement, also when the first has been refused.
    pub(super) fn comes_again(&self) -> bool {
        self.action == ffi::SQLITE_ANALYZE
    }

    fn is_of_transaction(&self) -> bool {
        matches!(self.action, ffi::SQLITE_TRANSACTION | ffi::SQLITE_SAVEPOINT)
    }

    /// Whether it attaches a database, or uses one that was.
    fn is_elsewhere(&self) -> bool {
        let own = self.schema.is_none_or(|schema| schema == c"main" || schema == c"temp");
        self.action == ffi::SQLITE_ATTACH || !own && self.action != ffi::SQLITE_DETACH
    }

    fn is_temporary(&self) -> bool {
        let made = [
            ffi::SQLITE_CREATE_TEMP_INDEX,
            ffi::SQLITE_CREATE_TEMP_TABLE,
            ffi::SQLITE_CREATE_TEMP_TRIGGER,
            ffi::SQLITE_CREATE_TEMP_VIEW,
            ffi::SQLITE_DROP_TEMP_INDEX,
            ffi::SQLITE_DROP_TEMP_TABLE,
            ffi::SQLITE_DROP_TEMP_TRIGGER,
            ffi::SQLITE_DROP_TEMP_VIEW,
        ];
        self.schema == Some(c"temp") || made.contains(&self.action)
    }

    /// Whether it changes rows or a schema.
    fn is_change(&self) -> bool {
        let harmless = [
            ffi::SQLITE_READ,
            ffi::SQLITE_PRAGMA,
            ffi::SQLITE_TRANSACTION,
            ffi::SQLITE_SAVEPOINT,
            ffi::SQLITE_ATTACH,
            ffi::SQLITE_DETACH,
        ];
        !self.is_vague() && !harmless.contains(&self.action)
    }

    fn noted(&self, noted: Noted) -> Noted {
        let (changes, temporary) = (self.is_change(), self.is_temporary());
        Noted {
            transaction: noted.transaction || self.is_of_transaction(),
            elsewhere: noted.elsewhere || self.is_elsewhere(),
            writes: noted.writes || changes && !temporary,
            writes_temporary: noted.writes_temporary || changes && temporary,
            something: true,
        }
    }

    /// What the statement is about to do, in words.
    pub(super) fn in_words(&self) -> String {
        let name = |text: Option<&CStr>| text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let first = name(self.first);
        let of_schema = first.eq_ignore_ascii_case("sqlite_master") || first.eq_ignore_ascii_case("sqlite_temp_master");
        match self.action {
            ffi::SQLITE_INSERT | ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE if of_schema => CHANGE.to_string(),
            ffi::SQLITE_INSERT => format!("an INSERT into `{first}`"),
            ffi::SQLITE_UPDATE => format!("an UPDATE of `{first}`"),
            ffi::SQLITE_DELETE => format!("a DELETE from `{first}`"),
            ffi::SQLITE_READ => format!("a statement that reads `{first}`"),
            ffi::SQLITE_PRAGMA => format!("PRAGMA {first}"),
            ffi::SQLITE_ATTACH => "an ATTACH of another database".to_string(),
            ffi::SQLITE_DETACH => format!("a DETACH of `{first}`"),
            ffi::SQLITE_ANALYZE => "ANALYZE".to_string(),
            ffi::SQLITE_REINDEX => format!("a REINDEX of `{first}`"),
            ffi::SQLITE_ALTER_TABLE => format!("an ALTER of the table `{}`", name(self.second)),
            _ => CHANGE.to_string(),
        }
    }
}

/// How a change of the schema is called.
pub(super) const CHANGE: &str = "a change of the schema";

/// A connection inside a callback of its own, or of a caller who owns it.
pub(super) struct Handle(*mut ffi::sqlite3);

impl Handle {
    /// # Safety
    ///
    /// The connection is open and used by no other thread as long as the value lives.
    pub(super) unsafe fn new(db: *mut ffi::sqlite3) -> Handle {
        Handle(db)
    }

    pub(super) fn of(conn: &Connection) -> Handle {
        // SAFETY: a handle of an open connection, which is not `Sync`; the value is not kept.
        Handle(unsafe { conn.handle() })
    }

    /// What a statement would do, as SQLite says when it prepares it again; `None` where it cannot be prepared now. The
    /// connection has the authorizer.
    pub(super) fn judge(&self, sql: &CStr) -> Option<Deed> {
        let (readonly, mode) = within(Mode::Judged(Noted::default()), || self.readonly(sql));
        let (readonly, Mode::Judged(noted)) = (readonly?, mode) else { return None };
        // What only SQLite knows to be a write, a pragma for example, is one.
        let temporary_only = noted.writes_temporary && !noted.writes;
        let writes = !readonly && !temporary_only && !noted.transaction;
        let vacuums = writes && !noted.something;
        Some(Deed { transaction: noted.transaction, writes, elsewhere: noted.elsewhere, vacuums })
    }

    /// Whether a statement is one that a fault is about.
    pub(super) fn is_met_by(&self, fault: &Arc<Fault>, sql: &CStr) -> bool {
        COMPARED.set(Some((Arc::clone(fault), false)));
        self.judge(sql);
        COMPARED.take().is_some_and(|(_, is_one)| is_one)
    }

    /// Has the statement that is beginning prepared again before it does anything, and the authorizer asked about it:
    /// forgets the schema, which SQLite then finds to be another than the statement was prepared with.
    pub(super) fn prepare_again(&self) {
        self.run(c"PRAGMA writable_schema = RESET");
    }

    fn readonly(&self, sql: &CStr) -> Option<bool> {
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, the text ends with a NUL; the statement is not used after it is finalized,
        // which for a null pointer does nothing.
        unsafe {
            let code = ffi::sqlite3_prepare_v2(self.0, sql.as_ptr(), -1, &raw mut statement, ptr::null_mut());
            let readonly = (code == ffi::SQLITE_OK).then(|| ffi::sqlite3_stmt_readonly(statement) != 0);
            ffi::sqlite3_finalize(statement);
            readonly
        }
    }

    /// Makes the statement that is beginning fail before it does anything. The answer is whether
    /// [`release`](Handle::release) must follow when it has ended.
    pub(super) fn stop(&self, writes: bool) -> bool {
        if writes {
            match self.is_query_only() {
                // It fails by itself.
                Some(true) => return false,
                Some(false) if self.run(c"PRAGMA query_only = ON") => return true,
                _ => {}
            }
        }
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_interrupt(self.0) };
        false
    }

    /// Lets the connection write again.
    pub(super) fn release(&self) {
        self.run(c"PRAGMA query_only = OFF");
    }

    /// Runs a pragma of this crate's own, and gives whether that succeeded.
    fn run(&self, pragma: &CStr) -> bool {
        let run = || {
            // SAFETY: the connection is open, the text ends with a NUL, and no callback is given.
            unsafe { ffi::sqlite3_exec(self.0, pragma.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) }
        };
        within(Mode::Own, run).0 == ffi::SQLITE_OK
    }

    fn is_query_only(&self) -> Option<bool> {
        let ask = || {
            let mut statement = ptr::null_mut();
            let sql = c"PRAGMA query_only";
            // SAFETY: as in `readonly`; a column is read while the statement is on a row.
            unsafe {
                let code = ffi::sqlite3_prepare_v2(self.0, sql.as_ptr(), -1, &raw mut statement, ptr::null_mut());
                let on_row = code == ffi::SQLITE_OK && ffi::sqlite3_step(statement) == ffi::SQLITE_ROW;
                let answer = on_row.then(|| ffi::sqlite3_column_int(statement, 0) != 0);
                ffi::sqlite3_finalize(statement);
                answer
            }
        };
        within(Mode::Own, ask).0
    }
}
