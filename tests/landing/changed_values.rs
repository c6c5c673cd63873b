//! The values that a test expects of the rows that changed.

use insta::assert_snapshot;
use multibind::changes::{ExpectedChange, ExpectedChanges};
use multibind::rusqlite::Connection;
use multibind::{changes, row, Bind, Harness};
use rstest::{fixture, rstest};

use crate::failure::failure;

#[fixture]
fn db() -> Harness {
    let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);
        INSERT INTO user VALUES (1, 'an', 30), (2, 'bob', 40), (3, 'cleo', 50)";
    let log = "CREATE TABLE log (event TEXT)";
    Harness::builder()
        .default_bind(Bind::memory().schema(log))
        .bind("auth", Bind::memory().schema(user))
        .start()
        .unwrap()
}

/// The code under test, on a connection of its own.
fn write(db: &Harness, key: impl Into<multibind::BindKey>, sql: &str) {
    Connection::open(db.uri(key).unwrap()).unwrap().execute_batch(sql).unwrap();
}

const WORK: &str = "INSERT INTO user (name, age) VALUES ('dora', 9), ('eve', 8);
    UPDATE user SET name = 'ann' WHERE id = 1; DELETE FROM user WHERE id = 3";

#[rstest]
fn the_rows_of_a_change_are_expected_by_their_values_or_counted(db: Harness) {
    let before = db.snapshot().unwrap();
    write(&db, "auth", WORK);
    write(&db, None, "INSERT INTO log VALUES ('done')");
    let changed = db.changes_since(&before).unwrap();
    let new = [row! { name: "eve" }, row! { name: "dora", age: "9" }];
    changed
        .assert(changes! { "auth.user" => +[row! { name: "eve" }, row! { name: "dora" }] ~1 -1, "default.log" => +1 })
        .assert(changes! {
            "auth.user" => +2 ~[row! { id: 1, name: "ann", age: 30.0 }] -[row! { id: 3 }],
            (None, "log") => +[row! { event: "done" }],
        })
        .assert(
            ExpectedChanges::new()
                .and("auth.user", ExpectedChange::new().inserted(new).updated(vec![row! { id: 1 }]).deleted(1))
                .and("main.log", 1),
        );
    changed.in_bind(None).unwrap().assert(changes! { "main.log" => +(vec![row! { event: "done" }]) });
}

#[rstest]
fn other_values_than_those_expected_are_shown_row_by_row(db: Harness) {
    let before = db.snapshot().unwrap();
    write(&db, "auth", WORK);
    let changed = db.changes_since(&before).unwrap();
    let expected = changes! {
        "auth.user" => +[row! { id: 4, name: "dora", age: 10 }, row! { name: "fay" }] ~[row! { id: 1, name: "ann" }] -[row! { name: "bob" }],
    };
    assert_snapshot!(failure(|| changed.assert(expected)), @r#"
    the changes are not those expected, where marked ≠:

      look at  … it changed `user` 3 times

         bind   table   expected       found
     ≠   auth   user    + 2 inserted   + 2 inserted
                        ~ 1 updated    ~ 1 updated
                        - 1 deleted    - 1 deleted

    Of the rows inserted in `user` of `auth`, 1 is missing, 1 is too many and 1
    differs:

                row
     missing    name = 'fay'
    ─
     too many   id = 5, name = 'eve', age = 8
    ─
     differs    id = 4
                  age = 9, not 10

    Of the rows deleted in `user` of `auth`, 1 is missing and 1 is too many:

                row
     missing    name = 'bob'
    ─
     too many   id = 3, name = 'cleo', age = 50

    The changes:

     bind   table   change         rows
     auth   user    + 2 inserted   + id = 4, name = 'dora', age = 9
                    ~ 1 updated    + id = 5, name = 'eve', age = 8
                    - 1 deleted    ~ id = 1, name = 'an' → 'ann'
                                   - id = 3, name = 'cleo', age = 50

    `user` in `auth` was changed by
      INSERT INTO user (name, age) VALUES ('dora', 9), ('eve', 8)
      at landing::changed_values::write
      on the test's thread, connection 1, committed
      UPDATE user SET name = 'ann' WHERE id = 1
      at landing::changed_values::write
      on the test's thread, connection 1, committed
      DELETE FROM user WHERE id = 3
      at landing::changed_values::write
      on the test's thread, connection 1, committed
    "#);
}

#[rstest]
fn expected_rows_that_nobody_wrote_are_missing(db: Harness) {
    let before = db.snapshot().unwrap();
    let changed = db.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert(changes! { "auth.user" => +[row! { name: "dora" }] })), @r#"
    the changes are not those expected, where marked ≠:

         bind   table   expected       found
     ≠   auth   user    + 1 inserted   nothing

    Of the rows inserted in `user` of `auth`, 1 is missing:

               row
     missing   name = 'dora'

    Nothing changed in any bind.

    No statement wrote to `user` in `auth`.
    "#);
    changed.assert(changes! { "auth.user" => +[] ~[] });
}

