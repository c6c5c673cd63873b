//! What the application writes on sqlx lands where it belongs.

use std::error::Error;

use multibind::fixture::harness;
use multibind::{changes, row, Bind, Driver, Harness, Storage};
use on_sqlx::{audit, sign_up, users};
use rstest::rstest;
use sqlx::SqlitePool;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The application's binds, in a kind of storage.
fn binds(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(
            Bind::memory().storage(storage).schema("CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL)"),
        )
        .bind(
            "auth",
            Bind::memory()
                .storage(storage)
                .schema("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL)"),
        )
        .bind(
            "meta",
            Bind::memory().storage(storage).schema("CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL)"),
        )
        .start()
        .unwrap()
}

const WRITERS: usize = 4;
const EACH: usize = 25;

async fn connect(db: &Harness, key: Option<&str>) -> Result<SqlitePool> {
    Ok(SqlitePool::connect(&db.uri_for(Driver::Sqlx, key)?).await?)
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[tokio::test]
async fn a_sign_up_lands_in_auth_and_its_audit_in_meta(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let auth = connect(&db, Some("auth")).await?;
    let meta = connect(&db, Some("meta")).await?;
    let before = db.snapshot()?;
    sign_up(&auth, "ann").await?;
    audit(&meta, "sign-up of ann").await?;
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    db.changes_since(&before)?.assert(changes! { "auth.user" => +1, "meta.log" => +1 });
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[tokio::test]
async fn a_row_in_the_wrong_bind_is_found_there(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    audit(&connect(&db, None).await?, "sign-up of ann").await?; // the bug: the audit log is in meta
    db.assert_not_landed("meta", "log", row! { event: "sign-up of ann" });
    db.assert_landed(None, "log", row! { event: "sign-up of ann" });
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[tokio::test]
async fn the_application_sees_what_the_test_wrote_and_a_reset_undoes_it(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let auth = connect(&db, Some("auth")).await?;
    let mut session = db.session();
    session.table("user")?.insert(row! { username: "bob" })?;
    session.commit()?;
    drop(session);
    assert_eq!(users(&auth).await?, ["bob"]);
    db.reset()?;
    assert_eq!(users(&auth).await?, [] as [String; 0]);
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_each_other(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let auth = connect(&db, Some("auth")).await?;
        writers.push(tokio::spawn(async move {
            for at in 0..EACH {
                sign_up(&auth, &format!("{writer} {at}")).await?;
            }
            Result::Ok(())
        }));
    }
    for writer in writers {
        writer.await??;
    }
    assert_eq!(db.locate("user", row! {})?.len(), WRITERS * EACH);
    Ok(())
}

#[rstest]
#[tokio::test]
async fn the_ready_made_harness_is_an_argument_of_an_async_test(harness: Harness) -> Result {
    sign_up(&connect(&harness, Some("auth")).await?, "ann").await?;
    audit(&connect(&harness, Some("meta")).await?, "sign-up of ann").await?;
    harness.assert_landed("auth", "user", row! { id: 1, username: "ann" });
    harness.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    Ok(())
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
    db.assert_not_landed("auth", "user", row! { username: "ann" });
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
