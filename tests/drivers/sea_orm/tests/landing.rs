//! What the application writes on SeaORM lands where it belongs.

use std::error::Error;

use multibind::fixture::harness;
use multibind::{changes, row, Bind, Driver, Harness, Storage};
use on_sea_orm::{audit, sign_up, users};
use rstest::rstest;
use sea_orm::{Database, DatabaseConnection};

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

async fn connect(db: &Harness, key: Option<&str>) -> Result<DatabaseConnection> {
    Ok(Database::connect(&db.uri_for(Driver::SeaOrm, key)?).await?)
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
