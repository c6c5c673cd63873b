//! What an application writes to a bind by no statement, on connections of its own: it fails a record and meets a guard, in
//! each storage, and nothing that a statement writes is taken for it.

use std::io::Write;
use std::ptr;
use std::time::Duration;

use multibind::rusqlite::backup::Backup;
use multibind::rusqlite::{ffi, version_number, Connection, ErrorCode, Result, MAIN_DB};
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::failure::{failure, message};

const SCHEMA: &str = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(3))";

fn started(storage: fn() -> Bind) -> Harness {
    let builder = Harness::builder().bind("meta", storage().schema(SCHEMA)).bind("auth", storage().schema(SCHEMA));
    builder.bind("empty", storage()).start().unwrap()
}

fn own(db: &Harness, key: &str) -> Connection {
    Connection::open(db.uri(key).unwrap()).unwrap()
}

fn without_a_journal() -> Bind {
    Bind::memory().pragma("journal_mode", "memory")
}

fn file_without_a_journal() -> Bind {
    Bind::temp_file().pragma("journal_mode", "memory")
}

/// Opens a connection to a bind that is without a journal if the bind is.
fn connected(db: &Harness, storage: fn() -> Bind) -> Connection {
    let conn = own(db, "meta");
    if [without_a_journal as fn() -> Bind, file_without_a_journal].iter().any(|other| ptr::fn_addr_eq(storage, *other))
    {
        conn.query_row("PRAGMA journal_mode = memory", [], |_| Ok(())).unwrap();
    }
    conn
}

fn other() -> Connection {
    let other = Connection::open_in_memory().unwrap();
    other.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES ('copied')").unwrap();
    other
}

fn back_up(conn: &mut Connection, _: &Harness) -> Result<()> {
    Backup::new(&other(), conn)?.run_to_completion(100, Duration::ZERO, None)
}

fn back_up_to_attached(_: &mut Connection, db: &Harness) -> Result<()> {
    let (conn, other) = (Connection::open_in_memory()?, other());
    conn.execute("ATTACH ?1 AS there", [db.uri("meta").unwrap()])?;
    // SAFETY: both handles are open, the names end with a NUL, and the backup is finished once.
    let (copied, code) = unsafe {
        let copy = ffi::sqlite3_backup_init(conn.handle(), c"there".as_ptr(), other.handle(), c"main".as_ptr());
        assert_ne!(copy, ptr::null_mut());
        (ffi::sqlite3_backup_step(copy, -1), ffi::sqlite3_backup_finish(copy))
    };
    match (copied, code) {
        (ffi::SQLITE_DONE, ffi::SQLITE_OK) => Ok(()),
        _ => Err(multibind::rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

fn write_blob(conn: &Connection) -> Result<()> {
    let mut blob = conn.blob_open(MAIN_DB, "t", "x", 1, false)?;
    let written = blob.write_all(b"new");
    blob.close()?;
    written.map_err(|_| multibind::rusqlite::Error::InvalidQuery)
}

fn blob(conn: &mut Connection, _: &Harness) -> Result<()> {
    write_blob(conn)
}

fn blob_of_a_writer(conn: &mut Connection, _: &Harness) -> Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let written = write_blob(conn);
    conn.execute_batch("COMMIT").and(written)
}

#[rstest]
fn what_no_statement_writes_fails_a_record_and_meets_a_guard(
    #[values(
        Bind::memory,
        Bind::temp_file,
        Bind::memdb,
        Bind::shared_cache,
        without_a_journal,
        file_without_a_journal
    )]
    storage: fn() -> Bind,
    #[values(back_up, back_up_to_attached, blob, blob_of_a_writer)] write: fn(&mut Connection, &Harness) -> Result<()>,
) {
    let shares = ptr::fn_addr_eq(storage, Bind::shared_cache as fn() -> Bind);
    if shares && ptr::fn_addr_eq(write, blob_of_a_writer as fn(&mut Connection, &Harness) -> Result<()>) {
        return; // Nothing of SQLite's tells of it.
    }
    let db = started(storage);
    let mut conn = connected(&db, storage);
    let log = db.record();
    write(&mut conn, &db).unwrap();
    log.assert_reads_only("auth").assert_count("auth", 0);
    for text in [failure(|| log.assert_reads_only("meta")), failure(|| log.assert_count("meta", 0))] {
        assert!(text.contains("by no statement"), "{text}");
    }
    drop(log);
    db.record().assert_reads_only(..);
    db.reset().unwrap();

    let before = db.snapshot().unwrap();
    let (guard, elsewhere) = (db.deny_writes("meta"), db.deny_writes("auth"));
    if write(&mut conn, &db).is_ok() {
        assert!(shares);
        let text = message(|| drop(guard));
        assert!(text.contains("could not stop what no statement wrote"), "{text}");
        assert!(!db.changes_since(&before).unwrap().is_empty());
    } else {
        assert!(!guard.refused().is_empty());
        drop(guard);
        db.changes_since(&before).unwrap().assert_none();
        let sound: String = own(&db, "meta").query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
        write(&mut conn, &db).unwrap();
    }
    drop(elsewhere);
}

