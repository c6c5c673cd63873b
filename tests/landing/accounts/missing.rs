//! A row that is in no bind: what was rolled back, what failed, what is still open, what was written elsewhere.

use std::sync::mpsc::channel;

use insta::{allow_duplicates, assert_snapshot};
use multibind::rusqlite::{Connection, TransactionBehavior};
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::failure::failure;

const ORDERS: &str = "CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, cents INTEGER NOT NULL);
    CREATE UNIQUE INDEX one_each ON purchase (customer);
    INSERT INTO purchase VALUES (1, 'grace', 500)";

fn shop(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(storage().schema(ORDERS))
        .bind("meta", storage().schema("CREATE TABLE log (event TEXT)"))
        .start()
        .unwrap()
}

const BUY: &str = "INSERT INTO purchase (customer, cents) VALUES (?1, ?2)";

/// The application forgets the commit, and its transaction is rolled back as it is dropped.
fn buy_without_commit(db: &Harness) {
    let mut conn = db.connection(None).unwrap();
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute(BUY, ("ann", 700)).unwrap();
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn a_transaction_that_is_dropped_is_named_with_the_place_of_the_drop(#[case] storage: fn() -> Bind) {
    let db = shop(storage);
    buy_without_commit(&db);
    allow_duplicates! {
        assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann", cents: 700 })), @r#"
        the row did not land in `default`: it is in no bind

          look at  … it dropped the transaction without a commit, which rolled the write back
          looked for  purchase: customer = 'ann', cents = 700
          expected    in `default`, committed, and in no other bind

         bind      rows   found
         default   1      no row matches
        ─
         meta             no such table

        A write to `purchase` in `default` was rolled back:
          INSERT INTO purchase (customer, cents) VALUES ('ann', 700)
          at landing::accounts::missing::buy_without_commit
          on the test's thread, connection 1
          rolled back at landing::accounts::missing::buy_without_commit
          as it was dropped there without a commit

        No statement of that transaction had failed: the code reached no commit. It is
        missing, or a `return` or a `?` leaves before it.
        "#);
    }
}

#[test]
fn a_connection_that_is_closed_in_its_transaction_is_named() {
    let db = shop(Bind::temp_file);
    let conn = Connection::open(db.uri(None).unwrap()).unwrap();
    conn.execute_batch("BEGIN; INSERT INTO purchase (customer, cents) VALUES ('ann', 700)").unwrap();
    drop(conn);
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it dropped the transaction without a commit, which rolled the write back
      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches
    ─
     meta             no such table

    A write to `purchase` in `default` was rolled back:
      INSERT INTO purchase (customer, cents) VALUES ('ann', 700)
      at landing::accounts::missing::a_connection_that_is_closed_in_its_transaction_is_named
      on the test's thread, connection 1
      rolled back by the close of its connection at landing::accounts::missing::a_connection_that_is_closed_in_its_transaction_is_named
      as it was dropped there without a commit

    No statement of that transaction had failed: the code reached no commit. It is
    missing, or a `return` or a `?` leaves before it.
    "#);
}

#[test]
fn a_transaction_that_an_error_left_open_has_the_statement_that_failed() {
    let db = shop(Bind::memory);
    let pool = db.pool(None).unwrap();
    let buys = move || {
        let conn = pool.get().unwrap();
        conn.execute_batch("BEGIN")?;
        conn.execute(BUY, ("ann", 700))?;
        conn.execute(BUY, (None::<&str>, 100))?;
        conn.execute_batch("COMMIT")
    };
    let worker = std::thread::Builder::new().name("worker".to_string()).spawn(buys).unwrap();
    worker.join().unwrap().unwrap_err();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it wrote the row, and no COMMIT has followed
      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches
    ─
     meta             no such table

    A transaction that wrote to `purchase` in `default` is still open:
      INSERT INTO purchase (customer, cents) VALUES ('ann', 700)
      at landing::accounts::missing::a_transaction_that_an_error_left_open_has_the_statement_that_failed
      on thread `worker`, connection 1, not committed
      it began at landing::accounts::missing::a_transaction_that_an_error_left_open_has_the_statement_that_failed
      open for … when this assertion failed, and still 250 ms later; thread
          `worker` has ended; the connection is still open

    After that, a statement of the same transaction failed:
      INSERT INTO purchase (customer, cents) VALUES (NULL, 100)
      at landing::accounts::missing::a_transaction_that_an_error_left_open_has_the_statement_that_failed
      on thread `worker`, connection 1, failed: NOT NULL constraint failed:
          purchase.customer
    "#);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn a_transaction_that_is_still_open_is_named_with_its_thread(#[case] storage: fn() -> Bind) {
    let db = shop(storage);
    let ((has_written, written), (end, ended)) = (channel(), channel::<()>());
    let pool = db.pool(None).unwrap();
    let worker = std::thread::Builder::new().name("worker".to_string()).spawn(move || {
        let conn = pool.get().unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        conn.execute(BUY, ("ann", 700)).unwrap();
        has_written.send(()).unwrap();
        ended.recv().unwrap();
    });
    written.recv().unwrap();
    let report = failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" }));
    end.send(()).unwrap();
    worker.unwrap().join().unwrap();
    allow_duplicates! {
        assert_snapshot!(report, @r#"
        the row did not land in `default`: it is in no bind

          look at  … it wrote the row, and no COMMIT has followed
          looked for  purchase: customer = 'ann'
          expected    in `default`, committed, and in no other bind

         bind      rows   found
         default   1      no row matches
        ─
         meta             no such table

        A transaction that wrote to `purchase` in `default` is still open:
          INSERT INTO purchase (customer, cents) VALUES ('ann', 700)
          at landing::accounts::missing::a_transaction_that_is_still_open_is_named_with_its_thread
          on thread `worker`, connection 1, not committed
          it began at landing::accounts::missing::a_transaction_that_is_still_open_is_named_with_its_thread
          open for … when this assertion failed, and still 250 ms later; thread
              `worker` is alive and runs no statement, so no commit is under way
        "#);
    }
}

#[test]
fn a_statement_that_failed_is_named() {
    let db = shop(Bind::memory);
    // The application drops the error.
    let _ = db.connection(None).unwrap().execute(BUY, ("grace", 700));
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "grace", cents: 700 })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it ran a statement that failed
      looked for  purchase: customer = 'grace', cents = 700
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, customer = 'grace', cents = 500
                          differs in cents
    ─
     meta             no such table

    A write to `purchase` in `default` failed:
      INSERT INTO purchase (customer, cents) VALUES ('grace', 700)
      at landing::accounts::missing::a_statement_that_failed_is_named
      on the test's thread, connection 1, failed: UNIQUE constraint failed:
          purchase.customer
    "#);
}

