//! A connection has one trace, one authorizer and one commit hook: the application's own go on, and what depends on the
//! harness's says which connection lost it.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use multibind::faults::Operation;
use multibind::rusqlite::hooks::{AuthContext, Authorization};
use multibind::rusqlite::{ffi, Connection, Result};
use multibind::statements::StatementKind;
use multibind::{Bind, Harness};
use rstest::rstest;

use crate::alone::alone;
use crate::failure::{failure, message};
use crate::hooks::{replace_authorizer, replace_commit_hook};

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .bind("auth", storage().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
        .bind("meta", storage().schema("CREATE TABLE setting (x)"))
        .start()
        .unwrap()
}

fn opened_here(db: &Harness, key: &str) -> Connection {
    Connection::open(db.uri(key).unwrap()).unwrap()
}

fn users(conn: &Connection) -> Result<i64> {
    conn.query_row("SELECT count(*) FROM user", [], |row| row.get(0))
}

fn insert(conn: &Connection, name: &str) -> Result<usize> {
    conn.execute("INSERT INTO user (name) VALUES (?1)", [name])
}

unsafe extern "C" fn traced(_: c_uint, count: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    // SAFETY: it was set with a counter that lives as long as the process.
    unsafe { &*count.cast::<AtomicUsize>() }.fetch_add(1, Ordering::Relaxed);
    0
}

/// Counts statements as they begin, by what `rusqlite::Connection::trace_v2` calls, which is behind a feature.
fn trace_into(conn: &Connection, count: &'static AtomicUsize) {
    let count = ptr::from_ref(count).cast_mut().cast();
    // SAFETY: the handle is open, and the callback has the signature asked for.
    unsafe { ffi::sqlite3_trace_v2(conn.handle(), ffi::SQLITE_TRACE_STMT as c_uint, Some(traced), count) };
}

fn trace(conn: &Connection) {
    static TRACED: AtomicUsize = AtomicUsize::new(0);
    trace_into(conn, &TRACED);
}

fn no_trace(conn: &Connection) {
    // SAFETY: the handle is open, and no callback is given.
    unsafe { ffi::sqlite3_trace_v2(conn.handle(), 0, None, ptr::null_mut()) };
}

/// Opens a connection on a thread of the application's.
fn opened_by_a_worker(db: &Harness, key: &str) -> Connection {
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("worker".to_string());
        worker.spawn_scoped(scope, || opened_here(db, key)).unwrap().join().unwrap()
    })
}

