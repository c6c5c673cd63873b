//! What the application writes on sqlx lands where it belongs.

#[path = "../../shared/binds.rs"]
mod binds;
#[path = "../../shared/faults.rs"]
mod faults;
#[path = "../../shared/hooks.rs"]
mod hooks;
#[path = "../../shared/asynchronous_hooks.rs"]
mod hooks_beside;
#[path = "../../shared/asynchronous_instruments.rs"]
mod instruments;
#[path = "../../shared/asynchronous.rs"]
mod landings;

use std::sync::atomic::Ordering;

use binds::{binds, Result};
use hooks::{Hook, Own};
use multibind::binds::{Prepared, Storage};
use multibind::fixture::harness;
use multibind::{row, Config, Harness};
use on_sqlx::{audit, sign_up, users};
use rstest::rstest;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::SqlitePool;

async fn connect(db: &Harness, key: Option<&str>) -> Result<SqlitePool> {
    Ok(SqlitePool::connect(&db.sqlx_url(key)?).await?)
}

/// By sqlx's own functions where it has them.
async fn connect_with(db: &Harness, key: &str, own: Own) -> Result<SqlitePool> {
    let options = SqlitePoolOptions::new().after_connect(move |conn, _| {
        Box::pin(async move {
            let mut handle = conn.lock_handle().await?;
            let count = move || {
                own.called.fetch_add(1, Ordering::Relaxed);
            };
            match own.hook {
                Hook::Update => handle.set_update_hook(move |_| count()),
                Hook::Rollback => handle.set_rollback_hook(count),
                Hook::Commit => handle.set_commit_hook(move || {
                    count();
                    true
                }),
                Hook::Trace | Hook::Authorizer => own.set(handle.as_raw_handle().as_ptr()),
            }
            Ok(())
        })
    });
    Ok(options.connect(&db.sqlx_url(key)?).await?)
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_each_other(#[case] storage: Storage) -> Result {
    landings::four_writers(storage).await
}

#[rstest]
#[tokio::test]
async fn the_application_migrates_a_bind_as_it_does_when_it_starts(harness: Harness) -> Result {
    let meta = connect(&harness, Some("meta")).await?;
    let before = harness.snapshot()?;
    on_sqlx::MIGRATIONS.run(&meta).await?;
    harness.reflect("meta")?;
    assert!(harness.metadata("meta")?.table("setting").is_some());
    harness.changes_since(&before)?.assert_only("meta");
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[tokio::test]
async fn a_transaction_is_seen_when_it_is_committed(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let auth = connect(&db, Some("auth")).await?;
    let mut transaction = auth.begin().await?;
    sqlx::query("INSERT INTO user (username) VALUES ('ann')").execute(&mut *transaction).await?;
    assert!(db.locate("user", row! { username: "ann" })?.is_empty());
    transaction.commit().await?;
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}

/// The test's own write has to wait for the application's transaction, and must not keep its task from going on.
#[rstest]
#[tokio::test]
async fn a_call_that_waits_for_the_application_goes_to_a_blocking_thread(harness: Harness) -> Result {
    let db = std::sync::Arc::new(harness);
    let auth = connect(&db, Some("auth")).await?;
    let mut transaction = auth.begin().await?;
    sqlx::query("INSERT INTO user (username) VALUES ('ann')").execute(&mut *transaction).await?;

    let for_the_thread = std::sync::Arc::clone(&db);
    let waiting = tokio::task::spawn_blocking(move || {
        let mut session = for_the_thread.session();
        session.table("user")?.insert(row! { username: "bob" })?;
        session.commit()
    });
    transaction.commit().await?;
    waiting.await??;

    assert_eq!(users(&auth).await?, ["ann", "bob"]);
    db.assert_landed("auth", "user", row! { username: "bob" });
    Ok(())
}

/// It holds for the whole process; the other tests here open nothing but binds.
#[rstest]
#[tokio::test]
async fn what_is_no_bind_is_refused_as_it_opens(harness: Harness) -> Result {
    let guard = harness.deny_outside();
    let refused = SqlitePool::connect("sqlite::memory:").await.unwrap_err().to_string();
    assert!(refused.contains("refused by `deny_outside()`"), "{refused}");
    sign_up(&connect(&harness, Some("auth")).await?, "ann").await?;
    assert_eq!(guard.refused().len(), 1);
    let missing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing_for_sqlx.db");
    let url = format!("sqlite://{}?mode=rwc", missing.display());
    assert!(SqlitePool::connect(&url).await.is_err());
    assert!(guard.refused().len() > 1);
    assert!(!missing.exists());
    harness.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}

/// `$1` is PostgreSQL's, and sqlx takes it for SQLite too.
#[rstest]
#[case::question_marks("INSERT INTO user (username) VALUES (?)")]
#[case::numbers("INSERT INTO user (username) VALUES ($1)")]
#[tokio::test]
async fn an_any_pool_is_given_the_same_address(harness: Harness, #[case] insert: &'static str) -> Result {
    sqlx::any::install_default_drivers();
    let auth = sqlx::AnyPool::connect(&harness.sqlx_url("auth")?).await?;
    sqlx::query(insert).bind("ann").execute(&auth).await?;
    harness.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}

/// Runs async code to its end on a thread of its own: the thread that starts a harness may be one of a runtime.
fn finish<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work)
        });
        thread.join().unwrap()
    })
}

fn signed_up() -> Prepared {
    let config = Config::from_file("fixtures/binds.toml").unwrap();
    config.prepared("signed-up", |db| -> Result {
        finish(async {
            let auth = SqlitePool::connect(&db.sqlx_url("auth")?).await?;
            sign_up(&auth, "ann").await?;
            auth.close().await;
            Ok(())
        })
    })
}

#[rstest]
#[tokio::test]
async fn every_test_starts_with_what_async_code_prepared() -> Result {
    let db = signed_up().start()?;
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}
