//! Faults on demand: what the code under test meets, on which connections, until when, and what the test is told.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Barrier};
use std::thread;
use std::time::Duration;

use multibind::faults::{Fault, FaultBuilder, Operation};
use multibind::rusqlite::{self, ffi, Connection, OpenFlags};
use multibind::{row, Bind, BindKey, Error, Harness, Session};
use rstest::{fixture, rstest};

use crate::hooks::{replace_authorizer, replace_commit_hook};

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL)";
const POST: &str = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO user (name) VALUES ('ann')";

/// One bind on which faults are tried and one beside it, neither of which waits.
fn with(auth: Bind) -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(POST).busy_timeout(Duration::ZERO))
        .bind("auth", auth.schema(USER).busy_timeout(Duration::ZERO))
        .start()
        .unwrap()
}

#[fixture]
fn db() -> Harness {
    with(Bind::memory())
}

/// A connection that the harness knows nothing of.
fn plain(db: &Harness) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(db.uri("auth").unwrap(), flags).unwrap();
    conn.busy_timeout(Duration::ZERO).unwrap();
    conn
}

fn code(done: rusqlite::Result<usize>) -> i32 {
    match done {
        Ok(_) => ffi::SQLITE_OK,
        Err(error) => error.sqlite_error().unwrap().extended_code,
    }
}

/// SQLite's answer to a session that writes and commits.
fn code_in(mut session: Session) -> i32 {
    match session.execute(INSERT, []).and_then(|_| session.commit()) {
        Ok(()) => ffi::SQLITE_OK,
        Err(
            Error::Sql { bind, source, .. }
            | Error::Locked { bind, source, .. }
            | Error::Commit { failed: bind, source, .. },
        ) => {
            assert_eq!(bind, BindKey::from("auth"));
            source.sqlite_error().unwrap().extended_code
        }
        Err(error) => panic!("{error}"),
    }
}

fn fail_insert(fault: FaultBuilder) -> multibind::Result<Fault> {
    fault.fail_statement("user", Operation::Insert)
}

type Begin = fn(FaultBuilder) -> multibind::Result<Fault>;

fn rows(db: &Harness) -> i64 {
    plain(db).query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap()
}

#[rstest]
#[case::fail_commit(FaultBuilder::fail_commit, ffi::SQLITE_CONSTRAINT_COMMITHOOK)]
#[case::fail_statement(fail_insert, ffi::SQLITE_AUTH)]
#[case::disk_full(FaultBuilder::disk_full, ffi::SQLITE_FULL)]
#[case::fail_io(FaultBuilder::fail_io, ffi::SQLITE_IOERR_WRITE)]
#[case::read_only(FaultBuilder::read_only, ffi::SQLITE_READONLY)]
#[case::busy(FaultBuilder::busy, ffi::SQLITE_BUSY)]
fn every_connection_gets_sqlites_code_until_the_end(
    #[values(Bind::memory(), Bind::temp_file(), Bind::memory().pragma("journal_mode", "delete"), Bind::temp_file().pragma("journal_mode", "delete"))]
    bind: Bind,
    #[case] begin: Begin,
    #[case] expected: i32,
) -> multibind::Result<()> {
    let db = with(bind);
    let before = db.connection("auth")?;
    let mut prepared = before.prepare(INSERT).unwrap();
    let mut session = db.session();
    session.query("SELECT id FROM user", [], |_| Ok(()))?;
    session.rollback()?;

    let fault = begin(db.fault("auth"))?;
    let pool = db.pool("auth")?;
    let elsewhere = move || code(pool.get().unwrap().execute(INSERT, []));
    let done = [
        code(prepared.execute([])),
        code(before.execute(INSERT, [])),
        code(db.connection("auth")?.execute(INSERT, [])),
        code_in(session),
        code_in(db.session()),
        std::thread::spawn(elsewhere).join().unwrap(),
    ];
    assert_eq!(done, [expected; 6]);
    assert_eq!(fault.triggered(), 6);
    drop(fault);

    assert_eq!(rows(&db), 0, "what has failed left nothing");
    assert!(before.is_autocommit());
    assert_eq!([code(prepared.execute([])), code_in(db.session())], [ffi::SQLITE_OK; 2]);
    assert_eq!(rows(&db), 2);
    Ok(())
}

#[rstest]
#[case::disk_full(FaultBuilder::disk_full, ffi::SQLITE_FULL)]
#[case::fail_io(FaultBuilder::fail_io, ffi::SQLITE_IOERR_WRITE)]
#[case::read_only(FaultBuilder::read_only, ffi::SQLITE_READONLY)]
#[case::busy(FaultBuilder::busy, ffi::SQLITE_BUSY)]
fn a_plain_connection_to_a_bind_in_memory_meets_it_too(
    db: Harness,
    #[case] begin: Begin,
    #[case] expected: i32,
) -> multibind::Result<()> {
    let before = plain(&db);
    let fault = begin(db.fault("auth"))?;
    assert_eq!([code(before.execute(INSERT, [])), code(plain(&db).execute(INSERT, []))], [expected; 2]);
    drop(fault);
    assert_eq!([code(before.execute(INSERT, [])), code(plain(&db).execute(INSERT, []))], [ffi::SQLITE_OK; 2]);
    Ok(())
}

