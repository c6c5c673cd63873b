//! What an application lands on an asynchronous driver, which the test program above opens and calls.

use multibind::binds::Storage;
use multibind::fixture::harness;
use multibind::{changes, row, Harness};
use rstest::rstest;

use super::binds::{binds, Result, EACH, WRITERS};
use super::{audit, connect, sign_up, users};

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

/// Whether they wait or are refused is the storage's affair and the driver's.
pub async fn four_writers(storage: Storage) -> Result {
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
