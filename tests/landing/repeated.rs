//! A statement that runs again and again in one transaction is counted while nobody records: each execution still has its rows, its
//! end, its connection and its thread.
//!
//! Where numbers are exact, they are so small that all statements are kept in full: what a statement would do is asked anew when
//! another test of the process changes a schema, and then it is counted anew too.

use std::thread;

use multibind::rusqlite::config::DbConfig;
use multibind::rusqlite::Connection;
use multibind::statements::{Statement, TransactionEnd};
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::failure::failure;

const SCHEMA: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
    CREATE TABLE noted (name TEXT, at TEXT); CREATE TABLE audit (name TEXT);
    CREATE TRIGGER notes AFTER INSERT ON noted BEGIN INSERT INTO audit VALUES (new.name); END";

const INSERT: &str = "INSERT INTO user (name) VALUES (?1)";

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder().bind("auth", storage().schema(SCHEMA)).bind("meta", storage().schema(SCHEMA)).start().unwrap()
}

fn own(db: &Harness, key: &str) -> Connection {
    Connection::open(db.uri(key).unwrap()).unwrap()
}

/// Inserts users of these numbers, one by one.
fn insert(conn: &Connection, numbers: std::ops::Range<u32>) {
    for number in numbers {
        conn.prepare_cached(INSERT).unwrap().execute([format!("u{number}")]).unwrap();
    }
}

fn execute(conn: &Connection, sql: &str) {
    conn.execute_batch(sql).unwrap();
}

fn plain(conn: &Connection) {
    execute(conn, "BEGIN");
    insert(conn, 0..300);
    execute(conn, "COMMIT");
}

fn in_two_transactions(conn: &Connection) {
    plain(conn);
    execute(conn, "BEGIN");
    insert(conn, 300..500);
    execute(conn, "ROLLBACK");
}

fn failing_in_the_middle(conn: &Connection) {
    execute(conn, "BEGIN");
    insert(conn, 0..150);
    conn.execute(INSERT, ["u7"]).unwrap_err();
    conn.prepare_cached(INSERT).unwrap().execute(["u8"]).unwrap_err();
    insert(conn, 150..300);
    execute(conn, "COMMIT");
}

fn back_to_a_savepoint(conn: &Connection) {
    execute(conn, "BEGIN");
    insert(conn, 0..150);
    execute(conn, "SAVEPOINT s");
    insert(conn, 150..250);
    execute(conn, "ROLLBACK TO s");
    insert(conn, 250..260);
    execute(conn, "COMMIT");
}

fn a_savepoint_each(conn: &Connection) {
    execute(conn, "BEGIN");
    for number in 0..150 {
        execute(conn, "SAVEPOINT s");
        insert(conn, number..number + 1);
        execute(conn, if number % 3 == 0 { "ROLLBACK TO s; RELEASE s" } else { "RELEASE s" });
    }
    execute(conn, "COMMIT");
}

fn with_other_statements_between(conn: &Connection) {
    execute(conn, "BEGIN");
    insert(conn, 0..100);
    conn.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).unwrap();
    insert(conn, 100..150);
    execute(conn, "DELETE FROM user WHERE id < 10");
    insert(conn, 150..300);
    execute(conn, "CREATE TABLE late (x)");
    insert(conn, 300..400);
    execute(conn, "COMMIT");
}

fn rolled_back_by_an_error(conn: &Connection) {
    execute(conn, "BEGIN");
    let insert = "INSERT OR ROLLBACK INTO user (name) VALUES (?1)";
    for number in 0..100 {
        conn.prepare_cached(insert).unwrap().execute([format!("u{number}")]).unwrap();
    }
    conn.prepare_cached(insert).unwrap().execute(["u3"]).unwrap_err();
}

fn ignoring_some(conn: &Connection) {
    execute(conn, "BEGIN");
    for number in 0..200 {
        let insert = "INSERT OR IGNORE INTO user (name) VALUES (?1)";
        conn.prepare_cached(insert).unwrap().execute([format!("u{}", number % 90)]).unwrap();
    }
    execute(conn, "COMMIT");
}