#[rstest]
fn rows_of_tables_that_came_or_went_have_values_too(db: Harness) {
    let before = db.snapshot().unwrap();
    write(&db, "auth", "CREATE TABLE made (x INTEGER); INSERT INTO made VALUES (7); DROP TABLE user");
    db.changes_since(&before).unwrap().assert(changes! {
        "auth.made" => created +[row! { x: "7" }],
        "auth.user" => dropped -[row! { id: 1 }, row! { id: 2 }, row! { id: 3, name: "cleo" }],
    });
}

#[rstest]
fn the_rows_of_a_change_may_be_in_a_file(db: Harness) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.csv");
    std::fs::write(&path, "name,age\neve,8\ndora,9\n").unwrap();
    let before = db.snapshot().unwrap();
    write(&db, "auth", "INSERT INTO user (name, age) VALUES ('dora', 9), ('eve', 8)");
    let changed = db.changes_since(&before).unwrap();
    changed.assert(changes! { "auth.user" => +(&*path) });
    std::fs::write(&path, "name,age\neve,8\n").unwrap();
    let report = failure(|| changed.assert(changes! { "auth.user" => +(&*path) }));
    assert!(report.contains("Of the rows inserted in `user` of `auth`, 1 is too many:"), "{report}");
}

#[rstest]
fn rows_that_say_nothing_are_refused(db: Harness) {
    let before = db.snapshot().unwrap();
    let changed = db.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert(changes! { "auth.user" => +[row! {}] })), @"cannot tell what is expected: a `row! {}` without columns is any row: name the columns that tell it from others");
    assert_snapshot!(failure(|| changed.assert(changes! { "auth.user" => ~[row! { nam: "ann" }] })), @"cannot tell what is expected: no column `nam` in table `user` of bind `auth`, whose columns are id, name, age");
    assert_snapshot!(failure(|| changed.assert(changes! { "auth.user" => -[row! { id: u64::MAX }] })), @"cannot tell what is expected: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    assert_snapshot!(failure(|| changed.assert(changes! { "auth.usr" => +[row! { name: "ann" }] })), @"cannot tell what is expected: bind `auth` has no table `usr`, and had none at the snapshot; did you mean `auth.user`?");
}

#[rstest]
fn a_number_of_rows_is_expected_of_a_table_too(db: Harness) {
    db.assert_rows("auth", "user", 3).assert_rows(None, "log", 0);
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", 2)), @r#"
    `user` in `auth` holds 3 rows, not 2

     row
     id = 1, name = 'an', age = 30
     id = 2, name = 'bob', age = 40
     id = 3, name = 'cleo', age = 50

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
    assert_snapshot!(failure(|| db.assert_rows(None, "log", 1)), @r#"
    `log` in `default` is empty: 1 row is expected

    To look further:
      db.connection("default")?  a connection to `default`
    "#);
}