/// Joins the lines of a message.
fn words(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cuts the place of an opening, which has a file where the program has debug information, and the line of the guard.
fn without_place(message: &str) -> String {
    let words = words(message);
    let (before, after) = words.split_once("landing::replaced::opened_here").expect("a place");
    let (before, _) = before.rsplit_once(" at ").expect("its beginning");
    let words = format!("{before} at […]{after}");
    match words.split_once("tests/landing/replaced.rs:") {
        Some((before, after)) => {
            format!("{before}[…]{}", after.trim_start_matches(|line: char| line.is_ascii_digit() || line == ':'))
        }
        None => words,
    }
}

#[rstest]
fn an_assertion_on_statements_names_the_connection_whose_trace_was_replaced(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
    #[values(trace, no_trace, replace_authorizer)] replace: fn(&Connection),
) {
    let db = started(storage);
    let auth = opened_here(&db, "auth");
    replace(&auth);
    let log = db.record();
    let _ = users(&auth);
    let lost = if ptr::fn_addr_eq(replace, replace_authorizer as fn(&Connection)) { "authorizer" } else { "trace" };
    for text in [
        failure(|| log.assert_reads_only("auth")),
        failure(|| log.assert_reads_only(..)),
        message(|| log.assert_at_most("auth", 10)),
        message(|| log.assert_containing("DELETE", 0)),
    ] {
        let text = words(&text);
        assert!(text.contains("statements may have run unseen"), "{text}");
        assert!(text.contains(&format!("has replaced the {lost}")), "{text}");
        assert!(text.contains("to bind `auth`"), "{text}");
    }
    assert!(log.to_string().contains("More may have run unseen:"));
    log.assert_reads_only("meta").assert_count("meta", 0);
}

#[test]
fn the_report_says_what_was_replaced_where_the_connection_was_opened_and_what_to_do() {
    let db = started(Bind::memory);
    let auth = opened_by_a_worker(&db, "auth");
    trace(&auth);
    replace_authorizer(&auth);
    let log = db.record();
    insta::assert_snapshot!(without_place(&message(|| log.assert_count("auth", 0))), @"expected no statement on bind `auth`, but statements may have run unseen: On connection 1 to bind `auth`, opened on thread `worker` at […], the application has replaced the trace and authorizer of the harness. SQLite has one trace, one authorizer and one commit hook for each connection, and the application's stay. Set them on no connection that this part of the test uses, or assert on what changed: `db.changes_since(&before)`.");
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_named_too_and_one_that_was_closed_before_is_not() {
    let db = started(Bind::memory);
    let before = opened_here(&db, "auth");
    trace(&before);
    drop(before);
    let log = db.record();
    log.assert_reads_only("auth");
    let auth = opened_here(&db, "auth");
    trace(&auth);
    drop(auth);
    let text = without_place(&failure(|| log.assert_reads_only("auth")));
    assert!(text.contains("closed since"), "{text}");
    db.record().assert_reads_only("auth");
}

#[test]
fn a_pooled_connection_is_named_as_one() {
    let db = started(Bind::memory);
    trace(&db.connection("auth").unwrap());
    let log = db.record();
    let text = failure(|| log.assert_reads_only("auth"));
    assert!(text.contains("of the harness's pool"), "{text}");
}

#[test]
fn a_guard_fails_where_it_could_not_see_a_connection_even_if_its_refusals_are_asked_for() {
    let db = started(Bind::memory);
    let auth = opened_by_a_worker(&db, "auth");
    trace(&auth);
    let guard = db.deny_writes("auth");
    assert!(insert(&auth, "ann").is_err());
    assert_eq!(guard.refused().len(), 1);
    insta::assert_snapshot!(without_place(&message(|| drop(guard))), @r#"`deny_writes("auth")` at […] could not guard every connection: statements may have got past it. On connection 1 to bind `auth`, opened on thread `worker` at […], the application has replaced the trace of the harness. SQLite has one trace, one authorizer and one commit hook for each connection, and the application's stay. Set them on no connection that this part of the test uses, or assert on what changed: `db.changes_since(&before)`."#);
    drop(db.deny_writes("meta"));
    drop(db.allow_only("auth"));
    assert!(message(|| drop(db.allow_only("meta"))).contains("could not guard every connection"));
}

#[rstest]
fn a_fault_fails_where_the_instrument_that_it_needs_was_replaced(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let auth = opened_here(&db, "auth");
    replace_commit_hook(&auth);
    drop(db.fault("auth").optional().fail_statement("user", Operation::Insert).unwrap());
    let fault = db.fault("auth").optional().fail_commit().unwrap();
    insert(&auth, "ann").unwrap();
    let text = words(&message(|| drop(fault)));
    assert!(text.contains("could not fail what runs on every connection"), "{text}");
    assert!(text.contains("has replaced the commit hook"), "{text}");

    replace_authorizer(&auth);
    let fault = db.fault("auth").fail_statement("user", Operation::Insert).unwrap();
    insert(&auth, "bob").unwrap();
    assert!(words(&message(|| drop(fault))).contains("has replaced the authorizer and commit hook"));
}

#[test]
fn a_fault_that_did_its_part_elsewhere_is_content() {
    let db = started(Bind::memory);
    let (auth, other) = (opened_here(&db, "auth"), opened_here(&db, "auth"));
    replace_commit_hook(&other);
    let fault = db.fault("auth").times(1).fail_commit().unwrap();
    assert!(insert(&auth, "ann").is_err());
    drop(fault);
}

#[rstest]
fn the_applications_own_authorizer_is_asked_once_about_each_action_and_obeyed(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    // SQLite asks on the thread that prepares; other cases run on others.
    thread_local! {
        static ASKED: Cell<usize> = const { Cell::new(0) };
    }
    let deny = |context: AuthContext<'_>| {
        ASKED.set(ASKED.get() + 1);
        match context.action {
            multibind::rusqlite::hooks::AuthAction::Delete { .. } => Authorization::Deny,
            _ => Authorization::Allow,
        }
    };
    let asked = |run: &dyn Fn()| {
        let before = ASKED.get();
        run();
        ASKED.get() - before
    };
    let private = &mut Connection::open_in_memory().unwrap();
    private.execute_batch("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE)").unwrap();
    let _ = private.authorizer(Some(deny));
    let alone = asked(&|| drop(insert(private, "ann")));

    let db = started(storage);
    let auth = &mut opened_here(&db, "auth");
    let _ = auth.authorizer(Some(deny));
    let log = db.record();
    assert_eq!(asked(&|| drop(insert(auth, "ann"))), alone);
    auth.execute_batch("BEGIN; COMMIT").unwrap();
    assert!(auth.execute("DELETE FROM user", []).is_err());
    assert_eq!(users(auth), Ok(1));
    let kinds = log.statements().iter().map(|ran| ran.kind()).collect::<Vec<_>>();
    let (write, step) = (StatementKind::Write, StatementKind::Transaction);
    assert_eq!(kinds, [write, step, step, StatementKind::Read]);
}

#[rstest]
fn the_applications_own_hooks_are_called_and_leave_the_record_whole(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    static CALLED: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    let before = CALLED.each_ref().map(|called| called.load(Ordering::Relaxed));
    let db = started(storage);
    let auth = &mut opened_here(&db, "auth");
    let count = |at: usize| {
        CALLED[at].fetch_add(1, Ordering::Relaxed);
    };
    let _ = auth.update_hook(Some(move |_, _: &str, _: &str, _| count(0)));
    let _ = auth.rollback_hook(Some(move || count(1)));
    let _ = auth.progress_handler(
        1,
        Some(move || {
            count(2);
            false
        }),
    );
    auth.busy_handler(Some(|_| false)).unwrap();
    let log = db.record();
    insert(auth, "ann").unwrap();
    auth.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('bob'); ROLLBACK").unwrap();
    log.assert_count("auth", 2);
    let _ = auth.commit_hook(Some(move || {
        count(3);
        false
    }));
    insert(auth, "cleo").unwrap();
    let after = CALLED.each_ref().map(|called| called.load(Ordering::Relaxed));
    assert!(std::iter::zip(before, after).all(|(before, after)| after > before), "{before:?} {after:?}");
    assert_eq!(log.statements().len(), 5);
}

#[test]
fn an_update_hook_that_on_connect_has_set_stays_and_the_record_is_whole() {
    static UPDATED: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn updated(_: *mut c_void, _: c_int, _: *const c_char, _: *const c_char, _: i64) {
        UPDATED.fetch_add(1, Ordering::Relaxed);
    }
    let count = |conn: &Connection| {
        // SAFETY: the handle is open, and the callback has the signature asked for and no context.
        unsafe { ffi::sqlite3_update_hook(conn.handle(), Some(updated), ptr::null_mut()) };
        Result::<()>::Ok(())
    };
    let auth = Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)").on_connect(count);
    let db = Harness::builder().bind("auth", auth).start().unwrap();
    let conn = db.connection("auth").unwrap();
    let (log, before) = (db.record(), UPDATED.load(Ordering::Relaxed));
    insert(&conn, "ann").unwrap();
    assert_eq!(UPDATED.load(Ordering::Relaxed), before + 1);
    log.assert_count("auth", 1);
}

#[test]
fn an_instrument_that_on_connect_has_set_stays() {
    static TRACED: AtomicUsize = AtomicUsize::new(0);
    let count = |conn: &Connection| {
        trace_into(conn, &TRACED);
        Result::<()>::Ok(())
    };
    let auth = Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)").on_connect(count);
    let db = Harness::builder().bind("auth", auth).start().unwrap();
    let conn = db.connection("auth").unwrap();
    let (log, before) = (db.record(), TRACED.load(Ordering::Relaxed));
    insert(&conn, "ann").unwrap();
    assert_eq!(TRACED.load(Ordering::Relaxed), before + 1);
    assert!(message(|| log.assert_count("auth", 1)).contains("More may have run unseen"), "{log:?}");
}