fn several_rows_each(conn: &Connection) {
    execute(conn, "BEGIN");
    for number in 0..150 {
        let insert = "INSERT INTO user (name) VALUES (?1), (?1 || 'x'), (?1 || 'y')";
        conn.prepare_cached(insert).unwrap().execute([format!("u{number}")]).unwrap();
    }
    for number in 0..150 {
        let update = "UPDATE user SET name = name || '!' WHERE id % 40 = ?1 % 40 AND id > ?1";
        conn.prepare_cached(update).unwrap().execute([number]).unwrap();
    }
    execute(conn, "COMMIT");
}

fn with_a_trigger(conn: &Connection) {
    execute(conn, "BEGIN");
    for number in 0..150 {
        conn.prepare_cached("INSERT INTO noted (name) VALUES (?1)").unwrap().execute([number]).unwrap();
    }
    execute(conn, "COMMIT");
}

fn returning_a_row(conn: &Connection) {
    execute(conn, "BEGIN");
    for number in 0..150 {
        let insert = "INSERT INTO user (name) VALUES (?1) RETURNING id";
        let mut statement = conn.prepare_cached(insert).unwrap();
        statement.query_row([format!("u{number}")], |row| row.get::<_, i64>(0)).unwrap();
    }
    execute(conn, "COMMIT");
}

fn with_another_schema_between(conn: &Connection) {
    plain(conn);
    execute(conn, "ALTER TABLE user ADD COLUMN age");
    execute(conn, "BEGIN");
    insert(conn, 300..400);
    execute(conn, "COMMIT");
}

/// The account of a statement, beside its values and its place.
fn facts(statement: &Statement) -> String {
    let triggers = statement.triggers().collect::<Vec<_>>();
    format!(
        "{} | {} rows, failed {:?} {:?}, stayed {:?}, {:?} {:?}, connection {}, {:?}, on {:?}, {:?} {triggers:?} {}",
        statement.sql(),
        statement.rows_changed(),
        statement.has_failed(),
        statement.error(),
        statement.stayed(),
        statement.transaction(),
        statement.transaction_end(),
        statement.connection(),
        statement.kind(),
        statement.bind(),
        statement.tables_written(),
        statement.foreign_keys(),
    )
}

/// The facts of those that write rows.
fn written(statements: &[Statement]) -> Vec<String> {
    statements.iter().filter(|one| !one.tables_written().is_empty()).map(facts).collect()
}

#[rstest]
#[case::plain(plain)]
#[case::in_two_transactions(in_two_transactions)]
#[case::failing_in_the_middle(failing_in_the_middle)]
#[case::back_to_a_savepoint(back_to_a_savepoint)]
#[case::a_savepoint_each(a_savepoint_each)]
#[case::with_other_statements_between(with_other_statements_between)]
#[case::rolled_back_by_an_error(rolled_back_by_an_error)]
#[case::ignoring_some(ignoring_some)]
#[case::several_rows_each(several_rows_each)]
#[case::with_a_trigger(with_a_trigger)]
#[case::returning_a_row(returning_a_row)]
#[case::with_another_schema_between(with_another_schema_between)]
fn what_is_counted_says_what_a_record_says(
    #[case] application: fn(&Connection),
    #[values(Bind::memory, Bind::memdb, Bind::shared_cache, Bind::temp_file)] storage: fn() -> Bind,
) {
    let (recorded, counted) = (started(storage), started(storage));
    let log = recorded.record();
    application(&own(&recorded, "auth"));
    let expected = written(&log.statements());
    // A record counts for the process.
    drop(log);
    application(&own(&counted, "auth"));
    let mut kept = counted.last_writes("auth", "user").unwrap();
    kept.extend(counted.last_writes("auth", "noted").unwrap());
    let kept = written(&kept);
    // The oldest may be evicted.
    assert!(kept.len() > 100 && kept.len() <= expected.len(), "{} of {}", kept.len(), expected.len());
    for (kept, expected) in kept.iter().rev().zip(expected.iter().rev()) {
        assert_eq!(kept, expected);
    }
}

