//! A bind that a connection has attached: its statements are the bind's, whatever the connection was opened to.

use multibind::faults::Operation;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::alone::alone_with;
use crate::failure::failure;

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .bind("auth", storage().schema("CREATE TABLE user (name TEXT)"))
        .bind("meta", storage().schema("CREATE TABLE setting (name TEXT)"))
        .start()
        .unwrap()
}

/// Opens a private database, and attaches a bind to it.
fn beside_a_private_one(db: &Harness, key: &str) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("CREATE TABLE own (x)").unwrap();
    attach(&conn, db, key);
    conn
}

fn attach(conn: &Connection, db: &Harness, key: &str) {
    conn.execute("ATTACH ?1 AS other", [db.uri(key).unwrap()]).unwrap();
}

const INSERT: &str = "INSERT INTO other.setting VALUES (?1)";

#[rstest]
fn what_a_connection_to_no_bind_writes_to_an_attached_one_is_recorded(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let conn = beside_a_private_one(&db, "meta");
    let log = db.record();
    conn.execute("INSERT INTO own VALUES (1)", []).unwrap();
    log.assert_reads_only(..).assert_count("meta", 0);
    let guard = db.allow_only("auth");
    conn.execute("INSERT INTO own VALUES (2)", []).unwrap();
    assert!(guard.refused().is_empty());
    drop(guard);
    conn.execute(INSERT, ["theme"]).unwrap();
    let text = failure(|| log.assert_reads_only("meta"));
    assert!(text.contains("INSERT INTO other.setting VALUES ('theme')"), "{text}");
    log.assert_reads_only("auth");
    let writes = db.last_writes("meta", "setting").unwrap();
    assert_eq!((writes.len(), writes[0].stayed()), (1, Some(true)));
}

#[rstest]
fn it_is_guarded_and_met_by_faults(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let conn = beside_a_private_one(&db, "meta");
    let guard = db.deny_writes("meta");
    assert!(conn.execute(INSERT, ["a"]).is_err());
    assert_eq!(guard.refused().len(), 1);
    drop(guard);
    let fault = db.fault("meta").fail_commit().unwrap();
    assert!(conn.execute(INSERT, ["b"]).is_err());
    drop(fault);
    let fault = db.fault("meta").fail_statement("setting", Operation::Insert).unwrap();
    assert!(conn.execute(INSERT, ["c"]).is_err());
    drop(fault);
    conn.execute(INSERT, ["d"]).unwrap();
    db.assert_landed("meta", "setting", row! { name: "d" });
    assert_eq!(db.locate("setting", row! {}).unwrap().len(), 1);
}

#[rstest]
fn what_a_connection_to_a_bind_writes_to_another_is_that_ones(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    attach(&conn, &db, "meta");
    let log = db.record();
    conn.execute(INSERT, ["theme"]).unwrap();
    log.assert_reads_only("auth").assert_count("auth", 0).assert_count("meta", 1);
    assert!(failure(|| log.assert_reads_only("meta")).contains("theme"));
    conn.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    log.assert_count("auth", 1);
}

#[test]
fn a_bind_of_another_harness_is_not_taken_for_one_of_this() {
    let (db, other) = (started(Bind::memory), started(Bind::memory));
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    attach(&conn, &other, "meta");
    let log = db.record();
    conn.execute(INSERT, ["theme"]).unwrap();
    log.assert_reads_only("meta").assert_count("meta", 0);
}

#[rstest]
fn what_a_connection_to_a_bind_has_attached_meets_the_faults_of_its_bind_alone(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let user = "CREATE TABLE user (name TEXT)";
    let builder = Harness::builder().bind("auth", storage().schema(user));
    let db = builder.bind("meta", storage().schema("CREATE TABLE setting (name TEXT); CREATE TABLE user (name TEXT)"));
    let db = db.start().unwrap();
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    attach(&conn, &db, "meta");
    let mut prepared = conn.prepare(INSERT).unwrap();

    let fault = db.fault("meta").fail_statement("setting", Operation::Insert).unwrap();
    assert_eq!(prepared.execute(["a"]).unwrap_err().to_string(), "not authorized");
    drop(fault);
    let fault = db.fault("meta").fail_statement("setting", Operation::Insert).unwrap();
    assert_eq!(conn.execute(INSERT, ["b"]).unwrap_err().to_string(), "not authorized");
    drop(fault);
    let fault = db.fault("meta").fail_commit().unwrap();
    conn.execute("INSERT INTO main.user VALUES ('ann')", []).unwrap();
    assert!(conn.execute(INSERT, ["c"]).is_err());
    drop(fault);
    let fault = db.fault("auth").fail_commit().unwrap();
    conn.execute(INSERT, ["d"]).unwrap();
    assert!(conn.execute("INSERT INTO main.user VALUES ('bob')", []).is_err());
    drop(fault);
    let fault = db.fault("auth").fail_statement("user", Operation::Insert).unwrap();
    conn.execute("INSERT INTO other.user VALUES ('cleo')", []).unwrap();
    assert!(conn.execute("INSERT INTO main.user VALUES ('dora')", []).is_err());
    drop(fault);

    db.assert_landed("auth", "user", row! { name: "ann" }).assert_landed("meta", "user", row! { name: "cleo" });
    assert_eq!(db.locate("user", row! {}).unwrap().len(), 2);
    db.assert_landed("meta", "setting", row! { name: "d" });
    assert_eq!(db.locate("setting", row! {}).unwrap().len(), 1);
}

