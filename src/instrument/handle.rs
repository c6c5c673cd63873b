//! A connection inside a callback of its own: asked what it is doing, and what a statement would do.
//!
//! Nothing here changes what the connection is afterwards.

use std::ffi::{c_char, c_int, c_uint, CStr, CString};
use std::ptr;
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use super::action::{Noted, Pragma};
use super::deed::Deed;
use super::fault::Fault;
use super::looked::Looked;
use super::placed;
use super::state::{collect, compare_with, within, Guarded, Mode};
use crate::sqlite::Slot;

/// A connection inside a callback of its own, or of a caller who owns it.
pub(super) struct Handle(*mut ffi::sqlite3);

/// The numbers by which the beginning and the end of a statement are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Set if no transaction is open.
    pub(super) alone: bool,
    /// Set if the connection has other databases than its own and the temporary one.
    pub(super) attached: bool,
    /// The rows that it has changed, ever and by its last statement.
    pub(super) changes: (u64, u64),
}

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

    /// Returns what a statement would do, as SQLite says when it prepares it again; `None` where it cannot be prepared
    /// now, or where the authorizer is the application's, which must not be asked about a statement that it does not run.
    pub(super) fn judge(&self, sql: &CStr) -> Option<Deed> {
        if !self.is_asked() {
            return None;
        }
        // The authorizer asks nobody unless a guard is counted.
        let guarded = Guarded::new();
        let (prepared, mode) = within(Mode::Judged(Noted::default()), || self.prepared(sql));
        drop(guarded);
        let (prepared, Mode::Judged(noted)) = (prepared?, mode) else { return None };
        let may_write = !prepared.reads_only && !prepared.explains;
        // What only SQLite knows to be a write, a pragma for example, is one.
        let writes = match noted.pragma {
            Some(Pragma::Harmless) => false,
            Some(Pragma::Optimize { mask }) => !prepared.explains && self.would_optimize(mask),
            Some(Pragma::JournalMode | Pragma::Other) => may_write,
            None => may_write && !noted.transaction && (noted.writes || !noted.writes_beside()),
        };
        let vacuums = may_write && !noted.something;
        // A copy is written into another database, which may be any.
        let copies = vacuums && self.vacuums_into(sql);
        Some(Deed {
            transaction: noted.transaction,
            writes: writes && !copies,
            writes_elsewhere: may_write && noted.writes_elsewhere,
            elsewhere: noted.elsewhere || copies,
            vacuums,
            uses_tables: noted.uses_tables,
            uses_nothing: noted.something && !noted.uses_something && !may_write,
            acts_at_once: matches!(noted.pragma, Some(Pragma::Harmless | Pragma::JournalMode)),
        })
    }

    /// Returns whether a statement that only reads uses a table; also where that is not known now.
    pub(super) fn uses_table(&self, sql: &CStr) -> bool {
        if !self.is_asked() {
            return true;
        }
        let guarded = Guarded::new();
        let (prepared, mode) = within(Mode::Judged(Noted::sparing_pragmas()), || self.prepared(sql));
        drop(guarded);
        match (prepared, mode) {
            (Some(_), Mode::Judged(noted)) => noted.uses_tables,
            _ => true,
        }
    }

    /// Returns SQLite's account of a statement; `None` where it cannot be prepared now.
    pub(super) fn look(&self, sql: &CStr) -> Option<Looked> {
        collect(Some(Looked::default()));
        let deed = self.judge(sql);
        let mut looked = collect(None);
        looked.deed = deed?;
        Some(looked)
    }

    /// Returns a number that grows with each change of the connection's databases that it makes or learns of.
    pub(super) fn version(&self) -> u64 {
        if !self.has_attached() {
            return self.version_of(c"main".as_ptr());
        }
        let mut sum = 0;
        for schema in 0.. {
            // SAFETY: the connection is open; for a number that no database has, SQLite answers null.
            let name = unsafe { ffi::sqlite3_db_name(self.0, schema) };
            if name.is_null() {
                break;
            }
            // The temporary one is nobody's bind.
            if schema != 1 {
                sum += self.version_of(name);
            }
        }
        sum
    }

    fn version_of(&self, schema: *const c_char) -> u64 {
        let mut version: c_uint = 0;
        // SAFETY: the connection is open, and the name ends with a NUL; for this operation SQLite writes a number of that size.
        unsafe {
            ffi::sqlite3_file_control(self.0, schema, ffi::SQLITE_FCNTL_DATA_VERSION, (&raw mut version).cast());
        }
        u64::from(version)
    }

    /// Returns whether the connection enforces foreign keys.
    pub(super) fn enforces_keys(&self) -> bool {
        let mut enforces: c_int = 0;
        // SAFETY: the connection is open; a negative number asks and changes nothing, and the answer has a place.
        unsafe {
            ffi::sqlite3_db_config(self.0, ffi::SQLITE_DBCONFIG_ENABLE_FKEY, -1 as c_int, &raw mut enforces);
        }
        enforces != 0
    }

    /// Returns the rows that the connection has changed, ever and by its last statement.
    pub(super) fn changes(&self) -> (u64, u64) {
        // SAFETY: the connection is open.
        let (all, of_last) = unsafe { (ffi::sqlite3_total_changes(self.0), ffi::sqlite3_changes(self.0)) };
        (u64::try_from(all).unwrap_or_default(), u64::try_from(of_last).unwrap_or_default())
    }

    /// Returns the number of the watch of the database that the connection has as that schema, if it is a bind's.
    pub(super) fn placed(&self, schema: &CStr) -> Option<usize> {
        // SAFETY: the connection is open and this thread's.
        unsafe { placed::find(self.0, schema) }
    }

    /// Returns the number of the watch of the first bind that the connection has attached, where its own is not a bind's.
    pub(super) fn attached_to_none(&self) -> Option<usize> {
        if !self.has_attached() || self.placed(c"main").is_some() {
            return None;
        }
        self.attached().iter().find_map(|schema| self.placed(schema))
    }

    /// Returns the names of the databases that the connection has attached.
    pub(super) fn attached(&self) -> Vec<CString> {
        self.names_from(2)
    }

    /// Returns the names of the connection's databases, its own first, without the temporary one.
    pub(super) fn databases(&self) -> Vec<CString> {
        let mut names = self.names_from(0);
        if names.len() > 1 {
            names.remove(1);
        }
        names
    }

    fn names_from(&self, first: c_int) -> Vec<CString> {
        let mut names = Vec::new();
        for schema in first.. {
            // SAFETY: the connection is open; for a number that no database has, SQLite answers null, and the name lives while
            // nothing is attached or detached.
            let name = unsafe {
                let name = ffi::sqlite3_db_name(self.0, schema);
                if name.is_null() {
                    break;
                }
                CStr::from_ptr(name)
            };
            names.push(name.to_owned());
        }
        names
    }

    /// Returns the connection as SQLite takes it.
    pub(super) fn pointer(&self) -> *mut ffi::sqlite3 {
        self.0
    }

    /// Returns the numbers by which a statement is known, on a connection that no other thread uses.
    pub(super) fn standing(&self) -> Standing {
        Standing { alone: self.is_autocommit(), attached: self.has_attached(), changes: self.changes() }
    }

    /// Returns the result of the last call on a connection that no other thread uses.
    pub(super) fn code(&self) -> c_int {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_extended_errcode(self.0) }
    }

    /// Returns both of a connection that another thread may use, or `None` if one does now.
    pub(super) fn standing_if_unused(&self) -> Option<(Standing, c_int)> {
        self.if_unused(|handle| (handle.standing(), handle.code()))
    }

    /// Returns the error of the last call on a connection that another thread may use: its code and, if this thread has its mutex,
    /// its message. Without one, another thread may free the message while it is read.
    pub(super) fn error_if_unused(&self) -> Option<(c_int, Option<String>)> {
        // SAFETY: the connection is open.
        let is_alone = unsafe { !ffi::sqlite3_db_mutex(self.0).is_null() };
        let error = |handle: &Handle| {
            let code = handle.code();
            // SAFETY: the connection is open and used by this thread alone, so that the message lives until it is copied.
            let message = || unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(handle.0)) }.to_string_lossy().into_owned();
            let is_error = !matches!(code, ffi::SQLITE_OK | ffi::SQLITE_ROW | ffi::SQLITE_DONE);
            is_error.then(|| (code, is_alone.then(message)))
        };
        self.if_unused(error)?
    }

    /// Asks a connection that another thread may use, unless one does now.
    ///
    /// From 3.54 on, SQLite takes the connection's mutex for a result code. Who waited for it here, under a lock of this crate's
    /// that the other thread's close takes, would wait for ever. One without a mutex is asked for numbers alone.
    fn if_unused<T>(&self, ask: impl FnOnce(&Handle) -> T) -> Option<T> {
        // SAFETY: the connection is open. One without a mutex has none to take, which is a success.
        let (mutex, taken) = unsafe {
            let mutex = ffi::sqlite3_db_mutex(self.0);
            (mutex, ffi::sqlite3_mutex_try(mutex))
        };
        if taken != ffi::SQLITE_OK {
            return None;
        }
        let answer = ask(self);
        // SAFETY: this thread has taken it.
        unsafe { ffi::sqlite3_mutex_leave(mutex) };
        Some(answer)
    }

    /// Returns whether SQLite asks this crate before it prepares a statement, and not the application alone.
    pub(super) fn is_asked(&self) -> bool {
        !self.has_lost(Slot::Authorizer)
    }

    /// Returns the bits of the instruments that are no longer this crate's.
    pub(super) fn lost(&self) -> usize {
        // SAFETY: the connection is open.
        unsafe { Slot::lost(self.0) }
    }

    /// Returns whether an instrument of the connection is no longer this crate's.
    pub(super) fn has_lost(&self, slot: Slot) -> bool {
        // SAFETY: the connection is open.
        unsafe { slot.is_lost(self.0) }
    }

    /// Returns whether a statement is one that a fault of the database of that schema is about, and what it would do; of the
    /// only one, for `None`.
    pub(super) fn is_met_by(&self, fault: &Arc<Fault>, schema: Option<&CStr>, sql: &CStr) -> Option<Deed> {
        compare_with(Some((Arc::clone(fault), schema.map(CStr::to_owned))));
        let deed = self.judge(sql);
        let is_one = compare_with(None);
        deed.filter(|_| is_one)
    }

    /// Returns what SQLite knows of a statement that it can prepare.
    fn prepared(&self, sql: &CStr) -> Option<Prepared> {
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, the text ends with a NUL; the statement is not used after it is finalized,
        // which for a null pointer does nothing.
        unsafe {
            let code = ffi::sqlite3_prepare_v2(self.0, sql.as_ptr(), -1, &raw mut statement, ptr::null_mut());
            let prepared = (code == ffi::SQLITE_OK).then(|| Prepared {
                reads_only: ffi::sqlite3_stmt_readonly(statement) != 0,
                explains: ffi::sqlite3_stmt_isexplain(statement) != 0,
            });
            ffi::sqlite3_finalize(statement);
            prepared
        }
    }

    /// Returns whether `PRAGMA optimize` would write anything: asked by its first bit, it says what it would run.
    fn would_optimize(&self, mask: i64) -> bool {
        if mask & 1 != 0 {
            return false;
        }
        let asked = CString::new(format!("PRAGMA optimize({})", mask | 1)).ok();
        asked.is_none_or(|asked| self.first_row(&asked, |_| true).is_ok_and(|row| row.is_some()))
    }

    pub(super) fn may_write(&self, statement: *mut ffi::sqlite3_stmt) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_readonly(statement) == 0 }
    }

    /// Returns whether no transaction is open that somebody has begun.
    pub(super) fn is_autocommit(&self) -> bool {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_get_autocommit(self.0) != 0 }
    }

    /// Returns the address of the connection, which no other has while it is open.
    pub(super) fn address(&self) -> usize {
        self.0.addr()
    }

    /// Returns whether a transaction is open that has written.
    pub(super) fn is_writing(&self) -> bool {
        // SAFETY: the connection is open; null means all of its databases.
        unsafe { ffi::sqlite3_txn_state(self.0, ptr::null()) >= ffi::SQLITE_TXN_WRITE }
    }

    /// Returns whether one is open that has written, or may, to the database of that name.
    pub(super) fn is_writing_to(&self, schema: &CStr) -> bool {
        // SAFETY: the connection is open, and the name ends with a NUL.
        unsafe { ffi::sqlite3_txn_state(self.0, schema.as_ptr()) >= ffi::SQLITE_TXN_WRITE }
    }

    /// Returns whether the connection has other databases than its own and the temporary one.
    pub(super) fn has_attached(&self) -> bool {
        // SAFETY: the connection is open; for a number that no database has, SQLite answers null.
        unsafe { !ffi::sqlite3_db_name(self.0, 2).is_null() }
    }

    /// Returns whether a statement that may write has begun and not ended. Access to a blob does not count,
    /// though SQLite makes a statement without a text of it.
    pub(super) fn has_writers(&self) -> bool {
        // SAFETY: the statement lives.
        self.has_busy(|other| self.may_write(other) && unsafe { !ffi::sqlite3_sql(other).is_null() })
    }

    pub(super) fn has_busy(&self, is_one: impl Fn(*mut ffi::sqlite3_stmt) -> bool) -> bool {
        // SAFETY: the connection is open and this thread's, and so are its statements.
        unsafe {
            let mut next = ffi::sqlite3_next_stmt(self.0, ptr::null_mut());
            while !next.is_null() {
                if ffi::sqlite3_stmt_busy(next) != 0 && is_one(next) {
                    return true;
                }
                next = ffi::sqlite3_next_stmt(self.0, next);
            }
        }
        false
    }

    /// Sets a flag by a pragma that SQLite acts on while it compiles it, and returns whether it has.
    pub(super) fn set(&self, pragma: &CStr) -> bool {
        within(Mode::Own, || self.prepared(pragma)).0.is_some()
    }

    /// Returns a flag that a pragma answers with.
    pub(super) fn flag(&self, pragma: &CStr) -> Option<bool> {
        self.first_row(pragma, |row| row.number(0) != 0).ok().flatten()
    }

    fn first_row<T>(&self, sql: &CStr, read: impl Fn(&Row) -> T) -> Result<Option<T>, c_int> {
        self.find_row(sql, |row| Some(read(row)))
    }

    /// Runs a query of this crate's own up to the row that is looked for.
    pub(super) fn find_row<T>(&self, sql: &CStr, mut read: impl FnMut(&Row) -> Option<T>) -> Result<Option<T>, c_int> {
        let look = || {
            let mut statement = ptr::null_mut();
            // SAFETY: as in `prepared`; a column is read while the statement is on a row.
            unsafe {
                let mut code = ffi::sqlite3_prepare_v2(self.0, sql.as_ptr(), -1, &raw mut statement, ptr::null_mut());
                let mut found = None;
                while code == ffi::SQLITE_OK || code == ffi::SQLITE_ROW {
                    code = ffi::sqlite3_step(statement);
                    if code == ffi::SQLITE_ROW {
                        found = read(&Row(statement));
                        if found.is_some() {
                            break;
                        }
                    }
                }
                ffi::sqlite3_finalize(statement);
                match code {
                    ffi::SQLITE_ROW | ffi::SQLITE_DONE => Ok(found),
                    code => Err(code),
                }
            }
        };
        within(Mode::Own, look).0
    }
}

/// SQLite's answers on a statement that it has prepared.
struct Prepared {
    reads_only: bool,
    explains: bool,
}

/// A statement that is on a row.
pub(super) struct Row(*mut ffi::sqlite3_stmt);

impl Row {
    pub(super) fn number(&self, column: c_int) -> i64 {
        // SAFETY: the statement is on a row; for a column that it has not, SQLite answers as for null.
        unsafe { ffi::sqlite3_column_int64(self.0, column) }
    }

    pub(super) fn text(&self, column: c_int) -> Option<&CStr> {
        // SAFETY: as above; the text ends with a NUL and lives until the next step.
        unsafe {
            let text = ffi::sqlite3_column_text(self.0, column);
            (!text.is_null()).then(|| CStr::from_ptr(text.cast()))
        }
    }
}