#[rstest]
#[case::fail_commit(FaultBuilder::fail_commit)]
#[case::fail_statement(fail_insert)]
#[case::disk_full(FaultBuilder::disk_full)]
#[case::fail_io(FaultBuilder::fail_io)]
#[case::read_only(FaultBuilder::read_only)]
#[case::busy(FaultBuilder::busy)]
fn it_lets_the_first_pass_and_triggers_as_often_as_told(
    #[values(Bind::memory(), Bind::temp_file())] bind: Bind,
    #[case] begin: Begin,
) -> multibind::Result<()> {
    let db = with(bind);
    let _fault = begin(db.fault("auth").after(2).times(1))?;
    let conn = db.connection("auth")?;
    // A transaction counts once, however many pages it writes.
    let large = "INSERT INTO user (name) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 500) \
                 SELECT hex(zeroblob(400)) FROM n";
    let done = [(); 5].map(|()| conn.execute(large, []).is_ok());
    assert_eq!(done, [true, true, false, true, true]);
    Ok(())
}

#[rstest]
fn a_fault_applies_to_open_transactions(
    db: Harness,
    #[values(FaultBuilder::fail_commit, FaultBuilder::disk_full, FaultBuilder::fail_io)] begin: Begin,
) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute(INSERT, [])?;
    let fault = begin(db.fault("auth"))?;
    assert!(matches!(session.commit(), Err(Error::Commit { .. })));
    drop(fault);
    session.execute(INSERT, [])?;
    session.commit()?;
    assert_eq!(rows(&db), 1);
    Ok(())
}

#[rstest]
fn a_transaction_that_has_begun_to_write_goes_on(
    db: Harness,
    #[values(FaultBuilder::read_only, FaultBuilder::busy)] begin: Begin,
) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute(INSERT, [])?;
    let _fault = begin(db.fault("auth").optional())?;
    session.execute(INSERT, [])?;
    session.commit()?;
    assert_eq!(rows(&db), 2);
    Ok(())
}

#[rstest]
fn reading_goes_on(
    db: Harness,
    #[values(
        fail_insert,
        FaultBuilder::fail_commit,
        FaultBuilder::disk_full,
        FaultBuilder::fail_io,
        FaultBuilder::read_only,
        FaultBuilder::busy
    )]
    begin: Begin,
) -> multibind::Result<()> {
    plain(&db).execute(INSERT, []).unwrap();
    let fault = begin(db.fault("auth").optional())?;
    let names: Vec<String> = db.session().query("SELECT name FROM user", [], |row| row.get(0))?;
    assert_eq!(names, ["ann"]);
    assert_eq!(rows(&db), 1);
    db.connection("auth")?.execute_batch("BEGIN; SELECT * FROM user; COMMIT").unwrap();
    assert_eq!(fault.triggered(), 0);
    Ok(())
}

#[rstest]
fn the_harness_meets_no_fault(
    #[values(Bind::memory(), Bind::temp_file())] bind: Bind,
    #[values(
        fail_insert,
        FaultBuilder::fail_commit,
        FaultBuilder::disk_full,
        FaultBuilder::fail_io,
        FaultBuilder::read_only,
        FaultBuilder::busy
    )]
    begin: Begin,
) -> multibind::Result<()> {
    let db = with(bind);
    let start = db.snapshot()?;
    plain(&db).execute(INSERT, []).unwrap();
    let written = db.snapshot()?;
    let fault = begin(db.fault("auth").optional())?;

    db.assert_landed("auth", "user", row! { name: "ann" });
    db.changes_since(&start)?.assert_only("auth");
    db.restore(&start)?;
    assert_eq!(rows(&db), 0);
    db.restore(&written)?;
    db.changes_since(&written)?.assert_none();
    db.reset()?;
    assert_eq!(rows(&db), 0);
    assert_eq!(fault.triggered(), 0);
    Ok(())
}

