//! A bind in memory is what a file in WAL mode is: whatever is done with it by several connections, and by many threads.
#![allow(clippy::unwrap_used, reason = "what does not go on here fails the test")]

mod contract;
mod differential;
mod played;
mod schedule;
mod threads;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use multibind::rusqlite::backup::Backup;
use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, Connection, OpenFlags};
use multibind::{row, Bind, Error, Harness};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rstest::rstest;
use tempfile::TempDir;

const TABLES: &str = "
    CREATE TABLE t (id INTEGER PRIMARY KEY, x);
    INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
    CREATE INDEX t_x ON t (x);
";

fn start(bind: Bind) -> Harness {
    Harness::builder().bind("auth", bind.schema(TABLES).busy_timeout(Duration::ZERO)).start().unwrap()
}

fn memory() -> Harness {
    start(Bind::memory())
}

fn plain(db: &Harness) -> Connection {
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.busy_timeout(Duration::ZERO).unwrap();
    conn
}

/// What a script of statements gives: rows, or SQLite's error with its full code.
fn ran(conn: &Connection, sql: &str) -> String {
    let mut said = String::new();
    match rows(conn, sql) {
        Ok(rows) => rows.iter().for_each(|row| writeln!(said, "{row:?}").unwrap()),
        Err(rusqlite::Error::SqliteFailure(code, message)) => {
            write!(said, "{} {}", code.extended_code, message.unwrap_or_default()).unwrap();
        }
        Err(error) => write!(said, "{error}").unwrap(),
    }
    said
}

fn rows(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = conn.prepare_cached(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    rows.collect()
}

fn text(conn: &Connection, sql: &str) -> String {
    rows(conn, sql).unwrap().concat().iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
}

fn is_whole(conn: &Connection) {
    assert_eq!(text(conn, "PRAGMA integrity_check"), "Text(\"ok\")");
}

// The same as a file, by any statements of several connections.

/// One step of one of three connections.
#[derive(Clone, Debug)]
enum Step {
    Sql(usize, String),
    Reopen(usize),
    Reset,
}

fn statement() -> impl Strategy<Value = String> {
    let fixed = [
        "BEGIN",
        "BEGIN IMMEDIATE",
        "BEGIN EXCLUSIVE",
        "COMMIT",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "ROLLBACK TO s",
        "RELEASE s",
        "SELECT count(*), max(id), total(length(x)) FROM t",
        "SELECT id, typeof(x), length(x) FROM t ORDER BY x, id",
        "DELETE FROM t WHERE id % 2",
        "UPDATE t SET x = x || 'u'",
        "CREATE TABLE u (y)",
        "INSERT INTO u SELECT x FROM t",
        "SELECT count(*) FROM u",
        "DROP TABLE u",
        "ALTER TABLE u ADD COLUMN z",
        "CREATE INDEX u_y ON u (y)",
        "VACUUM",
        "REINDEX",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(FULL)",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA journal_mode",
        "PRAGMA journal_mode = WAL",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode = TRUNCATE",
        "PRAGMA journal_mode = PERSIST",
        "PRAGMA journal_mode = MEMORY",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA locking_mode = NORMAL",
        "PRAGMA page_size = 1024",
        "PRAGMA page_size = 65536",
        "PRAGMA auto_vacuum = FULL",
        "PRAGMA incremental_vacuum",
        "PRAGMA cache_size = 2",
        "PRAGMA cache_spill = 1",
        "PRAGMA wal_autocheckpoint = 1",
        "PRAGMA journal_size_limit = 0",
        "PRAGMA secure_delete = ON",
        "PRAGMA user_version = 7",
        "PRAGMA user_version",
        "PRAGMA page_count",
        "PRAGMA freelist_count",
        "PRAGMA quick_check",
        "PRAGMA data_version",
    ];
    prop_oneof![
        3 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_string),
        2 => (1..200_i64).prop_map(|id| format!("INSERT OR REPLACE INTO t VALUES ({id}, 'row {id}')")),
        1 => (1..20_i64, 1..200_000_i64).prop_map(|(id, size)| {
            format!("INSERT OR REPLACE INTO t VALUES ({id}, zeroblob({size}))")
        }),
        1 => (1..3000_i64).prop_map(|rows| format!(
            "INSERT INTO t (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             SELECT printf('%.*c', i % 97, 'x') FROM n"
        )),
        1 => (1..200_i64).prop_map(|id| format!("DELETE FROM t WHERE id >= {id}")),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (0..3_usize, statement()).prop_map(|(conn, sql)| Step::Sql(conn, sql)),
        2 => (0..3_usize).prop_map(Step::Reopen),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 1..60)
}

