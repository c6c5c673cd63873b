//! A unit of work over several binds of which one part is committed and another is not.

use insta::assert_snapshot;
use multibind::faults::Fault;
use multibind::{row, Bind, Harness};

use crate::failure::failure;

fn shop() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer TEXT)"))
        .bind("billing", Bind::memory().schema("CREATE TABLE invoice (customer TEXT, cents INTEGER CHECK (cents > 0))"))
        .start()
        .unwrap()
}

/// Above the messages, which have its line.
fn refuse_to_bill(db: &Harness) -> Fault {
    db.fault("billing").fail_commit().unwrap()
}

/// The application books first, and bills on another connection.
fn buy(db: &Harness, cents: i64) {
    let (orders, billing) = (db.connection(None).unwrap(), db.connection("billing").unwrap());
    orders.execute("INSERT INTO purchase (customer) VALUES (?1)", ["ann"]).unwrap();
    let _ = billing.execute("INSERT INTO invoice VALUES (?1, ?2)", ("ann", cents));
}

#[test]
fn what_the_same_thread_lost_on_another_bind_is_named() {
    let db = shop();
    buy(&db, 0);
    assert_snapshot!(failure(|| db.assert_not_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row is in `default`

      look at  … it committed `default`, and what was written to `billing` was lost
      looked for  purchase: customer = 'ann'
      expected    not in `default`

     bind      rows   found
     default   1      the row:
                        id = 1, customer = 'ann'
    ─
     billing          no such table

    The row in `default` was written by
      INSERT INTO purchase (customer) VALUES ('ann')
      at landing::accounts::units::buy
      on the test's thread, connection 1, committed

    The thread that wrote the row also wrote to `billing`, and that write failed
    after `default` was committed:
      INSERT INTO invoice VALUES ('ann', 0)
      at landing::accounts::units::buy
      on the test's thread, connection 2, failed: CHECK constraint failed: cents > 0
    "#);
    assert_snapshot!(failure(|| db.assert_landed("billing", "invoice", row! { customer: "ann" })), @r#"
    the row did not land in `billing`: it is in no bind

      look at  … it ran a statement that failed
      looked for  invoice: customer = 'ann'
      expected    in `billing`, committed, and in no other bind

     bind      rows   found
     default          no such table
    ─
     billing   0      no row at all

    A write to `invoice` in `billing` failed:
      INSERT INTO invoice VALUES ('ann', 0)
      at landing::accounts::units::buy
      on the test's thread, connection 2, failed: CHECK constraint failed: cents > 0
    "#);
}

#[test]
fn a_session_whose_second_commit_failed_is_half_committed() {
    let db = shop();
    let fault = refuse_to_bill(&db);
    let mut session = db.session();
    session.execute("INSERT INTO purchase (customer) VALUES ('ann')", []).unwrap();
    session.execute("INSERT INTO invoice VALUES ('ann', 700)", []).unwrap();
    session.commit().unwrap_err();
    drop((session, fault));
    assert_snapshot!(failure(|| db.assert_landed("billing", "invoice", row! { customer: "ann" })), @r#"
    the row did not land in `billing`: it is in no bind

      look at  … it ran the COMMIT that failed
      looked for  invoice: customer = 'ann'
      expected    in `billing`, committed, and in no other bind

     bind      rows   found
     default          no such table
    ─
     billing   0      no row at all

    A write to `invoice` in `billing` was rolled back:
      INSERT INTO invoice VALUES ('ann', 700)
      at landing::accounts::units::a_session_whose_second_commit_failed_is_half_committed
      on the test's thread, in a session, connection 2
      rolled back: its COMMIT failed at landing::accounts::units::a_session_whose_second_commit_failed_is_half_committed

    The unit of work is half committed: what it wrote to `default` was committed.

    A fault that the test set on `billing` triggered once:
    `fault("billing").fail_commit()` at tests/landing/accounts/units.rs:19.
    "#);
    assert_snapshot!(failure(|| db.assert_not_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row is in `default`

      look at  … it committed `default`, and what was written to `billing` was lost
      looked for  purchase: customer = 'ann'
      expected    not in `default`

     bind      rows   found
     default   1      the row:
                        id = 1, customer = 'ann'
    ─
     billing          no such table

    The row in `default` was written by
      INSERT INTO purchase (customer) VALUES ('ann')
      at landing::accounts::units::a_session_whose_second_commit_failed_is_half_committed
      on the test's thread, in a session, connection 1
      committed at landing::accounts::units::a_session_whose_second_commit_failed_is_half_committed

    The thread that wrote the row also wrote to `billing`, and that write was rolled
    back after `default` was committed:
      INSERT INTO invoice VALUES ('ann', 700)
      at landing::accounts::units::a_session_whose_second_commit_failed_is_half_committed
      on the test's thread, in a session, connection 2
      rolled back: its COMMIT failed at landing::accounts::units::a_session_whose_second_commit_failed_is_half_committed

    A fault that the test set on `billing` triggered once:
    `fault("billing").fail_commit()` at tests/landing/accounts/units.rs:19.
    "#);
}

#[test]
fn a_session_that_ended_before_is_another_unit_of_work() {
    let db = shop();
    let mut before = db.session();
    before.execute("INSERT INTO purchase (customer) VALUES ('grace')", []).unwrap();
    before.commit().unwrap();
    drop(before);
    let mut session = db.session();
    session.execute("INSERT INTO invoice VALUES ('ann', 700)", []).unwrap();
    session.rollback().unwrap();
    let said = failure(|| db.assert_landed("billing", "invoice", row! { customer: "ann" }));
    assert!(said.contains("rolled back") && !said.contains("half committed"), "{said}");
}
