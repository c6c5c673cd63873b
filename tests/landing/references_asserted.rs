//! The assertion that every row has what it refers to, within a bind and from one bind into another.

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{Bind, Harness};
use rstest::{fixture, rstest};

use crate::failure::failure as whole_failure;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
    CREATE TABLE login (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES user);
    CREATE TABLE seat (room TEXT, number INTEGER, PRIMARY KEY (room, number)) WITHOUT ROWID;
    CREATE TABLE guest (room TEXT, number INTEGER, name TEXT PRIMARY KEY,
        FOREIGN KEY (room, number) REFERENCES seat) WITHOUT ROWID;
    INSERT INTO user VALUES (1, 'ann')";

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, author TEXT)"))
        .bind("auth", Bind::memory().schema(USER))
        .reference("main.post.author", "auth.user.name")
        .start()
        .unwrap()
}

/// The message of an assertion that must fail, without the places of the statements in it.
fn failure(db: &Harness) -> String {
    let report = whole_failure(|| db.assert_references());
    let (mut lines, mut in_place) = (Vec::new(), false);
    for line in report.lines() {
        in_place = line.starts_with("  at ") || line.starts_with("  called ") || in_place && line.starts_with("      ");
        if !in_place {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// The code under test, on a connection of its own that enforces no foreign key.
fn carelessly(db: &Harness, sql: &str) {
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

#[rstest]
fn rows_with_what_they_refer_to_pass(db: Harness) {
    let auth = db.connection("auth").unwrap();
    auth.execute_batch("INSERT INTO login (user_id) VALUES (1), (NULL); INSERT INTO guest VALUES (NULL, 1, 'x')")
        .unwrap();
    db.connection(None).unwrap().execute("INSERT INTO post (author) VALUES ('ann'), (NULL)", []).unwrap();
    db.assert_references().assert_rows("auth", "login", 2);
}

#[rstest]
fn a_row_written_with_foreign_keys_off_is_shown_with_who_wrote_it(db: Harness) {
    carelessly(&db, "INSERT INTO login (user_id) VALUES (7)");
    assert_eq!(db.check_references().unwrap()[0].refers_to(), "auth.user.id");
    assert_snapshot!(failure(&db), @r#"
    1 row of `login` in `auth` refers to a row of `user` that is not in `auth`:

      auth.login (id = 1, user_id = 7) refers to auth.user.id, which has no such row

    The row in `auth` was written by
      INSERT INTO login (user_id) VALUES (7)
      on the test's thread, connection 1, committed
      `PRAGMA foreign_keys` was switched off on that connection

    No DELETE has run on `user` in `auth`.
    "#);
}

#[rstest]
fn an_orphan_of_another_bind_is_shown_as_a_commit_shows_it(db: Harness) {
    db.connection(None).unwrap().execute("INSERT INTO post (author) VALUES ('bob')", []).unwrap();
    assert_snapshot!(failure(&db), @r#"
    1 row of `post` in `default` refers to a row of `user` that is not in `auth`:

      default.post (id = 1, author = 'bob') refers to auth.user.name, which has no
          such row

    The row in `default` was written by
      INSERT INTO post (author) VALUES ('bob')
      on the test's thread, connection 1, committed

    No DELETE has run on `user` in `auth`.
    "#);
}

#[rstest]
fn rows_that_sqlite_does_not_identify_are_found(db: Harness) {
    carelessly(
        &db,
        "INSERT INTO seat VALUES ('red', 2); INSERT INTO guest VALUES ('red', 1, 'ann'), ('red', 2, 'bob')",
    );
    assert_snapshot!(failure(&db), @r#"
    1 row of `guest` in `auth` refers to a row of `seat` that is not in `auth`:

      auth.guest (room = 'red', number = 1, name = 'ann') refers to auth.seat (room,
          number), which has no such row

    The row in `auth` was written by
      INSERT INTO guest VALUES ('red', 1, 'ann'), ('red', 2, 'bob')
      on the test's thread, connection 1, committed
      `PRAGMA foreign_keys` was switched off on that connection

    No DELETE has run on `seat` in `auth`.
    "#);
}

#[rstest]
fn many_rows_are_counted_and_the_first_are_shown(db: Harness) {
    let rows = (10..40).map(|id| format!("({id})")).collect::<Vec<_>>().join(", ");
    carelessly(&db, &format!("INSERT INTO login (user_id) VALUES {rows}"));
    let report = failure(&db);
    assert!(
        report.starts_with("30 rows of `login` in `auth` refer to rows of `user` that are not in `auth`:\n"),
        "{report}"
    );
    assert!(report.contains("\n  … and 20 more"), "{report}");
    // One statement wrote all of them.
    assert_eq!(report.matches("The row in `auth` was written by").count(), 1, "{report}");
}

#[test]
fn a_key_to_a_table_of_another_bind_is_a_references_matter() {
    let post = "CREATE TABLE post (id INTEGER PRIMARY KEY, author TEXT REFERENCES user (name))";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(post).allow_missing_parents(true))
        .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT UNIQUE)"))
        .reference("main.post.author", "auth.user.name")
        .start()
        .unwrap();
    let conn = Connection::open(db.uri(None).unwrap()).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO post (author) VALUES ('bob')").unwrap();
    assert_eq!(db.check_references().unwrap().len(), 1);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES ('bob')", []).unwrap();
    db.assert_references();
}

#[test]
fn a_key_that_sqlite_cannot_check_is_an_error() {
    let schema = "CREATE TABLE user (name TEXT); CREATE TABLE login (name TEXT REFERENCES user (name))";
    let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start().unwrap();
    assert_snapshot!(failure(&db), @r#"cannot check the references: bind `auth`: foreign key mismatch - "login" referencing "user""#);
}
