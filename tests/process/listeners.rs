//! A record hears all that its own harness writes, whatever the record of another harness heard before it, or no longer heard.

use std::io::Write;

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
