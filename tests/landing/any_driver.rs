//! Records, guards and faults reach the connections that the application opens itself, in every storage.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::time::Duration;

use multibind::faults::{Fault, FaultBuilder, Operation};
use multibind::rusqlite::{ffi, Connection, ErrorCode, OpenFlags};
use multibind::{row, Bind, Error, Harness};
use rstest::rstest;

use crate::hooks::{replace_authorizer, replace_commit_hook};

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .bind("auth", storage().schema(USER))
        .bind("meta", storage().schema("CREATE TABLE setting (x)"))
        .start()
        .unwrap()
}

fn own(db: &Harness, key: &str) -> Connection {
    Connection::open(db.uri(key).unwrap()).unwrap()
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_record_has_what_any_connection_ran(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let auth = own(&db, "auth");
    let log = db.record();
    auth.execute("INSERT INTO user (name) VALUES (?1)", ["ann"]).unwrap();
    let sql: Vec<_> = log.on("auth").unwrap().iter().map(|ran| ran.sql_with_values().to_string()).collect();
    assert_eq!(sql, ["INSERT INTO user (name) VALUES ('ann')"]);
    assert_eq!(log.on("meta").unwrap().len(), 0);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_guard_refuses_what_any_connection_writes(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let auth = own(&db, "auth");
    let guard = db.deny_writes("auth");
    assert!(auth.execute("INSERT INTO user (name) VALUES ('ann')", []).is_err());
    assert_eq!(guard.refused().len(), 1);
    assert_eq!(auth.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)), Ok(0));
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_fault_meets_any_connection(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let auth = own(&db, "auth");
    let fault = db.fault("auth").fail_statement("user", Operation::Insert).unwrap();
    let refused = auth.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap_err();
    assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::AuthorizationForStatementDenied));
    drop(fault);
    let fault = db.fault("auth").fail_commit().unwrap();
    assert!(auth.execute("INSERT INTO user (name) VALUES ('ann')", []).is_err());
    drop(fault);
    auth.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
}