/// Runs the steps and gives what each said, and all that is there in the end.
fn played(db: &Harness, steps: &[Step]) -> Vec<String> {
    let mut connections = (0..3).map(|_| Some(plain(db))).collect::<Vec<_>>();
    let (mut said, mut was_reset) = (Vec::new(), false);
    for step in steps {
        said.push(match step {
            Step::Sql(conn, sql) => {
                let told = ran(connections[*conn].as_ref().unwrap(), sql);
                match sql.as_str() {
                    // A count that every commit of another connection changes, for each in its own way.
                    "PRAGMA data_version" => String::new(),
                    // How much is in the log after a reset, which a file's goes through and memory's does not.
                    sql if was_reset && sql.starts_with("PRAGMA wal_checkpoint") => {
                        told.split(',').next().unwrap_or_default().to_string()
                    }
                    _ => told,
                }
            }
            Step::Reopen(conn) => {
                connections[*conn] = None;
                connections[*conn] = Some(plain(db));
                String::new()
            }
            // Whether it can be done is the storage's own: memory need not ask a connection that keeps it to itself.
            Step::Reset => {
                was_reset = true;
                let undone = connections.iter().flatten().all(Connection::is_autocommit);
                let kept = |conn: &Connection| text(conn, "PRAGMA locking_mode") == "Text(\"exclusive\")";
                match undone && !connections.iter().flatten().any(kept) {
                    true => db.reset().map_or_else(|error| error.to_string(), |()| "reset".to_string()),
                    false => String::new(),
                }
            }
        });
    }
    drop(connections);
    let conn = plain(db);
    for sql in [
        "PRAGMA integrity_check",
        "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema",
        "SELECT id, typeof(x), length(x), substr(x, 1, 20) FROM t ORDER BY id",
        "SELECT * FROM u ORDER BY 1",
        "PRAGMA journal_mode",
        "PRAGMA page_size",
        "PRAGMA page_count",
        "PRAGMA user_version",
    ] {
        said.push(format!("{sql}: {}", ran(&conn, sql)));
    }
    said
}

/// As many as the suite has time for; `PROPTEST_CASES=5000` for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

/// The same in each run; `PROPTEST_RNG_SEED` for others.
fn generated() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(0x77a1),
        fixed => fixed,
    };
    ProptestConfig { cases: cases(), rng_seed, failure_persistence: None, ..given }
}

proptest! {
    #![proptest_config(generated())]

    #[test]
    fn whatever_several_connections_do_memory_answers_as_a_file(steps in steps(), looked_at in any::<bool>()) {
        let (memory, file) = (memory(), start(Bind::temp_file()));
        // The harness has a connection of its own from then on, which keeps the database in WAL mode. It opens none to look
        // at a bind in memory that nobody has written to.
        if looked_at {
            for db in [&memory, &file] {
                plain(db).execute("UPDATE t SET x = x", []).unwrap();
            }
            prop_assert!(memory.snapshot().is_ok() && file.snapshot().is_ok());
        }
        let steps = steps.into_iter().filter(|step| looked_at || !matches!(step, Step::Reset)).collect::<Vec<_>>();
        let (memory, file) = (played(&memory, &steps), played(&file, &steps));
        for (at, (memory, file)) in memory.iter().zip(&file).enumerate() {
            prop_assert_eq!(memory, file, "at {} of {:#?}", at, steps);
        }
    }
}

