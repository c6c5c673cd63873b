//! Guards: statements on the wrong bind fail while one lives, whoever runs them.

use std::io::{Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::time::Duration;

use insta::assert_snapshot;
use multibind::fixture::harness;
use multibind::guards::{Guard, Refusal};
use multibind::rusqlite::backup::Backup;
use multibind::rusqlite::functions::FunctionFlags;
use multibind::rusqlite::{self, ffi, Connection, ErrorCode, MAIN_DB};
use multibind::statements::Statement;
use multibind::{row, Bind, Error, Harness, Selection};
use rstest::rstest;

use crate::deserialized::deserialize;
use crate::failure::{failure, in_short};
use crate::frame::unframed;
use crate::hooks::replace_authorizer;
use crate::serialized::serialize;

fn code(error: &rusqlite::Error) -> ErrorCode {
    error.sqlite_error_code().unwrap()
}

/// Runs a statement to its end, whatever it gives.
fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn refused(guard: &Guard) -> Vec<String> {
    guard.refused().iter().map(Refusal::to_string).collect()
}

/// What a panic says.
fn panic<T>(work: impl FnOnce() -> T) -> String {
    *catch_unwind(AssertUnwindSafe(work)).err().unwrap().downcast::<String>().unwrap()
}

/// A text without the line and the column of a place in this file, which are where a guard was made.
fn unplaced(text: &str) -> String {
    let mut parts = text.split("guards.rs:");
    let first = parts.next().unwrap().to_string();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit() || char == ':');
        assert!(part.len() - rest.len() > 3, "a line and a column: {part}");
        format!("{text}guards.rs:LINE{rest}")
    })
}

#[rstest]
#[case::insert("INSERT INTO log (event) VALUES ('x')")]
#[case::update("UPDATE post SET title = 'x'")]
#[case::delete("DELETE FROM post")]
#[case::select("SELECT title FROM post")]
#[case::count("SELECT count(*) FROM post")]
#[case::view("SELECT * FROM published_post")]
#[case::schema("CREATE TABLE made (x)")]
#[case::temporary("CREATE TEMP TABLE made (x)")]
#[case::drop("DROP TABLE log")]
#[case::alter("ALTER TABLE log RENAME TO other")]
#[case::index("CREATE INDEX made ON log (event)")]
#[case::pragma("PRAGMA user_version = 7")]
#[case::analyze("ANALYZE")]
#[case::reindex("REINDEX tag")]
#[case::explain("EXPLAIN SELECT title FROM post")]
fn statements_for_other_binds_are_not_authorized(
    harness: Harness,
    #[case] sql: &str,
    #[values("allow_only", "deny")] guard: &str,
) {
    let before = harness.snapshot().unwrap();
    let conn = harness.connection(None).unwrap();
    let guard = if guard == "deny" { harness.deny(None) } else { harness.allow_only("auth") };

    let error = run(&conn, sql).unwrap_err();

    assert_eq!(code(&error), ErrorCode::AuthorizationForStatementDenied, "{error}");
    assert_eq!(refused(&guard), [format!("bind `default`: {sql}")]);
    drop(guard);
    harness.changes_since(&before).unwrap().assert_none();
    run(&conn, sql).unwrap();
}

#[rstest]
#[case::query("SELECT 1 + 1")]
#[case::check_of_a_pool("SELECT 1;")]
#[case::function("SELECT length('four')")]
fn statements_that_use_no_database_run_where_nothing_is_allowed(harness: Harness, #[case] sql: &str) {
    let conn = harness.connection(None).unwrap();
    let mut prepared = conn.prepare(sql).unwrap();
    let guard = harness.allow_only([] as [&str; 0]);
    conn.execute_batch(sql).unwrap();
    drop(prepared.query([]).unwrap());
    harness.session().query(sql, [], |_| Ok(())).ok();
    assert_eq!(refused(&guard), [] as [String; 0]);
}

#[cfg(feature = "r2d2_sqlite")]
#[rstest]
fn a_pool_that_tests_its_connections_lends_them_where_nothing_is_allowed(harness: Harness) {
    let manager = r2d2_sqlite::SqliteConnectionManager::file(harness.uri("meta").unwrap());
    let pool = r2d2::Pool::builder().max_size(2).test_on_check_out(true).build(manager).unwrap();
    let guard = harness.allow_only("auth");

    let conn = pool.get().unwrap();
    let error = run(&conn, "DELETE FROM log").unwrap_err();

    assert_eq!(code(&error), ErrorCode::AuthorizationForStatementDenied);
    assert_eq!(refused(&guard), ["bind `meta`: DELETE FROM log"]);
    drop(conn);
    pool.get().unwrap();
}

#[rstest]
fn statements_for_an_allowed_bind_run(harness: Harness) {
    let guard = harness.allow_only([None, Some("auth")]);
    let auth = harness.connection("auth").unwrap();
    auth.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    run(&auth, "CREATE TABLE made (x, y)").unwrap();
    // SQLite asks about it with the column where it names the database of all else.
    run(&auth, "ALTER TABLE made DROP COLUMN y").unwrap();
    let mut session = harness.session();
    session.table("post").unwrap().insert(row! { title: "hello", author: "ann" }).unwrap();
    session.commit().unwrap();
    session.query("SELECT * FROM post JOIN user ON username = author", [], |_| Ok(())).unwrap();
    assert_eq!(refused(&guard), [] as [String; 0]);
}

