//! The memory of a harness's recorder, counted by the allocator of the unit tests.
//!
//! SQLite takes its own memory elsewhere, that of a `memdb` included, so what a thread allocates beside it is this crate's and
//! rusqlite's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use rstest::rstest;

use crate::{Bind, Harness};

/// The system's allocator, which counts what each thread holds.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// The bytes that this thread has allocated, less those that it has freed.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

fn hold(bytes: usize, sign: i64) {
    // A thread that ends has none.
    let _ = HELD.try_with(|held| held.set(held.get() + sign * i64::try_from(bytes).unwrap_or_default()));
}

// SAFETY: the system's allocator does all; the counter is a number without a destructor, and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hold(layout.size(), 1);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(layout.size(), -1);
        // SAFETY: as the caller says.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that a harness's recorder may hold.
const MOST: i64 = 256 * 1024;

fn started() -> Harness {
    let table = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, note TEXT)";
    Harness::builder().bind("auth", Bind::memdb().schema(table)).start().unwrap()
}

/// Runs statements on a connection, and returns what is held more than before, and after a first one has warmed all up.
fn held_by(statements: usize, sql: impl Fn(usize) -> String) -> i64 {
    let db = started();
    let conn = db.connection("auth").unwrap();
    conn.set_prepared_statement_cache_capacity(0);
    let before = HELD.get();
    for number in 0..statements {
        conn.execute(&sql(number), ["a value that is kept with its statement"]).unwrap();
    }
    let held = HELD.get() - before;
    drop(conn);
    drop(db);
    held
}

#[rstest]
#[case::one_text_again_and_again(|_| "INSERT INTO user (name) VALUES (?1)".to_string())]
#[case::short_texts(|number| format!("INSERT INTO user (name, note) VALUES (?1, '{number}')"))]
#[case::long_texts(|number| format!("INSERT INTO user (name, note) VALUES (?1, '{number}{:2000}')", ""))]
#[case::texts_beyond_what_is_kept(|number| format!("INSERT INTO user (name, note) VALUES (?1, '{number}{:9000}')", ""))]
#[case::rows_far_apart(|number| {
    let rows = (0..20).map(|row| format!(", ({}, NULL)", number * 1_000 + row * 9)).collect::<String>();
    format!("INSERT INTO user (id, name) VALUES ({number} * 1000 + 500, ?1){rows}")
})]
fn a_recorder_holds_at_most_256_kib(#[case] sql: fn(usize) -> String) {
    let held = held_by(1_500, sql);
    assert!((1..=MOST).contains(&held), "{held} bytes");
}

#[rstest]
#[case::one_text("INSERT INTO user (name) VALUES (?1)", false)]
#[case::rows_far_apart("INSERT INTO user (id, name) VALUES ((SELECT count(*) FROM user) * 10, ?1)", false)]
#[case::cut_into_pieces("INSERT INTO user (name) VALUES (?1)", true)]
fn a_recorder_holds_at_most_256_kib_of_a_loop_in_one_transaction(#[case] sql: &str, #[case] is_cut: bool) {
    let table = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, note TEXT)";
    let bind = || Bind::memdb().schema(table);
    let db = Harness::builder().bind("auth", bind()).bind("meta", bind()).start().unwrap();
    let (conn, other) = (db.connection("auth").unwrap(), db.connection("meta").unwrap());
    conn.set_prepared_statement_cache_capacity(0);
    let before = HELD.get();
    conn.execute_batch("BEGIN").unwrap();
    for _ in 0..5_000 {
        conn.execute(sql, ["a value that is kept with its statement"]).unwrap();
        if is_cut {
            other.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
        }
    }
    let held = HELD.get() - before;
    conn.execute_batch("COMMIT").unwrap();
    assert!((1..=MOST).contains(&held), "{held} bytes");
}

#[test]
fn a_recorder_holds_nothing_where_nothing_was_written() {
    let db = started();
    let conn = db.connection("auth").unwrap();
    let read = |times| {
        let before = HELD.get();
        for number in 0..times {
            conn.query_row(&format!("SELECT count(*), {number} FROM user"), [], |row| row.get::<_, i64>(0)).unwrap();
        }
        HELD.get() - before
    };
    read(1);
    assert_eq!(read(500), 0);
}