/// Returns the statement that is named as the author of a row of `auth`.
fn author(db: &Harness, id: i64) -> String {
    let report = failure(|| db.assert_landed("meta", "user", row! { id: id }));
    let (_, author) = report.split_once("The row in `auth` was written by\n").expect(&report);
    author.split("\n\n").next().unwrap().to_string()
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn the_author_of_a_row_is_the_execution_that_wrote_it(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let conn = own(&db, "auth");
    execute(&conn, "BEGIN");
    insert(&conn, 0..100);
    for id in 1..=80 {
        conn.prepare_cached("UPDATE user SET name = name || '!' WHERE id = ?1").unwrap().execute([id]).unwrap();
    }
    execute(&conn, "COMMIT");
    drop(conn);
    let other = own(&db, "auth");
    other.execute("UPDATE user SET name = 'ann' || id WHERE id IN (78, 98)", []).unwrap();
    assert!(author(&db, 20).contains("WHERE id = 20\n"), "{}", author(&db, 20));
    assert!(author(&db, 75).contains("WHERE id = ?1\n"), "{}", author(&db, 75));
    assert!(author(&db, 95).contains(INSERT), "{}", author(&db, 95));
    for id in [78, 98] {
        assert!(author(&db, id).contains("SET name = 'ann' || id WHERE id IN"), "{}", author(&db, id));
    }
}

#[test]
fn a_session_that_repeats_a_statement_is_counted_too() {
    let db = started(Bind::memory);
    let mut session = db.session();
    for number in 0..1_000 {
        session.execute("INSERT INTO auth.user (name) VALUES (?1)", [format!("u{number}")]).unwrap();
    }
    session.commit().unwrap();
    let writes = db.last_writes("auth", "user").unwrap();
    assert!(writes.len() > 150, "{}", writes.len());
    assert!(writes.iter().all(|one| one.stayed() == Some(true) && one.is_from_session() && one.time().is_some()));
    assert!(author(&db, 950).contains("INSERT INTO auth.user (name) VALUES (?1)"), "{}", author(&db, 950));
}

#[test]
fn loops_of_two_connections_are_told_apart() {
    let db = started(Bind::memory);
    let (auth, meta) = (own(&db, "auth"), own(&db, "meta"));
    execute(&auth, "BEGIN");
    execute(&meta, "BEGIN");
    for number in 0..90 {
        insert(&auth, number..number + 1);
        insert(&meta, number..number + 1);
    }
    execute(&auth, "COMMIT");
    execute(&meta, "ROLLBACK");
    let (kept, lost) = (db.last_writes("auth", "user").unwrap(), db.last_writes("meta", "user").unwrap());
    assert_eq!((kept.len(), lost.len()), (90, 90));
    assert!(kept.iter().all(|one| one.stayed() == Some(true) && one.connection() == kept[0].connection()));
    assert!(lost.iter().all(|one| one.stayed() == Some(false) && one.connection() == lost[0].connection()));
    assert_ne!(kept[0].connection(), lost[0].connection());
}

#[test]
fn loops_on_many_threads_lose_nothing() {
    let db = Harness::builder();
    let keys = ["one", "two", "three", "four"];
    let db = keys.iter().fold(db, |db, key| db.bind(*key, Bind::memory().schema(SCHEMA))).start().unwrap();
    thread::scope(|scope| {
        for key in keys {
            let db = &db;
            scope.spawn(move || {
                let conn = own(db, key);
                execute(&conn, "BEGIN");
                insert(&conn, 0..100);
                execute(&conn, "COMMIT");
            });
        }
    });
    let mut all = 0;
    for key in keys {
        let writes = db.last_writes(key, "user").unwrap();
        all += writes.len();
        assert!(writes.iter().all(|one| one.rows_changed() == 1 && one.stayed() == Some(true)));
        assert!(writes.iter().all(|one| one.thread().id() == writes[0].thread().id()));
    }
    assert!((150..=400).contains(&all), "{all}");
}

#[test]
fn a_record_that_begins_in_a_loop_has_the_rest_with_its_values() {
    let db = started(Bind::memory);
    let conn = own(&db, "auth");
    execute(&conn, "BEGIN");
    insert(&conn, 0..80);
    let log = db.record();
    insert(&conn, 80..100);
    let recorded = log.statements();
    assert_eq!(recorded.len(), 20);
    assert_eq!(recorded[0].sql_with_values(), "INSERT INTO user (name) VALUES ('u80')");
    assert_eq!(recorded[19].sql_with_values(), "INSERT INTO user (name) VALUES ('u99')");
    log.assert_count("auth", 20);
    drop(log);
    insert(&conn, 100..170);
    execute(&conn, "COMMIT");
    let writes = db.last_writes("auth", "user").unwrap();
    assert_eq!(writes.len(), 170);
    let unvalued = writes.iter().filter(|one| one.sql_with_values() == INSERT).count();
    assert_eq!(unvalued, 80 - 64 + 70);
}

#[test]
fn a_switch_of_foreign_keys_in_a_loop_is_seen() {
    let db = started(Bind::memory);
    let conn = own(&db, "auth");
    execute(&conn, "PRAGMA foreign_keys = ON; BEGIN");
    insert(&conn, 0..80);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false).unwrap();
    insert(&conn, 80..120);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true).unwrap();
    insert(&conn, 120..160);
    execute(&conn, "COMMIT");
    let enforced = db.last_writes("auth", "user").unwrap().iter().map(Statement::foreign_keys).collect::<Vec<_>>();
    assert_eq!(enforced, [[true; 80].as_slice(), &[false; 40], &[true; 40]].concat());
}