#[rstest]
#[case::insert("INSERT INTO setting VALUES ('theme', 'dark')")]
#[case::no_row("UPDATE setting SET value = 'x' WHERE name = 'nothing'")]
#[case::replace("REPLACE INTO setting VALUES ('motto', 'x')")]
#[case::returning("DELETE FROM setting RETURNING name")]
#[case::schema("CREATE TABLE made (x)")]
#[case::drop("DROP TABLE log")]
#[case::pragma("PRAGMA user_version = 7")]
#[case::vacuum("VACUUM")]
#[case::analyze("ANALYZE")]
fn writes_under_deny_writes_meet_a_read_only_database(harness: Harness, #[case] sql: &str) {
    let before = harness.snapshot().unwrap();
    let conn = harness.connection("meta").unwrap();
    let guard = harness.deny_writes("meta");

    let error = run(&conn, sql).unwrap_err();

    assert_eq!(code(&error), ErrorCode::ReadOnly, "{error}");
    assert_eq!(refused(&guard), [format!("bind `meta`: {sql}")]);
    drop(guard);
    harness.changes_since(&before).unwrap().assert_none();
    run(&conn, sql).unwrap();
}

#[rstest]
fn deny_writes_allows_reads_and_writes_elsewhere(harness: Harness) {
    let guard = harness.deny_writes("meta");
    let meta = harness.connection("meta").unwrap();
    run(&meta, "SELECT * FROM setting").unwrap();
    run(&meta, "PRAGMA table_list").unwrap();
    run(&meta, "CREATE TEMP TABLE notes (x)").unwrap();
    run(&meta, "INSERT INTO notes SELECT name FROM setting").unwrap();
    meta.execute_batch("ALTER TABLE notes ADD COLUMN y; ALTER TABLE notes DROP COLUMN y").unwrap();
    meta.execute_batch("BEGIN IMMEDIATE; SAVEPOINT s; RELEASE s; COMMIT; BEGIN; ROLLBACK").unwrap();
    let auth = harness.connection("auth").unwrap();
    auth.execute_batch("DELETE FROM session_token; VACUUM; ANALYZE").unwrap();
    let mut session = harness.session();
    session.query("SELECT * FROM setting", [], |_| Ok(())).unwrap();
    session.execute("DELETE FROM session_token", []).unwrap();
    session.query("SELECT name FROM setting JOIN post ON name = title", [], |_| Ok(())).unwrap();
    session.commit().unwrap();
    assert_eq!(refused(&guard), [] as [String; 0]);
}

