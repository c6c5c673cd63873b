//! A statement as SQLite's trace shows it, within a callback.

use std::ffi::{c_char, CStr};
use std::marker::PhantomData;
use std::ptr;

use rusqlite::ffi;

use super::deed::Deed;
use super::handle::Handle;

/// The beginning of something that runs.
pub(super) enum Begun<'c> {
    /// A statement, by itself or from within another.
    Statement {
        nested: bool,
    },
    /// A trigger of that name, in the statement.
    Trigger(&'c CStr),
    Nothing,
}

/// The beginning of the comment by which SQLite names a trigger.
const TRIGGER: &[u8] = b"-- TRIGGER ";

/// A statement for as long as a callback runs.
pub(super) struct Statement<'c> {
    pub(super) statement: *mut ffi::sqlite3_stmt,
    callback: PhantomData<&'c ()>,
}

impl Statement<'_> {
    /// # Safety
    ///
    /// The statement lives as long as the value, and no other thread uses it meanwhile.
    pub(super) unsafe fn new(statement: *mut ffi::sqlite3_stmt) -> Option<Self> {
        (!statement.is_null()).then_some(Statement { statement, callback: PhantomData })
    }

    /// Returns what begins. What SQLite runs inside a statement has another text than the statement has.
    ///
    /// # Safety
    ///
    /// The text is null, or ends with a NUL and lives through the call.
    pub(super) unsafe fn begun<'c>(&self, text: *const c_char) -> Begun<'c> {
        // SAFETY: the statement lives.
        if !text.is_null() && ptr::eq(unsafe { ffi::sqlite3_sql(self.statement) }, text) {
            return Begun::Statement { nested: false };
        }
        let Some(sql) = self.sql().filter(|_| !text.is_null()) else { return Begun::Nothing };
        // SAFETY: as the caller says.
        let text = unsafe { CStr::from_ptr(text) };
        // SQLite puts that before the text of a statement. A trigger it names by a comment, which is no statement's text.
        if text.to_bytes().strip_prefix(b"-- ") == Some(sql.to_bytes()) {
            return Begun::Statement { nested: true };
        }
        let is_trigger = text.to_bytes().starts_with(TRIGGER);
        let name = if is_trigger { text.to_bytes_with_nul().get(TRIGGER.len()..) } else { None };
        name.and_then(|name| CStr::from_bytes_with_nul(name).ok()).map_or(Begun::Nothing, Begun::Trigger)
    }

    pub(super) fn address(&self) -> usize {
        self.statement.addr()
    }

    pub(super) fn sql(&self) -> Option<&CStr> {
        // SAFETY: the statement lives, and SQLite keeps its text, which ends with a NUL, as long.
        unsafe {
            let sql = ffi::sqlite3_sql(self.statement);
            (!sql.is_null()).then(|| CStr::from_ptr(sql))
        }
    }

    /// Returns the text with the values of the parameters, if there are any.
    pub(super) fn with_values(&self) -> Option<String> {
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
            // Of a statement inside another, SQLite gives a comment of the text, and no values.
            let is_comment = self.sql().is_some_and(|sql| {
                let line = sql.to_bytes().split(|byte| *byte == b'\n').next().unwrap_or_default();
                text.as_bytes().strip_prefix(b"-- ").is_some_and(|text| text.starts_with(line))
            });
            (!is_comment).then_some(text)
        }
    }

    pub(super) fn handle(&self) -> Handle {
        // SAFETY: the connection of a statement that lives is open, and nobody else uses it while the callback runs. The
        // value is not kept.
        unsafe { Handle::new(ffi::sqlite3_db_handle(self.statement)) }
    }

    pub(super) fn writes(&self) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_readonly(self.statement) == 0 }
    }

    /// Returns whether it gives columns and does nothing else.
    pub(super) fn only_reads(&self) -> bool {
        !self.writes() && self.is_query()
    }

    /// Returns whether it is an `EXPLAIN`, which does not run what it explains.
    pub(super) fn explains(&self) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_isexplain(self.statement) != 0 }
    }

    /// Returns whether it has begun and not halted: SQLite reports the end of one that is given up before it halts it.
    pub(super) fn is_busy(&self) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_busy(self.statement) != 0 }
    }

    /// Returns whether it gives columns.
    pub(super) fn is_query(&self) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_column_count(self.statement) > 0 }
    }

    /// Returns what is known of its effects where SQLite reports no actions. What neither writes nor gives columns begins or
    /// ends a transaction, or sets something of the connection.
    pub(super) fn deed(&self) -> Deed {
        let writes = self.writes();
        Deed { writes, transaction: !writes && !self.is_query() && !self.handle().is_asked(), ..Deed::default() }
    }

    /// Returns the number of times that SQLite has prepared it again.
    pub(super) fn prepared(&self) -> i32 {
        // SAFETY: the statement lives; zero asks and resets nothing.
        unsafe { ffi::sqlite3_stmt_status(self.statement, ffi::SQLITE_STMTSTATUS_REPREPARE, 0) }
    }
}
