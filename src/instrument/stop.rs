//! A statement that begins is made to fail, on its connection and inside a callback of that.
//!
//! The connection is afterwards what it was. A statement that writes is stopped by `query_only`, which is switched on as it
//! begins and off as it ends; the pragma is prepared and not run, since SQLite acts on it while it compiles it, and running
//! it would also expire every other statement. One that reads is interrupted where it is the connection's only one: an
//! interrupt lasts until none is active, and would end the others.

use std::ffi::c_int;

use rusqlite::ffi;

use super::deed::Deed;
use super::handle::Handle;
use super::state::{within, Guarded, Mode};

/// The means by which a statement was stopped as it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Its connection cannot write until it ends.
    ReadOnly,
    /// Its connection could not write before either.
    ByItself,
    /// It is the only one of its connection, and is interrupted.
    Interrupted,
    /// SQLite finds that it has to be prepared again.
    Outdated,
}

impl Handle {
    /// Makes the statement that is beginning fail before it does anything; `None` where only other statements of its
    /// connection could be made to fail with it. [`release`](Handle::release) must follow when it has ended.
    pub(super) fn stop(&self, statement: *mut ffi::sqlite3_stmt, deed: Deed) -> Option<How> {
        if (self.may_write(statement) || deed.writes) && !deed.acts_at_once {
            let flag = c"PRAGMA query_only";
            let is_on = self.flag(flag);
            if is_on == Some(true) {
                return Some(How::ByItself);
            }
            if is_on.is_some() && self.set(c"PRAGMA query_only = ON") && self.flag(flag) == Some(true) {
                return Some(How::ReadOnly);
            }
        }
        let alone = !self.has_others(statement);
        // One that may write would take its transaction with it.
        if alone && (!self.may_write(statement) || self.is_autocommit()) {
            // SAFETY: the connection is open.
            unsafe { ffi::sqlite3_interrupt(self.pointer()) };
            return Some(How::Interrupted);
        }
        (deed.uses_tables && self.forget_schema()).then_some(How::Outdated)
    }

    /// Allows the connection what it could do before a statement was stopped so.
    pub(super) fn release(&self, how: How) {
        if how == How::ReadOnly {
            self.set(c"PRAGMA query_only = OFF");
        }
    }

    /// Ends a statement that was stopped, and that has halted, with SQLite's error for one that is not authorized:
    /// SQLite prepares it again, which is denied. `expire` makes SQLite prepare the connection's statements again.
    pub(super) fn deny(&self, statement: *mut ffi::sqlite3_stmt, expire: impl FnOnce(*mut ffi::sqlite3)) {
        // The statement would run.
        if !self.is_asked() {
            return;
        }
        // Also where the fault or the guard has ended meanwhile.
        let _guarded = Guarded::new();
        within(Mode::Denied, || {
            expire(self.pointer());
            // SAFETY: the statement has halted, and its connection is this thread's. SQLite calls from within the step
            // that has halted it, whose answer is what the statement's last error is: the one of this step.
            unsafe {
                ffi::sqlite3_reset(statement);
                ffi::sqlite3_step(statement);
            }
        });
    }

    /// Makes SQLite read the schema again and prepare each statement again that was prepared before. Only where no
    /// transaction has written: SQLite would no longer know that one has changed the schema, which a rollback has to
    /// undo. Returns whether that was done.
    fn forget_schema(&self) -> bool {
        let Some(writable) = self.flag(c"PRAGMA writable_schema") else { return false };
        // Where it is writable and defensive, it could not be made writable again.
        if self.is_writing() || writable && self.is_defensive() || !self.set(c"PRAGMA writable_schema = RESET") {
            return false;
        }
        !writable || self.set(c"PRAGMA writable_schema = ON")
    }

    fn is_defensive(&self) -> bool {
        let mut defensive: c_int = 1;
        // SAFETY: the connection is open; a negative number asks and changes nothing, and the answer has a place.
        unsafe {
            ffi::sqlite3_db_config(self.pointer(), ffi::SQLITE_DBCONFIG_DEFENSIVE, -1 as c_int, &raw mut defensive);
        }
        defensive != 0
    }

    /// Returns whether another statement of the connection has begun and not ended.
    fn has_others(&self, statement: *mut ffi::sqlite3_stmt) -> bool {
        self.has_busy(|other| other != statement)
    }
}
