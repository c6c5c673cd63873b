//! The tables of several binds, as a file of TOML has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{Bind, Harness};
use rstest::{fixture, rstest};
use tempfile::TempDir;

use crate::failure::failure;

const USER: &str = "
    CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss_id INTEGER REFERENCES user);
    CREATE TABLE token (id TEXT PRIMARY KEY, user_id INTEGER REFERENCES user);
    CREATE TABLE role (user_id INTEGER REFERENCES user, name TEXT, PRIMARY KEY (user_id, name));
";
const LOG: &str = "CREATE TABLE log (event TEXT, user_id INTEGER)";

/// Two users that were loaded by label.
const TEAM: &str = "[auth.user]\nann = { name = 'Ann' }\nbob = { name = 'Bob', boss = 'ann' }\n";

#[fixture]
fn db() -> Harness {
    start(Bind::memory, TEAM)
}

fn start(bind: fn() -> Bind, team: &str) -> Harness {
    let (_folder, path) = file("team.toml", team);
    Harness::builder().bind("auth", bind().schema(USER)).bind("meta", bind().schema(LOG)).data(path).start().unwrap()
}

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// The code under test, on a connection of its own.
fn write(db: &Harness, key: &str, sql: &str) {
    Connection::open(db.uri(key).unwrap()).unwrap().execute_batch(sql).unwrap();
}

fn holds(db: &Harness, text: &str) {
    let (_folder, path) = file("expected.toml", text);
    db.assert_data(path);
}

/// What is said where it does not hold.
fn said(db: &Harness, text: &str) -> String {
    let (folder, path) = file("expected.toml", text);
    without(folder.path(), failure(|| db.assert_data(path)))
}

