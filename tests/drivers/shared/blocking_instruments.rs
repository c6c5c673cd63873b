//! What records, guards and faults see of an application on a driver that blocks.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use multibind::binds::Storage;
use multibind::row;
use rstest::rstest;

use super::binds::{binds, Result};
use super::faults::{OF_READS, OF_WRITES};
use super::{audit, connect, sign_up, users};

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_record_has_what_the_application_ran(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let log = db.record();
    sign_up(&mut auth, "ann")?;
    let ran = log.on("auth")?;
    assert!(ran.iter().any(|ran| ran.sql_with_values().contains("'ann'") && ran.rows_changed() == 1), "{ran:?}");
    log.assert_count("meta", 0).assert_reads_only("meta");
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn an_assertion_that_nothing_was_written_fails_where_the_application_wrote(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let log = db.record();
    sign_up(&mut auth, "ann")?;
    assert!(catch_unwind(AssertUnwindSafe(|| log.assert_reads_only("auth"))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| log.assert_count("auth", 0))).is_err());
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_guard_refuses_what_the_application_writes_and_lets_it_read(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let (mut auth, mut meta) = (connect(&db, Some("auth"))?, connect(&db, Some("meta"))?);
    sign_up(&mut auth, "ann")?;

    let guard = db.deny_writes("auth");
    assert!(sign_up(&mut auth, "bob").is_err());
    assert_eq!(users(&mut auth)?, ["ann"]);
    assert!(!guard.refused().is_empty());
    drop(guard);

    let guard = db.allow_only("auth");
    assert!(audit(&mut meta, "sign-up of cleo").is_err());
    sign_up(&mut auth, "cleo")?;
    assert!(!guard.refused().is_empty());
    drop(guard);

    audit(&mut meta, "sign-up of cleo")?;
    db.assert_not_landed("auth", "user", row! { username: "bob" });
    db.assert_landed("auth", "user", row! { username: "cleo" });
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_guard_whose_refusal_nobody_asks_for_fails_the_test(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let guard = db.deny_writes("auth");
    assert!(sign_up(&mut auth, "ann").is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(guard))).is_err());
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_fault_fails_what_the_application_writes_until_it_ends(#[case] storage: Storage) -> Result {
    for (name, begin) in OF_WRITES {
        let db = binds(storage);
        let mut auth = connect(&db, Some("auth"))?;
        let fault = begin(db.fault("auth"))?;
        assert!(sign_up(&mut auth, "ann").is_err(), "{name}");
        assert!(fault.triggered() > 0, "{name}");
        drop(fault);
        sign_up(&mut auth, "bob")?;
        db.assert_not_landed("auth", "user", row! { username: "ann" });
        db.assert_landed("auth", "user", row! { username: "bob" });
    }
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn the_application_tries_again_where_its_bind_is_busy(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let fault = db.fault("auth").times(1).busy()?;
    sign_up(&mut auth, "ann")?;
    assert_eq!(fault.triggered(), 1);
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_fault_fails_what_the_application_reads_until_it_ends(#[case] storage: Storage) -> Result {
    for (name, begin) in OF_READS {
        let db = binds(storage);
        let mut auth = connect(&db, Some("auth"))?;
        sign_up(&mut auth, "ann")?;
        let fault = begin(db.fault("auth"))?;
        assert!(users(&mut auth).is_err(), "{name}");
        assert!(fault.triggered() > 0, "{name}");
        drop(fault);
        assert_eq!(users(&mut auth)?, ["ann"], "{name}");
    }
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn the_application_goes_on_where_its_bind_is_slow(#[case] storage: Storage) -> Result {
    let db = binds(storage);
    let mut auth = connect(&db, Some("auth"))?;
    let fault = db.fault("auth").slow(Duration::from_nanos(1))?;
    sign_up(&mut auth, "ann")?;
    assert!(fault.triggered() > 0);
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}
