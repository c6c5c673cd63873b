//! What the application writes on rusqlite lands where it belongs.

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
use multibind::Harness;
use on_rusqlite::{audit, sign_up, users};
use rstest::rstest;
use rusqlite::Connection;

fn connect(db: &Harness, key: Option<&str>) -> Result<Connection> {
    Ok(Connection::open(&db.uri(key)?)?)
}

fn connect_with(db: &Harness, key: &str, own: Own) -> Result<Connection> {
    let conn = connect(db, Some(key))?;
    // SAFETY: the handle is open, and this thread's.
    own.set(unsafe { conn.handle() });
    Ok(conn)
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
    let (first, second) = (connect(&db, Some("auth"))?, connect(&db, Some("auth"))?);
    first.execute_batch("BEGIN IMMEDIATE")?;
    sign_up(&first, "ann")?;
    assert_eq!(sign_up(&second, "bob").unwrap_err().to_string(), "database table is locked");
    first.execute_batch("COMMIT")?;
    sign_up(&second, "bob")?;
    assert_eq!(users(&first)?, ["ann", "bob"]);
    Ok(())
}

/// It holds for the whole process; the other tests here open nothing but binds.
#[test]
fn what_is_no_bind_is_refused_as_it_opens_and_no_file_is_made() -> Result {
    let db = binds(Storage::Memory);
    let missing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing_for_rusqlite.db");
    let guard = db.deny_outside();
    let refused = Connection::open(&missing).unwrap_err().to_string();
    assert!(refused.contains("refused by `deny_outside()`"), "{refused}");
    sign_up(&mut connect(&db, Some("auth"))?, "ann")?;
    assert_eq!(guard.refused().len(), 1);
    assert!(!missing.exists());
    Ok(())
}