/// Only an empty database in a shared cache is no file that exists already.
#[test]
fn a_vacuum_into_a_shared_cache_is_seen() {
    let db = started(Bind::shared_cache);
    let (log, guard) = (db.record(), db.deny_writes("empty"));
    if let Err(error) = other().execute("VACUUM INTO ?1", [db.uri("empty").unwrap()]) {
        // An older SQLite cannot set the page size of such a database, and answers so.
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::OutOfMemory));
        assert!(version_number() < 3_051_000);
        return;
    }
    assert!(failure(|| log.assert_reads_only("empty")).contains("written to by no statement"));
    let said = message(|| drop(guard));
    insta::assert_snapshot!(said.split_once('\n').unwrap().1, @"
    could not stop what no statement wrote: `empty` was written to by a backup into
    a connection, or by a `VACUUM INTO`. In a shared cache SQLite reports neither
    before it is done. Assert on what changed, `db.changes_since(&before)`, or keep
    the bind in memory: `Bind::memory()`.
    ");
}

#[test]
fn what_statements_and_the_harness_write_to_a_shared_cache_is_no_unexplained_write() {
    let db = started(Bind::shared_cache);
    let conn = own(&db, "meta");
    let log = db.record();
    conn.execute("ATTACH ?1 AS other", [db.uri("empty").unwrap()]).unwrap();
    conn.execute_batch("BEGIN; CREATE TABLE other.t (x); INSERT INTO main.t VALUES (2); COMMIT").unwrap();
    conn.execute_batch("INSERT INTO other.t VALUES (3); DETACH other").unwrap();
    let guard = db.deny_writes("auth");
    conn.execute_batch(
        "BEGIN IMMEDIATE; COMMIT; BEGIN; DELETE FROM t; ROLLBACK; CREATE TEMP TABLE own (x); INSERT INTO own VALUES (1);
         BEGIN; SAVEPOINT s; INSERT INTO t VALUES (1); ROLLBACK TO s; COMMIT; UPDATE t SET x = 2 WHERE 0; VACUUM;
         PRAGMA user_version = 3; PRAGMA auto_vacuum = 1; VACUUM; CREATE INDEX by_x ON t (x); ANALYZE; REINDEX",
    )
    .unwrap();
    let mut session = db.session();
    session.on("meta").unwrap().table("t").unwrap().insert(row! { x: 3 }).unwrap();
    session.commit().unwrap();
    // Without ATTACH, DETACH and a pragma, which use no table.
    let ran = 13;
    log.assert_count("meta", ran);
    let snapshot = db.snapshot().unwrap();
    db.reset().unwrap();
    db.restore(&snapshot).unwrap();
    db.drop_all("meta").unwrap();
    db.create_all("meta").unwrap();
    log.assert_count("meta", ran).assert_reads_only("auth").assert_count("empty", 2);
    drop(guard);
}