#[rstest]
fn a_connection_that_an_ended_harness_had_is_seen_by_the_next(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let ended = started(storage);
    let conn = beside_a_private_one(&ended, "meta");
    conn.execute(INSERT, ["before"]).unwrap();
    drop(ended);
    conn.execute_batch("DETACH other").unwrap();

    let db = started(storage);
    attach(&conn, &db, "meta");
    let log = db.record();
    conn.execute(INSERT, ["theme"]).unwrap();
    assert!(failure(|| log.assert_reads_only("meta")).contains("theme"));
    let guard = db.deny_writes("meta");
    assert!(conn.execute(INSERT, ["refused"]).is_err());
    assert_eq!(guard.refused().len(), 1);
}

#[rstest]
fn what_a_connection_to_no_bind_writes_to_its_own_database_is_known_beside_an_attached_bind(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let conn = beside_a_private_one(&db, "meta");
    conn.execute_batch("CREATE TABLE setting (name TEXT)").unwrap();
    conn.execute("INSERT INTO main.setting VALUES (?1)", ["theme"]).unwrap();
    let text = failure(|| db.assert_landed("meta", "setting", row! { name: "theme" }));
    assert!(text.contains("INSERT INTO main.setting VALUES ('theme')"), "{text}");
    assert!(db.last_writes("meta", "setting").unwrap().is_empty());
}

#[rstest]
fn an_attached_table_is_altered_in_its_own_bind(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = started(storage);
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    attach(&conn, &db, "meta");
    let log = db.record();
    conn.execute_batch("ALTER TABLE other.setting ADD COLUMN value; ALTER TABLE other.setting DROP COLUMN value")
        .unwrap();
    log.assert_count("meta", 2).assert_reads_only("auth");
    let guard = db.deny_writes("meta");
    conn.execute_batch("ALTER TABLE other.setting ADD COLUMN value").unwrap_err();
    assert_eq!(guard.refused().len(), 1);
}

#[test]
fn a_connection_that_has_detached_a_bind_writes_to_its_own_database() {
    let db = started(Bind::memory);
    let conn = beside_a_private_one(&db, "meta");
    conn.execute_batch("DETACH other; CREATE TABLE setting (name TEXT)").unwrap();
    let log = db.record();
    let guard = db.deny_writes("meta");
    conn.execute("INSERT INTO setting VALUES ('theme')", []).unwrap();
    assert!(guard.refused().is_empty());
    log.assert_reads_only(..).assert_count("meta", 0);
    assert!(db.last_writes("meta", "setting").unwrap().is_empty());
    let text = failure(|| db.assert_landed("meta", "setting", row! { name: "theme" }));
    assert!(text.contains("INSERT INTO setting VALUES ('theme')"), "{text}");
    attach(&conn, &db, "meta");
    assert!(conn.execute(INSERT, ["refused"]).is_err());
    assert_eq!(guard.refused().len(), 1);
}

#[test]
fn a_connection_to_no_bind_is_guarded_with_the_recorder_off() {
    if !alone_with(&[("MULTIBIND_RECORD", "off")]) {
        return;
    }
    let db = started(Bind::memory);
    let conn = beside_a_private_one(&db, "meta");
    let guard = db.deny_writes("meta");
    assert!(conn.execute(INSERT, ["refused"]).is_err());
    assert_eq!(guard.refused().len(), 1);
    conn.execute("INSERT INTO own VALUES (1)", []).unwrap();
}
