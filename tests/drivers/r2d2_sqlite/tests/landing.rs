//! What the application writes on r2d2_sqlite lands where it belongs.

#[path = "../../shared/binds.rs"]
mod binds;
#[path = "../../shared/faults.rs"]
mod faults;
#[path = "../../shared/hooks.rs"]
mod hooks;
#[path = "../../shared/blocking_hooks.rs"]
mod hooks_beside;
#[path = "../../shared/blocking_instruments.rs"]
mod instruments;
#[path = "../../shared/blocking.rs"]
mod landings;

use binds::{binds, Result};
use hooks::Own;
use multibind::binds::Storage;
use multibind::{row, Harness};
use on_r2d2_sqlite::{audit, sign_up, users, Pool};
use rstest::rstest;

fn connect(db: &Harness, key: Option<&str>) -> Result<Pool> {
    Ok(on_r2d2_sqlite::connect(&db.uri(key)?)?)
}

fn connect_with(db: &Harness, key: &str, own: Own) -> Result<Pool> {
    let manager = r2d2_sqlite::SqliteConnectionManager::file(db.uri(key)?).with_init(move |conn| {
        // SAFETY: the handle is open, and this thread's.
        own.set(unsafe { conn.handle() });
        Ok(())
    });
    Ok(Pool::builder().max_size(2).build(manager)?)
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

/// It holds for the whole process; the other tests here open nothing but binds.
#[test]
fn what_is_no_bind_is_refused_as_it_opens_and_no_file_is_made() -> Result {
    let db = binds(Storage::Memory);
    let missing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing_for_r2d2.db");
    let guard = db.deny_outside();
    // A pool would try again until its time is up.
    let manager = r2d2_sqlite::SqliteConnectionManager::file(&missing);
    let refused = r2d2::ManageConnection::connect(&manager).unwrap_err().to_string();
    assert!(refused.contains("refused by `deny_outside()`"), "{refused}");
    sign_up(&connect(&db, Some("auth"))?, "ann")?;
    assert!(!guard.refused().is_empty());
    assert!(!missing.exists());
    Ok(())
}