#[rstest]
fn no_other_bind_and_no_other_harness_meets_it(
    db: Harness,
    #[values(
        fail_insert,
        FaultBuilder::fail_commit,
        FaultBuilder::disk_full,
        FaultBuilder::fail_io,
        FaultBuilder::read_only,
        FaultBuilder::busy
    )]
    begin: Begin,
) -> multibind::Result<()> {
    let other = with(Bind::memory());
    let _fault = begin(db.fault("auth").optional())?;
    db.connection(None)?.execute("INSERT INTO post (title) VALUES ('hello')", []).unwrap();
    assert_eq!(code(other.connection("auth")?.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code_in(other.session()), ffi::SQLITE_OK);
    Ok(())
}

#[rstest]
fn every_key_of_a_shared_database_means_it() -> multibind::Result<()> {
    let url = "postgresql://db.example/accounts";
    let db = Harness::builder().bind("auth", Bind::url(url).schema(USER)).bind("login", Bind::url(url)).start()?;
    let fault = db.fault("login").fail_commit()?;
    assert_eq!(code(db.connection("auth")?.execute(INSERT, [])), ffi::SQLITE_CONSTRAINT_COMMITHOOK);
    drop(fault);
    Ok(())
}

#[rstest]
fn a_session_tells_the_bind_and_what_sqlite_says(db: Harness) -> multibind::Result<()> {
    let told = |begin: Begin| {
        let _fault = begin(db.fault("auth"))?;
        let mut session = db.session();
        session.execute(INSERT, []).and_then(|_| session.commit())
    };
    insta::assert_snapshot!(told(FaultBuilder::fail_commit).unwrap_err(), @"commit failed in bind `auth`: constraint failed, since a commit hook refused it. Committed: none; rolled back: auth");
    insta::assert_snapshot!(told(FaultBuilder::disk_full).unwrap_err(), @"commit failed in bind `auth`: database or disk is full. Committed: none; rolled back: auth");
    insta::assert_snapshot!(told(FaultBuilder::fail_io).unwrap_err(), @"commit failed in bind `auth`: disk I/O error. Committed: none; rolled back: auth");
    insta::assert_snapshot!(told(FaultBuilder::read_only).unwrap_err(), @"
    bind `auth`: attempt to write a readonly database
      in: INSERT INTO user (name) VALUES ('ann')
    ");
    insta::assert_snapshot!(told(FaultBuilder::busy).unwrap_err(), @"
    bind `auth`: database is locked. Another connection has a transaction or an unfinished query open on it: commit or drop it first (an uncommitted session counts)
      in: INSERT INTO user (name) VALUES ('ann')
    ");
    Ok(())
}

#[rstest]
fn a_large_transaction_meets_a_full_disk_before_its_commit(db: Harness) -> multibind::Result<()> {
    let _fault = db.fault("auth").disk_full()?;
    let mut session = db.session();
    session.on("auth")?.execute("PRAGMA cache_size = 10", [])?;
    let large =
        "INSERT INTO user (name) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 5000) \
                 SELECT hex(zeroblob(400)) FROM n";
    insta::assert_snapshot!(session.execute(large, []).unwrap_err(), @"
    bind `auth`: database or disk is full
      in: INSERT INTO user (name) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT hex(zeroblob(400)) FROM n
    ");
    insta::assert_snapshot!(session.commit().unwrap_err(), @"bind `auth`: an earlier error made SQLite roll the transaction back: call `session.rollback()`, then start the unit of work again");
    session.rollback()?;
    assert_eq!(rows(&db), 0);
    Ok(())
}

#[rstest]
fn busy_lasts_for_the_busy_timeout_and_ends_within_it(db: Harness) -> multibind::Result<()> {
    // Once refused, SQLite tries again by itself.
    let fault = db.fault("auth").times(1).busy()?;
    let conn = db.connection("auth")?;
    conn.busy_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(fault.triggered(), 1);
    drop(fault);

    let fault = db.fault("auth").busy()?;
    conn.busy_timeout(Duration::from_millis(20)).unwrap();
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_BUSY);
    assert!(fault.triggered() > 1, "SQLite has tried again");
    Ok(())
}

#[rstest]
fn busy_takes_no_time_whatever_the_busy_timeout_is(
    #[values(Bind::memory(), Bind::temp_file(), Bind::memory().pragma("journal_mode", "delete"), Bind::temp_file().pragma("journal_mode", "delete"))]
    bind: Bind,
) -> multibind::Result<()> {
    /// What a driver may set: with waits that take their time, the test would hang for as long.
    const MINUTES: Duration = Duration::from_secs(10 * 60);
    let db = with(bind);
    let mut conns = vec![plain(&db)];
    if let Some(path) = db.path("auth")? {
        conns.push(Connection::open(path).unwrap());
    }
    let pooled = db.connection("auth")?;
    for conn in conns.iter().chain([&*pooled]) {
        conn.busy_timeout(MINUTES).unwrap();
        let fault = db.fault("auth").busy()?;
        assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_BUSY);
        assert_eq!(code(conn.execute("BEGIN IMMEDIATE", [])), ffi::SQLITE_BUSY);
        assert!(fault.triggered() > 5_000, "SQLite has tried as often as it does in that time");
        drop(fault);
        assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    }
    Ok(())
}

#[rstest]
fn a_lock_that_is_held_is_waited_for_beside_a_fault(db: Harness) -> multibind::Result<()> {
    let fault = db.fault("auth").times(1).busy()?;
    let waits = Connection::open(db.uri("auth")?).unwrap();
    waits.busy_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(code(waits.execute(INSERT, [])), ffi::SQLITE_OK);
    drop(fault);
    let holder = db.connection("auth")?;
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (waiting, begun) = mpsc::channel();
    let waiter = thread::spawn(move || {
        waiting.send(()).unwrap();
        code(waits.execute(INSERT, []))
    });
    begun.recv().unwrap();
    holder.execute_batch("COMMIT").unwrap();
    assert_eq!(waiter.join().unwrap(), ffi::SQLITE_OK);
    Ok(())
}

#[rstest]
fn faults_of_one_bind_live_side_by_side(db: Harness) -> multibind::Result<()> {
    let commit = db.fault("auth").after(1).fail_commit()?;
    let busy = db.fault("auth").times(1).busy()?;
    let conn = db.connection("auth")?;
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_BUSY);
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_CONSTRAINT_COMMITHOOK);
    assert_eq!((commit.triggered(), busy.triggered()), (1, 1));
    drop(commit);
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    Ok(())
}

/// What a fault's end tells, with the place left out.
fn ending(fault: Fault) -> String {
    let place = fault.to_string();
    let (_, place) = place.rsplit_once(" at ").unwrap();
    let (file, _) = place.split_once(':').unwrap();
    assert!(file.ends_with("faults.rs"), "{place}");
    let told = catch_unwind(AssertUnwindSafe(|| drop(fault))).unwrap_err();
    told.downcast::<String>().unwrap().replace(place, "[place]")
}

