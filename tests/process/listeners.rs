//! A record hears all that its own harness writes, whatever the record of another harness heard before it, or no longer heard.

use std::io::Write;
use std::sync::mpsc::channel;
use std::thread;

use multibind::rusqlite::{Connection, MAIN_DB};
use multibind::{Bind, Harness};
use rstest::rstest;

use crate::alone::alone;
use crate::caught::message;

const SCHEMA: &str = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(3))";

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder().bind("meta", storage().schema(SCHEMA)).start().unwrap()
}

fn without_a_journal() -> Bind {
    Bind::memory().pragma("journal_mode", "memory")
}

fn write_blob(conn: &Connection) {
    let mut blob = conn.blob_open(MAIN_DB, "t", "x", 1, false).unwrap();
    blob.write_all(b"new").unwrap();
    blob.close().unwrap();
}

/// Fails where a record passes over what no statement writes.
fn hears_a_blob(db: &Harness, conn: &Connection) {
    let log = db.record();
    write_blob(conn);
    let text = message(|| log.assert_reads_only("meta"));
    assert!(text.contains("by no statement"), "{text}");
}

#[rstest]
fn a_statement_that_another_record_heard_begin_is_over_when_it_ends(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache, without_a_journal)] storage: fn() -> Bind,
    #[values("INSERT INTO t VALUES (1) RETURNING x", "SELECT x FROM t", "PRAGMA journal_mode")] sql: &str,
) {
    if !alone() {
        return;
    }
    let (db, other) = (started(storage), started(storage));
    let conn = Connection::open(db.uri("meta").unwrap()).unwrap();
    conn.query_row("PRAGMA journal_mode = memory", [], |_| Ok(())).unwrap();

    let log = other.record();
    let mut statement = conn.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    rows.next().unwrap();
    drop(log);
    while rows.next().unwrap().is_some() {}
    drop(rows);
    drop(statement);

    hears_a_blob(&db, &conn);
}

#[rstest]
fn a_write_of_another_harness_that_goes_on_accounts_for_none_of_this_one(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb)] storage: fn() -> Bind,
    #[values(false, true)] attaches: bool,
) {
    if !alone() {
        return;
    }
    let (db, other) = (started(storage), started(storage));
    let mut conn = Connection::open(db.uri("meta").unwrap()).unwrap();
    let others = Connection::open(other.uri("meta").unwrap()).unwrap();
    // It takes the place of what would hear a commit: the file system alone hears the write. Newer versions of rusqlite want to
    // change the connection for it.
    let hooked = &mut conn;
    let _ = hooked.commit_hook(Some(|| false));
    if attaches {
        others.execute_batch("ATTACH ':memory:' AS notes").unwrap();
    }

    let mut statement = others.prepare("INSERT INTO t VALUES (1) RETURNING x").unwrap();
    let mut rows = statement.query([]).unwrap();
    rows.next().unwrap();

    hears_a_blob(&db, &conn);
}

#[test]
fn a_vacuum_whose_harness_is_dropped_on_another_thread_hides_nothing_that_its_thread_does_later() {
    const ROWS: &str = "WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n LIMIT 10000)";
    /// More than it takes to prepare a statement, and less than to copy the rows.
    const STEPS: i32 = 10_000;
    let (db, other) = (started(Bind::memory), started(Bind::memory));
    other.connection("meta").unwrap().execute_batch(&format!("{ROWS} INSERT INTO t SELECT x FROM n")).unwrap();
    let (uri, vacuumed) = (db.uri("meta").unwrap(), other.uri("meta").unwrap());
    let (vacuums, vacuuming) = channel();
    let (drops, dropped) = channel::<()>();
    let (log, others) = (db.record(), other.record());
    // The application's worker, which outlives a test.
    let worker = thread::spawn(move || {
        let conn = &mut Connection::open(vacuumed).unwrap();
        let waits = move || {
            vacuums.send(()).unwrap();
            // Once it is dropped, this returns at once.
            let _ = dropped.recv();
            false
        };
        let _ = conn.progress_handler(STEPS, Some(waits));
        // The harness is dropped meanwhile.
        let _ = conn.execute_batch("VACUUM");
        let _ = conn.progress_handler(0, None::<fn() -> bool>);
        let conn = Connection::open(uri).unwrap();
        conn.query_row("SELECT x FROM t", [], |_| Ok(())).unwrap();
    });
    vacuuming.recv().unwrap();
    drop((others, other, drops));
    worker.join().unwrap();
    let statements = log.statements();
    assert_eq!(statements.iter().map(|statement| statement.sql()).collect::<Vec<_>>(), ["SELECT x FROM t"]);
}

#[test]
fn the_error_of_a_statement_is_of_no_later_one_with_its_text() {
    if !alone() {
        return;
    }
    let (db, other) = (started(Bind::memory), started(Bind::memory));
    let (conn, others) = (db.connection("meta").unwrap(), other.connection("meta").unwrap());
    let abs = |conn: &Connection, number: i64| conn.query_row("SELECT abs(?1)", [number], |row| row.get::<_, i64>(0));
    // Nobody listens.
    abs(&others, i64::MIN).unwrap_err();
    let log = db.record();
    abs(&conn, -1).unwrap();
    let statements = log.statements();
    assert_eq!(statements[0].error(), None);
}
