//! SQLite's log, of which a process has one.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::ptr;
use std::sync::Mutex;

use multibind::rusqlite::{ffi, Connection};
use multibind::{row, Bind, Harness, Keep};

use crate::alone::alone;
use crate::caught::message;

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

static NOTE: unsafe extern "C" fn(*mut c_void, c_int, *const c_char) = note;

unsafe extern "C" fn note(_: *mut c_void, code: c_int, message: *const c_char) {
    // SAFETY: SQLite passes a text that ends with a NUL.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    LOGGED.lock().unwrap().push(format!("{code}: {message}"));
}

fn log_to_the_application() {
    let nothing: *mut c_void = ptr::null_mut();
    // SAFETY: the callback lives as long as the process, and no other thread uses SQLite.
    let code = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOG, NOTE, nothing) };
    assert_eq!(code, ffi::SQLITE_OK);
}

fn start() -> Harness {
    let db = Harness::builder().bind("billing", Bind::memory()).start().unwrap();
    db.keep(Keep::Never);
    db
}

/// Returns a text in one line.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the report on a row that was not written, since its table is not there.
fn report(db: &Harness) -> String {
    let conn = Connection::open(db.uri("billing").unwrap()).unwrap();
    conn.execute("INSERT INTO coupon (code) VALUES ('SPRING')", []).unwrap_err();
    conn.execute_batch("CREATE TABLE other (code TEXT); CREATE TABLE coupon (code TEXT)").unwrap();
    in_one_line(&message(|| db.assert_landed("billing", "coupon", row! { code: "SPRING" })))
}

#[test]
fn a_log_that_the_application_has_set_is_left_to_it() {
    if !alone() {
        return;
    }
    log_to_the_application();
    let report = report(&start());
    assert!(report.contains("One that SQLite refused to prepare is not seen"), "{report}");
    let logged = LOGGED.lock().unwrap();
    assert_eq!(logged[0], format!("{}: multibind leaves this log to the application", ffi::SQLITE_NOTICE));
    let refused = "1: no such table: coupon in \"INSERT INTO coupon (code) VALUES ('SPRING')\"";
    assert!(logged.iter().any(|line| line == refused), "{logged:?}");
}

#[test]
fn a_guard_without_the_log_says_what_sqlite_asked_about() {
    if !alone() {
        return;
    }
    log_to_the_application();
    let db = start();
    let conn = Connection::open(db.uri("billing").unwrap()).unwrap();
    conn.execute_batch("CREATE TABLE coupon (code TEXT)").unwrap();
    let guard = db.allow_only([] as [&str; 0]);
    conn.execute("UPDATE coupon SET code = upper(code)", []).unwrap_err();
    conn.execute("DELETE FROM coupon", []).unwrap_err();
    let refused = guard.refused();
    assert_eq!(refused[0].to_string(), "bind `billing`: a statement on `coupon`");
    assert_eq!(refused[1].to_string(), "bind `billing`: a DELETE from `coupon`");
    assert!(refused[0].place().unwrap().contains("a_guard_without_the_log_says_what_sqlite_asked_about"));
}

#[test]
fn a_log_that_the_application_sets_later_is_its_own() {
    if !alone() {
        return;
    }
    let db = start();
    let before = report(&db);
    assert!(before.contains("SQLite refused this statement on `billing`: no such table: coupon"), "{before}");
    assert!(LOGGED.lock().unwrap().is_empty());
    log_to_the_application();
    db.connection("billing").unwrap().execute("INSERT INTO neither VALUES (1)", []).unwrap_err();
    assert!(LOGGED.lock().unwrap().iter().any(|line| line.contains("no such table: neither")));
    db.connection("billing").unwrap().execute_batch("CREATE TABLE neither (x)").unwrap();
    let after = message(|| db.assert_landed("billing", "neither", row! { x: 1 }));
    assert!(after.contains("is not seen"), "{after}");
}