#[rstest]
fn a_fault_that_never_triggered_fails_the_test(db: Harness) -> multibind::Result<()> {
    let unused = db.fault("auth").fail_commit()?;
    insta::assert_snapshot!(ending(unused), @r#"
    `fault("auth").fail_commit()` at [place] never triggered:
    no transaction that wrote to `auth` was committed while it was active.

    So the test does not show what the code does when that fails. Check that the
    code under test uses the bind while the fault is alive, on a connection that the
    fault covers, or mark the fault `optional()`. If the test returned an error of
    another crate, this hides it: let the test return `multibind::TestResult` to see
    it.
    "#);

    let late = db.fault("auth").after(3).times(1).busy()?;
    let conn = db.connection("auth")?;
    for _ in 0..2 {
        assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    }
    insta::assert_snapshot!(ending(late), @r#"
    `fault("auth").after(3).times(1).busy()` at [place] never triggered:
    only 2 transactions began to write to `auth` while it was active.

    So the test does not show what the code does when that fails. Check that the
    code under test uses the bind while the fault is alive, on a connection that the
    fault covers, or mark the fault `optional()`. If the test returned an error of
    another crate, this hides it: let the test return `multibind::TestResult` to see
    it.
    "#);

    let late = db.fault(None).after(3).disk_full()?;
    db.connection(None)?.execute("INSERT INTO post (title) VALUES ('hello')", []).unwrap();
    insta::assert_snapshot!(ending(late), @r#"
    `fault("default").after(3).disk_full()` at [place] never triggered:
    only 1 transaction wrote to `default` while it was active.

    So the test does not show what the code does when that fails. Check that the
    code under test uses the bind while the fault is alive, on a connection that the
    fault covers, or mark the fault `optional()`. If the test returned an error of
    another crate, this hides it: let the test return `multibind::TestResult` to see
    it.
    "#);
    Ok(())
}

#[rstest]
#[case::misspelt("usr", " There is no table `usr` in bind `auth`; the nearest names are `user` in auth.")]
#[case::of_another_bind("Post", " There is no table `Post` in bind `auth`, but in default.")]
#[case::like_none("invoice", " There is no table `invoice` in bind `auth`.")]
#[case::that_is_there("USER", "")]
#[case::of_sqlite("SQLite_schema", "")]
fn an_untriggered_fault_reports_a_missing_table(
    db: Harness,
    #[case] table: &str,
    #[case] told: &str,
) -> multibind::Result<()> {
    let ending = ending(db.fault("auth").fail_statement(table, Operation::Insert)?);
    let (found, _) = ending.split_once("\n\nSo the test ").unwrap();
    let found = found.replace('\n', " ");
    assert_eq!(found.split_once("while it was active.").unwrap().1, told);
    Ok(())
}

#[rstest]
#[case::commit(|fault: FaultBuilder| fault.fail_commit(), true)]
#[case::statement(|fault: FaultBuilder| fault.fail_statement("movement", Operation::Insert), true)]
#[case::other_statement(|fault: FaultBuilder| fault.fail_statement("movement", Operation::Delete), false)]
#[case::read(|fault: FaultBuilder| fault.fail_read(), false)]
fn an_untriggered_fault_names_the_write_that_went_elsewhere(
    #[case] begin: fn(FaultBuilder) -> multibind::Result<Fault>,
    #[case] is_named: bool,
) -> multibind::Result<()> {
    let tables = "CREATE TABLE movement (x); CREATE TABLE note (x)";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(format!("{tables}; CREATE TABLE other (x)")))
        .bind("audit", Bind::memory().schema(tables))
        .start()?;
    db.connection(None)?.execute("INSERT INTO note VALUES (1)", []).unwrap();
    let fault = begin(db.fault("audit"))?;
    db.connection(None)?.execute_batch("INSERT INTO movement VALUES (1); INSERT INTO other VALUES (1)").unwrap();
    let said = ending(fault).split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, said) = said.split_once("while it was active.").unwrap();
    let (said, _) = said.split_once(" So the test ").unwrap();
    if !is_named {
        assert_eq!(said, "");
        return Ok(());
    }
    let line = said.strip_prefix(" Meanwhile `default.movement` at ").unwrap();
    let line = line.strip_suffix(" was written to, not its table of the same name.").unwrap();
    assert!(line.contains("faults"), "{line}");
    Ok(())
}

#[rstest]
fn the_table_of_a_fault_may_be_made_later(db: Harness) -> multibind::Result<()> {
    let fault = db.fault("auth").fail_statement("token", Operation::Insert)?;
    let conn = db.connection("auth")?;
    conn.execute_batch("CREATE TABLE token (value TEXT)").unwrap();
    assert_eq!(code(conn.execute("INSERT INTO token VALUES ('x')", [])), ffi::SQLITE_AUTH);
    assert_eq!(fault.triggered(), 1);
    Ok(())
}

#[rstest]
fn a_fault_that_outlives_its_harness_says_nothing_of_tables(db: Harness) -> multibind::Result<()> {
    let fault = db.fault("auth").fail_statement("usr", Operation::Insert)?;
    drop(db);
    let ending = ending(fault);
    assert!(
        ending.contains("never triggered:\nno such statement ran on `auth`") && !ending.contains("no table"),
        "{ending}"
    );
    Ok(())
}

#[rstest]
#[ignore = "fails, to show what is said"]
fn fails_before_its_fault_is_reached(db: Harness) {
    let _fault = db.fault("auth").fail_commit().unwrap();
    panic!("the test's own failure");
}

#[test]
fn a_fault_that_a_failing_test_never_reached_is_mentioned_beside_the_failure() {
    let target = tempfile::tempdir().unwrap();
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["--ignored", "--exact", "faults::fails_before_its_fault_is_reached"]);
    test.env("CARGO_TARGET_DIR", target.path()).env("RUST_BACKTRACE", "0").env("MULTIBIND_KEEP", "never");
    let said = String::from_utf8(test.output().unwrap().stdout).unwrap().replace('\n', " ");
    assert!(said.contains("the test's own failure"), "{said}");
    assert!(said.contains("multibind: `fault(\"auth\").fail_commit()` at "), "{said}");
    assert!(said.contains("never triggered: no transaction that wrote to `auth` was committed"), "{said}");
}

#[rstest]
fn an_error_of_the_code_under_test_stays_the_tests_where_the_fault_was_not_reached(
    db: Harness,
) -> multibind::Result<()> {
    let error = db.fault("auth").fail_commit()?.during(|| Err::<(), _>("the code's own")).unwrap_err();
    assert_eq!(error, "the code's own");
    let fault = db.fault("auth").fail_commit()?;
    let unreached = catch_unwind(AssertUnwindSafe(|| fault.during(|| Ok::<(), ()>(())))).unwrap_err();
    assert!(unreached.downcast_ref::<String>().unwrap().contains("never triggered"));
    Ok(())
}

