//! What the application writes on deadpool-sqlite lands where it belongs.

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

use binds::{binds, Result};
use deadpool_sqlite::Pool;
use hooks::Own;
use multibind::binds::Storage;
use multibind::Harness;
use on_deadpool_sqlite::{audit, sign_up, users};
use rstest::rstest;

async fn connect(db: &Harness, key: Option<&str>) -> Result<Pool> {
    Ok(on_deadpool_sqlite::connect(&db.uri(key)?).await?)
}

/// The pool has one connection, as long as nothing wants two at once.
async fn connect_with(db: &Harness, key: &str, own: Own) -> Result<Pool> {
    let pool = connect(db, Some(key)).await?;
    // SAFETY: the handle is open, and this thread's.
    pool.get()
        .await?
        .interact(move |conn| own.set(unsafe { conn.handle() }))
        .await
        .map_err(|error| error.to_string())?;
    Ok(pool)
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::memdb(Storage::MemDb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_each_other(#[case] storage: Storage) -> Result {
    landings::four_writers(storage).await
}

/// Not waiting is what a driver does that does not ask SQLite for unlock notifications.
#[rstest]
#[case::shared_cache(Storage::SharedCache)]
#[tokio::test]
async fn a_second_writer_is_refused_at_once(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let first = multibind::rusqlite::Connection::open(db.uri("auth")?)?;
    let second = connect(&db, Some("auth")).await?;
    first.execute_batch("BEGIN IMMEDIATE; INSERT INTO user (username) VALUES ('ann')")?;
    assert_eq!(sign_up(&second, "bob").await.unwrap_err().to_string(), "database table is locked");
    first.execute_batch("COMMIT")?;
    sign_up(&second, "bob").await?;
    assert_eq!(users(&second).await?, ["ann", "bob"]);
    Ok(())
}

/// It holds for the whole process; the other tests here open nothing but binds.
#[tokio::test]
async fn what_is_no_bind_is_refused_as_it_opens_and_no_file_is_made() -> Result {
    let db = binds(Storage::Memory);
    let missing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing_for_deadpool.db");
    let guard = db.deny_outside();
    let pool = on_deadpool_sqlite::connect(missing.to_str().unwrap()).await?;
    let refused = pool.get().await.unwrap_err().to_string();
    assert!(refused.contains("refused by `deny_outside()`"), "{refused}");
    sign_up(&connect(&db, Some("auth")).await?, "ann").await?;
    assert!(!guard.refused().is_empty());
    assert!(!missing.exists());
    Ok(())
}
