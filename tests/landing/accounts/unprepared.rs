//! A statement that SQLite refuses to prepare: it never ran, and is why a row is missing.

use std::thread;

use insta::assert_snapshot;
use multibind::rusqlite::{Connection, Result};
use multibind::{row, Bind, Harness};

use crate::failure::failure;

fn shop() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer TEXT)"))
        .bind("billing", Bind::memory().schema("CREATE TABLE payment (cents INTEGER)"))
        .start()
        .unwrap()
}

/// The application goes on where a coupon cannot be issued.
fn issue(conn: &Connection, code: &str) -> bool {
    conn.execute("INSERT INTO coupon (code) VALUES (?1)", [code]).is_ok()
}

#[test]
fn a_statement_on_a_table_that_is_not_there_is_named_with_its_place() {
    let db = shop();
    let conn = Connection::open(db.uri("billing").unwrap()).unwrap();
    assert!(!issue(&conn, "SPRING"));
    assert!(!issue(&conn, "MAY"));
    db.connection(None).unwrap().execute_batch("CREATE TABLE coupon (code TEXT)").unwrap();
    assert_snapshot!(failure(|| db.assert_landed("billing", "coupon", row! { code: "SPRING" })), @r#"
    the row did not land in `billing`: it has no table `coupon`; `default` has it,
    without the row

      look at  … it created `coupon` in `default`, not in `billing`
      looked for  coupon: code = 'SPRING'
      expected    in `billing`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     billing          no such table

    The table in `default` was created by
      CREATE TABLE coupon (code TEXT)
      at landing::accounts::unprepared::a_statement_on_a_table_that_is_not_there_is_named_with_its_place
      on the test's thread, connection 2, committed

    SQLite refused this statement twice on `billing`: no such table: coupon
      INSERT INTO coupon (code) VALUES (?1)
      at landing::accounts::unprepared::issue
      on the test's thread, connection 1
    "#);
}

#[test]
fn one_on_another_thread_is_found_though_its_connection_went_on() {
    let (db, others) = (shop(), shop());
    // Of another test, and failed with the same code.
    let conn = others.connection("billing").unwrap();
    conn.execute("DELETE FROM coupon", []).unwrap_err();
    let pool = db.pool("billing").unwrap();
    let work = move || {
        let conn = pool.get().unwrap();
        conn.execute("INSERT INTO payment (amount) VALUES (5)", []).unwrap_err();
        conn.execute("DELETE FROM payment", []).unwrap();
    };
    thread::Builder::new().name("billing".to_string()).spawn(work).unwrap().join().unwrap();
    assert_snapshot!(failure(|| db.assert_landed("billing", "payment", row! { cents: 5 })), @r#"
    the row did not land in `billing`: it is in no bind

      look at  … it ran a statement that SQLite refused
      looked for  payment: cents = 5
      expected    in `billing`, committed, and in no other bind

     bind      rows   found
     default          no such table
    ─
     billing   0      no row at all

    SQLite refused this statement on `billing`: table payment has no column named
    amount
      INSERT INTO payment (amount) VALUES (5)
      at landing::accounts::unprepared::one_on_another_thread_is_found_though_its_connection_went_on
      on thread `billing`, connection 1
    "#);
}

#[test]
fn one_of_another_harness_is_not_this_ones_though_both_have_one_message() {
    let (db, others) = (shop(), shop());
    let address = others.uri("billing").unwrap();
    let work = move || Connection::open(address).unwrap().execute("DELETE FROM coupon", []).unwrap_err();
    thread::spawn(work).join().unwrap();
    let conn = Connection::open(db.uri("billing").unwrap()).unwrap();
    assert!(!issue(&conn, "SPRING"));
    let report = failure(|| db.assert_landed("billing", "payment", row! { cents: 5 }));
    assert!(report.contains("INSERT INTO coupon") && !report.contains("DELETE FROM coupon"), "{report}");
}

#[test]
fn what_a_session_tries_to_find_a_statements_bind_is_none() {
    let db = shop();
    let mut session = db.session();
    session.execute("INSERT INTO payment (cents) VALUES (7)", []).unwrap();
    session.commit().unwrap();
    let report = failure(|| db.assert_landed("billing", "payment", row! { cents: 5 }));
    assert!(!report.contains("refused to prepare"), "{report}");
}

#[test]
fn a_transaction_that_is_dropped_after_one_has_that_as_its_reason() {
    fn book(db: &Harness) -> Result<()> {
        let mut conn = db.connection(None).unwrap();
        let transaction = conn.transaction()?;
        transaction.execute("INSERT INTO purchase (customer) VALUES ('ann')", [])?;
        transaction.execute("UPDATE stock SET pieces = pieces - 1", [])?;
        transaction.commit()
    }
    let db = shop();
    book(&db).unwrap_err();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it ran a statement that SQLite refused before the rollback
      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     billing          no such table

    A write to `purchase` in `default` was rolled back:
      INSERT INTO purchase (customer) VALUES ('ann')
      at landing::accounts::unprepared::a_transaction_that_is_dropped_after_one_has_that_as_its_reason::book
      on the test's thread, connection 1
      rolled back at landing::accounts::unprepared::a_transaction_that_is_dropped_after_one_has_that_as_its_reason::book
      as it was dropped there without a commit

    Before that, SQLite refused a statement on the same thread on `default`: no such
    table: stock
      UPDATE stock SET pieces = pieces - 1
      at landing::accounts::unprepared::a_transaction_that_is_dropped_after_one_has_that_as_its_reason::book
      on the test's thread, connection 1
    "#);
}

#[test]
fn what_a_session_asks_each_bind_is_no_statement_of_the_applications() {
    let db = shop();
    let mut session = db.session();
    session.execute("INSERT INTO payment VALUES (5)", []).unwrap();
    session.commit().unwrap();
    assert!(!failure(|| db.assert_landed(None, "payment", row! { cents: 5 })).contains("refused"));
    session.execute("INSERT INTO coupon (code) VALUES ('SPRING')", []).unwrap_err();
    db.connection(None).unwrap().execute_batch("CREATE TABLE coupon (code TEXT)").unwrap();
    assert!(!failure(|| db.assert_landed(None, "coupon", row! { code: "SPRING" })).contains("refused"));
}
