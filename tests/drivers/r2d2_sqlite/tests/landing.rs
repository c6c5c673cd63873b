//! What the application writes on r2d2_sqlite lands where it belongs.

use std::error::Error;

use multibind::{changes, row, Bind, Driver, Harness, Storage};
use on_r2d2_sqlite::{audit, sign_up, users, Pool};
use rstest::rstest;

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

fn connect(db: &Harness, key: Option<&str>) -> Result<Pool> {
    Ok(on_r2d2_sqlite::connect(&db.uri_for(Driver::R2d2Sqlite, key)?)?)
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn a_sign_up_lands_in_auth_and_its_audit_in_meta(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let auth = connect(&db, Some("auth"))?;
    let meta = connect(&db, Some("meta"))?;
    let before = db.snapshot()?;
    sign_up(&auth, "ann")?;
    audit(&meta, "sign-up of ann")?;
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
    audit(&connect(&db, None)?, "sign-up of ann")?; // the bug: the audit log is in meta
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
    let auth = connect(&db, Some("auth"))?;
    let mut session = db.session();
    session.table("user")?.insert(row! { username: "bob" })?;
    session.commit()?;
    drop(session);
    assert_eq!(users(&auth)?, ["bob"]);
    db.reset()?;
    assert_eq!(users(&auth)?, [] as [String; 0]);
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::memdb(Storage::MemDb)]
fn writers_wait_for_each_other(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    std::thread::scope(|threads| {
        let writers = (0..WRITERS).map(|writer| {
            let auth = connect(&db, Some("auth"))?;
            Ok(threads.spawn(move || (0..EACH).try_for_each(|at| sign_up(&auth, &format!("{writer} {at}")).map(drop))))
        });
        for writer in writers.collect::<Result<Vec<_>>>()? {
            writer.join().unwrap()?;
        }
        Result::Ok(())
    })?;
    assert_eq!(db.locate("user", row! {})?.len(), WRITERS * EACH);
    Ok(())
}

/// Not waiting is what a driver does that does not ask SQLite for unlock notifications.
#[rstest]
#[case::shared_cache(Storage::SharedCache)]
fn a_second_writer_is_refused_at_once(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let pool = connect(&db, Some("auth"))?;
    let first = pool.get()?;
    first.execute_batch("BEGIN IMMEDIATE")?;
    first.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    assert_eq!(sign_up(&pool, "bob").unwrap_err().to_string(), "database table is locked");
    first.execute_batch("COMMIT")?;
    sign_up(&pool, "bob")?;
    assert_eq!(users(&pool)?, ["ann", "bob"]);
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn the_pool_of_the_harness_is_one_that_the_application_takes(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    sign_up(&db.pool("auth")?, "ann")?;
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}
