//! Records, guards and faults reach the connections that the application opens itself, in every storage.

use std::time::Duration;

use multibind::faults::{Fault, FaultBuilder, Operation};
use multibind::rusqlite::{Connection, ErrorCode, OpenFlags};
use multibind::{row, Bind, Harness};
use rstest::rstest;

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
