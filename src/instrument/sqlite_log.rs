//! SQLite's own log of errors, see <https://sqlite.org/errlog.html>: the one account of a statement that SQLite refuses to prepare,
//! and the first of why one fails that runs.
//!
//! There is one log in a process. One that the application has set before the first harness is left to it.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void, CStr};
use std::ptr;
use std::sync::{Arc, Once};

use rusqlite::ffi;

use super::captures::{Captured, Captures};
use super::connections::{fails_to_prepare, fresh_and_failed};
use super::place::Place;
use super::refused::is_logged;
use super::state::{is_inside, is_own, is_present};
use super::traced::Statement;
use super::unprepared::note;
use crate::sqlite::callback::without_panic;

/// The places that are captured of refused statements.
static CAPTURES: Captures = Captures::at_most(64);

thread_local! {
    /// Those of this thread.
    static CAPTURED: Cell<Captured> = const { Cell::new(Captured::NONE) };

    /// The message on a statement that was aborted on this thread, until SQLite reports its end, and whether there is one.
    static ABORTED: RefCell<Option<Aborted>> = const { RefCell::new(None) };
    static HAS_ABORTED: Cell<bool> = const { Cell::new(false) };

    /// Set by the log while this thread asks whose it is.
    static ASKED: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Makes SQLite log here, unless the application has a log.
pub(crate) fn watch_log() {
    static ONCE: Once = Once::new();
    CAPTURES.begin();
    ONCE.call_once(|| {
        let mut formatted: c_int = -1;
        // SAFETY: the format's only value is a place for a number: that of the characters so far, which SQLite writes if it
        // formats the message, and so if there is a log. <https://sqlite.org/printf.html>
        unsafe { ffi::sqlite3_log(ffi::SQLITE_NOTICE, LEFT_ALONE.as_ptr(), &raw mut formatted) };
        if formatted < 0 {
            let nothing: *mut c_void = ptr::null_mut();
            // SAFETY: the callback has the signature asked for and lives as long as the process. SQLite takes a log at any
            // time, and where it is too old for that, refuses.
            unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOG, CALLBACK, nothing) };
        }
    });
}

/// The message to a log of the application's.
const LEFT_ALONE: &CStr = c"multibind leaves this log to the application%n";

/// Returns whether SQLite logs here.
pub(crate) fn reads_log() -> bool {
    ASKED.set(Some(false));
    // SAFETY: the format has no values.
    unsafe { ffi::sqlite3_log(ffi::SQLITE_NOTICE, c"multibind asks whose log this is".as_ptr()) };
    ASKED.take() == Some(true)
}

/// The log, which has one address.
static CALLBACK: unsafe extern "C" fn(*mut c_void, c_int, *const c_char) = on_log;

/// Notes a message; SQLite may not be called in here, but for the last result of another connection.
unsafe extern "C" fn on_log(_: *mut c_void, code: c_int, message: *const c_char) {
    without_panic((), || {
        if ASKED.get().is_some() {
            ASKED.set(Some(true));
        }
        let is_error = !matches!(
            code & 0xff,
            ffi::SQLITE_OK | ffi::SQLITE_SCHEMA | ffi::SQLITE_NOTICE | ffi::SQLITE_WARNING | ffi::SQLITE_MISUSE
        );
        if !is_error || !is_present() || is_own() || is_inside() || message.is_null() {
            return;
        }
        // SAFETY: the message ends with a NUL and lives through this call.
        let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
        if after_abort(&message).is_some() {
            ABORTED.with_borrow_mut(|aborted| *aborted = Some(Aborted(message.into_owned())));
            HAS_ABORTED.set(true);
        } else if let Some((message, sql)) = message.split_once(" in \"") {
            let sql = sql.strip_suffix('"').map_or_else(|| format!("{sql}…"), str::to_string);
            let place = CAPTURED.with(|here| CAPTURES.may_capture(here)).then(|| Arc::new(Place::capture()));
            if code & 0xff == ffi::SQLITE_AUTH {
                is_logged(&sql);
            }
            note(code, message.to_string(), sql, place, fresh_and_failed(code));
            fails_to_prepare();
        }
    })
}

/// Returns the rest of a message on a statement that was aborted, after the number of its instruction.
fn after_abort(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("statement aborts at ").or_else(|| message.strip_prefix("abort at "))?;
    Some(rest.trim_start_matches(|letter: char| letter.is_ascii_digit()))
}

/// The message of the log on a statement that was aborted.
pub(super) struct Aborted(String);

/// Takes the message on the last statement that was aborted on this thread, if none has begun or ended since.
pub(super) fn take_aborted() -> Option<Aborted> {
    if !HAS_ABORTED.try_with(Cell::take).unwrap_or(false) {
        return None;
    }
    ABORTED.try_with(RefCell::take).ok().flatten()
}

impl Aborted {
    /// Returns the error, if that is the statement.
    pub(super) fn error_of(&self, statement: &Statement<'_>) -> Option<String> {
        error_of(&self.0, statement.sql()?.to_string_lossy().as_ref())
    }
}

/// Returns the error of a statement of that text. The log has one before the text or, before SQLite 3.51, after it.
fn error_of(aborted: &str, sql: &str) -> Option<String> {
    let rest = after_abort(aborted)?;
    if let Some(rest) = rest.strip_prefix(": ").filter(|rest| !rest.starts_with('[')) {
        let (error, own) = rest.split_once("; [")?;
        // In a trigger a comment with its name comes first; a long text is cut.
        let own = own.strip_prefix("/* ").and_then(|own| own.split_once(" */ ")).map_or(own, |(_, own)| own);
        let own = own.strip_suffix(']').unwrap_or(own);
        return sql.starts_with(own).then(|| error.to_string());
    }
    let own = rest.strip_prefix(": [").or_else(|| rest.strip_prefix(" in ["))?;
    let error = own.strip_prefix(sql)?.strip_prefix(']')?;
    Some(error.trim_start_matches(':').trim_start().to_string())
}

#[cfg(test)]
mod tests {
    use super::error_of;

    #[test]
    fn the_error_is_found_in_each_form_of_the_log() {
        let sql = "INSERT INTO t VALUES ('a: [b]')";
        let error = Some("UNIQUE constraint failed: t.x".to_string());
        for logged in [
            "abort at 9 in [INSERT INTO t VALUES ('a: [b]')]: UNIQUE constraint failed: t.x",
            "statement aborts at 9: [INSERT INTO t VALUES ('a: [b]')] UNIQUE constraint failed: t.x",
            "statement aborts at 9: UNIQUE constraint failed: t.x; [INSERT INTO t VALUES ('a: [b]')]",
            "statement aborts at 9: UNIQUE constraint failed: t.x; [/* TRIGGER noted */ INSERT INTO t VALUES ('a: [b]')]",
            "statement aborts at 9: UNIQUE constraint failed: t.x; [INSERT INTO t VAL",
        ] {
            assert_eq!(error_of(logged, sql), error, "{logged}");
        }
        assert_eq!(error_of("statement aborts at 9: no; [INSERT INTO other VALUES (1)]", sql), None);
        assert_eq!(error_of("statement aborts at 9: [INSERT INTO t VAL", sql), None);
    }
}
