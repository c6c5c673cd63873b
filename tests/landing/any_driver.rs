//! Records, guards and faults reach the connections that the application opens itself, in every storage.

use multibind::faults::Operation;
use multibind::rusqlite::{Connection, ErrorCode};
use multibind::{Bind, Harness};
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