#[rstest]
fn deny_refuses_reads_and_leaves_other_binds_alone(harness: Harness) {
    let guard = harness.deny("meta");
    let meta = harness.connection("meta").unwrap();
    for sql in ["SELECT * FROM setting", "PRAGMA table_list", "DELETE FROM log"] {
        assert_eq!(code(&run(&meta, sql).unwrap_err()), ErrorCode::AuthorizationForStatementDenied, "{sql}");
    }
    let mut session = harness.session();
    let read = session.query("SELECT * FROM setting", [], |_| Ok(())).unwrap_err();
    assert_snapshot!(unplaced(&read.to_string()), @r#"
    bind `meta` is guarded: `deny("meta")` at tests/landing/guards.rs:LINE refuses this statement. Drop the guard first if it is meant to run
      in: SELECT * FROM setting
    "#);
    session.query("SELECT name FROM setting JOIN post ON name = title", [], |_| Ok(())).unwrap_err();
    assert_eq!(guard.refused().len(), 5);

    session.execute("DELETE FROM session_token", []).unwrap();
    session.query("SELECT * FROM post JOIN user ON username = author", [], |_| Ok(())).unwrap();
    session.commit().unwrap();
    harness.connection("auth").unwrap().execute_batch("DELETE FROM user_role; VACUUM").unwrap();
    run(&harness.connection(None).unwrap(), "DELETE FROM log").unwrap();
    assert_eq!(guard.refused().len(), 5);
    drop(guard);
    run(&meta, "SELECT * FROM setting").unwrap();
}

#[test]
fn a_write_that_a_temporary_trigger_makes_is_one() {
    let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE t (x)")).start().unwrap();
    let conn = db.connection("meta").unwrap();
    let trigger = "CREATE TEMP TABLE notes (x);
                   CREATE TEMP TRIGGER noted AFTER INSERT ON notes BEGIN INSERT INTO t VALUES (new.x); END";
    conn.execute_batch(trigger).unwrap();
    let guard = db.deny_writes("meta");
    assert_eq!(code(&run(&conn, "INSERT INTO notes VALUES (1)").unwrap_err()), ErrorCode::ReadOnly);
    assert_eq!(guard.refused().len(), 1);
    db.assert_not_landed("meta", "t", row! { x: 1 });
}

#[rstest]
fn a_session_says_which_guard_refused_and_where_that_is(harness: Harness) {
    let mut session = harness.session();
    let (guard, line) = (harness.allow_only("auth"), line!());
    let wrong = session.on(None).unwrap().execute("INSERT INTO log (event) VALUES (?1)", ["sign-up"]).unwrap_err();
    assert_snapshot!(unplaced(&wrong.to_string()), @r#"
    bind `default` is guarded: `allow_only("auth")` at tests/landing/guards.rs:LINE refuses this statement. Drop the guard first if it is meant to run
      in: INSERT INTO log (event) VALUES (?1)
    "#);
    assert!(wrong.to_string().contains(&format!("guards.rs:{line}:")), "{wrong}");
    assert!(matches!(wrong, Error::Guarded { bind, .. } if bind.is_default()));
    drop((guard.refused(), guard));

    let guard = harness.deny_writes(["auth", "meta"]);
    let wrong = session.table("user").unwrap().delete(row! {}).unwrap_err();
    assert_snapshot!(unplaced(&wrong.to_string()), @r#"
    bind `auth` is guarded: `deny_writes(["auth", "meta"])` at tests/landing/guards.rs:LINE refuses this statement. Drop the guard first if it is meant to run
      in: DELETE FROM main."user" AS t
    "#);
    session.execute("PRAGMA auth.user_version = 3", []).unwrap_err();
    assert_eq!(
        refused(&guard),
        ["bind `auth`: DELETE FROM main.\"user\" AS t", "bind `auth`: PRAGMA auth.user_version = 3"]
    );
}

#[rstest]
fn a_session_that_was_refused_goes_on_with_its_transaction(harness: Harness) {
    let mut session = harness.session();
    session.execute("INSERT INTO post (title) VALUES ('before')", []).unwrap();
    let guard = harness.allow_only("auth");
    session.execute("INSERT INTO post (title) VALUES ('refused')", []).unwrap_err();
    session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(guard.refused().len(), 1);
    harness.assert_landed(None, "post", row! { title: "before" });
    harness.assert_not_landed(None, "post", row! { title: "refused" });
    harness.assert_landed("auth", "user", row! { username: "ann" });
}

#[rstest]
fn a_join_with_a_bind_that_is_not_allowed_is_refused(harness: Harness) {
    let mut session = harness.session();
    let join = "SELECT title FROM post JOIN user ON username = author";
    session.query(join, [], |_| Ok(())).unwrap();
    let guard = harness.allow_only(None);
    let error = session.query(join, [], |_| Ok(())).unwrap_err();
    assert_snapshot!(unplaced(&error.to_string()), @r#"
    bind `auth` is guarded: `allow_only("default")` at tests/landing/guards.rs:LINE refuses this statement. Drop the guard first if it is meant to run
      in: SELECT title FROM post JOIN user ON username = author
    "#);
    assert_eq!(guard.refused().len(), 1);
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn a_guard_refuses_statements_prepared_before_it(#[case] bind: Bind, #[values("allow_only", "deny")] guard: &str) {
    let db = Harness::builder().bind("auth", Bind::memory()).default_bind(bind.schema("CREATE TABLE t (x)")).start();
    let db = db.unwrap();
    let conn = db.connection(None).unwrap();
    let mut insert = conn.prepare("INSERT INTO t VALUES (?1)").unwrap();
    let mut select = conn.prepare("SELECT count(*) FROM t").unwrap();
    insert.execute([1]).unwrap();

    let guard = if guard == "deny" { db.deny(None) } else { db.allow_only("auth") };
    assert_eq!(code(&select.query_row([], |row| row.get::<_, i64>(0)).unwrap_err()), ErrorCode::OperationInterrupted);
    assert_eq!(code(&insert.execute([2]).unwrap_err()), ErrorCode::ReadOnly);
    assert_eq!(refused(&guard), ["bind `default`: SELECT count(*) FROM t", "bind `default`: INSERT INTO t VALUES (2)"]);
    drop(guard);
    insert.execute([3]).unwrap();

    let guard = db.deny_writes(None);
    assert_eq!(code(&insert.execute([4]).unwrap_err()), ErrorCode::ReadOnly);
    assert_eq!(select.query_row([], |row| row.get::<_, i64>(0)).unwrap(), 2);
    assert_eq!(guard.refused().len(), 1);
    drop(guard);
    insert.execute([5]).unwrap();
    assert_eq!(select.query_row([], |row| row.get::<_, i64>(0)).unwrap(), 3);
}

#[rstest]
fn a_refused_write_leaves_its_transaction_as_it_was(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    let mut insert = conn.prepare("INSERT INTO setting VALUES (?1, 'x')").unwrap();
    conn.execute_batch("BEGIN").unwrap();
    insert.execute(["before"]).unwrap();
    let guard = harness.deny_writes("meta");
    insert.execute(["refused"]).unwrap_err();
    conn.execute("DELETE FROM setting", []).unwrap_err();
    conn.execute_batch("COMMIT").unwrap();
    assert_eq!(guard.refused().len(), 2);
    harness.assert_landed("meta", "setting", row! { name: "before" });
    harness.assert_not_landed("meta", "setting", row! { name: "refused" });
}

#[rstest]
fn an_open_query_survives_a_refused_write(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    let mut select = conn.prepare("SELECT name FROM setting").unwrap();
    let mut rows = select.query([]).unwrap();
    rows.next().unwrap().unwrap();
    let guard = harness.deny_writes("meta");
    conn.execute("DELETE FROM setting", []).unwrap_err();
    assert!(rows.next().unwrap().is_some());
    assert_eq!(guard.refused().len(), 1);
}

#[rstest]
fn another_database_cannot_be_reached_by_attaching_it(harness: Harness) {
    let attach = |conn: &Connection| conn.execute("ATTACH ?1 AS other", [harness.uri("meta").unwrap()]);
    let (early, late) = (harness.connection("auth").unwrap(), harness.connection("auth").unwrap());
    attach(&early).unwrap();
    let guard = harness.deny_writes("meta");

    assert_eq!(code(&attach(&late).unwrap_err()), ErrorCode::AuthorizationForStatementDenied);
    let error = run(&early, "DELETE FROM other.setting").unwrap_err();
    assert_eq!(code(&error), ErrorCode::AuthorizationForStatementDenied);
    run(&early, "DELETE FROM session_token").unwrap();
    run(&early, "DETACH other").unwrap();

    assert_snapshot!(refused(&guard).join("\n"), @r"
    bind `auth`: ATTACH ?1 AS other
    bind `auth`: DELETE FROM other.setting
    ");
}

#[rstest]
fn a_guard_is_for_its_harness_and_what_that_gave(harness: Harness) {
    let other = Harness::from_file("fixtures/binds.toml").unwrap();
    let driver = Connection::open(harness.uri("meta").unwrap()).unwrap();
    let guard = harness.allow_only("auth");
    run(&other.connection("meta").unwrap(), "DELETE FROM log").unwrap();
    other.session().on("meta").unwrap().execute("DELETE FROM log", []).unwrap();
    assert_eq!(refused(&guard), [] as [String; 0]);
    // What the application opens itself is the harness's as well.
    run(&driver, "DELETE FROM log").unwrap_err();
    assert_eq!(refused(&guard), ["bind `meta`: DELETE FROM log"]);
}

#[rstest]
fn a_guard_does_not_block_the_harness(harness: Harness) {
    let before = harness.snapshot().unwrap();
    harness.connection("meta").unwrap().execute("INSERT INTO log (event) VALUES ('x')", []).unwrap();
    let guard = harness.allow_only([] as [&str; 0]);
    harness.assert_landed("meta", "log", row! { event: "x" });
    harness.changes_since(&before).unwrap().assert_only("meta");
    harness.restore(&before).unwrap();
    harness.reset().unwrap();
    harness.drop_all("meta").unwrap();
    harness.create_all("meta").unwrap();
    harness.reflect(..).unwrap();
    harness.describe().to_string();
    harness.diagram().unwrap();
    harness.check_references().unwrap();
    drop(harness.session());
    assert_eq!(refused(&guard), [] as [String; 0]);
}

#[rstest]
fn guards_hold_beside_each_other_each_for_its_own_time(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    let delete = || run(&conn, "DELETE FROM log");
    let outer = harness.deny_writes("meta");
    let inner = harness.allow_only("auth");
    delete().unwrap_err();
    assert_eq!((outer.refused().len(), inner.refused().len()), (0, 1));
    drop(inner);
    delete().unwrap_err();
    assert_eq!(outer.refused().len(), 1);
    drop(outer);
    delete().unwrap();
}

/// A function that runs a statement on the connection that it is called on.
fn running(conn: &Connection, sql: &'static str) {
    conn.create_scalar_function("run", 0, FunctionFlags::SQLITE_UTF8, move |context| {
        // SAFETY: the connection lives as long as the call, and is used by this thread alone.
        let conn = unsafe { context.get_connection() }?;
        conn.execute(sql, []).map(|rows| i64::try_from(rows).unwrap())
    })
    .unwrap();
}

const FOUR: [fn() -> Bind; 4] = [Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache];

#[rstest]
fn a_statement_inside_a_function_is_refused_like_any_other(#[values(0, 1, 2, 3)] storage: usize) {
    let db = Harness::builder().bind("meta", FOUR[storage]().schema("CREATE TABLE t (x)")).start().unwrap();
    let conn = db.connection("meta").unwrap();
    running(&conn, "INSERT INTO t VALUES (1)");
    let mut prepared = conn.prepare("SELECT run()").unwrap();
    let guard = db.deny_writes("meta");
    run(&conn, "SELECT run()").unwrap_err();
    assert!(prepared.query_row([], |_| Ok(())).is_err());
    assert_eq!(refused(&guard), ["bind `meta`: INSERT INTO t VALUES (1)"; 2]);
    db.assert_not_landed("meta", "t", row! { x: 1 });
    if multibind::rusqlite::version_number() < 3_051_000 {
        // An older rusqlite takes every hook off a connection that a function has borrowed, and the guard says so.
        let said = failure(|| drop(guard));
        assert!(said.contains("could not guard every connection"), "{said}");
        return;
    }
    drop(guard);
    run(&conn, "SELECT run()").unwrap();
    db.assert_landed("meta", "t", row! { x: 1 });
}

#[rstest]
#[case::by_default(Bind::memory())]
#[case::journal(Bind::memory().pragma("journal_mode", "delete"))]
#[case::temp_file(Bind::temp_file())]
#[case::temp_file_with_a_journal(Bind::temp_file().pragma("journal_mode", "delete"))]
#[case::memdb(Bind::memdb())]
#[case::shared_cache(Bind::shared_cache())]
#[case::without_a_journal(Bind::memory().pragma("journal_mode", "memory"))]
fn writes_without_a_statement_are_refused_too(
    #[case] bind: Bind,
    #[values("allow_only", "deny", "deny_writes")] guard: &str,
) {
    let schema = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(3))";
    let db = Harness::builder().bind("meta", bind.schema(schema)).start().unwrap();
    let before = db.snapshot().unwrap();
    let mut conn = db.connection("meta").unwrap();
    let is_seen_by_its_files = !db.uri("meta").unwrap().contains("cache=shared");
    let guard = match guard {
        "deny_writes" => db.deny_writes("meta"),
        "deny" => db.deny("meta"),
        _ => db.allow_only([] as [&str; 0]),
    };

    // Whatever ran before accounts for nothing now.
    conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK; BEGIN; COMMIT").unwrap();
    let mut blob = conn.blob_open(MAIN_DB, "t", "x", 1, false).unwrap();
    let written = blob.write_all(b"new").is_ok();
    assert!(!(blob.close().is_ok() && written));
    for begin in ["BEGIN", "BEGIN IMMEDIATE"].into_iter().take(1 + usize::from(is_seen_by_its_files)) {
        conn.execute_batch(begin).unwrap();
        let mut blob = conn.blob_open(MAIN_DB, "t", "x", 1, false).unwrap();
        // With a journal, it is written to before the database.
        let written = blob.write_all(b"new").is_ok();
        let closed = blob.close().is_ok();
        assert!(!(conn.execute_batch("COMMIT").is_ok() && written && closed));
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK").unwrap();
        }
    }
    let other = Connection::open_in_memory().unwrap();
    other.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES ('copied')").unwrap();
    let copy = |conn: &mut Connection| Backup::new(&other, conn)?.run_to_completion(100, Duration::ZERO, None);
    if is_seen_by_its_files {
        assert_eq!(code(&copy(&mut conn).unwrap_err()), ErrorCode::ReadOnly);
    }

    let what = "a write that no statement makes: incremental blob I/O, a backup into the connection, or a connection whose trace the application has replaced";
    assert!(refused(&guard).iter().all(|refused| *refused == format!("bind `meta`: {what}")), "{:?}", refused(&guard));
    assert!(!refused(&guard).is_empty());
    drop(guard);
    db.changes_since(&before).unwrap().assert_none();
    let mut blob = conn.blob_open(MAIN_DB, "t", "x", 1, false).unwrap();
    blob.write_all(b"new").unwrap();
    blob.close().unwrap();
    db.assert_landed("meta", "t", row! { x: b"new".to_vec() });
    copy(&mut conn).unwrap();
    db.assert_landed("meta", "t", row! { x: "copied" });
}

#[rstest]
fn reading_a_blob_and_copying_from_a_bind_write_nothing(harness: Harness) {
    let mut conn = harness.connection("meta").unwrap();
    conn.execute("INSERT INTO setting VALUES ('blob', zeroblob(3))", []).unwrap();
    let row = conn.last_insert_rowid();
    let guard = harness.deny_writes("meta");
    let mut read = Vec::new();
    conn.blob_open(MAIN_DB, "setting", "value", row, true).unwrap().read_to_end(&mut read).unwrap();
    let mut copy = Connection::open_in_memory().unwrap();
    Backup::new(&conn, &mut copy).unwrap().run_to_completion(100, Duration::ZERO, None).unwrap();
    assert_ne!(deserialize(&mut conn, &serialize(&copy).unwrap()), ffi::SQLITE_OK);
    // SQLite's own statement.
    assert_eq!(refused(&guard), ["bind `meta`: ATTACH x AS 'main'"]);
}

#[rstest]
#[case::journal_mode("PRAGMA journal_mode")]
#[case::in_capitals("PRAGMA main.JOURNAL_MODE")]
#[case::checkpoint("PRAGMA wal_checkpoint")]
#[case::checkpoint_truncate("PRAGMA wal_checkpoint(TRUNCATE)")]
#[case::explain("EXPLAIN INSERT INTO setting VALUES ('theme', 'dark')")]
#[case::explain_query_plan("EXPLAIN QUERY PLAN DELETE FROM setting")]
#[case::explain_vacuum("EXPLAIN VACUUM")]
#[case::optimize_that_only_says("PRAGMA optimize(-1)")]
#[case::optimize_that_has_nothing_to_do("PRAGMA optimize")]
#[case::user_version("PRAGMA user_version")]
#[case::auto_vacuum("PRAGMA auto_vacuum")]
#[case::integrity("PRAGMA integrity_check")]
#[case::cache("PRAGMA cache_size = 10")]
#[case::query_only("PRAGMA query_only = ON")]
fn statements_that_write_nothing_are_neither_refused_nor_counted(
    #[values(true, false)] by_session: bool,
    #[case] sql: &str,
) {
    let schema = "CREATE TABLE setting (name, value); CREATE TABLE log (event)";
    let db = Harness::builder().bind("meta", Bind::memory().schema(schema)).start().unwrap();
    let log = db.record();
    let guard = db.deny_writes("meta");
    if by_session {
        let mut session = db.session();
        session.on("meta").unwrap().query(sql, [], |_| Ok(())).unwrap();
    } else {
        let conn = db.connection("meta").unwrap();
        let mut prepared = conn.prepare(sql).unwrap();
        for _ in 0..2 {
            let mut rows = prepared.query([]).unwrap();
            while rows.next().unwrap().is_some() {}
        }
        run(&conn, sql).unwrap();
    }
    assert_eq!(refused(&guard), [] as [String; 0]);
    log.assert_reads_only("meta");
}

/// A bind for which `PRAGMA optimize` has something to do.
fn worth_analyzing() -> Harness {
    let schema = "CREATE TABLE t (x); CREATE INDEX by_x ON t (x);
                  INSERT INTO t WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT i FROM n";
    Harness::builder().bind("meta", Bind::memory().schema(schema)).start().unwrap()
}

#[rstest]
#[case::pool("PRAGMA optimize(0x10002)", false)]
#[case::pool_in_a_transaction("PRAGMA main.optimize(0x10002)", true)]
fn optimize_that_writes_is_a_write(#[case] sql: &str, #[case] in_transaction: bool) {
    let db = worth_analyzing();
    let (before, conn) = (db.snapshot().unwrap(), db.connection("meta").unwrap());
    if in_transaction {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    }
    let mut prepared = conn.prepare(sql).unwrap();
    let guard = db.deny_writes("meta");
    assert_eq!(code(&run(&conn, sql).unwrap_err()), ErrorCode::ReadOnly);
    assert!(prepared.raw_query().next().is_err());
    assert_eq!(refused(&guard), [format!("bind `meta`: {sql}"), format!("bind `meta`: {sql}")]);
    drop(guard);
    if in_transaction {
        conn.execute_batch("COMMIT").unwrap();
    }
    db.changes_since(&before).unwrap().assert_none();
    let log = db.record();
    run(&conn, sql).unwrap();
    assert!(panic(|| log.assert_reads_only("meta")).contains("PRAGMA"));
}

#[rstest]
#[case::memory(Bind::memory(), "delete")]
#[case::temp_file(Bind::temp_file(), "delete")]
#[case::into_wal(Bind::memory().pragma("journal_mode", "delete"), "wal")]
fn a_journal_mode_is_set_or_refused_and_never_both(#[case] bind: Bind, #[case] mode: &str) {
    let db = Harness::builder().bind("meta", bind.schema("CREATE TABLE t (x)")).start().unwrap();
    // On a busy machine a pool may open another connection, and a file leaves WAL mode on its only one.
    let conn = Connection::open(db.uri("meta").unwrap()).unwrap();
    let is = || conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap();
    let (before, sql) = (is(), format!("PRAGMA journal_mode = {mode}"));
    let mut prepared = conn.prepare(&sql).unwrap();
    let guard = db.deny_writes("meta");
    assert_eq!(code(&run(&conn, &sql).unwrap_err()), ErrorCode::AuthorizationForStatementDenied);
    assert!(prepared.raw_query().next().is_err());
    assert_eq!(refused(&guard).len(), 2);
    assert_eq!(is(), before);
    drop(guard);
    run(&conn, &sql).unwrap();
    assert_eq!(is(), mode);
}

#[rstest]
#[case::incremental_vacuum("PRAGMA incremental_vacuum(1)")]
#[case::application_id("PRAGMA application_id = 7")]
#[case::auto_vacuum("PRAGMA auto_vacuum = FULL")]
#[case::schema_version("PRAGMA schema_version = 77")]
#[case::reindex("REINDEX")]
#[case::vacuum_into("VACUUM INTO 'file:nowhere?mode=memory'")]
#[case::virtual_table("INSERT INTO found VALUES ('hello')")]
#[case::optimized_virtual_table("INSERT INTO found (found) VALUES ('optimize')")]
#[case::by_a_trigger("UPDATE counted SET x = 1")]
fn whatever_else_writes_is_refused_and_not_done(#[case] sql: &str) {
    let schema =
        "PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE t (x UNIQUE); CREATE VIRTUAL TABLE found USING fts5(text);
                  CREATE VIEW counted AS SELECT x FROM t; INSERT INTO t VALUES (0); INSERT INTO found VALUES ('there');
                  CREATE TRIGGER counts INSTEAD OF UPDATE ON counted BEGIN INSERT INTO t VALUES (new.x); END";
    let db = Harness::builder().bind("meta", Bind::memory().schema(schema)).start().unwrap();
    let (before, conn) = (db.snapshot().unwrap(), db.connection("meta").unwrap());
    let mut prepared = conn.prepare(sql).unwrap();
    let guard = db.deny_writes("meta");
    run(&conn, sql).unwrap_err();
    assert!(prepared.raw_query().next().is_err());
    assert_eq!(refused(&guard), [format!("bind `meta`: {sql}"), format!("bind `meta`: {sql}")]);
    drop(guard);
    db.changes_since(&before).unwrap().assert_none();
    conn.query_row("SELECT * FROM found", [], |_| Ok(())).unwrap();
}

/// A query whose inner one opens its table anew for each row.
const CORRELATED: &str = "SELECT x, (SELECT count(*) FROM u WHERE u.x >= t.x) FROM t";

#[rstest]
#[case::prepared_before(true)]
#[case::prepared_now(false)]
fn an_open_query_survives_a_guards_refusal(
    #[values(0, 1, 2, 3)] storage: usize,
    #[values("", "BEGIN", "BEGIN IMMEDIATE")] begin: &str,
    #[case] before: bool,
) {
    let schema =
        "CREATE TABLE t (x); CREATE TABLE u (x); INSERT INTO t VALUES (1), (2), (3); INSERT INTO u SELECT x FROM t";
    let bind = FOUR[storage]().schema(schema);
    let db = Harness::builder().bind("auth", Bind::memory()).bind("meta", bind).start().unwrap();
    let conn = db.connection("meta").unwrap();
    conn.execute_batch(begin).unwrap();
    let mut inner = ["SELECT x FROM u", "PRAGMA user_version", "DELETE FROM u"].map(|sql| conn.prepare(sql).unwrap());
    let mut outer = conn.prepare(CORRELATED).unwrap();
    let mut rows = outer.query([]).unwrap();
    assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(1).unwrap(), 3);

    let guard = db.allow_only("auth");
    let mut expected = 0;
    if before {
        for statement in &mut inner {
            let done = statement.raw_query().next().map(drop);
            // Nothing stops a query beside another in a transaction that has written, or that touches no table.
            expected += 1;
            let what = guard.refused().last().unwrap().statement().to_string();
            assert_eq!(done.is_ok(), what.contains("not stopped"), "{what}");
        }
    } else {
        for sql in ["SELECT x FROM u", "DELETE FROM u", "PRAGMA user_version"] {
            assert_eq!(code(&run(&conn, sql).unwrap_err()), ErrorCode::AuthorizationForStatementDenied);
            expected += 1;
        }
    }
    assert_eq!(guard.refused().len(), expected);
    assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(1).unwrap(), 2);
    assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(1).unwrap(), 1);
    assert!(rows.next().unwrap().is_none());
}

#[test]
fn every_key_of_a_shared_stand_in_means_it() {
    let url = "postgresql://db.example/one";
    let builder = Harness::builder().default_bind(Bind::url(url).schema("CREATE TABLE t (x)"));
    let db = builder.bind("replica", Bind::url(url)).bind("auth", Bind::memory()).start().unwrap();
    let guard = db.allow_only("replica");
    run(&db.connection(None).unwrap(), "INSERT INTO t VALUES (1)").unwrap();
    db.session().on("replica").unwrap().execute("DELETE FROM t", []).unwrap();
    run(&db.connection("auth").unwrap(), "SELECT * FROM sqlite_schema").unwrap_err();
    assert_eq!(guard.refused().len(), 1);
    drop(guard);

    let guard = db.deny("replica");
    run(&db.connection(None).unwrap(), "SELECT * FROM t").unwrap_err();
    db.session().on("replica").unwrap().execute("DELETE FROM t", []).unwrap_err();
    run(&db.connection("auth").unwrap(), "SELECT * FROM sqlite_schema").unwrap();
    assert_eq!(guard.refused().len(), 2);
}

#[rstest]
fn a_bind_that_is_read_only_for_its_application_stays_so(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    run(&conn, "PRAGMA query_only = ON").unwrap();
    let guard = harness.deny_writes("meta");
    assert_eq!(code(&run(&conn, "DELETE FROM log").unwrap_err()), ErrorCode::ReadOnly);
    assert_eq!(guard.refused().len(), 1);
    drop(guard);
    assert_eq!(code(&run(&conn, "DELETE FROM log").unwrap_err()), ErrorCode::ReadOnly);
}

#[rstest]
fn the_users_authorizer_replaces_the_guards(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    replace_authorizer(&conn);
    let guard = harness.deny_writes("meta");
    // What writes is still stopped as it begins, by what SQLite says of the statement itself.
    assert_eq!(code(&run(&conn, "DELETE FROM log").unwrap_err()), ErrorCode::ReadOnly);
    assert_eq!(guard.refused().len(), 1);
    // What it would be told of no longer can have got past it.
    assert!(panic(|| drop(guard)).contains("could not guard every connection"));
}

#[rstest]
fn refused_statements_are_recorded(harness: Harness) {
    let log = harness.record();
    let guard = harness.deny_writes("meta");
    harness.connection("meta").unwrap().execute("DELETE FROM setting WHERE name = ?1", ["motto"]).unwrap_err();
    assert_snapshot!(unplaced(&unframed(&log)), @r#"
     bind   does     rows   statement
     meta   writes   0      DELETE FROM setting WHERE name = 'motto'
                              failed: refused by `deny_writes("meta")` at
                                  tests/landing/guards.rs:LINE
    "#);
    assert_eq!(log.statements().iter().map(Statement::has_failed).collect::<Vec<_>>(), [Some(true)]);
    assert_eq!(guard.refused().len(), 1);
}

#[rstest]
fn a_refusal_that_the_code_under_test_swallows_fails_the_test(harness: Harness) {
    let guard = harness.allow_only([None, Some("auth")]);
    let _swallowed = harness.connection("meta").unwrap().execute("INSERT INTO log (event) VALUES ('x')", []);
    let _swallowed = harness.session().execute("INSERT INTO setting VALUES ('theme', 'dark')", []);
    assert_snapshot!(unplaced(&failure(|| drop(guard))), @r#"
    `allow_only(["default", "auth"])` at tests/landing/guards.rs:LINE
    refused 2 statements:

    On `meta`:
      INSERT INTO log (event) VALUES ('x')
      at landing::guards::a_refusal_that_the_code_under_test_swallows_fails_the_test
    On `meta`:
      INSERT INTO setting VALUES ('theme', 'dark')
      at landing::guards::a_refusal_that_the_code_under_test_swallows_fails_the_test

    If the test expects this, call `refused()` on the guard before it is dropped. If not,
    check which bind's connection the code under test uses there.
    "#);
    // It guards no longer.
    harness.connection("meta").unwrap().execute("INSERT INTO log (event) VALUES ('x')", []).unwrap();
}

/// The application: a vault that swallows what its cache says.
#[inline(never)]
fn shelve(conn: &Connection, event: &str) {
    let _swallowed = conn.execute("UPDATE log SET event = ?1 WHERE event = 'sown'", [event]);
}

#[rstest]
fn a_refused_update_is_named_with_the_line_that_ran_it(harness: Harness) {
    let guard = harness.allow_only("auth");
    let conn = Connection::open(harness.uri("meta").unwrap()).unwrap();
    for event in ["shelved", "lent", "shelved"] {
        shelve(&conn, event);
    }
    let _swallowed = conn.execute_batch("SELECT 1; DELETE FROM log WHERE event = ';'; DELETE FROM setting");
    assert_snapshot!(unplaced(&failure(|| drop(guard))), @r#"
    `allow_only("auth")` at tests/landing/guards.rs:LINE
    refused 4 statements:

    On `meta`, 3 times:
      UPDATE log SET event = ?1 WHERE event = 'sown'
      at landing::guards::shelve
    On `meta`:
      DELETE FROM log WHERE event = ';'
      at landing::guards::a_refused_update_is_named_with_the_line_that_ran_it

    If the test expects this, call `refused()` on the guard before it is dropped. If not,
    check which bind's connection the code under test uses there.
    "#);
}

#[rstest]
fn a_refusal_has_its_statement_place_and_thread(harness: Harness) {
    let guard = harness.allow_only("auth");
    let conn = harness.connection("meta").unwrap();
    let mut late = harness.connection("meta").unwrap();
    std::thread::Builder::new()
        .name("keeper".to_string())
        .spawn(move || shelve(&conn, "lent"))
        .unwrap()
        .join()
        .unwrap();
    drop(late.transaction().and_then(|conn| conn.execute("DELETE FROM setting WHERE name = 'motto'", [])));
    let refused = guard.refused();
    assert_eq!(refused[0].statement(), "UPDATE log SET event = ?1 WHERE event = 'sown'");
    assert!(refused[0].place().unwrap().ends_with("landing::guards::shelve"), "{:?}", refused[0].place());
    assert_eq!(refused[0].thread().name(), Some("keeper"));
    assert!(refused[0].callers()[0].contains("a_refusal_has_its_statement_place_and_thread"));
    assert_eq!(refused[1].thread().id(), std::thread::current().id());
    assert_eq!(refused.len(), 2);
}

#[cfg(feature = "r2d2_sqlite")]
#[rstest]
fn a_refusal_on_a_thread_with_a_connection_of_r2d2_names_the_thread(harness: Harness) {
    let manager = r2d2_sqlite::SqliteConnectionManager::file(harness.uri("meta").unwrap());
    let pool = r2d2::Pool::builder().max_size(2).build(manager).unwrap();
    let guard = harness.deny_writes("meta");
    let keeper = std::thread::Builder::new().name("keeper".to_string());
    keeper.spawn(move || shelve(&pool.get().unwrap(), "lent")).unwrap().join().unwrap();
    assert_snapshot!(unplaced(&failure(|| drop(guard))), @r#"
    `deny_writes("meta")` at tests/landing/guards.rs:LINE
    refused 1 statement:

    On `meta`:
      UPDATE log SET event = 'lent' WHERE event = 'sown'
      at landing::guards::shelve
      on thread `keeper`

    If the test expects this, call `refused()` on the guard before it is dropped. If not,
    check which bind's connection the code under test uses there.
    "#);
}

#[rstest]
fn lines_are_kept_of_the_first_that_a_guard_refuses(harness: Harness) {
    let guard = harness.allow_only("auth");
    let conn = harness.connection("meta").unwrap();
    for _ in 0..70 {
        shelve(&conn, "lent");
    }
    assert_snapshot!(unplaced(&failure(|| drop(guard))), @r#"
    `allow_only("auth")` at tests/landing/guards.rs:LINE
    refused 70 statements:

    On `meta`, 64 times:
      UPDATE log SET event = ?1 WHERE event = 'sown'
      at landing::guards::shelve
    On `meta`, 6 times:
      UPDATE log SET event = ?1 WHERE event = 'sown'
      no line is known: a guard keeps those of the first 64 that it refuses

    If the test expects this, call `refused()` on the guard before it is dropped. If not,
    check which bind's connection the code under test uses there.
    "#);
}

#[rstest]
fn a_refusal_that_the_test_has_asked_about_does_not(harness: Harness) {
    let guard = harness.deny_writes(..);
    run(&harness.connection("meta").unwrap(), "DELETE FROM log").unwrap_err();
    assert_eq!(guard.refused().len(), 1);
}

#[rstest]
#[ignore = "fails, to show what is said"]
fn fails_by_the_error_that_a_guard_made(harness: Harness) {
    let _guard = harness.allow_only("auth");
    harness.connection("meta").unwrap().execute("INSERT INTO log (event) VALUES ('x')", []).unwrap();
}

#[test]
fn a_test_that_fails_by_the_error_says_what_was_refused() {
    let target = tempfile::tempdir().unwrap();
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--ignored", "--exact", "guards::fails_by_the_error_that_a_guard_made"]);
    test.env("CARGO_TARGET_DIR", target.path()).env("RUST_BACKTRACE", "0").env("MULTIBIND_KEEP", "never");
    let ran = test.output().unwrap();
    assert_eq!(ran.status.code(), Some(101));
    let said = String::from_utf8(ran.stdout).unwrap();
    let said = said.split_once("multibind: ").unwrap().1.split("\n\n\n").next().unwrap();
    assert_snapshot!(unplaced(&in_short(said)), @r#"
    `allow_only("auth")` at tests/landing/guards.rs:LINE
    refused 1 statement:

    On `meta`:
      INSERT INTO log (event) VALUES ('x')
      at landing::guards::fails_by_the_error_that_a_guard_made

    If the test expects this, call `refused()` on the guard before it is dropped. If not,
    check which bind's connection the code under test uses there.
    "#);
}

#[rstest]
fn a_guard_for_an_unknown_bind_panics(harness: Harness) {
    assert_snapshot!(panic(|| harness.allow_only("audit")), @"cannot tell which binds to allow: no bind `audit`: configured are default, auth, meta");
    assert_snapshot!(panic(|| harness.deny_writes([None, Some("audit")])), @"cannot tell which binds to guard: no bind `audit`: configured are default, auth, meta");
    assert_snapshot!(panic(|| harness.deny("audit")), @"cannot tell which binds to guard: no bind `audit`: configured are default, auth, meta");
}

#[rstest]
#[case::one("auth".into(), r#"deny_writes("auth")"#)]
#[case::default(None.into(), r#"deny_writes("default")"#)]
#[case::several(["auth", "meta"].into(), r#"deny_writes(["auth", "meta"])"#)]
#[case::default_among_them([Some("auth"), None].into(), r#"deny_writes(["auth", "default"])"#)]
#[case::all((..).into(), "deny_writes(..)")]
fn a_guard_is_called_what_the_test_calls_it(harness: Harness, #[case] binds: Selection, #[case] call: &str) {
    let guard = harness.deny_writes(binds);
    for key in [None, Some("auth")] {
        drop(run(&harness.connection(key).unwrap(), "CREATE TABLE made (x)"));
    }
    let told = panic(|| drop(guard));
    assert!(told.starts_with(&format!("`{call}` at ")), "{told}");
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn guards_come_and_go_beside_threads_that_write(#[case] bind: Bind) {
    const THREADS: usize = 4;
    let schema = "CREATE TABLE t (x); CREATE TABLE u (x)";
    let db = Harness::builder().bind("auth", bind.pool_size(8).schema(schema)).start().unwrap();
    let pool = db.pool("auth").unwrap();
    let (stop, prepared) = (AtomicBool::new(false), Barrier::new(THREADS + 1));
    let write = |conn: &Connection| {
        let mut insert = conn.prepare("INSERT INTO t VALUES (1)").unwrap();
        prepared.wait();
        while !stop.load(Ordering::Relaxed) {
            // Refused or not, or hindered by another writer.
            drop(insert.execute([]));
            drop(run(conn, "DELETE FROM u"));
        }
    };
    let connections = std::thread::scope(|scope| {
        let threads = (0..THREADS).map(|_| {
            let conn = pool.get().unwrap();
            let write = &write;
            scope.spawn(move || {
                write(&conn);
                conn
            })
        });
        let threads = threads.collect::<Vec<_>>();
        let own = pool.get().unwrap();
        prepared.wait();
        for _ in 0..100 {
            let guard = db.deny_writes("auth");
            drop(run(&own, "DELETE FROM u"));
            drop((guard.refused(), guard));
            let guard = db.allow_only([] as [&str; 0]);
            drop(run(&own, "SELECT * FROM u"));
            drop((guard.refused(), guard));
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for conn in &connections {
        assert_eq!(conn.pragma_query_value(None, "query_only", |row| row.get::<_, i64>(0)).unwrap(), 0);
        conn.execute("INSERT INTO t VALUES (2)", []).unwrap();
    }
}

#[test]
fn a_guard_can_be_sent_and_shared() {
    fn everywhere<T: Send + Sync>() {}
    everywhere::<Guard>();
    everywhere::<Refusal>();
}
