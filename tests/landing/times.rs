//! Rows that are to be in a bind once, and rows that are to be in several.

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};
use rstest::{fixture, rstest};

use crate::failure::failure;

#[fixture]
fn db() -> Harness {
    let log = "CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT)";
    Harness::builder()
        .default_bind(Bind::memory().schema(log))
        .bind("auth", Bind::memory().schema(log))
        .bind("meta", Bind::memory().schema(log))
        .bind("shop", Bind::memory().schema("CREATE TABLE item (name TEXT)"))
        .start()
        .unwrap()
}

/// The code under test, on connections of its own.
fn log(db: &Harness, keys: &[&str]) {
    for key in keys {
        let conn = Connection::open(db.uri(*key).unwrap()).unwrap();
        conn.execute("INSERT INTO log (event) VALUES ('sign-up')", []).unwrap();
    }
}

#[rstest]
fn a_row_that_is_there_once_has_landed_once(db: Harness) {
    log(&db, &["meta"]);
    db.connection("meta").unwrap().execute("INSERT INTO log (event) VALUES ('login')", []).unwrap();
    db.assert_landed_once("meta", "log", row! { event: "sign-up" }).assert_landed(
        "meta",
        "log",
        row! { event: "login" },
    );
}

#[rstest]
fn a_row_that_was_written_twice_is_shown_twice(db: Harness) {
    log(&db, &["meta", "meta"]);
    db.assert_landed("meta", "log", row! { event: "sign-up" });
    assert_snapshot!(failure(|| db.assert_landed_once("meta", "log", row! { event: "sign-up" })), @r#"
    the row landed in `meta` twice, not once

      looked for  log: event = 'sign-up'
      expected    in `meta` once, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     auth      0      no row at all
    ─
     meta      2      rows that match:
                        id = 1, event = 'sign-up'
                        id = 2, event = 'sign-up'
    ─
     shop             no such table

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 1, committed

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 2, committed

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("meta")?  a connection to `meta`
    "#);
    log(&db, &["meta", "meta", "meta"]);
    assert_snapshot!(failure(|| db.assert_landed_once("meta", "log", row! {})), @r#"
    the row landed in `meta` 4 times or more, not once

      looked for  log: any row
      expected    in `meta` once, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     auth      0      no row at all
    ─
     meta      5      rows that match:
                        id = 1, event = 'sign-up'
                        id = 2, event = 'sign-up'
                        id = 3, event = 'sign-up'
                        and more
    ─
     shop             no such table

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 1, committed

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 2, committed

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("meta")?  a connection to `meta`
    "#);
}

#[rstest]
fn once_is_in_no_other_bind_and_not_absent(db: Harness) {
    log(&db, &["meta", "auth"]);
    let asked = || row! { event: "sign-up" };
    let headline = |message: String| message.lines().next().unwrap().to_string();
    assert_snapshot!(headline(failure(|| db.assert_landed_once("meta", "log", asked()))), @"the row landed in `meta`, but also in `auth`");
    assert_snapshot!(headline(failure(|| db.assert_landed_once(None, "log", asked()))), @"the row landed in `auth` and `meta` instead of `default`");
    assert_snapshot!(headline(failure(|| db.assert_landed_once("meta", "log", row! { event: "logout" }))), @"the row did not land in `meta`: it is in no bind");
}

#[rstest]
fn a_row_that_is_meant_to_be_in_two_binds_is_in_both_and_in_no_other(db: Harness) {
    log(&db, &["auth", "meta"]);
    let asked = || row! { event: "sign-up" };
    db.assert_landed(["auth", "meta"], "log", asked())
        .assert_landed(vec!["meta", "auth", "meta"], "log", asked())
        .assert_landed_once(["auth", "meta"], "log", asked())
        .assert_not_landed(None, "log", asked())
        .assert_not_landed([None, Some("shop")], "log", asked());

    assert_snapshot!(failure(|| db.assert_landed([None, Some("auth"), Some("meta")], "log", asked())), @r#"
    the row landed in `auth` and `meta`, but not in `default`

      looked for  log: event = 'sign-up'
      expected    in `default`, `auth` and `meta`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     auth      1      the row:
                        id = 1, event = 'sign-up'
    ─
     meta      1      the row:
                        id = 1, event = 'sign-up'
    ─
     shop             no such table

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 1, committed

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 2, committed

    Nothing in this process has opened a connection to `default`.

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("auth")?  a connection to `auth`
    "#);
    log(&db, &["auth"]);
    assert_snapshot!(failure(|| db.assert_landed_once(["meta", "auth"], "log", asked())), @r#"
    the row landed in `auth` twice, not once

      looked for  log: event = 'sign-up'
      expected    in `meta` and `auth` once each, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     auth      2      rows that match:
                        id = 1, event = 'sign-up'
                        id = 2, event = 'sign-up'
    ─
     meta      1      the row:
                        id = 1, event = 'sign-up'
    ─
     shop             no such table

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 1, committed

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 3, committed

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 2, committed

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("auth")?  a connection to `auth`
    "#);
    db.connection(None).unwrap().execute("INSERT INTO log (event) VALUES ('sign-up')", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed(["auth", "meta"], "log", asked())), @r#"
    the row landed in `auth` and `meta`, but also in `default`

      look at  … it opened a connection to `auth`
      looked for  log: event = 'sign-up'
      expected    in `auth` and `meta`, committed, and in no other bind

     bind      rows   found
     default   1      the row:
                        id = 1, event = 'sign-up'
    ─
     auth      2      rows that match:
                        id = 1, event = 'sign-up'
                        id = 2, event = 'sign-up'
    ─
     meta      1      the row:
                        id = 1, event = 'sign-up'
    ─
     shop             no such table

    The row in `default` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::a_row_that_is_meant_to_be_in_two_binds_is_in_both_and_in_no_other
      on the test's thread, connection 4, committed

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 1, committed

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 3, committed

    Connection 3 to `auth` was opened
      at landing::times::log
    Its address came from `db.uri`
      at landing::times::log
      several times
    "#);
    assert_snapshot!(failure(|| db.assert_not_landed(["auth", "meta"], "log", asked())), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  log: event = 'sign-up'
      expected    not in `auth` or `meta`

     bind      rows   found
     default   1      the row:
                        id = 1, event = 'sign-up'
    ─
     auth      2      rows that match:
                        id = 1, event = 'sign-up'
                        id = 2, event = 'sign-up'
    ─
     meta      1      the row:
                        id = 1, event = 'sign-up'
    ─
     shop             no such table

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 1, committed

    The row in `auth` was written by
      INSERT INTO log (event) VALUES ('sign-up')
      at landing::times::log
      on the test's thread, connection 3, committed
    "#);
}

#[test]
fn every_bind_may_be_meant() {
    let t = "CREATE TABLE t (x)";
    let db =
        Harness::builder().default_bind(Bind::memory().schema(t)).bind("a", Bind::memory().schema(t)).start().unwrap();
    db.connection("a").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed(.., "t", row! { x: 1 })).lines().next().unwrap(), @"the row landed in `a`, but not in `default`");
    db.connection(None).unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
    db.assert_landed(.., "t", row! { x: 1 }).assert_landed_once(.., "t", row! { x: 1 }).assert_not_landed(
        ..,
        "t",
        row! { x: 2 },
    );
}

#[rstest]
fn a_list_without_a_bind_is_refused(db: Harness) {
    assert_snapshot!(failure(|| db.assert_landed([""; 0], "log", row! {})), @"cannot look for a row of `log` in no bind: the list of binds is empty: name at least one, or write `..` for all");
    assert_snapshot!(failure(|| db.assert_not_landed([""; 0], "log", row! {})), @"cannot look for a row of `log` in no bind: the list of binds is empty: name at least one, or write `..` for all");
    assert_snapshot!(failure(|| db.assert_landed(["auth", "meat"], "log", row! {})), @"cannot look for a row of `log` in the binds `auth` and `meat`: no bind `meat`: configured are default, auth, meta, shop; the nearest is `meta`");
}
