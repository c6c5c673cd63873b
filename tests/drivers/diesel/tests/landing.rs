//! What the application writes on Diesel lands where it belongs.

#[path = "../../shared/binds.rs"]
mod binds;
#[path = "../../shared/faults.rs"]
mod faults;
#[path = "../../shared/blocking_instruments.rs"]
mod instruments;
#[path = "../../shared/blocking.rs"]
mod landings;

use binds::{binds, Result};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use multibind::binds::Storage;
use multibind::{row, Harness};
use on_diesel::{audit, sign_up, users};
use rstest::rstest;

fn connect(db: &Harness, key: Option<&str>) -> Result<SqliteConnection> {
    Ok(on_diesel::connect(&db.uri(key)?)?)
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::memdb(Storage::MemDb)]
fn writers_wait_for_each_other(#[case] storage: Storage) -> Result {
    landings::four_writers(storage)
}

/// Not waiting is what a driver does that does not ask SQLite for unlock notifications.
#[rstest]
#[case::shared_cache(Storage::SharedCache)]
fn a_second_writer_is_refused_at_once(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let (mut first, mut second) = (connect(&db, Some("auth"))?, connect(&db, Some("auth"))?);
    first.batch_execute("BEGIN IMMEDIATE")?;
    sign_up(&mut first, "ann")?;
    assert_eq!(sign_up(&mut second, "bob").unwrap_err().to_string(), "database table is locked");
    first.batch_execute("COMMIT")?;
    sign_up(&mut second, "bob")?;
    assert_eq!(users(&mut first)?, ["ann", "bob"]);
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::memdb(Storage::MemDb)]
fn without_a_busy_timeout_of_its_own_diesel_waits_for_no_writer(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut first = connect(&db, Some("auth"))?;
    let mut second = SqliteConnection::establish(&db.uri("auth")?)?;
    first.batch_execute("BEGIN IMMEDIATE")?;
    assert_eq!(sign_up(&mut second, "bob").unwrap_err().to_string(), "database is locked");
    first.batch_execute("COMMIT")?;
    sign_up(&mut second, "bob")?;
    db.assert_landed("auth", "user", row! { username: "bob" });
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn a_pool_of_diesels_writes_where_it_is_told(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let auth = on_diesel::pool(&db.uri("auth")?)?;
    let renamed = auth.get()?.transaction(|conn| {
        sign_up(conn, "ann")?;
        users(conn)
    })?;
    assert_eq!(renamed, ["ann"]);
    let undone = auth.get()?.transaction(|conn| {
        sign_up(conn, "bob")?;
        diesel::QueryResult::<()>::Err(diesel::result::Error::RollbackTransaction)
    });
    assert!(undone.is_err());
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_not_landed("auth", "user", row! { username: "bob" });
    Ok(())
}

/// It holds for the whole process; the other tests here open nothing but binds.
#[test]
fn what_is_no_bind_is_refused_as_it_opens_and_no_file_is_made() -> Result {
    let db = binds(Storage::Memory);
    let missing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing_for_diesel.db");
    let guard = db.deny_outside();
    let refused = on_diesel::connect(missing.to_str().unwrap()).err().unwrap().to_string();
    // Diesel hands on SQLite's code alone.
    assert!(!refused.is_empty());
    sign_up(&mut connect(&db, Some("auth"))?, "ann")?;
    assert!(guard.refused()[0].to_string().contains("missing_for_diesel.db`, opened on thread"));
    assert!(!missing.exists());
    Ok(())
}
