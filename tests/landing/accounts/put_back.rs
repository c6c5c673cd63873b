//! The statements behind rows of a bind that was put back to an earlier state.

use insta::assert_snapshot;
use multibind::{changes, row, Bind, Harness};
use rstest::{fixture, rstest};

use crate::failure::failure;

#[fixture]
fn db() -> Harness {
    let user = "CREATE TABLE user (name TEXT UNIQUE)";
    Harness::builder().bind("auth", Bind::memory().schema(user)).start().unwrap()
}

fn sign_up(db: &Harness, name: &str) {
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (?1)", [name]).unwrap();
}

/// Returns what is said of a row that is in `auth`.
fn account_of(db: &Harness, name: &'static str) -> String {
    let report = failure(|| db.assert_not_landed("auth", "user", row! { name: name }));
    report.split_once("\nThe row").unwrap().1.trim_end().to_string()
}

#[rstest]
fn a_row_that_a_restore_leaves_has_its_author(db: Harness) {
    sign_up(&db, "ann");
    let before = db.snapshot().unwrap();
    sign_up(&db, "bob");
    db.restore(&before).unwrap();
    sign_up(&db, "cleo");
    assert_snapshot!(account_of(&db, "ann"), @"
     in `auth` was written by
      INSERT INTO user VALUES ('ann')
      at landing::accounts::put_back::sign_up
      on the test's thread, connection 1, committed
    ");
    assert!(account_of(&db, "cleo").contains("INSERT INTO user VALUES ('cleo')"));
    let last = db.last_writes("auth", "user").unwrap();
    assert_eq!(last.iter().map(|one| one.stayed()).collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
}

#[rstest]
fn a_row_that_a_second_restore_brings_back_has_its_author(db: Harness) {
    let empty = db.snapshot().unwrap();
    sign_up(&db, "ann");
    let with_ann = db.snapshot().unwrap();
    db.restore(&empty).unwrap();
    db.restore(&with_ann).unwrap();
    assert!(account_of(&db, "ann").contains("INSERT INTO user VALUES ('ann')"));
    db.reset().unwrap();
    sign_up(&db, "ann");
    let last = db.last_writes("auth", "user").unwrap();
    assert_eq!(last.iter().map(|one| one.stayed()).collect::<Vec<_>>(), [Some(false), Some(true)]);
}

#[rstest]
fn a_change_has_no_statement_that_a_restore_undid(db: Harness) {
    let before = db.snapshot().unwrap();
    sign_up(&db, "bob");
    db.restore(&before).unwrap();
    let report = failure(|| {
        db.changes_since(&before).unwrap().assert(changes! { "auth.user" => +1 });
    });
    assert_snapshot!(report.split_once("any bind.\n\n").unwrap().1, @"
    Nothing has stayed in `user` of `auth` of
      INSERT INTO user VALUES ('bob')
      at landing::accounts::put_back::sign_up
      on the test's thread, connection 1, committed, and put back by `restore` or
          `reset` since
    ");
    sign_up(&db, "cleo");
    let report = failure(|| {
        db.changes_since(&before).unwrap().assert_none();
    });
    assert!(report.contains("VALUES ('cleo')") && !report.contains("VALUES ('bob')"), "{report}");
}

#[rstest]
fn a_statement_that_failed_has_its_error_in_a_change_set(db: Harness) {
    sign_up(&db, "ann");
    let before = db.snapshot().unwrap();
    let conn = db.connection("auth").unwrap();
    let repeated = conn.execute_batch("BEGIN; INSERT INTO user VALUES ('ann')");
    let report = failure(|| {
        db.changes_since(&before).unwrap().assert(changes! { "auth.user" => +1 });
    });
    assert!(repeated.is_err());
    assert!(report.contains("failed: UNIQUE constraint failed"), "{report}");
}

fn sign_up_as_far_as_it_goes(db: &Harness) {
    let conn = db.connection("auth").unwrap();
    conn.execute("INSERT OR FAIL INTO user VALUES ('bob'), ('ann')", []).unwrap_err();
}

#[rstest]
fn a_row_before_the_failure_of_or_fail_has_its_author(db: Harness) {
    sign_up(&db, "ann");
    sign_up_as_far_as_it_goes(&db);
    assert_snapshot!(account_of(&db, "bob"), @"
     in `auth` was written by
      INSERT OR FAIL INTO user VALUES ('bob'), ('ann')
      at landing::accounts::put_back::sign_up_as_far_as_it_goes
      on the test's thread, connection 1, failed half-way (UNIQUE constraint failed:
          user.name); the rows before: committed
    ");
}
