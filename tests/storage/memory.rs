//! A bind in memory is what a file in WAL mode is: whatever is done with it by several connections, and by many threads.

pub(crate) mod binds;
mod contract;
mod together;

use std::time::Duration;

use insta::assert_snapshot;
use multibind::rusqlite::backup::Backup;
use multibind::rusqlite::{ffi, Connection, OpenFlags};
use multibind::{row, Bind, Harness};
use rstest::rstest;
use tempfile::TempDir;

use self::binds::{is_whole, memory, plain, ran, rows, start, text, TABLES};
use crate::deserialized::deserialize;
use crate::serialized::serialize;

#[rstest]
#[case::delete("delete")]
#[case::truncate("truncate")]
#[case::persist("persist")]
#[case::memory("memory")]
#[case::off("off")]
#[case::wal("wal")]
fn any_journal_mode_will_do_and_reset_undoes_what_was_written(#[case] mode: &str) {
    let db = memory();
    let (one, other) = (plain(&db), plain(&db));
    drop(other);
    assert_eq!(text(&one, &format!("PRAGMA journal_mode = {mode}")), format!("Text({mode:?})"));
    let other = plain(&db);
    for number in 0..50 {
        one.execute("INSERT INTO t (x) VALUES (?1)", [number]).unwrap();
        one.execute_batch("BEGIN; DELETE FROM t WHERE id < 5").unwrap();
        // Without a journal there is no way back.
        one.execute_batch(if mode == "off" { "COMMIT" } else { "ROLLBACK" }).unwrap();
        other.execute("UPDATE t SET x = x || '.'", []).unwrap();
    }
    is_whole(&one);
    let left = if mode == "off" { 0 } else { 53 };
    assert_eq!(text(&other, "SELECT count(*) FROM t"), format!("Integer({left})"));

    db.reset().unwrap();
    for conn in [&one, &other, &plain(&db)] {
        assert_eq!(text(conn, "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
        is_whole(conn);
    }
}

#[rstest]
#[case(512)]
#[case(1024)]
#[case(8192)]
#[case(65536)]
fn pages_of_another_size_come_and_go(#[case] size: i64) {
    let db = memory();
    let conn = plain(&db);
    conn.execute_batch(&format!("PRAGMA journal_mode = DELETE; PRAGMA page_size = {size}; VACUUM")).unwrap();
    assert_eq!(text(&conn, "PRAGMA journal_mode = WAL"), "Text(\"wal\")");
    conn.execute("INSERT INTO t (x) VALUES (zeroblob(300000))", []).unwrap();
    let other = plain(&db);
    assert_eq!(text(&other, "PRAGMA page_size"), format!("Integer({size})"));
    assert_eq!(text(&other, "SELECT total(length(x)) FROM t"), "Real(300003.0)");

    db.reset().unwrap();
    for conn in [&conn, &other, &plain(&db)] {
        assert_eq!(text(conn, "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
        assert_eq!(text(conn, "PRAGMA page_size"), "Integer(4096)");
        is_whole(conn);
    }
    other.execute("INSERT INTO t (x) VALUES ('d')", []).unwrap();
    assert_eq!(text(&conn, "SELECT group_concat(x) FROM t"), "Text(\"a,b,c,d\")");
}

#[test]
fn a_connection_that_keeps_the_database_to_itself_is_told_of() {
    let db = memory();
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("SELECT 1 FROM t; PRAGMA locking_mode = EXCLUSIVE; INSERT INTO t (x) VALUES ('mine')").unwrap();
    let other = plain(&db);
    assert_eq!(ran(&other, "SELECT count(*) FROM t"), "5 database is locked");
    assert_snapshot!(db.reset().unwrap_err(), @"bind `auth`: database is locked. A connection of the pool on this thread holds the write lock, and the harness on this thread wants it: commit or drop it first (an uncommitted session counts)");
    conn.execute_batch("PRAGMA locking_mode = NORMAL; SELECT 1 FROM t").unwrap();
    assert_eq!(text(&other, "SELECT count(*) FROM t"), "Integer(4)");
    db.reset().unwrap();
    assert_eq!(text(&other, "SELECT count(*) FROM t"), "Integer(3)");
}

#[rstest]
#[case::wal("WAL")]
#[case::delete("DELETE")]
#[case::persist("PERSIST")]
fn it_commits_together_with_a_file_and_another_bind(#[case] mode: &str) {
    let bind = || Bind::memory().schema(TABLES).pragma("synchronous", 2);
    let db = Harness::builder().bind("auth", bind()).bind("meta", bind()).start().unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("app.db");
    for key in ["auth", "meta"] {
        // On a busy machine a pool may open another connection, and a database leaves WAL mode on its only one.
        let conn = Connection::open(db.uri(key).unwrap()).unwrap();
        conn.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
    }
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.execute("ATTACH ?1 AS app", [file.to_str().unwrap()]).unwrap();
    conn.execute("ATTACH ?1 AS meta", [db.uri("meta").unwrap()]).unwrap();
    conn.query_row(&format!("PRAGMA app.journal_mode = {mode}"), [], |_| Ok(())).unwrap();
    let insert =
        "INSERT INTO main.t (x) VALUES ('n'); INSERT INTO meta.t (x) VALUES ('n'); INSERT INTO app.t VALUES (1);";
    conn.execute_batch("CREATE TABLE app.t (x)").unwrap();
    conn.execute_batch(&format!("BEGIN; {insert} COMMIT; BEGIN; {insert} ROLLBACK; BEGIN; {insert} COMMIT")).unwrap();
    drop(conn);

    for key in ["auth", "meta"] {
        let conn = db.connection(key).unwrap();
        assert_eq!(text(&conn, "SELECT count(*) FROM t"), "Integer(5)");
        is_whole(&conn);
    }
    // The other way round: from a file's connection.
    let conn = Connection::open(&file).unwrap();
    conn.execute("ATTACH ?1 AS auth", [db.uri("auth").unwrap()]).unwrap();
    conn.execute_batch("BEGIN; DELETE FROM auth.t; DELETE FROM main.t; COMMIT; VACUUM").unwrap();
    db.assert_not_landed("auth", "t", row! {});
    db.assert_landed("meta", "t", row! { id: 5 });
    drop(conn);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left, ["app.db"]);
}

#[test]
fn it_is_copied_out_and_in_by_every_way_sqlite_has() {
    let db = memory();
    let mut conn = plain(&db);
    conn.execute("INSERT INTO t (x) VALUES (randomblob(500000))", []).unwrap();
    let folder = TempDir::new().unwrap();
    let count = |conn: &Connection| text(conn, "SELECT count(*), total(length(x)) FROM t");
    let there = count(&conn);

    let into = folder.path().join("into.db");
    conn.execute("VACUUM INTO ?1", [into.to_str().unwrap()]).unwrap();
    assert_eq!(count(&Connection::open(&into).unwrap()), there);

    let mut copy = Connection::open(folder.path().join("backup.db")).unwrap();
    Backup::new(&conn, &mut copy).unwrap().run_to_completion(7, Duration::ZERO, None).unwrap();
    assert_eq!(count(&copy), there);

    let bytes = serialize(&conn).unwrap();
    let mut private = Connection::open_in_memory().unwrap();
    private.execute_batch("VACUUM").unwrap();
    // A database in WAL mode cannot be one in private memory: the mark for it is taken off.
    let mut unmarked = bytes.clone();
    unmarked[18..20].fill(1);
    assert_eq!(deserialize(&mut private, &unmarked), ffi::SQLITE_OK);
    assert_eq!(count(&private), there);

    db.reset().unwrap();
    assert_ne!(count(&conn), there);
    Backup::new(&copy, &mut conn).unwrap().run_to_completion(1000, Duration::ZERO, None).unwrap();
    assert_eq!(count(&plain(&db)), there);
    is_whole(&conn);
    db.reset().unwrap();
    assert_eq!(text(&plain(&db), "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
}

#[test]
fn large_sorts_use_the_systems_files() {
    let db = memory();
    let conn = plain(&db);
    conn.execute_batch(
        "PRAGMA temp_store = FILE; PRAGMA cache_size = 2; PRAGMA temp.cache_size = 2;
         CREATE TEMP TABLE big AS
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, hex(randomblob(50)) AS x FROM n;
         INSERT INTO t (x) SELECT x FROM temp.big ORDER BY x",
    )
    .unwrap();
    assert_eq!(
        text(&conn, "SELECT count(*) FROM (SELECT x FROM t ORDER BY x || 'y' LIMIT -1 OFFSET 1)"),
        "Integer(20002)"
    );
    is_whole(&plain(&db));
}

#[test]
fn a_read_only_connection_reads_what_is_committed_and_writes_nothing() {
    let db = memory();
    let writer = plain(&db);
    let uri = format!("{}&mode=ro", db.uri("auth").unwrap());
    let reader = Connection::open(&uri).unwrap();
    writer.execute("INSERT INTO t (x) VALUES ('d')", []).unwrap();
    assert_eq!(text(&reader, "SELECT count(*) FROM t"), "Integer(4)");
    assert_eq!(ran(&reader, "DELETE FROM t"), "8 attempt to write a readonly database");
    drop(writer);
    db.reset().unwrap();
    assert_eq!(text(&reader, "SELECT count(*) FROM t"), "Integer(3)");
    drop(reader);
    // It was the last one: who opens the database next finds it whole.
    is_whole(
        &Connection::open_with_flags(&uri, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI).unwrap(),
    );
}

#[test]
fn a_connection_that_takes_it_for_immutable_reads_it() {
    let db = memory();
    let conn = Connection::open(format!("{}&immutable=1", db.uri("auth").unwrap())).unwrap();
    let file = start(Bind::temp_file());
    let file = Connection::open(format!("{}?immutable=1", file.uri("auth").unwrap())).unwrap();
    for sql in ["SELECT group_concat(x) FROM t", "DELETE FROM t", "PRAGMA integrity_check", "PRAGMA journal_mode"] {
        assert_eq!(ran(&conn, sql), ran(&file, sql), "{sql}");
    }
}

#[test]
fn the_last_connection_ends_the_database() {
    let db = memory();
    let uri = db.uri("auth").unwrap();
    let (one, other) = (plain(&db), plain(&db));
    one.execute("INSERT INTO t (x) VALUES ('d')", []).unwrap();
    drop(db);
    assert_eq!(text(&other, "SELECT count(*) FROM t"), "Integer(4)");
    other.execute("INSERT INTO t (x) VALUES ('e')", []).unwrap();
    let third = Connection::open(&uri).unwrap();
    assert_eq!(text(&third, "SELECT count(*) FROM t"), "Integer(5)");
    drop((one, other, third));
    let error = Connection::open(&uri).and_then(|conn| rows(&conn, "SELECT 1 FROM t")).unwrap_err();
    assert!(error.to_string().starts_with("unable to open database file"), "{error}");
}

#[test]
fn a_name_that_no_bind_has_opens_nothing() {
    let db = memory();
    let uri = db.uri("auth").unwrap();
    let gone = uri.replace(".db", "9.db");
    let error = Connection::open(&gone).and_then(|conn| rows(&conn, "CREATE TABLE made (x)")).unwrap_err();
    assert!(error.to_string().starts_with("unable to open database file"), "{error}");
    let name = gone.strip_prefix("file:").unwrap().split('?').next().unwrap();
    assert!(!std::path::Path::new(name).exists());
}

#[test]
fn a_page_number_far_out_is_an_error_and_no_allocation() {
    let db = memory();
    let conn = plain(&db);
    conn.execute_batch("PRAGMA writable_schema = ON; PRAGMA journal_mode = DELETE").unwrap();
    conn.execute("UPDATE sqlite_schema SET rootpage = 2147483646 WHERE name = 't'", []).unwrap();
    drop(conn);
    let conn = plain(&db);
    assert_eq!(ran(&conn, "INSERT INTO t VALUES (9, 9)"), "11 malformed database schema (t) - invalid rootpage");
    drop(conn);
    db.reset().unwrap();
    is_whole(&plain(&db));
}

#[test]
fn a_reader_keeps_what_it_began_with_through_a_reset() {
    let db = memory();
    let (reader, other) = (plain(&db), plain(&db));
    other.execute("INSERT INTO t (x) VALUES ('d')", []).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(text(&reader, "SELECT count(*) FROM t"), "Integer(4)");
    db.reset().unwrap();
    assert_eq!(text(&reader, "SELECT count(*) FROM t"), "Integer(4)");
    assert_eq!(text(&other, "SELECT count(*) FROM t"), "Integer(3)");
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(text(&reader, "SELECT count(*) FROM t"), "Integer(3)");
}

#[test]
fn statements_that_are_kept_see_the_tables_after_a_restore() {
    let db = memory();
    let conn = plain(&db);
    let mut all = conn.prepare("SELECT * FROM t ORDER BY id").unwrap();
    let mut count = |columns| {
        let rows =
            all.query_map([], |row| Ok(row.as_ref().column_count())).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        assert!(rows.iter().all(|row| *row == columns), "{rows:?}");
        rows.len()
    };
    assert_eq!(count(2), 3);
    let before = db.snapshot().unwrap();
    for _ in 0..3 {
        plain(&db)
            .execute_batch("ALTER TABLE t ADD COLUMN y; INSERT INTO t VALUES (4, 'd', 'e'); CREATE TABLE u (y)")
            .unwrap();
        assert_eq!(count(3), 4);
        let after = db.snapshot().unwrap();
        db.restore(&before).unwrap();
        assert_eq!(count(2), 3);
        db.restore(&after).unwrap();
        assert_eq!(count(3), 4);
        db.reset().unwrap();
        assert_eq!(count(2), 3);
    }
}

#[test]
#[ignore = "takes a gigabyte of memory"]
fn a_database_of_300_megabytes_is_one_like_another() {
    let db = memory();
    let conn = plain(&db);
    for _ in 0..30 {
        conn.execute("INSERT INTO t (x) VALUES (randomblob(10000000))", []).unwrap();
    }
    is_whole(&conn);
    let whole = db.snapshot().unwrap();
    db.reset().unwrap();
    assert_eq!(text(&conn, "PRAGMA page_count").len(), "Integer(3)".len());
    db.restore(&whole).unwrap();
    assert_eq!(text(&conn, "SELECT total(length(x)) FROM t"), "Real(300000003.0)");
    is_whole(&conn);
}
