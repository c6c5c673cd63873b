//! Binds in memory under many threads, and `reset` beside them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Error, Harness};
use rstest::rstest;

use super::binds::{is_whole, plain, rows, text, TABLES};

/// A change that shows if it is seen by half, over several pages.
const SWAP: &str = "BEGIN IMMEDIATE; UPDATE t SET x = x + 1; INSERT INTO log VALUES (zeroblob(5000)); COMMIT";

#[test]
fn concurrent_threads_see_nothing_by_half() {
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
fn short_readers_refuse_no_reset() {
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
                drop(db.snapshot().unwrap());
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
fn a_reset_undoes_commits_since_the_last(#[case] storage: fn() -> Bind, #[case] beside: bool) {
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