#[test]
fn an_error_of_a_session_is_in_the_report() {
    let db = shop(Bind::memory);
    let mut session = db.session();
    let _ = session.execute(BUY, ("grace", 700));
    session.commit().unwrap();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "grace", cents: 700 })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it ran a statement that failed
      looked for  purchase: customer = 'grace', cents = 700
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, customer = 'grace', cents = 500
                          differs in cents
    ─
     meta             no such table

    A write to `purchase` in `default` failed:
      INSERT INTO purchase (customer, cents) VALUES ('grace', 700)
      at landing::accounts::missing::an_error_of_a_session_is_in_the_report
      on the test's thread, in a session, connection 1, failed: UNIQUE constraint
          failed: purchase.customer
    "#);
}

#[test]
fn an_update_that_matched_no_row_is_named() {
    let db = shop(Bind::memory);
    db.connection(None).unwrap().execute("UPDATE purchase SET cents = 700 WHERE customer = 'Grace'", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "grace", cents: 700 })), @r#"
    the row did not land in `default`: the nearest row there has `cents` = 500, not
    700

      look at  … it ran a statement that changed no row, without an error
      looked for  purchase: customer = 'grace', cents = 700
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, customer = 'grace', cents = 500
                          differs in cents
    ─
     meta             no such table

    A write to `purchase` in `default` changed no row:
      UPDATE purchase SET cents = 700 WHERE customer = 'Grace'
      at landing::accounts::missing::an_update_that_matched_no_row_is_named
      on the test's thread, connection 1, changed no row
    SQLite reported no error: the statement skipped the row, by OR IGNORE, by DO
    NOTHING, by a WHERE that matches no row, or by a trigger.
    "#);
}

