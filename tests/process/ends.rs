//! How a failing test ends, and what it prints. The tests in `runs` are run one by one, each in a process of its own.

use insta::assert_snapshot;
use rstest::rstest;

use crate::child::{files, Run};

/// The tests that are run, most of which fail.
mod runs {
    use std::error::Error;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;
    use std::time::Duration;

    use multibind::fixture::harness;
    use multibind::rusqlite::Connection;
    use multibind::{row, Bind, Harness, Session, TestResult};
    use rstest::rstest;

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn returns_the_error_of_a_driver(harness: Harness) -> TestResult {
        let auth = Connection::open(harness.uri("auth")?)?;
        auth.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
        auth.execute("INSERT INTO no_such_table VALUES (1)", [])?;
        Ok(())
    }

    fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("no room for ann".into())
    }

    #[rstest]
    #[case::text(Err("no room for ann".to_string()))]
    #[case::boxed(boxed().map_err(|error| error.to_string()))]
    #[ignore = "fails, to show what is printed"]
    fn returns_a_text(#[case] done: Result<(), String>, harness: Harness) -> TestResult {
        harness.connection("auth")?.execute("DELETE FROM session_token", [])?;
        done?;
        Ok(())
    }

    /// Runs a future that never waits.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn returns_an_error_of_async_code(harness: Harness) -> TestResult {
        block_on(async {
            harness.connection("auth")?.execute("DELETE FROM session_token", [])?;
            boxed()?;
            Ok(())
        })
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn returns_an_error_of_a_session(harness: Harness) -> multibind::Result<()> {
        let mut session = harness.session();
        session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"])?;
        session.commit()?;
        session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"])?;
        Ok(())
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn returns_a_boxed_error_of_the_harness(harness: Harness) -> Result<(), Box<dyn Error>> {
        harness.connection("auth")?.execute("DELETE FROM session_token", [])?;
        harness.connection("audit")?.execute("DELETE FROM session_token", [])?;
        Ok(())
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn returns_an_error_beside_a_fault(harness: Harness) -> multibind::Result<()> {
        let _fault = harness.fault("auth").fail_commit()?;
        harness.session().execute("INSERT INTO usr (username) VALUES ('ann')", [])?;
        Ok(())
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn fails_by_a_test_result_beside_a_fault(harness: Harness) -> TestResult {
        let _fault = harness.fault("auth").fail_commit()?;
        Connection::open(harness.uri("auth")?)?.execute("INSERT INTO usr (username) VALUES ('ann')", [])?;
        Ok(())
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn a_fault_fails_beside_an_error_that_is_not_returned(harness: Harness) {
        let fault = harness.fault("auth").fail_commit().unwrap();
        let error = harness.session().execute("INSERT INTO usr (username) VALUES ('ann')", []).unwrap_err();
        drop(fault);
        assert!(error.to_string().starts_with("no table `usr`"));
    }

    #[rstest]
    #[ignore = "fails, to show what is printed"]
    fn returns_the_error_of_a_fault(harness: Harness) -> multibind::Result<()> {
        let _fault = harness.fault("auth").disk_full()?;
        let mut session = harness.session();
        session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
        session.commit()
    }

    /// A bind whose connections wait for nothing.
    fn hasty(bind: Bind) -> Harness {
        let bind = bind.schema("CREATE TABLE user (name TEXT)").busy_timeout(Duration::ZERO);
        Harness::builder().bind("auth", bind).start().unwrap()
    }

    const INSERT: &str = "INSERT INTO user VALUES (?1)";

    fn sign_up(auth: &Connection, name: &str) -> multibind::rusqlite::Result<usize> {
        auth.execute(INSERT, [name])
    }

    fn sign_up_in(session: &mut Session, name: &str) -> multibind::Result<usize> {
        session.execute(INSERT, [name])
    }

    fn two_sessions_write(bind: Bind) -> multibind::Result<()> {
        let db = hasty(bind);
        let mut first = db.session();
        sign_up_in(&mut first, "ann")?;
        let mut second = db.session();
        sign_up_in(&mut second, "bob")?;
        Ok(())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn two_sessions_write_in_memory() -> multibind::Result<()> {
        two_sessions_write(Bind::memory())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn two_sessions_write_in_a_file() -> multibind::Result<()> {
        two_sessions_write(Bind::temp_file())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn two_sessions_write_in_a_shared_cache() -> multibind::Result<()> {
        two_sessions_write(Bind::shared_cache())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn a_session_writes_after_another_has_committed() -> multibind::Result<()> {
        let db = hasty(Bind::memory());
        let mut session = db.session();
        session.query("SELECT * FROM user", [], |_| Ok(()))?;
        sign_up(&*db.connection("auth")?, "ann").unwrap();
        sign_up_in(&mut session, "bob")?;
        Ok(())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn a_drivers_connection_waits_in_vain() -> TestResult {
        waits_in_vain(Bind::memory())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn a_drivers_connection_to_a_file_waits_in_vain() -> TestResult {
        waits_in_vain(Bind::temp_file())
    }

    fn waits_in_vain(bind: Bind) -> TestResult {
        let db = hasty(bind);
        let worker = db.connection("auth")?;
        let begin = move || worker.execute_batch("BEGIN").and_then(|()| sign_up(&worker, "ann")).map(|_| worker);
        let worker = thread::Builder::new().name("worker".to_string()).spawn(begin)?.join().unwrap()?;
        let conn = Connection::open(db.uri("auth")?)?;
        conn.busy_timeout(Duration::ZERO)?;
        sign_up(&conn, "bob")?;
        drop(worker);
        Ok(())
    }

    fn driver(db: &Harness) -> Result<Connection, Box<dyn Error>> {
        let conn = Connection::open(db.uri("auth")?)?;
        conn.busy_timeout(Duration::ZERO)?;
        Ok(conn)
    }

    /// Locks the bind before it has anything to write.
    fn reserve(auth: &Connection) -> multibind::rusqlite::Result<()> {
        auth.execute_batch("BEGIN IMMEDIATE")
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn both_begin_with_the_lock() -> TestResult {
        let db = hasty(Bind::memory());
        let (first, second) = (driver(&db)?, driver(&db)?);
        reserve(&first)?;
        reserve(&second)?;
        Ok(())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn a_holder_commits_after_a_wait_in_vain() -> TestResult {
        let db = hasty(Bind::temp_file());
        let (first, second) = (driver(&db)?, driver(&db)?);
        reserve(&first)?;
        sign_up(&first, "ann")?;
        let refused = sign_up(&second, "bob");
        first.execute_batch("COMMIT")?;
        refused?;
        Ok(())
    }

    /// Signs a user up who is not there yet, while another does.
    fn sign_up_once(auth: &Connection, other: &Connection) -> multibind::rusqlite::Result<usize> {
        auth.execute_batch("BEGIN")?;
        auth.query_row("SELECT count(*) FROM user WHERE name = ?1", ["bob"], |row| row.get::<_, i64>(0))?;
        sign_up(other, "ann")?;
        sign_up(auth, "bob")
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn a_driver_writes_too_late() -> TestResult {
        let db = hasty(Bind::memory());
        let (first, second) = (driver(&db)?, driver(&db)?);
        sign_up_once(&first, &second)?;
        Ok(())
    }

    #[test]
    #[ignore = "fails, to show what is printed"]
    fn a_driver_that_wrote_too_late_tries_again() {
        let db = hasty(Bind::memory());
        let (first, second) = (driver(&db).unwrap(), driver(&db).unwrap());
        assert!(sign_up_once(&first, &second).is_err());
        first.execute_batch("ROLLBACK").unwrap();
        sign_up(&first, "bob").unwrap();
        panic!("for another reason");
    }

    #[test]
    #[ignore = "run by others"]
    fn an_error_outlives_its_harness() {
        let error = {
            let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE t (x)")).start().unwrap();
            db.assert_not_landed("auth", "t", row! { x: 1 });
            db.session().execute("INSERT INTO u VALUES (1)", []).unwrap_err()
        };
        assert!(error.to_string().starts_with("no table `u`"));
    }
}

#[test]
fn a_test_result_keeps_databases_and_names_the_line() {
    let ran = Run::of("ends::runs::returns_the_error_of_a_driver").fails();

    assert_snapshot!(ran.printed(), @r#"
    thread 'ends::runs::returns_the_error_of_a_driver' panicked at tests/process/ends.rs:[line]
    no such table: no_such_table
      SqliteFailure(Error { code: Unknown, extended_code: 1 }, Some("no such table: no_such_table"))
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_the_error_of_a_driver: report.html, default.db, auth.db, meta.db, changes.txt
    "#);
    assert_eq!(
        files(&ran.folder("ends::runs::returns_the_error_of_a_driver")),
        "auth.db\nchanges.txt\ndefault.db\nmeta.db\nreport.html"
    );
}

#[test]
fn a_test_result_takes_a_text() {
    assert_snapshot!(Run::of("ends::runs::returns_a_text::case_1_text").fails().printed(), @r"
    thread 'ends::runs::returns_a_text::case_1_text' panicked at tests/process/ends.rs:[line]
    no room for ann
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_a_text--case_1_text: report.html, default.db, auth.db, meta.db, changes.txt
    ");
}

#[test]
fn a_test_result_takes_the_error_of_async_code() {
    assert_snapshot!(Run::of("ends::runs::returns_an_error_of_async_code").fails().printed(), @r"
    thread 'ends::runs::returns_an_error_of_async_code' panicked at tests/process/ends.rs:[line]
    no room for ann
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_an_error_of_async_code: report.html, default.db, auth.db, meta.db, changes.txt
    ");
}

#[test]
fn an_error_that_a_test_returns_says_what_is_kept() {
    let ran = Run::of("ends::runs::returns_an_error_of_a_session").fails();

    assert_snapshot!(ran.printed(), @r#"
    Error: bind `auth`: UNIQUE constraint failed: user.username
      in: INSERT INTO user (username) VALUES (?1)
      at tests/process/ends.rs:[line]
      Sql { source: SqliteFailure(Error { code: ConstraintViolation, extended_code: 2067 }, Some("UNIQUE constraint failed: user.username")) }
    multibind: in the test `ends::runs::returns_an_error_of_a_session`:
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_an_error_of_a_session: report.html, default.db, auth.db, meta.db, changes.txt
    "#);
    assert_eq!(
        files(&ran.folder("ends::runs::returns_an_error_of_a_session")),
        "auth.db\nchanges.txt\ndefault.db\nmeta.db\nreport.html"
    );
}

#[test]
fn a_boxed_error_that_a_test_returns_says_what_is_kept() {
    assert_snapshot!(Run::of("ends::runs::returns_a_boxed_error_of_the_harness").fails().printed(), @r#"
    Error: no bind `audit`: configured are default, auth, meta
      at tests/process/ends.rs:[line]
      UnknownBind
    multibind: in the test `ends::runs::returns_a_boxed_error_of_the_harness`:
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_a_boxed_error_of_the_harness: report.html, default.db, auth.db, meta.db, changes.txt
    "#);
}

#[test]
fn a_fault_leaves_its_place_to_the_error_of_a_test() {
    assert_snapshot!(Run::of("ends::runs::returns_an_error_beside_a_fault").fails().printed(), @r#"
    Error: no table `usr` in any bind; the nearest names are `user` in auth, `user_role` in auth
      in: INSERT INTO usr (username) VALUES ('ann')
      at tests/process/ends.rs:[line]
      UnknownTable
    multibind: in the test `ends::runs::returns_an_error_beside_a_fault`:
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_an_error_beside_a_fault: report.html, default.db, auth.db, meta.db, changes.txt

    thread 'ends::runs::returns_an_error_beside_a_fault' panicked at src/assert/fault.rs:[line]
    `fault("auth").fail_commit()` at tests/process/ends.rs:[line] never triggered:
    no transaction that wrote to `auth` was committed while it was active.
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    "#);
    assert_snapshot!(Run::of("ends::runs::fails_by_a_test_result_beside_a_fault").fails().printed(), @r#"
    thread 'ends::runs::fails_by_a_test_result_beside_a_fault' panicked at tests/process/ends.rs:[line]
    no such table: usr
      SqliteFailure(Error { code: Unknown, extended_code: 1 }, Some("no such table: usr"))
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: `fault("auth").fail_commit()` at tests/process/ends.rs:[line] never triggered:
    no transaction that wrote to `auth` was committed while it was active.
    multibind: kept in [target]/multibind/my_app--process/ends--runs--fails_by_a_test_result_beside_a_fault: report.html, default.db, auth.db, meta.db, changes.txt
    "#);
}

#[test]
fn an_error_that_a_fault_caused_names_the_fault() {
    assert_snapshot!(Run::of("ends::runs::returns_the_error_of_a_fault").fails().printed(), @r#"
    Error: commit failed in bind `auth`: database or disk is full. Committed: none; rolled back: auth
      at tests/process/ends.rs:[line]
      a fault of the test has triggered on `auth`: `fault("auth").disk_full()` at tests/process/ends.rs:[line]
      Commit { failed: "auth", committed: [], rolled_back: ["auth"], source: SqliteFailure(Error { code: DiskFull, extended_code: 13 }, Some("database or disk is full")) }
    multibind: in the test `ends::runs::returns_the_error_of_a_fault`:
    multibind: kept in [target]/multibind/my_app--process/ends--runs--returns_the_error_of_a_fault: report.html, default.db, auth.db, meta.db, changes.txt
    "#);
}

#[test]
fn a_fault_that_never_triggered_fails_a_test_that_handles_its_errors() {
    assert_snapshot!(Run::of("ends::runs::a_fault_fails_beside_an_error_that_is_not_returned").fails().printed(), @r#"
    thread 'ends::runs::a_fault_fails_beside_an_error_that_is_not_returned' panicked at src/assert/fault.rs:[line]
    `fault("auth").fail_commit()` at tests/process/ends.rs:[line] never triggered:
    no transaction that wrote to `auth` was committed while it was active.

    So the test does not show what the code does when that fails. Check that the
    code under test uses the bind while the fault is alive, on a connection that the
    fault covers, or mark the fault `optional()`. If the test returned an error of
    another crate, this hides it: let the test return `multibind::TestResult` to see
    it.
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: kept in [target]/multibind/my_app--process/ends--runs--a_fault_fails_beside_an_error_that_is_not_returned: report.html, default.db, auth.db, meta.db, changes.txt
    "#);
}

#[rstest]
#[case::memory("two_sessions_write_in_memory", "database is locked")]
#[case::file("two_sessions_write_in_a_file", "database is locked")]
#[case::shared_cache("two_sessions_write_in_a_shared_cache", "database table is locked")]
fn an_error_of_a_lock_has_the_last_statement_of_its_holder(#[case] test: &str, #[case] message: &str) {
    let printed = Run::of(&format!("ends::runs::{test}")).fails().printed();
    let (head, rest) = printed.split_once("\n  in: ").unwrap();
    assert!(head.starts_with(&format!("Error: bind `auth`: {message}")), "{printed}");
    let (held, _) = rest.split_once("\n  Locked {").unwrap();
    insta::allow_duplicates! {
        assert_snapshot!(without_times(held), @r"
        INSERT INTO user VALUES (?1)
          at tests/process/ends.rs:[line]
          held by a transaction, open for [time], that last wrote:
            INSERT INTO user VALUES ('ann')
            at process::ends::runs::sign_up_in
            on the test's thread, in a session, connection 1, still open
        ");
    }
}

#[test]
fn an_error_of_a_stale_read_has_what_was_committed_since() {
    let printed = Run::of("ends::runs::a_session_writes_after_another_has_committed").fails().printed();
    let (told, _) = printed.split_once("\n  Stale {").unwrap();
    assert_snapshot!(told, @r"
    Error: bind `auth`: database is locked. Another connection has written to it since this unit of work first read from it, and what was read is out of date: call `session.rollback()`, then start again
      in: INSERT INTO user VALUES (?1)
      at tests/process/ends.rs:[line]
      this unit of work began at tests/process/ends.rs:[line]
      written since, and committed:
        INSERT INTO user VALUES ('ann')
        at process::ends::runs::sign_up
        on the test's thread, connection 2, committed
    ");
}

#[test]
fn a_wait_in_vain_has_the_last_statement_of_the_holder() {
    let printed = Run::of("ends::runs::a_drivers_connection_waits_in_vain").fails().printed();
    assert_snapshot!(without_times(&printed), @r#"
    thread 'ends::runs::a_drivers_connection_waits_in_vain' panicked at tests/process/ends.rs:[line]
    database is locked
      SqliteFailure(Error { code: DatabaseBusy, extended_code: 5 }, Some("database is locked"))
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: bind `auth`: this statement gave up waiting for the write lock:
        INSERT INTO user VALUES ('bob')
        at process::ends::runs::sign_up
        on the test's thread, connection 2
      The lock was held by a transaction, open for [time], that last wrote:
        INSERT INTO user VALUES ('ann')
        at process::ends::runs::sign_up
        on thread `worker`, connection 1, still open
        thread `worker` has ended; the connection is still open
        The transaction began at tests/process/ends.rs:[line],
            process::ends::runs::waits_in_vain
    multibind: kept in [target]/multibind/my_app--process/ends--runs--a_drivers_connection_waits_in_vain: report.html, auth.db, changes.txt
    "#);
}

#[test]
fn a_wait_in_vain_for_a_file_has_the_last_statement_of_the_holder() {
    let printed = Run::of("ends::runs::a_drivers_connection_to_a_file_waits_in_vain").fails().printed();
    let (_, told) = printed.split_once("multibind: ").unwrap();
    assert_snapshot!(without_times(told), @r"
    bind `auth`: this statement gave up waiting for the write lock:
        INSERT INTO user VALUES ('bob')
        at process::ends::runs::sign_up
        on the test's thread, connection 2
      The lock was held by a transaction, open for [time], that last wrote:
        INSERT INTO user VALUES ('ann')
        at process::ends::runs::sign_up
        on thread `worker`, connection 1, still open
        thread `worker` has ended; the connection is still open
        The transaction began at tests/process/ends.rs:[line],
            process::ends::runs::waits_in_vain
    multibind: kept in [target]/multibind/my_app--process/ends--runs--a_drivers_connection_to_a_file_waits_in_vain: report.html, auth.db, changes.txt
    ");
}

#[test]
fn a_wait_in_vain_has_the_beginning_of_a_holder_that_has_written_nothing() {
    let printed = Run::of("ends::runs::both_begin_with_the_lock").fails().printed();
    let (_, told) = printed.split_once("multibind: ").unwrap();
    assert_snapshot!(without_times(told.split_once("multibind: kept").unwrap().0), @r"
    bind `auth`: this statement gave up waiting for the write lock:
        BEGIN IMMEDIATE
        at process::ends::runs::reserve
        on the test's thread, connection 2
      The lock was held by a transaction, open for [time], that began with it:
        BEGIN IMMEDIATE
        at process::ends::runs::reserve
        on the test's thread, connection 1
        open when the lock was refused; later rolled back by the close of its
            connection
      This thread waits for a lock that it holds itself: end that transaction before
      this statement, or run the statement on its connection.
    ");
}

#[test]
fn a_wait_in_vain_says_when_its_holder_ended() {
    let printed = Run::of("ends::runs::a_holder_commits_after_a_wait_in_vain").fails().printed();
    let (_, told) = printed.split_once("multibind: ").unwrap();
    assert_snapshot!(without_times(told.split_once("multibind: kept").unwrap().0), @r"
    bind `auth`: this statement gave up waiting for the write lock:
        INSERT INTO user VALUES ('bob')
        at process::ends::runs::sign_up
        on the test's thread, connection 2
      The lock was held by a transaction, open for [time], that last wrote:
        INSERT INTO user VALUES ('ann')
        at process::ends::runs::sign_up
        on the test's thread, connection 1
        open when the lock was refused; later committed at
            tests/process/ends.rs:[line],
            process::ends::runs::a_holder_commits_after_a_wait_in_vain
        The transaction began with the lock at tests/process/ends.rs:[line],
            process::ends::runs::reserve
      Look at tests/process/ends.rs:[line] `process::ends::runs::reserve` began the
      transaction there, and returned without ending it.
      This thread waits for a lock that it holds itself: end that transaction before
      this statement, or run the statement on its connection.
    ");
}

#[test]
fn a_write_that_comes_too_late_has_the_commit_in_between() {
    let printed = Run::of("ends::runs::a_driver_writes_too_late").fails().printed();
    let (_, told) = printed.split_once("multibind: ").unwrap();
    assert_snapshot!(told.split_once("multibind: kept").unwrap().0, @r"
    bind `auth`: this statement failed, for its transaction had read a
      state that another connection has changed since:
        INSERT INTO user VALUES ('bob')
        at process::ends::runs::sign_up
        on the test's thread, connection 1
      The transaction began to read with:
        SELECT count(*) FROM user WHERE name = ?1
        at process::ends::runs::sign_up_once
      Written since, and committed:
        INSERT INTO user VALUES ('ann')
        at process::ends::runs::sign_up
        on the test's thread, connection 2, committed
      Look at tests/process/ends.rs:[line] `process::ends::runs::sign_up` made that
      write there, on another connection than its transaction's.
      Both ran on one thread: write on the transaction's own connection, or before
      it reads (SQLITE_BUSY_SNAPSHOT).
    ");
    let printed = Run::of("ends::runs::a_driver_that_wrote_too_late_tries_again").fails().printed();
    assert!(!printed.contains("this statement failed"), "{printed}");
}

/// Returns a text with `[time]` for the time that a transaction has been open.
fn without_times(text: &str) -> String {
    let mut parts = text.split("open for ");
    let mut told = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (_, rest) = part.split_once("ms").or_else(|| part.split_once('s')).unwrap();
        told = format!("{told}open for [time]{rest}");
    }
    told
}

#[test]
fn an_error_that_no_test_returns_leaves_nothing() {
    assert_eq!(Run::of("ends::runs::an_error_outlives_its_harness").passes().files(), "");
}
