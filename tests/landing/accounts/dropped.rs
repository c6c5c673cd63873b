//! A transaction or a savepoint that was dropped: the report says whether something had failed in it before.

use multibind::rusqlite::{Connection, Result};
use multibind::{changes, row, Bind, Harness};

use crate::failure::failure;

fn shop() -> (Harness, Connection) {
    let schema = "CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer TEXT UNIQUE); CREATE TABLE coupon (code TEXT NOT NULL)";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    let conn = Connection::open(db.uri(None).unwrap()).unwrap();
    (db, conn)
}

const INSERT: &str = "INSERT INTO purchase (customer) VALUES (?1)";
const CLEAN: &str = "had failed";

/// Returns the report on a purchase of Ann's that is not there.
fn of_ann(db: &Harness) -> String {
    failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" }))
}

#[test]
fn a_write_that_failed_before_the_lost_one_is_named() -> Result<()> {
    let (db, mut conn) = shop();
    let transaction = conn.transaction()?;
    transaction.execute("INSERT INTO coupon VALUES (NULL)", []).unwrap_err();
    transaction.execute(INSERT, ["ann"])?;
    drop(transaction);
    let report = of_ann(&db);
    assert!(
        report.contains("Before that, a statement of the same transaction failed:\n  INSERT INTO coupon VALUES (NULL)"),
        "{report}"
    );
    assert!(!report.contains(CLEAN), "{report}");
    Ok(())
}

#[test]
fn a_statement_that_was_refused_before_the_lost_one_is_named() -> Result<()> {
    let (db, mut conn) = shop();
    let transaction = conn.transaction()?;
    transaction.execute("DELETE FROM invoice", []).unwrap_err();
    transaction.execute(INSERT, ["ann"])?;
    drop(transaction);
    let report = of_ann(&db);
    assert!(report.contains("Before that, SQLite refused a statement on the same thread"), "{report}");
    assert!(!report.contains(CLEAN), "{report}");
    Ok(())
}

#[test]
fn a_failure_after_the_savepoint_was_rolled_back_is_no_reason_for_that() -> Result<()> {
    let (db, mut conn) = shop();
    let mut transaction = conn.transaction()?;
    let savepoint = transaction.savepoint()?;
    savepoint.execute(INSERT, ["ann"])?;
    drop(savepoint);
    transaction.execute("INSERT INTO coupon VALUES (NULL)", []).unwrap_err();
    transaction.execute("DELETE FROM invoice", []).unwrap_err();
    transaction.commit()?;
    let report = of_ann(&db);
    assert!(report.contains("rolled back to a savepoint at") && report.contains(CLEAN), "{report}");
    assert!(!report.contains("Before that"), "{report}");
    Ok(())
}

#[test]
fn a_write_that_may_have_failed_is_not_said_to_have_gone_well() -> Result<()> {
    let (db, mut conn) = shop();
    let transaction = conn.transaction()?;
    transaction.execute(INSERT, ["ann"])?;
    transaction.execute("DELETE FROM purchase WHERE customer = 'bob'", [])?;
    drop(transaction);
    let report = of_ann(&db).replace('\n', " ");
    assert!(report.contains("No statement of that transaction is known to have failed"), "{report}");
    Ok(())
}

#[test]
fn a_rollback_that_was_called_is_the_codes_own_will() -> Result<()> {
    let (db, mut conn) = shop();
    let transaction = conn.transaction()?;
    transaction.execute(INSERT, ["ann"])?;
    transaction.rollback()?;
    let report = of_ann(&db);
    assert!(report.contains("rolled back at") && report.contains(CLEAN), "{report}");
    assert!(report.contains("the code itself asked for the\nrollback"), "{report}");
    Ok(())
}

#[test]
fn a_change_set_says_it_too() -> Result<()> {
    let (db, mut conn) = shop();
    let before = db.snapshot().unwrap();
    let transaction = conn.transaction()?;
    transaction.execute(INSERT, ["ann"])?;
    drop(transaction);
    let report = failure(|| {
        db.changes_since(&before).unwrap().assert(changes! { "default.purchase" => +1 });
    });
    assert!(report.contains("Nothing has stayed in `purchase`") && report.contains(CLEAN), "{report}");
    Ok(())
}

#[test]
fn a_savepoint_has_the_name_that_the_application_gave_it() -> Result<()> {
    let (db, mut conn) = shop();
    let mut transaction = conn.transaction()?;
    let savepoint = transaction.savepoint_with_name("of_ann")?;
    savepoint.execute(INSERT, ["ann"])?;
    drop(savepoint);
    transaction.commit()?;
    let report = of_ann(&db);
    assert!(report.contains("rolled back to the savepoint `of_ann`"), "{report}");
    Ok(())
}