#[test]
fn a_savepoint_that_was_rolled_back_is_named() {
    let db = shop(Bind::memory);
    db.connection(None)
        .unwrap()
        .execute_batch(
            "BEGIN; SAVEPOINT s; INSERT INTO purchase VALUES (2, 'ann', 700); ROLLBACK TO s; RELEASE s; COMMIT",
        )
        .unwrap();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it asked for the rollback
      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches
    ─
     meta             no such table

    A write to `purchase` in `default` was rolled back:
      INSERT INTO purchase VALUES (2, 'ann', 700)
      at landing::accounts::missing::a_savepoint_that_was_rolled_back_is_named
      on the test's thread, connection 1
      rolled back to the savepoint `s` at landing::accounts::missing::a_savepoint_that_was_rolled_back_is_named
      the savepoint was opened at landing::accounts::missing::a_savepoint_that_was_rolled_back_is_named

    No statement within that savepoint had failed: the code itself asked for the
    rollback. Look for the condition or the error that leads to that line.
    "#);
}

#[test]
fn a_value_of_another_type_is_told_from_its_row() {
    let schema = "CREATE TABLE setting (name TEXT PRIMARY KEY, value)";
    let db = Harness::builder().bind("meta", Bind::memory().schema(schema)).start().unwrap();
    db.connection("meta").unwrap().execute("INSERT INTO setting VALUES ('limit', ?1)", ["7"]).unwrap();
    assert_snapshot!(failure(|| db.assert_landed("meta", "setting", row! { name: "limit", value: 7 })), @r#"
    the row did not land in `meta`: the nearest row there has `value` = '7', not 7

      look at  … it wrote `value` = '7', not 7
      looked for  setting: name = 'limit', value = 7
      expected    in `meta`, committed, and in no other bind

     bind   rows   found
     meta   1      no row matches; nearest:
                     name = 'limit', value = '7'
                       differs in value (text, not an integer)
                         `setting.value` is declared without a type, so SQLite
                             stored the text that was bound

    The nearest row in `meta` was written by
      INSERT INTO setting VALUES ('limit', '7')
      at landing::accounts::missing::a_value_of_another_type_is_told_from_its_row
      on the test's thread, connection 1, committed
    "#);
}

#[test]
fn a_row_that_was_deleted_later_is_told() {
    let db = shop(Bind::memory);
    let conn = db.connection(None).unwrap();
    conn.execute(BUY, ("ann", 700)).unwrap();
    conn.execute("DELETE FROM purchase WHERE cents > 600", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it deleted the row
      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches
    ─
     meta             no such table

    A row was written to `purchase` in `default`, and deleted again. It was written
    by
      INSERT INTO purchase (customer, cents) VALUES ('ann', 700)
      at landing::accounts::missing::a_row_that_was_deleted_later_is_told
      on the test's thread, connection 1, committed
    and deleted by
      DELETE FROM purchase WHERE cents > 600
      at landing::accounts::missing::a_row_that_was_deleted_later_is_told
      on the test's thread, connection 1, committed
    "#);
}

#[test]
fn a_table_that_nothing_wrote_to_is_told_from_one_of_a_harness_that_nothing_wrote_to() {
    let db = shop(Bind::memory);
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, customer = 'grace', cents = 500
    ─
     meta             no such table

    The nearest row in `default` was there at the start.

    Nothing was written to any bind of this harness. Does the code under test take
    its connections from it?

    Nothing in this process has opened a connection to `default`.

    To look further:
      db.locate("purchase", row)?  every place where the row is
      db.connection("default")?    a connection to `default`
    "#);
    db.connection("meta").unwrap().execute("INSERT INTO log VALUES ('started')", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, customer = 'grace', cents = 500
    ─
     meta             no such table

    The nearest row in `default` was there at the start.

    No statement wrote to a table `purchase`, in any bind.

    Nothing in this process has opened a connection to `default`.

    To look further:
      db.locate("purchase", row)?  every place where the row is
      db.connection("default")?    a connection to `default`
    "#);
}

#[test]
fn what_was_written_in_a_private_database_is_found_there() {
    let db = shop(Bind::memory);
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(ORDERS).unwrap();
    conn.execute(BUY, ("ann", 700)).unwrap();
    assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { customer: "ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it opened a private database in memory, where the row was written
      looked for  purchase: customer = 'ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches
    ─
     meta             no such table

    The nearest row in `default` was there at the start.

    Written to `purchase` of a private database in memory, which is not a bind:
      INSERT INTO purchase VALUES (1, 'grace', 500)
      at landing::accounts::missing::what_was_written_in_a_private_database_is_found_there
      on the test's thread, connection 1, committed
      INSERT INTO purchase (customer, cents) VALUES ('ann', 700)
      at landing::accounts::missing::what_was_written_in_a_private_database_is_found_there
      on the test's thread, connection 1, committed
      the database was opened at landing::accounts::missing::what_was_written_in_a_private_database_is_found_there
    "#);
}
