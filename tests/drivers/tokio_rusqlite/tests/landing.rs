//! What the application writes on tokio-rusqlite lands where it belongs.

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
use hooks::Own;
use multibind::binds::Storage;
use multibind::Harness;
use on_tokio_rusqlite::{audit, sign_up, users};
use rstest::rstest;
use tokio_rusqlite::Connection;

async fn connect(db: &Harness, key: Option<&str>) -> Result<Connection> {
    Ok(Connection::open(&db.uri(key)?).await?)
}

async fn connect_with(db: &Harness, key: &str, own: Own) -> Result<Connection> {
    let conn = connect(db, Some(key)).await?;
    conn.call(move |conn| {
        // SAFETY: the handle is open, and this thread's.
        own.set(unsafe { conn.handle() });
        multibind::rusqlite::Result::<()>::Ok(())
    })
    .await?;
    Ok(conn)
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
    assert_eq!(sign_up(&second, "bob").await.unwrap_err().to_string(), "Error(\"database table is locked\")");
    first.execute_batch("COMMIT")?;
    sign_up(&second, "bob").await?;
    assert_eq!(users(&second).await?, ["ann", "bob"]);
    Ok(())
}

/// It holds for the whole process; the other tests here open nothing but binds.
#[tokio::test]
async fn what_is_no_bind_is_refused_as_it_opens_and_no_file_is_made() -> Result {
    let db = binds(Storage::Memory);
    let missing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing_for_tokio_rusqlite.db");
    let guard = db.deny_outside();
    let refused = Connection::open(&missing).await.unwrap_err().to_string();
    assert!(refused.contains("refused by `deny_outside()`"), "{refused}");
    sign_up(&connect(&db, Some("auth")).await?, "ann").await?;
    assert_eq!(guard.refused().len(), 1);
    assert!(!missing.exists());
    Ok(())
}
