//! A table that is to hold exactly these rows, written in the test or in a file.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness, Row};
use rstest::{fixture, rstest};

use crate::failure::failure;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL, age INTEGER, email TEXT)";

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(USER))
        .bind("auth", Bind::memory().schema(USER))
        .start()
        .unwrap()
}

/// The code under test, on a connection of its own.
fn write(db: &Harness, sql: &str) {
    Connection::open(db.uri("auth").unwrap()).unwrap().execute_batch(sql).unwrap();
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
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
fn a_table_holds_the_rows_expected_in_any_order(#[case] bind: fn() -> Bind) {
    let db = Harness::builder().bind("auth", bind().schema(USER)).start().unwrap();
    db.assert_rows("auth", "user", []).assert_rows("auth", "USER", Vec::<Row>::new());
    write(&db, "INSERT INTO user VALUES (1, 'ann', 30, NULL), (2, 'bob', NULL, 'b@x'), (3, 'bob', 7, NULL)");
    db.assert_rows("auth", "user", [row! { username: "bob" }, row! { username: "ann" }, row! { username: "bob" }])
        .assert_rows("auth", "user", [row! { id: 3 }, row! { id: "2", email: "b@x" }, row! { age: 30.0, email: None }])
        .assert_rows("auth", "user", &[row! { id: 1 }, row! { id: 2 }, row! { id: 3 }][..]);
}

#[rstest]
fn rows_missing_too_many_and_different_are_shown(db: Harness) {
    write(&db, "INSERT INTO user VALUES (1, 'ann', 30, NULL), (2, 'bob', NULL, 'b@x'), (4, 'dora', 9, 'd@x')");
    db.connection(None).unwrap().execute("INSERT INTO user (username) VALUES ('cleo')", []).unwrap();
    let expected = [
        row! { id: 1, username: "ann", age: 30 },
        row! { id: 2, username: "bob", age: 41, email: "bob@x" },
        row! { username: "cleo" },
    ];
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", expected)), @r#"
    `user` in `auth` does not hold exactly the 3 rows expected: 1 is missing, 1 is
    too many and 1 differs

                row
     missing    username = 'cleo'
                  found in `default`
    ─
     too many   id = 4, username = 'dora', age = 9, email = 'd@x'
    ─
     differs    id = 2
                  age = NULL, not 41
                  email = 'b@x', not 'bob@x'

    The rows in `auth` were written by
      INSERT INTO user VALUES (1, 'ann', 30, NULL), (2, 'bob', NULL, 'b@x'), (4,
          'dora', 9, 'd@x')
      at landing::exact_rows::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn a_row_expected_more_often_than_it_is_there_is_missing(db: Harness) {
    write(&db, "INSERT INTO user (username) VALUES ('ann'), ('ann')");
    let ann = || row! { username: "ann" };
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", [ann(), ann(), ann()])), @r#"
    `user` in `auth` does not hold exactly the 3 rows expected: 1 is missing

               row
     missing   username = 'ann'
                 expected 3 times, found twice

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", [ann()])), @r#"
    `user` in `auth` does not hold exactly the row expected: 1 is too many

                row
     too many   id = 2, username = 'ann', age = NULL, email = NULL

    The row in `auth` was written by
      INSERT INTO user (username) VALUES ('ann'), ('ann')
      at landing::exact_rows::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", [])), @r#"
    `user` in `auth` is not empty: it holds 2 rows

                row
     too many   id = 1, username = 'ann', age = NULL, email = NULL
                id = 2, username = 'ann', age = NULL, email = NULL

    The rows in `auth` were written by
      INSERT INTO user (username) VALUES ('ann'), ('ann')
      at landing::exact_rows::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn a_value_of_another_type_is_named_by_its_type() {
    let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE t (x, note TEXT)")).start().unwrap();
    write(&db, "INSERT INTO t VALUES ('1', 'a')");
    assert_snapshot!(failure(|| db.assert_rows("auth", "t", [row! { x: 1, note: "a" }])), @r#"
    `t` in `auth` does not hold exactly the row expected: 1 differs

               row
     differs   x = '1', note = 'a'
                 x = '1', not 1 (text, not an integer)

    The row in `auth` was written by
      INSERT INTO t VALUES ('1', 'a')
      at landing::exact_rows::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[rstest]
fn many_differences_are_counted(db: Harness) {
    for n in 0..25 {
        write(&db, &format!("INSERT INTO user (username, age) VALUES ('user {n}', {n})"));
    }
    let report = failure(|| db.assert_rows("auth", "user", []));
    assert_eq!(report.lines().filter(|line| line.contains("username = 'user ")).count(), 10);
    assert!(report.contains("… and 15 more"), "{report}");
}

#[rstest]
fn the_rows_of_a_file_are_read_as_data_is(db: Harness) {
    write(&db, "INSERT INTO user VALUES (1, 'ann', 30, NULL), (2, '1', NULL, '')");
    let (_folder, csv) = file("expected.csv", "username,id,age,email\n1,2,,\"\"\nann,1,30,\n");
    db.assert_rows("auth", "user", csv.clone()).assert_rows("auth", "user", &*csv);
    db.assert_rows("auth", "user", csv.to_str().unwrap()).assert_rows(
        "auth",
        "user",
        csv.to_str().unwrap().to_string(),
    );

    let (folder, other) = file("expected.csv", "username,id,age,email\nann,1,31,\ncleo,3,5,c@x\n");
    assert_snapshot!(without(folder.path(), failure(|| db.assert_rows("auth", "user", other))), @r#"
    `user` in `auth` does not hold exactly the 2 rows expected: 1 is missing, 1 is
    too many and 1 differs

                row
     missing    username = 'cleo', id = 3, age = 5, email = 'c@x'
    ─
     too many   id = 2, username = '1', age = NULL, email = ''
    ─
     differs    id = 1
                  age = 30, not 31

    The rows in `auth` were written by
      INSERT INTO user VALUES (1, 'ann', 30, NULL), (2, '1', NULL, '')
      at landing::exact_rows::write
      on the test's thread, connection 1, committed

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
    let (_folder, none) = file("none.csv", "id\n");
    write(&db, "DELETE FROM user");
    db.assert_rows("auth", "user", none);
}

#[cfg(feature = "json")]
#[rstest]
fn the_rows_of_a_json_file_name_what_they_name(db: Harness) {
    write(&db, "INSERT INTO user VALUES (1, 'ann', 30, NULL), (2, 'bob', NULL, '[1]')");
    let (_folder, json) = file("users.json", r#"[{ "id": 2, "email": [1] }, { "username": "ann", "email": null }]"#);
    db.assert_rows("auth", "user", json);
}

#[rstest]
fn a_file_that_says_no_rows_is_refused(db: Harness) {
    let refused = |name: &str, text: &str| {
        let (folder, path) = file(name, text);
        without(folder.path(), failure(|| db.assert_rows("auth", "user", path)))
    };
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", "/nowhere/rows.csv")), @"cannot compare the rows of `user` in bind `auth`: /nowhere/rows.csv: the file cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(refused("rows.sql", "SELECT 1"), @"cannot compare the rows of `user` in bind `auth`: [folder]/rows.sql: the rows of a table are read from .csv and .json: an SQL file runs statements");
    assert_snapshot!(refused("rows.txt", "id"), @"cannot compare the rows of `user` in bind `auth`: [folder]/rows.txt: `.txt` is no kind of data file: they are .csv, .json, .sql and .toml");
    assert_snapshot!(refused("rows.csv", "id,usrname\n1,ann\n"), @"cannot compare the rows of `user` in bind `auth`: [folder]/rows.csv:1: no column `usrname` in table `user`, whose columns are id, username, age, email");
    assert_snapshot!(refused("rows.csv", "id,age\n1\n"), @"cannot compare the rows of `user` in bind `auth`: [folder]/rows.csv:2: the record has 1 field, the header row 2 fields");
    assert_snapshot!(refused("rows.csv", "id,age\n1,99999999999999999999\n"), @"cannot compare the rows of `user` in bind `auth`: [folder]/rows.csv:2: column `age`: 99999999999999999999 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a real, or give the column the type TEXT");
    let folder = failure(|| db.assert_rows("auth", "user", "fixtures/auth"));
    assert_snapshot!(without(Path::new(env!("CARGO_MANIFEST_DIR")), folder), @"cannot compare the rows of `user` in bind `auth`: [folder]/fixtures/auth: it is a folder: name the one file that has the table's rows");
}

#[rstest]
fn what_says_nothing_is_refused(db: Harness) {
    assert_snapshot!(failure(|| db.assert_rows("auth", "usr", [])), @"cannot compare the rows of `usr` in bind `auth`: no table `usr` in bind `auth`; the nearest names are `user` in default, `user` in auth");
    assert_snapshot!(failure(|| db.assert_rows("audit", "user", [])), @"cannot compare the rows of `user` in bind `audit`: no bind `audit`: configured are default, auth");
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", [row! {}])), @"cannot compare the rows of `user` in bind `auth`: a `row! {}` without columns is any row: name the columns that tell it from others");
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", [row! { usrname: "ann" }])), @"cannot compare the rows of `user` in bind `auth`: no column `usrname` in table `user` of bind `auth`, whose columns are id, username, age, email");
    assert_snapshot!(failure(|| db.assert_rows("auth", "user", [row! { id: u64::MAX }])), @"cannot compare the rows of `user` in bind `auth`: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn rows_of_an_open_transaction_may_still_come(#[case] bind: fn() -> Bind) {
    let db = Harness::builder().bind("auth", bind().schema(USER)).start().unwrap();
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.execute_batch("BEGIN; INSERT INTO user (username) VALUES ('ann')").unwrap();
    let message = failure(|| db.assert_rows("auth", "user", []));
    insta::allow_duplicates! { assert_snapshot!(message.split_once("\n\n").unwrap().0, @"
    unknown whether `user` in `auth` holds exactly the rows expected: it does, but a
    transaction that can write to `auth` is still open, and nobody else sees its
    rows
    "); }
    conn.execute_batch("COMMIT").unwrap();
    db.assert_rows("auth", "user", [row! { username: "ann" }]);
}

#[test]
fn views_and_what_only_the_application_can_sort_are_compared() {
    let schema = "CREATE TABLE t (name TEXT COLLATE own PRIMARY KEY, n INTEGER) WITHOUT ROWID;
        CREATE VIEW names AS SELECT name AS who FROM t;";
    let own = |conn: &mut Connection| conn.create_collation("own", |one: &str, other: &str| other.cmp(one));
    let bind = Bind::memory().schema_with(move |conn: &mut Connection| {
        own(conn)?;
        conn.execute_batch(schema)?;
        conn.execute_batch("INSERT INTO t VALUES ('a', 1), ('b', 2)")
    });
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    db.assert_rows("auth", "t", [row! { name: "b", n: 2 }, row! { name: "a" }]);
    db.assert_rows("auth", "names", [row! { who: "b" }, row! { who: "a" }]);
}

#[rstest]
fn the_failure_is_the_tests_and_narrow(db: Harness) {
    write(&db, "INSERT INTO user VALUES (1, 'ann', 30, replace(printf('%200c', 'x'), ' ', 'x'))");
    let message = crate::failure::message(|| db.assert_rows("auth", "user", [row! { id: 1, email: "x".repeat(300) }]));
    assert!(message.lines().all(|line| line.chars().count() <= 80), "{message}");
}

#[rstest]
fn who_wrote_a_row_too_many_and_who_rolled_back_a_missing_one_is_named(db: Harness) {
    write(&db, "INSERT INTO user (username) VALUES ('eve')");
    write(&db, "BEGIN; INSERT INTO user (username) VALUES ('ann'); ROLLBACK");
    let report = failure(|| db.assert_rows("auth", "user", [row! { username: "ann" }]));
    assert!(
        report.contains("The row in `auth` was written by\n  INSERT INTO user (username) VALUES ('eve')\n"),
        "{report}"
    );
    let lost = "A write to `user` in `auth` was rolled back:\n  INSERT INTO user (username) VALUES ('ann')\n";
    assert!(report.contains(lost), "{report}");
    assert!(report.lines().count() <= 40, "{report}");
}

#[rstest]
fn a_column_may_have_the_name_of_the_rowid() {
    let schema = "CREATE TABLE t (rowid TEXT, oid INTEGER); INSERT INTO t VALUES ('b', 1), ('a', 2)";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    db.assert_rows(None, "t", [row! { rowid: "a", oid: "2" }, row! { rowid: "b", oid: 1 }]);
}