#[rstest]
fn a_fault_that_never_triggered_does_not_hide_another_failure(db: Harness) {
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let _fault = db.fault("auth").fail_commit().unwrap();
        panic!("the failure");
    }));
    assert_eq!(*failed.unwrap_err().downcast::<&str>().unwrap(), "the failure");
    // And it has ended all the same.
    assert_eq!(code(db.connection("auth").unwrap().execute(INSERT, [])), ffi::SQLITE_OK);
}

#[rstest]
fn a_fault_that_nobody_minds_may_be_unused(db: Harness) -> multibind::Result<()> {
    let fault = db.fault("auth").optional().after(1).fail_commit()?;
    assert_eq!(fault.triggered(), 0);
    Ok(())
}

#[rstest]
fn a_fault_that_a_bind_cannot_have_is_an_error(db: Harness) {
    insta::assert_snapshot!(db.fault("audit").busy().unwrap_err(), @"no bind `audit`: configured are default, auth");
    for bind in [Bind::shared_cache(), Bind::memdb()] {
        let db = with(bind);
        let fault = db.fault("auth").fail_commit().unwrap();
        assert_eq!(code(db.connection("auth").unwrap().execute(INSERT, [])), ffi::SQLITE_CONSTRAINT_COMMITHOOK);
        drop(fault);
    }
    insta::assert_snapshot!(with(Bind::memdb()).fault("auth").disk_full().unwrap_err(), @"bind `auth`: `disk_full()` is about a disk and its locks, and storage `memdb` has none: use `Bind::memory()` or `Bind::temp_file()`, or `fail_commit()`");
    insta::assert_snapshot!(with(Bind::shared_cache()).fault("auth").busy().unwrap_err(), @"bind `auth`: `busy()` is about a disk and its locks, and storage `shared_cache` has none: use `Bind::memory()` or `Bind::temp_file()`, or `fail_commit()`");
}

#[rstest]
fn connections_faults_and_the_harness_end_in_any_order(
    #[values(Bind::memory(), Bind::temp_file())] bind: Bind,
) -> multibind::Result<()> {
    let db = with(bind);
    let (conn, other) = (db.connection("auth")?, db.connection("auth")?);
    let commit = db.fault("auth").times(1).fail_commit()?;
    let full = db.fault("auth").after(1).times(1).disk_full()?;
    drop(db);
    // The connection is as good as before, and has the faults as long as they live.
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_CONSTRAINT_COMMITHOOK);
    drop(commit);
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_FULL);
    drop(conn);
    drop(full);
    assert_eq!(code(other.execute(INSERT, [])), ffi::SQLITE_OK);
    Ok(())
}

#[rstest]
fn the_applications_commit_hook_replaces_the_faults(db: Harness) -> multibind::Result<()> {
    let own = db.connection("auth")?;
    replace_commit_hook(&own);
    let fault = db.fault("auth").fail_commit()?;
    assert_eq!(code(own.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code(db.connection("auth")?.execute(INSERT, [])), ffi::SQLITE_CONSTRAINT_COMMITHOOK);
    assert_eq!(fault.triggered(), 1);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(fault)));
    assert!(ended.is_err(), "a commit got past it");
    Ok(())
}

#[test]
fn a_fault_may_go_to_another_thread() {
    fn assert<T: Send + Sync + 'static>() {}
    assert::<Fault>();
}

#[fixture]
fn shop() -> Harness {
    let schema = "
        CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        INSERT INTO user (name) VALUES ('ann'), ('bob');
        CREATE TABLE log (line TEXT);
        CREATE TABLE session_token (user INTEGER REFERENCES user (id) ON DELETE CASCADE);
        INSERT INTO session_token VALUES (2);
        CREATE VIEW names AS SELECT name FROM user;
        CREATE TRIGGER named AFTER UPDATE ON user BEGIN INSERT INTO log VALUES (new.name); END";
    Harness::builder()
        .default_bind(Bind::memory().schema(POST))
        .bind("auth", Bind::memory().schema(schema))
        .start()
        .unwrap()
}

#[rstest]
#[case::insert("user", Operation::Insert, "INSERT INTO user (name) VALUES ('cleo')")]
#[case::insert_with_conflict(
    "user",
    Operation::Insert,
    "INSERT INTO user VALUES (1, 'a') ON CONFLICT DO UPDATE SET name = 'b'"
)]
#[case::update("user", Operation::Update, "UPDATE user SET id = 10, name = 'ann' WHERE name = 'ann'")]
#[case::upsert("user", Operation::Update, "INSERT INTO user VALUES (1, 'a') ON CONFLICT DO UPDATE SET name = 'b'")]
#[case::delete("user", Operation::Delete, "DELETE FROM user WHERE name = 'ann'")]
#[case::delete_all("log", Operation::Delete, "DELETE FROM log")]
#[case::read("user", Operation::Read, "SELECT id, name FROM user")]
#[case::count("user", Operation::Read, "SELECT count(*) FROM user")]
#[case::read_to_delete("user", Operation::Read, "DELETE FROM user WHERE name = 'ann'")]
#[case::through_a_view("user", Operation::Read, "SELECT * FROM names")]
#[case::by_a_trigger("log", Operation::Insert, "UPDATE user SET name = 'cleo'")]
#[case::by_a_foreign_key("session_token", Operation::Delete, "DELETE FROM user")]
#[case::in_a_subquery("user", Operation::Read, "INSERT INTO log SELECT name FROM user")]
#[case::whatever_the_case("User", Operation::Delete, "delete from USER where name = 'ann'")]
fn sqlite_says_which_statements_fail(
    shop: Harness,
    #[case] table: &str,
    #[case] operation: Operation,
    #[case] sql: &str,
) -> multibind::Result<()> {
    let before = shop.snapshot()?;
    let conn = shop.connection("auth")?;
    let step = |statement: &mut rusqlite::Statement<'_>| {
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok::<_, rusqlite::Error>(0)
    };
    let mut prepared = conn.prepare(sql).unwrap();
    let mut unconcerned = conn.prepare("SELECT line FROM log").unwrap();

    let fault = shop.fault("auth").fail_statement(table, operation)?;
    assert_eq!(code(step(&mut prepared)), ffi::SQLITE_AUTH);
    assert_eq!(code(conn.prepare(sql).map(|_| 0)), ffi::SQLITE_AUTH);
    let mut session = shop.session();
    let Err(Error::Sql { bind, source, .. }) = session.on("auth")?.query(sql, [], |_| Ok(())) else { panic!("it ran") };
    assert_eq!((bind, source.sqlite_error().unwrap().extended_code), ("auth".into(), ffi::SQLITE_AUTH));
    assert_eq!(fault.triggered(), 3);
    assert_eq!(code(step(&mut unconcerned)), ffi::SQLITE_OK);
    drop(fault);

    shop.changes_since(&before)?.assert_none();
    session.rollback()?;
    assert_eq!(code(step(&mut prepared)), ffi::SQLITE_OK);
    session.on("auth")?.query(sql, [], |_| Ok(()))?;
    Ok(())
}