/// Opens the bind's file as a program would that knows nothing of URIs.
fn by_path(db: &Harness, key: &str) -> Connection {
    Connection::open_with_flags(db.path(key).unwrap().unwrap(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

#[rstest]
#[case::disk_full(FaultBuilder::disk_full, ErrorCode::DiskFull)]
#[case::fail_io(FaultBuilder::fail_io, ErrorCode::SystemIoFailure)]
#[case::read_only(FaultBuilder::read_only, ErrorCode::ReadOnly)]
#[case::busy(FaultBuilder::busy, ErrorCode::DatabaseBusy)]
fn a_fault_of_the_disk_meets_any_connection_to_a_file(
    #[case] begin: fn(FaultBuilder) -> multibind::Result<Fault>,
    #[case] code: ErrorCode,
    #[values(own, by_path)] open: fn(&Harness, &str) -> Connection,
) {
    let db = started(Bind::temp_file);
    let auth = open(&db, "auth");
    auth.busy_timeout(Duration::ZERO).unwrap();
    let fault = begin(db.fault("auth")).unwrap();
    let refused = auth.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap_err();
    assert_eq!(refused.sqlite_error_code(), Some(code));
    assert_eq!(fault.triggered(), 1);
    drop(fault);
    auth.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    db.assert_not_landed("auth", "user", row! { name: "ann" });
    db.assert_landed("auth", "user", row! { name: "bob" });
}

#[test]
fn a_fault_of_the_disk_leaves_other_files_and_the_harness_alone() {
    let db = started(Bind::temp_file);
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(folder.path().join("other.db")).unwrap();
    let fault = db.fault("auth").optional().disk_full().unwrap();
    other.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    by_path(&db, "meta").execute("INSERT INTO setting VALUES (1)", []).unwrap();
    db.assert_landed("meta", "setting", row! { x: 1 });
    db.reset().unwrap();
    assert_eq!(fault.triggered(), 0);
}

#[test]
fn a_shared_cache_of_the_applications_own_outlives_the_start_of_a_bind_in_a_file() {
    let uri = "file:the_applications_own?mode=memory&cache=shared";
    let before = Connection::open(uri).unwrap();
    before.execute_batch("CREATE TABLE t (x)").unwrap();
    let _db = started(Bind::temp_file);
    assert!(Connection::open(uri).unwrap().prepare("SELECT x FROM t").is_ok());
}

fn names(auth: &Connection) -> multibind::rusqlite::Result<i64> {
    auth.query_row("SELECT count(*) FROM user", [], |row| row.get(0))
}

#[rstest]
fn an_unreadable_bind_fails_whoever_begins_to_read_and_not_the_harness(
    #[values(Bind::memory, Bind::temp_file)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let auth = own(&db, "auth");
    auth.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    let pooled = db.connection("auth").unwrap();
    let fault = db.fault("auth").fail_read().unwrap();
    for conn in [&auth, &pooled] {
        let failed = names(conn).unwrap_err();
        assert_eq!(failed.sqlite_error().unwrap().extended_code, ffi::SQLITE_IOERR_READ);
    }
    assert!(auth.execute("INSERT INTO user (name) VALUES ('bob')", []).is_err());
    assert_eq!(fault.triggered(), 3);
    db.assert_landed("auth", "user", row! { name: "ann" });
    db.reset().unwrap();
    assert_eq!(fault.triggered(), 3);
    drop(fault);
    assert_eq!(names(&auth), Ok(0));
}

#[rstest]
fn a_transaction_that_has_begun_to_read_an_unreadable_bind_goes_on(
    #[values(Bind::memory, Bind::temp_file)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let auth = own(&db, "auth");
    auth.execute_batch("BEGIN").unwrap();
    assert_eq!(names(&auth), Ok(0));
    let fault = db.fault("auth").fail_read().unwrap();
    assert_eq!(names(&auth), Ok(0));
    auth.execute_batch("COMMIT").unwrap();
    assert!(names(&auth).is_err());
    assert_eq!(fault.triggered(), 1);
}

#[rstest]
fn a_bind_that_is_down_is_opened_by_nobody_and_comes_back(
    #[values(Bind::memory, Bind::temp_file)] storage: fn() -> Bind,
    #[values("wal", "delete")] journal: &str,
) {
    let db = started(storage);
    let auth = own(&db, "auth");
    auth.execute_batch(&format!("PRAGMA journal_mode = {journal}")).unwrap();
    auth.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    auth.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('bob')").unwrap();

    let fault = db.fault("auth").down().unwrap();
    let refused = Connection::open(db.uri("auth").unwrap()).unwrap_err();
    assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::CannotOpen));
    assert!(auth.execute_batch("COMMIT").is_err());
    auth.execute_batch("ROLLBACK").ok();
    let broken = names(&auth).unwrap_err();
    assert_eq!(broken.sqlite_error_code(), Some(ErrorCode::CannotOpen));
    own(&db, "meta").execute("INSERT INTO setting VALUES (1)", []).unwrap();
    db.assert_landed("auth", "user", row! { name: "ann" });
    drop(fault);

    assert_eq!(names(&auth), Ok(1));
    assert_eq!(names(&own(&db, "auth")), Ok(1));
}

#[rstest]
fn a_bind_that_is_down_for_one_opening_is_there_for_the_next(
    #[values(Bind::memory, Bind::temp_file)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let fault = db.fault("auth").times(1).down().unwrap();
    assert!(Connection::open(db.uri("auth").unwrap()).is_err());
    assert_eq!(names(&own(&db, "auth")), Ok(0));
    assert_eq!(fault.triggered(), 1);
}

#[rstest]
fn a_slow_bind_counts_each_transaction_that_it_delays(
    #[values(Bind::memory, Bind::temp_file)] storage: fn() -> Bind,
    #[values("wal", "delete")] journal: &str,
) {
    let db = started(storage);
    let auth = own(&db, "auth");
    auth.execute_batch(&format!("PRAGMA journal_mode = {journal}")).unwrap();
    assert_eq!(names(&auth), Ok(0));
    let fault = db.fault("auth").slow(Duration::from_nanos(1)).unwrap();
    assert_eq!(names(&auth), Ok(0));
    assert_eq!(fault.triggered(), 1);
    auth.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('ann'); SELECT * FROM user; COMMIT").unwrap();
    assert_eq!(fault.triggered(), 2);
    db.assert_landed("auth", "user", row! { name: "ann" });
    assert_eq!(fault.triggered(), 2);
}

#[rstest]
#[case::fail_read(FaultBuilder::fail_read)]
#[case::down(FaultBuilder::down)]
#[case::slow(|fault: FaultBuilder| fault.slow(Duration::from_secs(1)))]
fn a_fault_of_reading_needs_a_storage_with_a_disk(
    #[case] begin: fn(FaultBuilder) -> multibind::Result<Fault>,
    #[values(Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    assert!(matches!(begin(db.fault("auth")), Err(Error::Fault { .. })));
}

/// Takes the slot of the harness's trace, as `rusqlite::Connection::trace_v2` does.
fn replace_trace(conn: &Connection) {
    // SAFETY: the handle is open, and no callback is given.
    unsafe { ffi::sqlite3_trace_v2(conn.handle(), 0, None, ptr::null_mut()) };
}

#[rstest]
fn a_write_is_seen_where_the_application_has_replaced_one_of_the_instruments(
    #[values(Bind::memory, Bind::temp_file)] storage: fn() -> Bind,
    #[values(replace_trace, replace_authorizer, replace_commit_hook)] replace: fn(&Connection),
) {
    let db = started(storage);
    let auth = own(&db, "auth");
    replace(&auth);
    let log = db.record();
    auth.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| log.assert_reads_only("auth"))).is_err());

    let guard = db.deny_writes("auth");
    assert!(auth.execute("INSERT INTO user (name) VALUES ('bob')", []).is_err());
    assert_eq!(guard.refused().len(), 1);
    let ended = catch_unwind(AssertUnwindSafe(|| drop(guard)));
    // A storage with a file system of this crate's shows writes without a commit hook.
    assert_eq!(ended.is_ok(), ptr::fn_addr_eq(replace, replace_commit_hook as fn(&Connection)));
    db.assert_not_landed("auth", "user", row! { name: "bob" });
}
