//! An application whose sqlx pool is a `static`, in tests that each have a runtime of their own.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use multibind::{row, Bind, Harness};
use rstest::rstest;
use sqlx::SqlitePool;
use tokio::sync::{Mutex, MutexGuard};

/// The application's.
static AUTH: OnceLock<SqlitePool> = OnceLock::new();

async fn sign_up(name: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO user (name) VALUES (?)").bind(name).execute(AUTH.get().unwrap()).await.map(drop)
}

static DB: LazyLock<Mutex<Harness>> = LazyLock::new(|| {
    let auth = Bind::memory().schema("CREATE TABLE user (name TEXT)");
    let db = Harness::builder().bind("auth", auth).start().unwrap();
    AUTH.set(SqlitePool::connect_lazy(&db.sqlx_url("auth").unwrap()).unwrap()).unwrap();
    Mutex::new(db)
});

async fn db() -> MutexGuard<'static, Harness> {
    let db = DB.lock().await;
    db.reset().unwrap();
    db
}

#[rstest]
#[tokio::test]
async fn each_test_has_its_own_rows_and_its_own_runtime(
    #[values("ann", "bob", "cleo", "dan", "eve", "fred", "gus", "hal", "ida", "jon", "kim", "leo")] name: &str,
) -> sqlx::Result<()> {
    let db = db().await;
    sign_up(name).await?;
    db.assert_rows("auth", "user", [row! { name }]);
    Ok(())
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_one_test_share_the_pool_too(#[values(1, 2, 3)] _again: u32) -> sqlx::Result<()> {
    let db = db().await;
    let tasks = ["ann", "bob", "cleo", "dan"].map(|name| tokio::spawn(sign_up(name)));
    for task in tasks {
        task.await.unwrap()?;
    }
    db.assert_rows("auth", "user", 4);
    Ok(())
}

/// A runtime that ends takes its tasks with it; the pool is whole afterwards.
#[test]
fn a_runtime_that_ends_with_a_connection_lent_leaves_the_pool_whole() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..20 {
        let ended = runtime();
        ended.block_on(async {
            let _db = db().await;
            let lent = AUTH.get().unwrap().acquire().await.unwrap();
            tokio::spawn(async move {
                let _lent = lent;
                std::future::pending::<()>().await
            });
            tokio::task::yield_now().await;
        });
        drop(ended);
    }
    runtime().block_on(async {
        let db = db().await;
        let insert = sign_up("ann");
        tokio::time::timeout(Duration::from_secs(60), insert).await.unwrap().unwrap();
        db.assert_rows("auth", "user", [row! { name: "ann" }]);
    });
}
