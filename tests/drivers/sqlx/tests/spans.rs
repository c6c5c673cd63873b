//! Beside a subscriber of the application's, reports name the span in which sqlx was called.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

use multibind::{row, Bind, Harness};
use sqlx::SqlitePool;
use tracing::Instrument;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One test, for a process has one subscriber of all threads. It is set after the harness has started.
#[tokio::test]
async fn a_subscriber_that_comes_later_hears_everything_and_its_spans_are_named() -> sqlx::Result<()> {
    let auth = Bind::memory().schema("CREATE TABLE user (name TEXT)");
    let db = Harness::builder().bind("auth", auth).start().unwrap();

    let written = Written::default();
    let to = written.clone();
    tracing_subscriber::fmt().with_writer(move || to.clone()).init();
    tracing::info!("the application has begun");
    assert!(String::from_utf8_lossy(&written.0.lock().unwrap()).contains("the application has begun"));

    let auth = SqlitePool::connect(&db.sqlx_url("auth").unwrap()).await?;
    let span = tracing::info_span!("signing_up"); // entered here
    let line = include_str!("spans.rs").lines().position(|line| line.ends_with("// entered here")).unwrap() + 1;
    async {
        let mut transaction = auth.begin().await?;
        sqlx::query("INSERT INTO user (name) VALUES ('ann')").execute(&mut *transaction).await?;
        transaction.rollback().await
    }
    .instrument(span)
    .await?;
    let failed = catch_unwind(AssertUnwindSafe(|| db.assert_landed("auth", "user", row! { name: "ann" }))).unwrap_err();
    let report = failed.downcast::<String>().unwrap();
    let named = format!("asked for within the span `signing_up`, tests/spans.rs:{line}\n");
    assert!(report.contains(&named), "{report}");
    Ok(())
}
