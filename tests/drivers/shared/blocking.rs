//! What an application lands on a driver that blocks, which the test program above opens and calls. One of them wants its
//! connections `mut`.

use multibind::binds::Storage;
use multibind::{changes, row};
use rstest::rstest;

use super::binds::{binds, Result, EACH, WRITERS};
use super::{audit, connect, sign_up, users};

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn a_sign_up_lands_in_auth_and_its_audit_in_meta(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let mut meta = connect(&db, Some("meta"))?;
    let before = db.snapshot()?;
    sign_up(&mut auth, "ann")?;
    audit(&mut meta, "sign-up of ann")?;
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
fn a_row_in_the_wrong_bind_is_found_there(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    audit(&mut connect(&db, None)?, "sign-up of ann")?; // the bug: the audit log is in meta
    db.assert_not_landed("meta", "log", row! { event: "sign-up of ann" });
    db.assert_landed(None, "log", row! { event: "sign-up of ann" });
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn the_application_sees_what_the_test_wrote_and_a_reset_undoes_it(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let mut session = db.session();
    session.table("user")?.insert(row! { username: "bob" })?;
    session.commit()?;
    drop(session);
    assert_eq!(users(&mut auth)?, ["bob"]);
    db.reset()?;
    assert_eq!(users(&mut auth)?, [] as [String; 0]);
    Ok(())
}

/// Whether they wait or are refused is the storage's affair and the driver's.
pub fn four_writers(storage: Storage) -> Result {
    let db = binds(storage);
    std::thread::scope(|threads| {
        let writers = (0..WRITERS).map(|writer| {
            let mut auth = connect(&db, Some("auth"))?;
            Ok(threads
                .spawn(move || (0..EACH).try_for_each(|at| sign_up(&mut auth, &format!("{writer} {at}")).map(drop))))
        });
        for writer in writers.collect::<Result<Vec<_>>>()? {
            writer.join().unwrap()?;
        }
        Result::Ok(())
    })?;
    assert_eq!(db.locate("user", row! {})?.len(), WRITERS * EACH);
    Ok(())
}