#[rstest]
#[case::another_operation("user", Operation::Delete)]
#[case::another_table("log", Operation::Insert)]
#[case::of_another_bind("post", Operation::Insert)]
fn other_statements_do_not(shop: Harness, #[case] table: &str, #[case] operation: Operation) -> multibind::Result<()> {
    let fault = shop.fault("auth").optional().fail_statement(table, operation)?;
    assert_eq!(code(shop.connection("auth")?.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code_in(shop.session()), ffi::SQLITE_OK);
    shop.connection(None)?.execute("INSERT INTO post (title) VALUES ('hello')", []).unwrap();
    assert_eq!(fault.triggered(), 0);
    Ok(())
}

#[rstest]
fn each_run_of_a_prepared_statement_counts(shop: Harness) -> multibind::Result<()> {
    let _fault = shop.fault("auth").after(2).times(1).fail_statement("user", Operation::Insert)?;
    let conn = shop.connection("auth")?;
    let mut prepared = conn.prepare("INSERT INTO user (name) VALUES (?1)").unwrap();
    let done = ["cleo", "dora", "eve", "fay"].map(|name| code(prepared.execute([name])));
    assert_eq!(done, [ffi::SQLITE_OK, ffi::SQLITE_OK, ffi::SQLITE_AUTH, ffi::SQLITE_OK]);
    for (name, there) in [("dora", 1), ("eve", 0), ("fay", 1)] {
        assert_eq!(shop.locate("user", row! { name: name })?.len(), there);
    }
    Ok(())
}

#[rstest]
fn a_failing_statement_undoes_nothing_before_it(shop: Harness) -> multibind::Result<()> {
    let conn = shop.connection("auth")?;
    let mut prepared = conn.prepare("DELETE FROM user").unwrap();
    conn.execute_batch("CREATE TEMP TABLE note (x); INSERT INTO note VALUES (1); BEGIN; CREATE TABLE made (x)")
        .unwrap();
    conn.execute("INSERT INTO made VALUES (1)", []).unwrap();
    let fault = shop.fault("auth").fail_statement("user", Operation::Delete)?;
    assert_eq!(code(prepared.execute([])), ffi::SQLITE_AUTH);
    drop(fault);
    assert!(!conn.is_autocommit());
    assert_eq!(conn.query_row("SELECT count(*) FROM note, made", [], |row| row.get(0)), Ok(1));
    conn.execute_batch("COMMIT").unwrap();
    shop.assert_landed("auth", "made", row! { x: 1 });
    Ok(())
}

/// What a connection is, as its pragmas and its schema say.
fn state(conn: &Connection) -> Vec<String> {
    let mut state = Vec::new();
    for pragma in [
        "writable_schema",
        "query_only",
        "recursive_triggers",
        "foreign_keys",
        "defer_foreign_keys",
        "reverse_unordered_selects",
        "schema_version",
        "temp.schema_version",
        "journal_mode",
        "database_list",
    ] {
        let mut statement = conn.prepare(&format!("PRAGMA {pragma}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap()));
            state.push(format!("{pragma}: {}", values.collect::<Vec<_>>().join(", ")));
        }
    }
    state.extend(schema(conn, "sqlite_schema"));
    state.extend(schema(conn, "sqlite_temp_schema"));
    state
}

fn schema(conn: &Connection, table: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("SELECT name || ': ' || ifnull(sql, '') FROM {table}")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[rstest]
#[case::nothing("")]
#[case::a_writable_schema("PRAGMA writable_schema = ON")]
#[case::query_only("PRAGMA query_only = ON")]
#[case::recursive_triggers("PRAGMA recursive_triggers = ON; PRAGMA reverse_unordered_selects = ON")]
#[case::foreign_keys_that_wait("PRAGMA writable_schema = ON; BEGIN; PRAGMA defer_foreign_keys = ON")]
#[case::a_transaction("BEGIN")]
#[case::a_transaction_that_wrote("BEGIN IMMEDIATE; INSERT INTO log VALUES ('x')")]
#[case::a_table_made("BEGIN; CREATE TABLE made (x); INSERT INTO made VALUES (1)")]
#[case::a_table_altered("PRAGMA writable_schema = ON; BEGIN; ALTER TABLE log ADD COLUMN more")]
#[case::a_table_renamed("BEGIN; ALTER TABLE log RENAME TO logs")]
#[case::a_table_dropped("BEGIN; DROP TRIGGER named; DROP TABLE log")]
#[case::an_index("BEGIN; CREATE INDEX by_name ON user (name)")]
#[case::savepoints("SAVEPOINT a; CREATE TABLE made (x); SAVEPOINT b; DROP TABLE made; CREATE TABLE made (y, z)")]
#[case::a_temporary_table("CREATE TEMP TABLE note (x); BEGIN; INSERT INTO note VALUES (1); CREATE TEMP TABLE more (x)")]
#[case::another_database("ATTACH ':memory:' AS other; BEGIN; CREATE TABLE other.made (x); CREATE TABLE made (x)")]
fn a_statement_that_fails_leaves_its_connection_as_it_was(
    #[case] setup: &str,
    #[values("INSERT INTO user (name) VALUES ('cleo')", "SELECT id FROM user")] sql: &str,
    #[values(true, false)] beside_a_query: bool,
) -> multibind::Result<()> {
    let db = shop();
    let before = db.snapshot()?;
    let conn = db.connection("auth")?;
    let at_start = schema(&conn, "sqlite_schema");
    let mut early = conn.prepare(sql).unwrap();
    let mut other = conn.prepare("SELECT count(*) FROM names").unwrap();
    conn.execute_batch(setup).unwrap();
    // Of the transaction's own schema, and of its connection's flags.
    let mut late = conn.prepare(sql).unwrap();
    let mut outer =
        conn.prepare("SELECT u.id, (SELECT count(*) FROM user WHERE id >= u.id) FROM user AS u ORDER BY u.id").unwrap();
    let mut rows = outer.query([]).unwrap();
    if beside_a_query {
        rows.next().unwrap();
    }
    let was = state(&conn);

    let operation = if sql.starts_with("SELECT") { Operation::Read } else { Operation::Insert };
    let fault = db.fault("auth").optional().fail_statement("user", operation)?;
    let mut failed = 0;
    for statement in [&mut late, &mut early] {
        match statement.raw_query().next().map(drop) {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(code(Err(error)), ffi::SQLITE_AUTH);
                failed += 1;
            }
        }
    }
    assert_eq!(fault.triggered(), failed);
    // Nothing stops a query beside another one in a transaction that has written.
    // SAFETY: the handle is open; without a name, SQLite answers for all of its databases.
    let has_written = unsafe { ffi::sqlite3_txn_state(conn.handle(), std::ptr::null()) } == ffi::SQLITE_TXN_WRITE;
    if !(beside_a_query && operation == Operation::Read && has_written) {
        assert_eq!(failed, 2);
    }
    drop(fault);

    assert_eq!(state(&conn), was);
    if beside_a_query {
        assert_eq!(rows.next().unwrap().unwrap().get(1), Ok(1), "the query goes on");
    }
    drop(rows);
    assert_eq!(other.query_row([], |row| row.get(0)), Ok(2));
    if conn.is_autocommit() {
        return Ok(());
    }
    conn.execute_batch("ROLLBACK").unwrap();
    assert_eq!(schema(&conn, "sqlite_schema"), at_start);
    db.changes_since(&before)?.assert_none();
    // A table of the name of one that is gone, somewhere else in the file.
    let elsewhere = db.connection("auth")?;
    elsewhere.execute_batch("CREATE TABLE first (x); CREATE TABLE made (x)").unwrap();
    conn.execute_batch("PRAGMA query_only = OFF; INSERT INTO made VALUES ('here')").unwrap();
    db.assert_landed("auth", "made", row! { x: "here" });
    assert_eq!(elsewhere.query_row("SELECT count(*) FROM first", [], |row| row.get(0)), Ok(0));
    let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    Ok(())
}

#[rstest]
fn a_statement_within_a_function_meets_it_too(shop: Harness) -> multibind::Result<()> {
    let conn = shop.connection("auth")?;
    conn.create_scalar_function("inserted", 0, rusqlite::functions::FunctionFlags::SQLITE_UTF8, |context| {
        // SAFETY: the connection lives as long as the call, and is used by this thread alone.
        let conn = unsafe { context.get_connection() }?;
        Ok(i64::from(code(conn.execute(INSERT, []))))
    })
    .unwrap();
    let inserted = || conn.query_row("SELECT inserted()", [], |row| row.get::<_, i32>(0));
    assert_eq!(inserted(), Ok(ffi::SQLITE_OK));
    let fault = shop.fault("auth").after(1).times(1).fail_statement("user", Operation::Insert)?;
    let codes = [inserted(), inserted(), inserted()];
    if rusqlite::version_number() < 3_053_000 && codes.iter().all(|code| *code == Ok(ffi::SQLITE_OK)) {
        // An older SQLite does not report the statement, and the fault says that it met none; an older rusqlite takes every hook
        // off a connection that a function has borrowed, and the fault says that too.
        let told = ending(fault);
        let met_none = told.contains("never triggered: no such statement ran on `auth`");
        assert!(met_none || told.contains("could not fail what runs on every connection"), "{told}");
        return Ok(());
    }
    assert_eq!(codes, [Ok(ffi::SQLITE_OK), Ok(ffi::SQLITE_AUTH), Ok(ffi::SQLITE_OK)]);
    assert_eq!(fault.triggered(), 1);
    Ok(())
}

#[rstest]
fn a_statement_that_could_not_be_stopped_is_told(shop: Harness) -> multibind::Result<()> {
    let conn = shop.connection("auth")?;
    conn.execute_batch("BEGIN; INSERT INTO log VALUES ('x')").unwrap();
    let mut inner = conn.prepare("SELECT name FROM user").unwrap();
    let mut outer = conn.prepare("SELECT line FROM log").unwrap();
    let mut rows = outer.query([]).unwrap();
    rows.next().unwrap();
    let fault = shop.fault("auth").fail_statement("user", Operation::Read)?;
    assert_eq!(inner.query_row([], |row| row.get::<_, String>(0)).unwrap(), "ann");
    let told = ending(fault);
    assert!(told.replace('\n', " ").contains("1 of them could not be failed"), "{told}");
    Ok(())
}

#[rstest]
fn a_statement_fails_whoever_has_the_lock_that_it_wants(shop: Harness) -> multibind::Result<()> {
    let conn = shop.connection("auth")?;
    conn.busy_timeout(Duration::ZERO).unwrap();
    let mut prepared = conn.prepare("DELETE FROM user").unwrap();
    let _fault = shop.fault("auth").fail_statement("user", Operation::Delete)?;
    let writer = plain(&shop);
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(code(prepared.execute([])), ffi::SQLITE_AUTH);
    drop(writer);
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code(prepared.execute([])), ffi::SQLITE_AUTH);
    Ok(())
}

#[rstest]
fn the_sessions_own_looks_are_no_statements_of_the_tests(shop: Harness) -> multibind::Result<()> {
    let _fault = shop.fault("auth").times(1).fail_statement("user", Operation::Read)?;
    let mut session = shop.session();
    session.table("user")?.insert(row! { name: "cleo" })?;
    session.commit()?;
    insta::assert_snapshot!(session.table("user")?.all(row! {}).unwrap_err(), @r#"
    bind `auth`: access to user.id is prohibited
      in: SELECT * FROM main."user" AS t
    "#);
    assert_eq!(session.table("user")?.all(row! {})?.len(), 3);
    Ok(())
}

#[rstest]
fn statements_fail_beside_a_guard_and_a_record(shop: Harness) -> multibind::Result<()> {
    let log = shop.record();
    let guard = shop.deny_writes(None);
    let _fault = shop.fault("auth").fail_statement("user", Operation::Insert)?;
    let conn = shop.connection("auth")?;
    assert_eq!(code(conn.execute(INSERT, [])), ffi::SQLITE_AUTH);
    assert_eq!(code_in(shop.session()), ffi::SQLITE_AUTH);
    assert_eq!(code(conn.execute("DELETE FROM user WHERE name = 'ann'", [])), ffi::SQLITE_OK);
    assert!(guard.refused().is_empty());
    assert!(log.to_string().contains("DELETE FROM user"));
    Ok(())
}

#[rstest]
fn an_authorizer_of_the_applications_takes_the_place_of_the_faults(shop: Harness) -> multibind::Result<()> {
    let own = shop.connection("auth")?;
    let mut prepared = own.prepare(INSERT).unwrap();
    replace_authorizer(&own);
    let fault = shop.fault("auth").optional().fail_statement("user", Operation::Insert)?;
    assert_eq!(code(own.execute(INSERT, [])), ffi::SQLITE_OK);
    assert_eq!(code(prepared.execute([])), ffi::SQLITE_OK);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(fault)));
    assert!(ended.is_err(), "statements got past it");
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory, true)]
#[case::temp_file(Bind::temp_file, true)]
#[case::memdb(Bind::memdb, false)]
#[case::shared_cache(Bind::shared_cache, false)]
fn faults_come_and_go_beside_threads_that_write(
    #[case] bind: fn() -> Bind,
    #[case] has_disk: bool,
) -> multibind::Result<()> {
    let db = Harness::builder().bind("auth", bind().schema(USER)).start()?;
    let (ready, done) = (Barrier::new(5), AtomicBool::new(false));
    let written = std::thread::scope(|scope| {
        let writers = [false, false, true, true].map(|by_session| {
            let (db, ready, done) = (&db, &ready, &done);
            scope.spawn(move || {
                let conn = db.connection("auth").unwrap();
                let mut prepared = conn.prepare(INSERT).unwrap();
                let mut session = db.session();
                ready.wait();
                let mut written = 0;
                while !done.load(Ordering::Relaxed) {
                    let (statement, commit) = match by_session {
                        true => {
                            let statement = session.execute(INSERT, []).map(drop);
                            let commit = statement.is_ok().then(|| session.commit());
                            session.rollback().unwrap();
                            (told(statement), commit.map(told))
                        }
                        false => (code(prepared.execute([])), None),
                    };
                    match commit.unwrap_or(statement) {
                        ffi::SQLITE_OK => written += 1,
                        ffi::SQLITE_CONSTRAINT_COMMITHOOK | ffi::SQLITE_AUTH | ffi::SQLITE_FULL => {}
                        ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_READONLY => {}
                        // Others may be in the way for longer than the busy timeout, in a shared cache at once.
                        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED_SHAREDCACHE => {}
                        code => panic!("{code}"),
                    }
                }
                written
            })
        });
        let every: &[Begin] = &[
            fail_insert,
            FaultBuilder::fail_commit,
            FaultBuilder::disk_full,
            FaultBuilder::fail_io,
            FaultBuilder::read_only,
            FaultBuilder::busy,
        ];
        ready.wait();
        let some = if has_disk { every } else { &every[..2] };
        for round in 0..24 {
            let fault = some[round % some.len()](db.fault("auth").optional().times(20)).unwrap();
            while fault.triggered() < 3 && !writers.iter().any(|writer| writer.is_finished()) {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        writers.map(|writer| writer.join().unwrap()).into_iter().sum::<i64>()
    });
    let rows = db.session().query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0))?;
    assert_eq!(rows, written, "what was told is what is there");
    Ok(())
}

/// SQLite's answer to a session.
fn told(done: multibind::Result<()>) -> i32 {
    match done {
        Ok(()) => ffi::SQLITE_OK,
        Err(
            Error::Sql { source, .. }
            | Error::Locked { source, .. }
            | Error::Stale { source, .. }
            | Error::Commit { source, .. },
        ) => code(Err(source)),
        Err(error) => panic!("{error}"),
    }
}