/// The message about a file, without the folder that differs from run to run.
fn without(folder: &Path, message: String) -> String {
    message.replace(&*folder.to_string_lossy(), "[folder]")
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
fn loaded_rows_are_known_by_their_labels_and_new_ones_by_their_values(#[case] bind: fn() -> Bind) {
    let db = start(bind, TEAM);
    holds(&db, TEAM);
    // Ids that nobody knows beforehand.
    write(
        &db,
        "auth",
        "INSERT INTO user VALUES (41, 'Cleo', (SELECT id FROM user WHERE name = 'Bob')), (7, 'Dan', 41)",
    );
    write(&db, "auth", "INSERT INTO token VALUES ('f00', 41)");
    write(&db, "meta", "INSERT INTO log VALUES ('hired', 41), ('hired', 7), ('started', NULL)");
    let expected = "
        [auth.user]
        dan = { name = 'Dan', boss = 'cleo' }
        cleo = { name = 'Cleo', boss = 'bob' }
        bob = { boss_id = 'ann' }
        ann = { boss_id = { null = true } }

        [auth.token]
        any = { id = { any = true }, user = 'cleo' }

        [[meta.log]]
        event = 'hired'
        user_id = { ref = 'auth.user.cleo' }
        [[meta.log]]
        event = 'hired'
        user_id = { ref = 'user.dan' }
        [[meta.log]]
        event = 'started'

        [auth.role]
    ";
    holds(&db, expected);
}

#[rstest]
fn rows_that_are_new_and_refer_to_each_other_are_found(db: Harness) {
    write(&db, "auth", "PRAGMA foreign_keys = OFF; INSERT INTO user VALUES (3, 'Eve', 4), (4, 'Fred', 3)");
    let (_folder, path) =
        file("e.toml", "[auth.user]\neve = { name = 'Eve', boss = 'fred' }\nfred = { name = 'Fred', boss = 'eve' }\n");
    db.assert_has_data(&path);
    write(&db, "auth", "UPDATE user SET boss_id = 3 WHERE id = 3");
    assert_snapshot!(failure(|| db.assert_has_data(&path)), @r#"
    No row is `auth.user.eve`, which other rows of the file refer to.

    `user` in `auth` does not hold the 2 rows expected: 2 differ

               row
     differs   fred: id = 4
                 boss_id = 3, not the key of auth.user.eve
               eve: id = 3
                 boss_id = 3, not 4 (auth.user.fred)

    The row in `auth` was written by
      INSERT INTO user VALUES (3, 'Eve', 4), (4, 'Fred', 3)
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    The row in `auth` was written by
      UPDATE user SET boss_id = 3 WHERE id = 3
      at landing::data_expected::write
      on the test's thread, connection 2, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn each_table_that_differs_is_reported_with_the_labels_of_its_rows(db: Harness) {
    write(
        &db,
        "auth",
        "UPDATE user SET boss_id = NULL, name = 'Rob' WHERE name = 'Bob'; INSERT INTO user VALUES (5, 'Zoe', NULL)",
    );
    write(&db, "meta", "INSERT INTO log VALUES ('hired', 5)");
    let expected = format!(
        "{TEAM}cleo = {{ name = 'Cleo' }}\n[auth.role]\n[meta.log]\nfirst = {{ event = 'hired', user_id = {{ ref = 'auth.user.bob' }} }}\n"
    );
    assert_snapshot!(said(&db, &expected), @r#"
    2 of the 3 tables in [folder]/expected.toml differ

    `user` in `auth` does not hold exactly the 3 rows expected: 1 is missing, 1 is
    too many and 1 differs

                row
     missing    cleo: name = 'Cleo'
    ─
     too many   id = 5, name = 'Zoe', boss_id = NULL
    ─
     differs    bob: id = 295418450
                  name = 'Rob', not 'Bob'
                  boss_id = NULL, not 309978457 (auth.user.ann)

    The row in `auth` was written by
      INSERT INTO user VALUES (5, 'Zoe', NULL)
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    The row in `auth` was written by
      UPDATE user SET boss_id = NULL, name = 'Rob' WHERE name = 'Bob'
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`

    `log` in `meta` does not hold exactly the row expected: 1 differs

               row
     differs   first: event = 'hired', user_id = 5
                 user_id = 5, not 295418450 (auth.user.bob)

    The row in `meta` was written by
      INSERT INTO log VALUES ('hired', 5)
      at landing::data_expected::write
      on the test's thread, connection 2, committed

    To look further:
      db.connection("meta")?  a connection to `meta`
    "#);
}

#[rstest]
fn a_reference_to_another_row_than_expected_names_both(db: Harness) {
    write(&db, "auth", "INSERT INTO user VALUES (5, 'Zoe', (SELECT id FROM user WHERE name = 'Ann')), (6, 'Dan', 5)");
    let expected =
        "[auth.user]\nann = {}\nbob = {}\nzoe = { name = 'Zoe', boss = 'bob' }\ndan = { name = 'Dan', boss = 'ann' }\n";
    assert_snapshot!(said(&db, expected), @r#"
    `user` in `auth` does not hold exactly the 4 rows expected: 2 differ

               row
     differs   zoe: id = 5
                 boss_id = 309978457 (auth.user.ann), not 295418450 (auth.user.bob)
               dan: id = 6
                 boss_id = 5, not 309978457 (auth.user.ann)

    The rows in `auth` were written by
      INSERT INTO user VALUES (5, 'Zoe', (SELECT id FROM user WHERE name = 'Ann')),
          (6, 'Dan', 5)
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn what_refers_to_a_row_that_is_not_there_is_not_there_either(db: Harness) {
    write(&db, "meta", "INSERT INTO log VALUES ('hired', 5)");
    let expected = "
        [auth.user]
        ann = {}
        bob = {}
        cleo = { name = 'Cleo' }
        [meta.log]
        hired = { event = 'hired', user_id = { ref = 'auth.user.cleo' } }
    ";
    assert_snapshot!(said(&db, expected), @r#"
    2 of the 2 tables in [folder]/expected.toml differ

    No row is `auth.user.cleo`, which other rows of the file refer to.

    `user` in `auth` does not hold exactly the 3 rows expected: 1 is missing

               row
     missing   cleo: name = 'Cleo'

    To look further:
      db.connection("auth")?  a connection to `auth`

    `log` in `meta` does not hold exactly the row expected: 1 differs

               row
     differs   hired: event = 'hired', user_id = 5
                 user_id = 5, not the key of auth.user.cleo

    The row in `meta` was written by
      INSERT INTO log VALUES ('hired', 5)
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("meta")?  a connection to `meta`
    "#);
}

#[rstest]
fn a_label_that_may_be_several_rows_is_refused_where_others_refer_to_it(db: Harness) {
    write(&db, "auth", "INSERT INTO user VALUES (5, 'Zoe', NULL), (6, 'Zoe', NULL)");
    write(&db, "meta", "INSERT INTO log VALUES ('hired', 5)");
    let users = format!("{TEAM}zoe = {{ name = 'Zoe' }}\nother = {{ name = 'Zoe' }}\n");
    holds(&db, &users);
    assert_snapshot!(said(&db, &format!("{users}[[meta.log]]\nuser_id = {{ ref = 'auth.user.zoe' }}\n")), @r#"
    1 of the 2 tables in [folder]/expected.toml differs

    `auth.user.zoe` may be 2 rows, so what refers to it is not known: give it more
    columns.

    `log` in `meta` does not hold exactly the row expected: 1 is missing and 1 is
    too many

                row
     missing
                  user_id refers to auth.user.zoe
    ─
     too many   event = 'hired', user_id = 5

    The row in `meta` was written by
      INSERT INTO log VALUES ('hired', 5)
      at landing::data_expected::write
      on the test's thread, connection 2, committed

    To look further:
      db.connection("meta")?  a connection to `meta`
    "#);
    holds(
        &db,
        &format!("{users}[[meta.log]]\nuser_id = {{ ref = 'auth.user.zoe' }}\n").replace("zoe = {", "zoe = { id = 5,"),
    );
}

#[rstest]
fn a_label_is_the_key_where_that_is_a_text(db: Harness) {
    write(&db, "auth", "INSERT INTO token VALUES ('f00', NULL)");
    holds(&db, "[auth.token.f00]\nuser_id = { null = true }\n");
    assert_snapshot!(said(&db, "[auth.token.bar]\nuser_id = { null = true }\n"), @r#"
    `token` in `auth` does not hold exactly the row expected: 1 differs

               row
     differs   bar: id = 'f00', user_id = NULL
                 id = 'f00', not 'bar'

    The row in `auth` was written by
      INSERT INTO token VALUES ('f00', NULL)
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[test]
fn a_key_of_several_columns_belongs_to_a_loaded_label() {
    let team =
        format!("{TEAM}[auth.role]\na = {{ user = 'ann', name = 'admin' }}\nb = {{ user = 'bob', name = 'admin' }}\n");
    let db = start(Bind::memory, &team);
    holds(&db, &team);
    holds(&db, "[auth.role]\na = { name = 'admin' }\nb = {}\n");
    write(&db, "auth", "UPDATE role SET name = 'guest' WHERE user_id = (SELECT id FROM user WHERE name = 'Bob')");
    assert_snapshot!(said(&db, "[auth.role]\na = {}\nb = {}\n"), @r#"
    `role` in `auth` does not hold exactly the 2 rows expected: 1 differs

               row
     differs   b: user_id = 295418450
                 name = 'guest', not 'admin'

    The row in `auth` was written by
      UPDATE role SET name = 'guest' WHERE user_id = (SELECT id FROM user WHERE
          name = 'Bob')
      at landing::data_expected::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn other_rows_are_let_be_where_some_are_expected(db: Harness) {
    write(&db, "auth", "INSERT INTO user VALUES (5, 'Zoe', NULL)");
    let (_folder, path) = file("some.toml", "[auth.user.zoe]\nname = 'Zoe'\n[auth.token]\n");
    db.assert_has_data(&path);
    let (folder, path) = file("some.toml", "[auth.user.zoe]\nname = 'Zoey'\n");
    assert_snapshot!(without(folder.path(), failure(|| db.assert_has_data(&path))), @r#"
    `user` in `auth` does not hold the row expected: 1 is missing

               row
     missing   zoe: name = 'Zoey'

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn it_comes_true_within_a_time(db: Harness) {
    let (_folder, path) = file("later.toml", "[[meta.log]]\nevent = 'late'\n");
    let uri = db.uri("meta").unwrap();
    let worker = thread::spawn(move || {
        Connection::open(uri).unwrap().execute("INSERT INTO log VALUES ('late', NULL)", []).unwrap();
    });
    db.within(Duration::from_secs(60)).assert_data(&path).assert_has_data(&path);
    worker.join().unwrap();
    assert_snapshot!(failure(|| db.within(Duration::ZERO).assert_data(file("x.toml", "[meta.log]\n").1)), @r#"
    `log` in `meta` is not empty: it holds 1 row

                row
     too many   event = 'late', user_id = NULL

    The row in `meta` was written by
      INSERT INTO log VALUES ('late', NULL)
      at landing::data_expected::it_comes_true_within_a_time::it_comes_true_within_a_time
      on an unnamed thread, connection 1, committed

    To look further:
      db.connection("meta")?  a connection to `meta`
    "#);
}

#[rstest]
#[case::no_table("", "cannot compare the data with [folder]/expected.toml: it names no table, so it expects nothing; `[auth.user]` alone expects an empty table")]
#[case::no_values("[auth.user]\ncleo = {}\n", "cannot compare the data with [folder]/expected.toml:2: `auth.user.cleo`: a row without values is any row: write those that tell it from others")]
#[case::any_value("[[auth.user]]\nname = { any = true }\n", "cannot compare the data with [folder]/expected.toml:1: a row without values is any row: write those that tell it from others")]
#[case::no_column("[auth.user]\ncleo = { nam = 'x' }\n", "cannot compare the data with [folder]/expected.toml:2: `auth.user.cleo`: table `user` has no column `nam`: the nearest is `name`; its columns are id, name, boss_id")]
#[case::no_label("[auth.user]\ncleo = { name = 'x', boss = 'dan' }\n", "cannot compare the data with [folder]/expected.toml:2: `auth.user.cleo`: `boss_id`: no row `dan` of `auth.user`, whose labels are cleo, ann, bob")]
#[case::no_bind("[aut.user]\n", "cannot compare the data with [folder]/expected.toml:1: no bind `aut` and no table of that name: the binds are auth, meta; the nearest name is `auth`. A row is `[BIND.TABLE.LABEL]`")]
#[case::no_toml(
    "[auth.user\n",
    "cannot compare the data with [folder]/expected.toml:1: this is not TOML: unclosed table, expected `]` (column 11)"
)]
fn a_mistake_in_the_file_fails_the_test(db: Harness, #[case] text: &str, #[case] message: &str) {
    assert_eq!(said(&db, text), message);
}

#[rstest]
fn other_files_are_for_other_assertions(db: Harness) {
    let (folder, path) = file("user.csv", "name\n");
    assert_snapshot!(without(folder.path(), failure(|| db.assert_data(&path))), @"cannot compare the data with [folder]/user.csv: the tables of `assert_data` are in .toml files: one table of .csv or .json is for `assert_rows`");
    let (folder, path) = file("user.toml", TEAM);
    assert_snapshot!(without(folder.path(), failure(|| db.assert_rows("auth", "user", &*path))), @"cannot compare the rows of `user` in bind `auth`: [folder]/user.toml: a .toml file has the rows of several tables: assert them with `assert_data`");
    assert_snapshot!(without(folder.path(), failure(|| db.assert_data(folder.path().join("none.toml")))), @"cannot compare the data with [folder]/none.toml: the file cannot be read: No such file or directory (os error 2); `[folder]` has no `none.toml`, and a relative path begins at the folder of the configuration file, in code at that of the crate under test");
}