// What a user may do to it.

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
    assert_snapshot!(db.reset().unwrap_err(), @"bind `auth`: database is locked. A connection of the pool on this thread holds the write lock, and the harness on this thread wants it: commit or drop it first (a session that is not committed is one)");
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
        db.connection(key).unwrap().query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
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

    let bytes = conn.serialize("main").unwrap().to_vec();
    let mut private = Connection::open_in_memory().unwrap();
    private.execute_batch("VACUUM").unwrap();
    // A database in WAL mode cannot be one in private memory: the mark for it is taken off.
    let mut unmarked = bytes.clone();
    unmarked[18..20].fill(1);
    private.deserialize_read_exact("main", unmarked.as_slice(), unmarked.len(), false).unwrap();
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
fn temporary_tables_and_sorts_that_do_not_fit_go_to_the_systems_own_files() {
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
fn a_connection_outlives_the_harness_and_the_database_goes_with_the_last() {
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

// Threads.

/// A change that shows if it is seen by half, over several pages.
const SWAP: &str = "BEGIN IMMEDIATE; UPDATE t SET x = x + 1; INSERT INTO log VALUES (zeroblob(5000)); COMMIT";

#[test]
fn threads_that_read_write_check_open_and_reset_see_nothing_by_half() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 60;
    let schema = "
        CREATE TABLE t (id INTEGER PRIMARY KEY, x);
        INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, 0 FROM n;
        CREATE TABLE log (x);
    ";
    let bind = Bind::memory().schema(schema).busy_timeout(Duration::from_secs(100)).pool_size(20);
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let before = db.snapshot().unwrap();
    let (together, done) = (Barrier::new(THREADS + 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let (db, together, done, before) = (&db, &together, &done, &before);
        let threads = (0..THREADS).map(|thread| {
            scope.spawn(move || {
                let kept = db.connection("auth").unwrap();
                together.wait();
                for round in 0..ROUNDS {
                    let opened = (round % 5 == 0).then(|| {
                        let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
                        conn.busy_timeout(Duration::from_secs(100)).unwrap();
                        conn
                    });
                    let conn = opened.as_ref().unwrap_or(&kept);
                    match (thread + round) % 4 {
                        0 => conn.execute_batch(SWAP).unwrap(),
                        1 => drop(rows(conn, "PRAGMA wal_checkpoint(PASSIVE)").unwrap()),
                        2 => conn
                            .execute_batch("BEGIN IMMEDIATE; CREATE TABLE made (x); DROP TABLE made; COMMIT")
                            .unwrap(),
                        _ => {}
                    }
                    assert_eq!(text(conn, "SELECT count(DISTINCT x), count(*) FROM t"), "Integer(1) Integer(1000)");
                }
            })
        });
        let threads = threads.collect::<Vec<_>>();
        let resetting = scope.spawn(move || {
            together.wait();
            let (mut times, mut refused) = (0, 0);
            while !done.load(Ordering::Relaxed) || times == 0 {
                let put_back = if times % 2 == 0 { db.reset() } else { db.restore(before) };
                match put_back {
                    Ok(()) => times += 1,
                    // A writer was there.
                    Err(Error::Locked { .. } | Error::Restore { .. }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            (times, refused)
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Ordering::Relaxed);
        resetting.join().unwrap();
    });
    db.reset().unwrap();
    let conn = plain(&db);
    is_whole(&conn);
    assert_eq!(text(&conn, "SELECT max(x), count(*) FROM t"), "Integer(0) Integer(1000)");
}

#[test]
fn a_reset_is_refused_for_no_connection_that_opens_reads_and_closes() {
    let bind = Bind::memory().schema(TABLES).busy_timeout(Duration::from_secs(100));
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (db, done) = (&db, &done);
        for _ in 0..4 {
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
                    conn.busy_timeout(Duration::from_secs(100)).unwrap();
                    assert_eq!(text(&conn, "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
                }
            });
        }
        let reset = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..200 {
                db.reset().unwrap();
                db.snapshot().unwrap();
            }
        }));
        done.store(true, Ordering::Relaxed);
        reset.unwrap();
    });
}

#[rstest]
#[case::memory(Bind::memory, false)]
#[case::memory_beside_a_reader(Bind::memory, true)]
#[case::shared_cache(Bind::shared_cache, false)]
#[case::memdb(Bind::memdb, false)]
#[case::temp_file(Bind::temp_file, false)]
#[case::temp_file_beside_a_reader(Bind::temp_file, true)]
fn a_reset_undoes_also_what_was_committed_just_after_the_last_one(#[case] storage: fn() -> Bind, #[case] beside: bool) {
    let bind = storage().schema(TABLES).busy_timeout(Duration::from_secs(100));
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let (both, paused, done) = (Barrier::new(2), AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let conn = plain(&db);
            while !done.load(Ordering::Relaxed) {
                while !paused.load(Ordering::Relaxed) {
                    // A lock of the reset's may be in the way.
                    let _ = conn.execute("INSERT INTO t (x) VALUES ('new')", []);
                    let _ = conn.execute_batch("CREATE TABLE made (x); INSERT INTO made VALUES (1)");
                }
                both.wait();
                both.wait();
            }
        });
        let reader = plain(&db);
        let mut found = Vec::new();
        for _ in 0..100 {
            // Beside a reader, a bind in memory is copied into as a file is.
            if beside {
                reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
            }
            while db.reset().is_err() {}
            if beside {
                reader.execute_batch("COMMIT").unwrap();
            }
            paused.store(true, Ordering::Relaxed);
            both.wait();
            let tables = db.reset().map(|()| {
                let made = db.locate("made", row! {}).is_ok();
                (text(&reader, "SELECT group_concat(x) FROM t"), made)
            });
            found.push(tables.map_err(|error| error.to_string()));
            // The writer is let go before anything is asserted.
            done.store(found.len() == 100, Ordering::Relaxed);
            paused.store(false, Ordering::Relaxed);
            both.wait();
        }
        found.iter().for_each(|found| assert_eq!(found, &Ok(("Text(\"a,b,c\")".to_string(), false))));
    });
}
