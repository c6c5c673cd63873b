//! What the application writes on rusqlite lands where it belongs.

use std::error::Error;

use multibind::{changes, row, Bind, Driver, Harness, Storage};
use on_rusqlite::{audit, sign_up, users};
use rstest::rstest;
use rusqlite::Connection;

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

fn connect(db: &Harness, key: Option<&str>) -> Result<Connection> {
    Ok(Connection::open(&db.uri_for(Driver::Rusqlite, key)?)?)
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
    let (first, second) = (connect(&db, Some("auth"))?, connect(&db, Some("auth"))?);
    first.execute_batch("BEGIN IMMEDIATE")?;
    sign_up(&first, "ann")?;
    assert_eq!(sign_up(&second, "bob").unwrap_err().to_string(), "database table is locked");
    first.execute_batch("COMMIT")?;
    sign_up(&second, "bob")?;
    assert_eq!(users(&first)?, ["ann", "bob"]);
    Ok(())
}
