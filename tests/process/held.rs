//! The bytes that a harness holds, in this crate's memory and in SQLite's: a schema's worth for what is known of tables,
//! and nothing once the harness is gone. Each test counts alone in a process of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use multibind::rusqlite::{ffi, Connection};
use multibind::{Bind, Harness, Session};
use rstest::rstest;

use crate::alone::alone;

struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);

// SAFETY: each call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes held now, SQLite's included.
fn held() -> i64 {
    // SAFETY: it reads a number.
    let sqlite = unsafe { ffi::sqlite3_memory_used() };
    i64::try_from(HELD.load(Ordering::Relaxed)).unwrap() + sqlite
}

const MIB: i64 = 1024 * 1024;

fn start(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(storage().schema("CREATE TABLE post (author TEXT, title TEXT)"))
        .bind("auth", storage().schema("CREATE TABLE user (name TEXT, photo BLOB)"))
        .start()
        .unwrap()
}

/// Fills a table with so many MiB.
fn fill(db: &Harness, mib: i64) {
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    let rows = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
         INSERT INTO user SELECT 'user ' || i, zeroblob(4096) FROM n",
        mib * MIB / 4096
    );
    conn.execute_batch(&rows).unwrap();
    // Its log is no longer than it has to be.
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn join(session: &mut Session) -> usize {
    session.query("SELECT title FROM post JOIN user ON author = name", [], |_| Ok(())).unwrap().len()
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn new_tables_beside_rows_cost_a_schema(#[case] storage: fn() -> Bind) {
    if !alone() {
        return;
    }
    let db = start(storage);
    fill(&db, 4);
    let mut session = db.session();
    let create = |number: usize, session: &mut Session| {
        session.execute(&format!("CREATE TABLE auth.made_{number} (x)"), []).unwrap();
        session.execute(&format!("INSERT INTO made_{number} VALUES (1)"), []).unwrap();
        session.commit().unwrap();
        join(session);
    };
    create(0, &mut session);
    // The recorder, which keeps the last statements, is full before anything is counted.
    (0..300).for_each(|_| _ = session.execute("INSERT INTO made_0 VALUES (1)", []).unwrap());
    session.commit().unwrap();
    let before = held();

    (1..100).for_each(|number| create(number, &mut session));

    // The tables themselves take 400 KiB.
    let more = held() - before;
    assert!(more < 3 * MIB, "{more} bytes more");
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn nothing_that_was_written_is_held_once_the_harness_is_gone(#[case] storage: fn() -> Bind) {
    if !alone() {
        return;
    }
    let run = |mib: i64| {
        let db = start(storage);
        let mut session = db.session();
        session.execute("INSERT INTO post VALUES ('user 1', 'one')", []).unwrap();
        session.commit().unwrap();
        fill(&db, mib);
        for number in 0..3 {
            let other = Connection::open(db.uri("auth").unwrap()).unwrap();
            other.execute_batch(&format!("CREATE TABLE made_{number} (x)")).unwrap();
            session.execute(&format!("INSERT INTO made_{number} VALUES (1)"), []).unwrap();
            session
                .on("auth")
                .unwrap()
                .execute("UPDATE user SET name = upper(name) WHERE name = 'user 2'", [])
                .unwrap();
            assert_eq!(join(&mut session), 1);
            session.commit().unwrap();
            drop(db.snapshot().unwrap());
        }
    };
    // What is made once for a process, and a template, is there from here on.
    run(1);
    let before = held();

    run(4);

    let more = held() - before;
    assert!(more < MIB / 2, "{more} bytes more");
}

#[test]
fn join_copies_end_with_the_unit_of_work() {
    if !alone() {
        return;
    }
    let db = start(Bind::memory);
    fill(&db, 8);
    let mut session = db.session();
    assert_eq!(join(&mut session), 0);
    let before = held();

    session.execute("UPDATE user SET name = 'ann' WHERE name = 'user 1'", []).unwrap();
    for _ in 0..5 {
        join(&mut session);
    }
    let during = held() - before;
    session.rollback().unwrap();
    let after = held() - before;

    // Beside the one copy there are the pages that each connection keeps.
    assert!(during < 14 * MIB, "{during} bytes more");

    // The session's own connection has its pages still.
    assert!(after < 3 * MIB, "{after} bytes more");
}
