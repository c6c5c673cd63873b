//! The ends of transactions, the triggers and the places of statements, and what is kept while nobody records.

use std::ffi::{c_int, CString};
use std::ptr;
use std::sync::{Arc, Barrier};

use multibind::rusqlite::{ffi, Connection};
use multibind::statements::{Statement, TransactionEnd};
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::failure::{failure, message};

const SCHEMA: &str = "CREATE TABLE t (x UNIQUE); CREATE TABLE audit (x);
    CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (new.x); END";

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder().bind("auth", storage().schema(SCHEMA)).start().unwrap()
}

fn own(db: &Harness) -> Connection {
    Connection::open(db.uri("auth").unwrap()).unwrap()
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::shared_cache(Bind::shared_cache)]
#[case::temp_file(Bind::temp_file)]
fn the_end_of_each_write_is_known(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let conn = own(&db);
    conn.execute("INSERT INTO t VALUES (1)", []).unwrap();
    conn.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (2); ROLLBACK").unwrap();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (3); COMMIT").unwrap();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (4)").unwrap();
    conn.execute("INSERT OR ROLLBACK INTO t VALUES (1)", []).unwrap_err();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (5)").unwrap();
    drop(conn);
    let writes = db.last_writes("auth", "t").unwrap();
    let stayed = writes.iter().map(Statement::stayed).collect::<Vec<_>>();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(stayed, [yes, no, no, yes, no, no, no]);
    let ends = writes.iter().filter_map(Statement::transaction_end).collect::<Vec<_>>();
    assert_eq!(ends[2], TransactionEnd::RolledBack);
    assert_eq!(ends[4], TransactionEnd::Failed);
    assert_eq!(ends[6], TransactionEnd::Closed);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn a_commit_whose_only_write_found_a_lock_has_not_failed(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let (holder, conn) = (own(&db), own(&db));
    conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    let log = db.record();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    conn.execute_batch("BEGIN; CREATE TEMP TABLE notes (x)").unwrap();
    conn.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    conn.execute_batch("COMMIT").unwrap();
    let commit = &log.containing("COMMIT")[0];
    assert_eq!((commit.has_failed(), commit.transaction_end()), (Some(false), Some(TransactionEnd::Committed)));
    let insert = &log.containing("INSERT")[0];
    assert_ne!(insert.stayed(), Some(true));
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::shared_cache(Bind::shared_cache)]
#[case::temp_file(Bind::temp_file)]
fn a_savepoint_is_there_after_its_release_has_failed(#[case] storage: fn() -> Bind) {
    let schema = "CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)";
    let db = Harness::builder().bind("auth", storage().schema(schema)).start().unwrap();
    let conn = own(&db);
    let log = db.record();
    conn.execute_batch("SAVEPOINT s; INSERT INTO c VALUES (7)").unwrap();
    conn.execute_batch("RELEASE s").unwrap_err();
    conn.execute_batch("ROLLBACK TO s; INSERT INTO p VALUES (1); RELEASE s").unwrap();
    let stayed = log.matching(|one| one.sql().starts_with("INSERT")).iter().map(Statement::stayed).collect::<Vec<_>>();
    assert_eq!(stayed, [Some(false), Some(true)]);
    let failed = log.containing("RELEASE").iter().map(Statement::has_failed).collect::<Vec<_>>();
    assert_eq!(failed, [Some(true), Some(false)]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::shared_cache(Bind::shared_cache)]
#[case::temp_file(Bind::temp_file)]
fn a_rollback_ends_the_transaction_of_an_insert_that_is_being_read(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let conn = own(&db);
    let log = db.record();
    conn.execute_batch("BEGIN").unwrap();
    let mut insert = conn.prepare("INSERT INTO t VALUES (1), (2) RETURNING x").unwrap();
    let mut rows = insert.query([]).unwrap();
    rows.next().unwrap().unwrap();
    conn.execute_batch("ROLLBACK; INSERT INTO t VALUES (3)").unwrap();
    drop(rows);
    let ends = log.transactions().iter().map(|one| one.end()).collect::<Vec<_>>();
    assert_eq!(ends, [TransactionEnd::RolledBack, TransactionEnd::Committed]);
    let inserts = log.containing("INSERT");
    assert_eq!(inserts.iter().map(Statement::stayed).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert_ne!(inserts[0].has_failed(), Some(true));
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
fn a_statement_whose_table_another_has_dropped_has_not_stayed(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let (conn, other) = (own(&db), own(&db));
    let log = db.record();
    let mut insert = conn.prepare("INSERT INTO audit VALUES (1)").unwrap();
    other.execute_batch("DROP TABLE audit").unwrap();
    insert.execute([]).unwrap_err();
    let insert = &log.containing("INSERT")[0];
    assert_ne!((insert.stayed(), insert.has_failed()), (Some(true), Some(false)));
}

unsafe extern "C" {
    /// Is in SQLite, and not in rusqlite's bindings.
    fn sqlite3_close_v2(db: *mut ffi::sqlite3) -> c_int;
}

/// `sqlite3_close_v2` keeps a connection until its last statement is gone, and SQLite tells nothing of such a one.
#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::shared_cache(Bind::shared_cache)]
#[case::temp_file(Bind::temp_file)]
fn a_statement_that_ends_after_its_connection_was_closed_is_not_said_to_be_lost(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    let uri = CString::new(db.uri("auth").unwrap()).unwrap();
    let log = db.record();
    let (mut conn, mut statement, flags) =
        (ptr::null_mut(), ptr::null_mut(), ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_URI);
    // SAFETY: the texts end with a NUL, and the connection and the statement are closed once, by this thread alone.
    unsafe {
        assert_eq!(ffi::sqlite3_open_v2(uri.as_ptr(), &raw mut conn, flags, ptr::null()), ffi::SQLITE_OK);
        let sql = c"INSERT INTO t VALUES (1), (2) RETURNING x";
        let prepared = ffi::sqlite3_prepare_v2(conn, sql.as_ptr(), -1, &raw mut statement, ptr::null_mut());
        assert_eq!((prepared, ffi::sqlite3_step(statement)), (ffi::SQLITE_OK, ffi::SQLITE_ROW));
        assert_eq!(sqlite3_close_v2(conn), ffi::SQLITE_OK);
        assert_eq!(ffi::sqlite3_finalize(statement), ffi::SQLITE_OK);
    }
    db.assert_landed("auth", "t", row! { x: 1 });
    assert_ne!(log.statements()[0].stayed(), Some(false));
}

/// A connection with statements is not closed by `sqlite3_close`, and goes on.
#[test]
fn a_transaction_is_followed_on_after_a_close_that_sqlite_has_refused() {
    let db = started(Bind::memory);
    let conn = own(&db);
    let log = db.record();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    let select = conn.prepare("SELECT x FROM t").unwrap();
    // SAFETY: the connection is open, and as long as a statement is there it stays so.
    assert_eq!(unsafe { ffi::sqlite3_close(conn.handle()) }, ffi::SQLITE_BUSY);
    drop(select);
    conn.execute_batch("COMMIT; BEGIN; INSERT INTO t VALUES (2)").unwrap();
    drop(conn);
    let inserts = log.containing("INSERT");
    assert_eq!(inserts.iter().map(Statement::stayed).collect::<Vec<_>>(), [Some(true), Some(false)]);
}

#[test]
fn interleaved_transactions_are_told_apart() {
    let db = started(Bind::memory);
    let other = Harness::builder().bind("auth", Bind::memory().schema(SCHEMA)).start().unwrap();
    let (one, two) = (own(&db), own(&db));
    let log = db.record();
    one.execute_batch("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    two.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    one.execute_batch("COMMIT").unwrap();
    two.execute_batch("ROLLBACK").unwrap();
    let transactions = log.transactions();
    let seen = transactions.iter().map(|one| (one.statements().len(), one.end())).collect::<Vec<_>>();
    assert_eq!(seen, [(3, TransactionEnd::Committed), (3, TransactionEnd::RolledBack)]);
    assert_ne!(transactions[0].connection(), transactions[1].connection());
    assert!(other.last_writes("auth", "t").unwrap().is_empty());
}

#[test]
fn triggers_that_ran_are_named_and_only_those() {
    let db = started(Bind::memory);
    let conn = own(&db);
    conn.execute("DELETE FROM t", []).unwrap();
    conn.execute("INSERT INTO t VALUES (11)", []).unwrap();
    let audit = db.last_writes("auth", "audit").unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].triggers().collect::<Vec<_>>(), ["noted"]);
    assert!(audit[0].place().unwrap().contains("triggers_that_ran_are_named_and_only_those"), "{:?}", audit[0].place());
}

#[rstest]
#[case::a_commit("COMMIT")]
#[case::a_rollback("ROLLBACK")]
fn the_place_that_ends_a_transaction_is_known(#[case] end: &str) {
    fn ends(conn: &Connection, end: &str) {
        conn.execute_batch(end).unwrap();
    }
    let db = started(Bind::memory);
    let conn = own(&db);
    let log = db.record();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(log.statements()[1].transaction_ended_at(), None);
    ends(&conn, end);
    let place = log.statements()[1].transaction_ended_at().unwrap();
    assert!(place.contains("the_place_that_ends_a_transaction_is_known::ends"), "{place}");
}

#[test]
fn the_place_that_drops_an_open_transaction_is_known() {
    let db = started(Bind::memory);
    let conn = own(&db);
    let log = db.record();
    conn.execute_batch("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    drop(conn);
    let place = log.statements()[1].transaction_ended_at().unwrap();
    assert!(place.contains("the_place_that_drops_an_open_transaction_is_known"), "{place}");
}

#[test]
fn a_place_has_its_callers() {
    #[inline(never)]
    fn write(conn: &Connection) {
        conn.execute("INSERT INTO t VALUES (1)", []).unwrap();
    }
    let db = started(Bind::memory);
    let conn = own(&db);
    let log = db.record();
    write(&conn);
    let ran = &log.statements()[0];
    assert!(ran.place().unwrap().contains("a_place_has_its_callers::write"), "{:?}", ran.place());
    assert!(ran.callers()[0].ends_with("a_place_has_its_callers"), "{:?}", ran.callers());
}

#[test]
fn more_can_be_asserted_of_a_log() {
    let db = started(Bind::memory);
    let conn = own(&db);
    let log = db.record();
    conn.execute("INSERT INTO t VALUES (1)", []).unwrap();
    conn.execute("DELETE FROM t", []).unwrap();
    log.assert_at_most("auth", 2).assert_total(2).assert_containing("DELETE", 1);
    assert!(
        failure(|| log.assert_at_most("auth", 1)).contains("expected at most 1 statement on bind `auth`, but 2 ran:")
    );
    assert!(message(|| log.assert_containing("UPDATE", 1)).contains("none ran with it"));
    assert!(message(|| log.assert_total(3)).contains("on all binds together"));
}

#[test]
fn many_connections_beside_each_other_lose_nothing() {
    const THREADS: usize = 64;
    let db = Arc::new(started(Bind::memory));
    let log = db.record();
    let barrier = Arc::new(Barrier::new(THREADS));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (db, barrier) = (Arc::clone(&db), Arc::clone(&barrier));
            scope.spawn(move || {
                barrier.wait();
                for at in 0..4 {
                    let conn = own(&db);
                    conn.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
                    conn.execute("INSERT INTO audit VALUES (?1)", [i64::try_from(thread * 4 + at).unwrap()]).unwrap();
                }
            });
        }
    });
    let ran = log.containing("INSERT INTO audit");
    assert_eq!(ran.len(), THREADS * 4);
    assert!(ran.iter().all(|statement| statement.stayed() == Some(true)));
}