#[test]
fn assertions_fail_where_the_application_keeps_sqlite_from_reporting_openings() {
    if !alone() {
        return;
    }
    let db =
        Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (name TEXT)")).start().unwrap();
    let (log, guard) = (db.record(), db.deny_writes("meta"));
    // SAFETY: nothing else in this process uses SQLite now.
    unsafe { multibind::rusqlite::ffi::sqlite3_reset_auto_extension() };
    let unseen = Connection::open(db.uri("meta").unwrap()).unwrap();
    unseen.execute("INSERT INTO setting VALUES ('theme')", []).ok();

    // What is opened from here on is seen, and by a harness that starts now nothing was missed.
    let next =
        Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (name TEXT)")).start().unwrap();
    next.record().assert_count("meta", 0);
    let seen = next.deny_writes("meta");
    Connection::open(next.uri("meta").unwrap()).unwrap().execute("DELETE FROM setting", []).unwrap_err();
    assert_eq!(seen.refused().len(), 1);
    drop(seen);

    let text = message(|| {
        log.assert_count("meta", 0);
    });
    assert!(text.contains("has called `sqlite3_reset_auto_extension`"), "{text}");
    let text = message(|| drop(guard));
    assert!(text.contains("has called `sqlite3_reset_auto_extension`"), "{text}");
}
