//! What an application sets on its own connections: a hook, a trace or an authorizer. SQLite has one place for each. The
//! application's goes on, and what depends on the harness's names what it has lost.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use multibind::faults::Fault;
use multibind::guards::Guard;
use multibind::rusqlite::ffi;
use multibind::statements::StatementLog;

/// What the application sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    Update,
    Rollback,
    Commit,
    Trace,
    Authorizer,
}

/// One of the application's own, which counts its calls.
#[derive(Clone, Copy)]
pub struct Own {
    pub hook: Hook,
    pub called: &'static AtomicUsize,
}

impl Own {
    pub fn new(hook: Hook) -> Own {
        Own { hook, called: Box::leak(Box::default()) }
    }

    /// Sets it on a connection that is open and that no other thread uses.
    pub fn set(self, db: *mut ffi::sqlite3) {
        let called = ptr::from_ref(self.called).cast_mut().cast();
        // SAFETY: the callbacks have the signatures asked for, and the counter lives as long as the process.
        unsafe {
            match self.hook {
                Hook::Update => {
                    ffi::sqlite3_update_hook(db, Some(updated), called);
                }
                Hook::Rollback => {
                    ffi::sqlite3_rollback_hook(db, Some(rolled_back), called);
                }
                Hook::Commit => {
                    ffi::sqlite3_commit_hook(db, Some(committed), called);
                }
                Hook::Trace => {
                    ffi::sqlite3_trace_v2(db, ffi::SQLITE_TRACE_STMT as c_uint, Some(traced), called);
                }
                Hook::Authorizer => {
                    ffi::sqlite3_set_authorizer(db, Some(allowed), called);
                }
            }
        }
    }

    /// Returns the harness's instrument that has lost its place.
    fn lost(self) -> Option<&'static str> {
        match self.hook {
            Hook::Update | Hook::Rollback => None,
            Hook::Commit => Some("commit hook"),
            Hook::Trace => Some("trace"),
            Hook::Authorizer => Some("authorizer"),
        }
    }

    /// Checks the message of what must fail for it, or that nothing has failed.
    fn names(self, is_lost: bool, message: Option<String>) {
        let message = message.map(|message| message.split_whitespace().collect::<Vec<_>>().join(" "));
        match (self.lost().filter(|_| is_lost), message) {
            (Some(lost), Some(message)) => {
                assert!(message.contains("to bind `auth`"), "{message}");
                assert!(message.contains(&format!("has replaced the {lost} of the harness")), "{message}");
            }
            (None, None) => {}
            (lost, message) => panic!("{:?}: {lost:?}, {message:?}", self.hook),
        }
    }

    /// Checks a record of a sign-up: it has the write, or says that it may not have seen all; in a storage that shows every
    /// write, it needs no commit hook.
    pub fn after_a_record(self, log: &StatementLog, shows_writes: bool) {
        let reads_only = message(|| log.assert_reads_only("auth")).expect("a write");
        if self.hook != Hook::Trace {
            assert!(reads_only.contains("ann"), "{reads_only}");
        }
        let needs = self.hook != Hook::Commit || !shows_writes;
        self.names(needs, message(|| log.assert_at_most("auth", 9)));
        log.assert_reads_only("meta");
    }

    /// Checks a guard and whether it has refused a sign-up.
    pub fn after_a_guard(self, guard: Guard, refused: bool, shows_writes: bool) {
        assert!(refused || !shows_writes);
        assert_eq!(guard.refused().is_empty(), !refused);
        let needs = self.hook != Hook::Commit || !shows_writes;
        self.names(needs, message(|| drop(guard)));
    }

    /// Checks a fault of commits and whether it has failed a sign-up, and that the application's own has been called.
    pub fn after_a_fault(self, fault: Fault, failed: bool) {
        assert_eq!(failed, self.hook != Hook::Commit);
        self.names(self.hook == Hook::Commit, message(|| drop(fault)));
        assert!(self.called.load(Ordering::Relaxed) > 0, "{:?}", self.hook);
    }
}

/// Returns the message of a panic.
fn message<T>(work: impl FnOnce() -> T) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(work)).err()?;
    Some(panic.downcast::<String>().map_or_else(|_| "no text".to_string(), |message| *message))
}

fn count(called: *mut c_void) {
    // SAFETY: it was set with a counter that lives as long as the process.
    unsafe { &*called.cast::<AtomicUsize>() }.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn updated(called: *mut c_void, _: c_int, _: *const c_char, _: *const c_char, _: i64) {
    count(called);
}

unsafe extern "C" fn rolled_back(called: *mut c_void) {
    count(called);
}

unsafe extern "C" fn committed(called: *mut c_void) -> c_int {
    count(called);
    0
}

unsafe extern "C" fn traced(_: c_uint, called: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    count(called);
    0
}

unsafe extern "C" fn allowed(
    called: *mut c_void,
    _: c_int,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    count(called);
    ffi::SQLITE_OK
}