#[test]
fn a_loop_that_goes_on_on_another_thread_has_both() {
    let db = started(Bind::memory);
    let conn = own(&db, "auth");
    execute(&conn, "BEGIN");
    insert(&conn, 0..80);
    let conn = thread::spawn(move || {
        insert(&conn, 80..120);
        conn
    });
    let other = conn.thread().id();
    let conn = conn.join().unwrap();
    insert(&conn, 120..160);
    execute(&conn, "COMMIT");
    let writes = db.last_writes("auth", "user").unwrap();
    let threads = writes.iter().map(|one| one.thread().id()).collect::<Vec<_>>();
    let here = thread::current().id();
    assert_eq!(threads, [[here; 80].as_slice(), &[other; 40], &[here; 40]].concat());
}

#[test]
fn a_reset_between_two_loops_puts_the_first_back() {
    let db = started(Bind::memory);
    let conn = own(&db, "auth");
    execute(&conn, "BEGIN");
    insert(&conn, 0..90);
    execute(&conn, "COMMIT");
    drop(conn);
    db.reset().unwrap();
    let conn = own(&db, "auth");
    execute(&conn, "BEGIN");
    insert(&conn, 0..90);
    execute(&conn, "COMMIT");
    let stayed = db.last_writes("auth", "user").unwrap().iter().map(Statement::stayed).collect::<Vec<_>>();
    assert_eq!(stayed, [[Some(false); 90], [Some(true); 90]].concat());
}

#[test]
fn a_loop_whose_connection_is_closed_is_rolled_back_by_that() {
    let db = started(Bind::memory);
    let conn = own(&db, "auth");
    execute(&conn, "BEGIN");
    insert(&conn, 0..150);
    assert!(db
        .last_writes("auth", "user")
        .unwrap()
        .iter()
        .all(|one| one.transaction_end() == Some(TransactionEnd::Open)));
    drop(conn);
    let writes = db.last_writes("auth", "user").unwrap();
    assert_eq!(writes.len(), 150);
    assert!(writes.iter().all(|one| one.transaction_end() == Some(TransactionEnd::Closed)));
}
