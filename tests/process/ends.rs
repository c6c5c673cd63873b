//! How a failing test ends, and what it prints. The tests in `runs` are run one by one, each in a process of its own.

use insta::assert_snapshot;

use crate::child::{files, Run};

/// The tests that are run, all of which fail.
mod runs {
    use std::error::Error;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use multibind::fixture::harness;
    use multibind::rusqlite::Connection;
    use multibind::{Harness, TestResult};
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
