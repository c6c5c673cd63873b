//! Rows that were written since a snapshot.

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};
use rstest::{fixture, rstest};

use crate::failure::failure as whole_failure;

/// The message of an assertion that must fail, up to what is known of who wrote the rows.
fn failure<T>(assertion: impl FnOnce() -> T) -> String {
    whole_failure(assertion).split("\n\nThe row in ").next().unwrap().to_string()
}

#[fixture]
fn db() -> Harness {
    let log = "CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT); INSERT INTO log (event) VALUES ('sign-up')";
    Harness::builder()
        .default_bind(Bind::memory().schema(log))
        .bind("auth", Bind::memory().schema("CREATE TABLE log (line TEXT); CREATE TABLE user (name TEXT)"))
        .bind("meta", Bind::memory().schema(log))
        .start()
        .unwrap()
}

/// The code under test, on a connection of its own.
fn write(db: &Harness, key: impl Into<multibind::BindKey>, sql: &str) {
    Connection::open(db.uri(key).unwrap()).unwrap().execute_batch(sql).unwrap();
}

const SIGN_UP: &str = "INSERT INTO log (event) VALUES ('sign-up')";

#[rstest]
fn a_row_that_was_there_before_is_none_that_was_written(db: Harness) {
    let before = db.snapshot().unwrap();
    write(&db, "meta", "INSERT INTO log (event) VALUES ('login'); UPDATE log SET event = 'signed up' WHERE id = 1");
    let changed = db.changes_since(&before).unwrap();
    changed
        .assert_landed("meta", "log", row! { event: "login" })
        .assert_landed_once("meta", "LOG", row! { id: "1", event: "signed up" })
        .assert_not_landed(None, "log", row! { event: "sign-up" })
        .assert_not_landed([None, Some("meta")], "log", row! { event: "sign-up" });
    assert_snapshot!(failure(|| changed.assert_landed(None, "log", row! { event: "sign-up" })), @"
    the row was not written to `default` since the snapshot: it was there before

      looked for  log: event = 'sign-up'
      expected    written to `default`, and to no other bind

     bind   written since the snapshot
     meta   other rows:
              id = 2, event = 'login'
              id = 1, event = 'signed up'
    ");
    assert_snapshot!(failure(|| changed.assert_not_landed("meta", "log", row! { event: "login" })), @"
    the row was written to `meta` since the snapshot

      looked for  log: event = 'login'
      expected    not written to `meta`

     bind   written since the snapshot
     meta   the row:
              id = 2, event = 'login'
            and others:
              id = 1, event = 'signed up'
    ");
}

#[rstest]
fn a_row_in_another_bind_or_in_one_more_is_shown(db: Harness) {
    let before = db.snapshot().unwrap();
    write(&db, None, SIGN_UP);
    write(&db, "auth", "INSERT INTO log VALUES ('started')");
    let changed = db.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert_landed("meta", "log", row! { event: "sign-up" })), @"
    the row was not written to `meta` since the snapshot, but to `default`

      looked for  log: event = 'sign-up'
      expected    written to `meta`, and to no other bind

     bind      written since the snapshot
     default   the row:
                 id = 2, event = 'sign-up'
    ─
     auth      other rows:
                 line = 'started'
    ");
    write(&db, "meta", &format!("{SIGN_UP}; {SIGN_UP}"));
    let changed = db.changes_since(&before).unwrap();
    changed.assert_landed([None, Some("meta")], "log", row! { event: "sign-up" });
    assert_snapshot!(failure(|| changed.assert_landed("meta", "log", row! { event: "sign-up" })), @"
    the row was written to `meta`, but also to `default`

      looked for  log: event = 'sign-up'
      expected    written to `meta`, and to no other bind

     bind      written since the snapshot
     default   the row:
                 id = 2, event = 'sign-up'
    ─
     auth      other rows:
                 line = 'started'
    ─
     meta      the row:
                 id = 2, event = 'sign-up'
                 id = 3, event = 'sign-up'
    ");
    assert_snapshot!(failure(|| changed.assert_landed_once([None, Some("meta")], "log", row! { event: "sign-up" })), @"
    the row was written to `meta` twice, not once

      looked for  log: event = 'sign-up'
      expected    written to `default` and `meta` once, and to no other bind

     bind      written since the snapshot
     default   the row:
                 id = 2, event = 'sign-up'
    ─
     auth      other rows:
                 line = 'started'
    ─
     meta      the row:
                 id = 2, event = 'sign-up'
                 id = 3, event = 'sign-up'
    ");
    changed.in_bind("meta").unwrap().assert_landed("meta", "log", row! {});
}

#[rstest]
fn nothing_written_is_said_so(db: Harness) {
    let before = db.snapshot().unwrap();
    let changed = db.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert_landed("auth", "user", row! { name: "ann" })), @"
    the row was not written to `auth` since the snapshot, nor to any other bind

      looked for  user: name = 'ann'
      expected    written to `auth`, and to no other bind

    No row was written to a table `user` of any bind.
    ");
}

#[rstest]
fn what_can_be_written_nowhere_is_refused(db: Harness) {
    let before = db.snapshot().unwrap();
    let changed = db.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert_not_landed("auth", "usr", row! { name: "ann" })), @"cannot look for a row of `usr` in bind `auth`: no table `usr` in any bind; the nearest names are `user` in auth");
    assert_snapshot!(failure(|| changed.assert_not_landed("audit", "user", row! { name: "ann" })), @"cannot look for a row of `user` in bind `audit`: no bind `audit`: configured are default, auth, meta");
    assert_snapshot!(failure(|| changed.assert_not_landed("auth", "user", row! { nam: "ann" })), @"cannot look for a row of `user` in bind `auth`: no column `nam` in table `user` of bind `auth`, whose columns are name");
    assert_snapshot!(failure(|| changed.assert_not_landed([""; 0], "user", row! { name: "ann" })), @"cannot look for a row of `user` in no bind: the list of binds is empty: name at least one, or write `..` for all");
    assert_snapshot!(failure(|| changed.assert_landed("auth", "user", row! { name: u64::MAX })), @"cannot look for a row of `user` in bind `auth`: column `name`: SQLite cannot store the value: out of range integral type conversion attempted");
}
