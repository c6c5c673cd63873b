//! A record has each statement once, with what became of it, however it ended.

use multibind::rusqlite::Connection;
use multibind::statements::{Statement, TransactionEnd};
use multibind::{Bind, Harness};
use rstest::rstest;

const SCHEMA: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE); CREATE TABLE audit (x);
    CREATE TABLE child (t REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)";

fn started(storage: fn() -> Bind) -> (Harness, Connection) {
    let db = Harness::builder().bind("auth", storage().schema(SCHEMA)).start().unwrap();
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    (db, conn)
}

/// Each statement with its rows, what failed it and whether it stayed.
fn told(statements: &[Statement]) -> String {
    let mut lines = Vec::new();
    for ran in statements {
        let failed = match (ran.has_failed(), ran.error()) {
            (Some(true), error) => format!("failed: {}", error.unwrap_or("unknown")),
            (Some(false), _) => "done".to_string(),
            (None, _) => "unknown".to_string(),
        };
        lines.push(format!("{} | {} | {failed} | {:?}", ran.sql_with_values(), ran.rows_changed(), ran.stayed()));
    }
    lines.join("\n")
}

fn query_once(conn: &Connection, sql: &str) -> multibind::rusqlite::Result<i64> {
    conn.query_row(sql, [], |row| row.get(0))
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::shared_cache(Bind::shared_cache)]
#[case::temp_file(Bind::temp_file)]
fn a_statement_that_returns_rows_is_whole_also_where_one_row_is_read(#[case] storage: fn() -> Bind) {
    let (db, conn) = started(storage);
    let log = db.record();
    query_once(&conn, "INSERT INTO t (x) VALUES (1), (2), (3) RETURNING id").unwrap();
    insta::allow_duplicates! {
    insta::assert_snapshot!(told(&log.statements()), @"INSERT INTO t (x) VALUES (1), (2), (3) RETURNING id | 3 | done | Some(true)");
    }
    assert_eq!(log.statements()[0].transaction_end(), Some(TransactionEnd::Committed));
    query_once(&conn, "UPDATE t SET x = x + 10 RETURNING id").unwrap();
    conn.execute("INSERT INTO audit VALUES (1)", []).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    query_once(&conn, "DELETE FROM t RETURNING id").unwrap();
    conn.execute_batch("ROLLBACK").unwrap();
    insta::allow_duplicates! {
    insta::assert_snapshot!(told(&log.statements()[1..]), @r"
    UPDATE t SET x = x + 10 RETURNING id | 3 | done | Some(true)
    INSERT INTO audit VALUES (1) | 1 | done | Some(true)
    BEGIN | 0 | done | None
    DELETE FROM t RETURNING id | 3 | done | Some(false)
    ROLLBACK | 0 | done | None
    ");
    }
}

#[test]
fn rows_read_beside_another_statement_are_not_mixed_up_with_its() {
    let (db, conn) = started(Bind::memory);
    conn.execute("INSERT INTO t (x) VALUES (1), (2)", []).unwrap();
    let log = db.record();
    let (mut select, mut insert) = (
        conn.prepare("SELECT x FROM t").unwrap(),
        conn.prepare("INSERT INTO t (x) VALUES (3), (4) RETURNING x").unwrap(),
    );
    let (mut read, mut inserted) = (select.query([]).unwrap(), insert.query([]).unwrap());
    read.next().unwrap();
    inserted.next().unwrap();
    conn.execute("INSERT INTO audit VALUES (1)", []).unwrap();
    drop((read, inserted));
    conn.execute("INSERT INTO audit VALUES (2)", []).unwrap();
    insta::assert_snapshot!(told(&log.statements()), @r"
    SELECT x FROM t | 0 | unknown | None
    INSERT INTO t (x) VALUES (3), (4) RETURNING x | 2 | done | Some(true)
    INSERT INTO audit VALUES (1) | 1 | done | Some(true)
    INSERT INTO audit VALUES (2) | 1 | done | Some(true)
    ");
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn what_failed_says_how_also_in_a_transaction_that_goes_on(#[case] storage: fn() -> Bind) {
    let (db, conn) = started(storage);
    let log = db.record();
    conn.execute_batch("BEGIN; INSERT INTO t (x) VALUES (1)").unwrap();
    conn.execute("INSERT INTO t (x) VALUES (1)", []).unwrap_err();
    // Before anything else happens on the connection.
    assert_eq!(log.statements()[2].error(), Some("UNIQUE constraint failed: t.x"));
    assert_eq!(log.statements()[2].stayed(), Some(false));
    conn.execute("INSERT OR FAIL INTO t (x) VALUES (2), (1)", []).unwrap_err();
    conn.execute("UPDATE t SET x = 3 WHERE x = 99", []).unwrap();
    conn.execute_batch("COMMIT").unwrap();
    insta::allow_duplicates! {
    insta::assert_snapshot!(told(&log.statements()[2..]), @r#"
    INSERT INTO t (x) VALUES (1) | 0 | failed: UNIQUE constraint failed: t.x | Some(false)
    INSERT OR FAIL INTO t (x) VALUES (2), (1) | 1 | failed: UNIQUE constraint failed: t.x | Some(true)
    UPDATE t SET x = 3 WHERE x = 99 | 0 | unknown | None
    COMMIT | 0 | done | None
    "#);
    }
    db.assert_landed("auth", "t", multibind::row! { x: 2 });
}

#[test]
fn the_error_is_known_once_the_connection_is_closed_on_another_thread() {
    let (db, conn) = started(Bind::memory);
    let log = db.record();
    std::thread::spawn(move || {
        conn.execute_batch("BEGIN; INSERT INTO t (x) VALUES (1)").unwrap();
        conn.execute("INSERT INTO t (x) VALUES (1)", []).unwrap_err();
    })
    .join()
    .unwrap();
    assert_eq!(log.statements()[2].error(), Some("UNIQUE constraint failed: t.x"));
    assert_eq!(log.statements()[1].transaction_end(), Some(TransactionEnd::Closed));
}

#[test]
fn a_begin_or_a_commit_that_sqlite_refuses_has_failed() {
    let (db, conn) = started(Bind::memory);
    let log = db.record();
    conn.execute_batch("BEGIN").unwrap();
    conn.execute_batch("BEGIN").unwrap_err();
    conn.execute_batch("INSERT INTO child VALUES (99)").unwrap();
    conn.execute_batch("COMMIT").unwrap_err();
    conn.execute_batch("ROLLBACK").unwrap();
    conn.execute_batch("COMMIT").unwrap_err();
    insta::assert_snapshot!(told(&log.statements()), @r#"
    BEGIN | 0 | done | None
    BEGIN | 0 | failed: cannot start a transaction within a transaction | None
    INSERT INTO child VALUES (99) | 1 | done | Some(false)
    COMMIT | 0 | failed: FOREIGN KEY constraint failed | None
    ROLLBACK | 0 | done | None
    COMMIT | 0 | failed: cannot commit - no transaction is active | None
    "#);
    let ends = log.transactions().iter().map(|transaction| transaction.end()).collect::<Vec<_>>();
    assert_eq!(ends, [TransactionEnd::RolledBack]);
}

#[rstest]
#[case::by_itself(true)]
#[case::by_another(false)]
fn a_statement_that_sqlite_prepares_again_counts_once_and_has_its_new_trigger(#[case] by_itself: bool) {
    let (db, conn) = started(Bind::memory);
    let other = Connection::open(db.uri("auth").unwrap()).unwrap();
    let mut insert = conn.prepare("INSERT INTO t (x) VALUES (?1)").unwrap();
    insert.execute([1]).unwrap();
    let changing = if by_itself { &conn } else { &other };
    changing
        .execute_batch("CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (new.x); END")
        .unwrap();
    let log = db.record();
    insert.execute([2]).unwrap();
    log.assert_count("auth", 1);
    let ran = &log.statements()[0];
    assert_eq!(ran.triggers().collect::<Vec<_>>(), ["noted"]);
    assert_eq!((ran.tables_written(), ran.rows_changed()), (vec!["t", "audit"], 1));
    assert_eq!(db.last_writes("auth", "audit").unwrap().len(), 1);
}

#[test]
fn a_connection_goes_from_thread_to_thread_with_its_transaction() {
    let (db, conn) = started(Bind::memory);
    let log = db.record();
    let conn = std::thread::spawn(move || {
        conn.execute_batch("BEGIN; INSERT INTO t (x) VALUES (1)").unwrap();
        conn
    })
    .join()
    .unwrap();
    conn.execute_batch("COMMIT").unwrap();
    let statements = log.statements();
    assert_eq!(statements[1].stayed(), Some(true));
    assert_eq!(statements[1].transaction(), statements[2].transaction());
    assert_ne!(statements[1].thread().id(), statements[2].thread().id());
}
