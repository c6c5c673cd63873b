//! The statement that wrote a row, with its place, thread, connection and end.

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::failure::failure;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL);
    INSERT INTO user VALUES (1, 'grace')";

/// Its pools have one connection each: where an opening takes long, a pool opens another.
fn shop(storage: fn() -> Bind) -> Harness {
    let bind = || storage().schema(USER).pool_size(1);
    Harness::builder().bind("auth", bind()).bind("meta", bind()).start().unwrap()
}

/// The application: it signs up in the wrong database.
fn sign_up(db: &Harness, username: &'static str) {
    let pool = db.pool("meta").unwrap();
    let worker = std::thread::Builder::new().name("worker".to_string());
    let signed_up = worker.spawn(move || {
        pool.get().unwrap().execute("INSERT INTO user (username) VALUES (?1)", [username]).unwrap();
    });
    signed_up.unwrap().join().unwrap();
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
fn a_row_in_the_wrong_bind_has_its_insert(#[case] storage: fn() -> Bind) {
    let db = shop(storage);
    for name in ["ann", "bob", "cleo"] {
        sign_up(&db, name);
    }
    insta::allow_duplicates! {
        assert_snapshot!(failure(|| db.assert_landed("auth", "user", row! { username: "bob" })), @r#"
        the row landed in `meta` instead of `auth`

          look at  … it used a connection to `meta`, not to `auth`
          looked for  user: username = 'bob'
          expected    in `auth`, committed, and in no other bind

         bind   rows   found
         auth   1      no row matches; nearest:
                         id = 1, username = 'grace'
        ─
         meta   4      the row:
                         id = 3, username = 'bob'

        The row in `meta` was written by
          INSERT INTO user (username) VALUES ('bob')
          at landing::accounts::written::sign_up
          on thread `worker`, connection 1, committed

        Connection 1 to `meta` came from `db.pool`
          at landing::accounts::written::sign_up
          several times

        Nothing in this process has opened a connection to `auth`.
        "#);
    }
}

/// The application: a worker's connection, opened by an address.
fn opens(address: String) -> impl FnOnce(&'static str) + Send + 'static {
    move |username| {
        let conn = Connection::open(address).unwrap();
        conn.execute("INSERT INTO user (username) VALUES (?1)", [username]).unwrap();
    }
}

#[test]
fn a_connection_to_the_wrong_bind_has_the_lines_that_got_its_address() {
    let db = shop(Bind::memory);
    let sign_up = opens(db.uri("meta").unwrap());
    let _unused = db.uri("auth").unwrap();
    let worker = std::thread::Builder::new().name("worker".to_string());
    worker.spawn(move || sign_up("ann")).unwrap().join().unwrap();
    assert_snapshot!(failure(|| db.assert_landed("auth", "user", row! { username: "ann" })), @r#"
    the row landed in `meta` instead of `auth`

      look at  … it opened a connection to `meta`
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind   rows   found
     auth   1      no row matches; nearest:
                     id = 1, username = 'grace'
    ─
     meta   2      the row:
                     id = 2, username = 'ann'

    The row in `meta` was written by
      INSERT INTO user (username) VALUES ('ann')
      at landing::accounts::written::opens
      on thread `worker`, connection 1, committed

    Connection 1 to `meta` was opened
      at landing::accounts::written::opens
    Its address came from `db.uri`
      at landing::accounts::written::a_connection_to_the_wrong_bind_has_the_lines_that_got_its_address

    Nothing in this process has opened a connection to `auth`.
    Its address came from `db.uri`
      at landing::accounts::written::a_connection_to_the_wrong_bind_has_the_lines_that_got_its_address
    "#);
}

#[test]
fn a_row_of_the_schema_was_there_at_the_start_also_after_a_reset() {
    let db = shop(Bind::memory);
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.execute_batch("DELETE FROM user; INSERT INTO user VALUES (1, 'grace')").unwrap();
    assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { username: "grace" })), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  user: username = 'grace'
      expected    not in `auth`

     bind   rows   found
     auth   1      the row:
                     id = 1, username = 'grace'
    ─
     meta   1      the row:
                     id = 1, username = 'grace'

    The row in `auth` was written by
      INSERT INTO user VALUES (1, 'grace')
      at landing::accounts::written::a_row_of_the_schema_was_there_at_the_start_also_after_a_reset
      on the test's thread, connection 1, committed
    "#);
    db.reset().unwrap();
    assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { username: "grace" })), @r#"
    the row is in `auth`

      looked for  user: username = 'grace'
      expected    not in `auth`

     bind   rows   found
     auth   1      the row:
                     id = 1, username = 'grace'
    ─
     meta   1      the row:
                     id = 1, username = 'grace'

    The row in `auth` was there at the start.

    To look further:
      db.locate("user", row)?  every place where the row is
      db.connection("auth")?   a connection to `auth`
    "#);
}

#[test]
fn the_trigger_that_wrote_a_row_is_named_with_the_statement_that_fired_it() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE audit (line TEXT);
        CREATE TRIGGER noted AFTER INSERT ON item BEGIN INSERT INTO audit VALUES ('item ' || new.name); END";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    let conn = db.connection(None).unwrap();
    conn.execute_batch("INSERT INTO item (name) VALUES ('pen'); INSERT INTO item (name) VALUES ('ink')").unwrap();
    assert_snapshot!(failure(|| db.assert_not_landed(None, "audit", row! { line: "item pen" })), @r#"
    the row is in `default`

      look at  … it fired the trigger `noted`, which wrote the row
      looked for  audit: line = 'item pen'
      expected    not in `default`

     bind      rows   found
     default   2      the row:
                        line = 'item pen'

    The row in `default` was written by
      INSERT INTO item (name) VALUES ('pen')
      which fired the trigger `noted`
      at landing::accounts::written::the_trigger_that_wrote_a_row_is_named_with_the_statement_that_fired_it
      on the test's thread, connection 1, committed

    The trigger `noted` in `default`:
      CREATE TRIGGER noted AFTER INSERT ON item BEGIN INSERT INTO audit VALUES
          ('item ' || new.name); END
      which was there at the start
    "#);
}

#[test]
fn an_update_is_the_author_of_the_row_it_changed_and_a_multi_row_insert_of_each_of_its_rows() {
    let db = shop(Bind::memory);
    let conn = db.connection("auth").unwrap();
    conn.execute_batch(
        "INSERT INTO user (username) VALUES ('ann'), ('bob'), ('cleo');
         UPDATE user SET username = 'robert' WHERE id = 3;",
    )
    .unwrap();
    assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { username: "robert" })), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  user: username = 'robert'
      expected    not in `auth`

     bind   rows   found
     auth   4      the row:
                     id = 3, username = 'robert'
    ─
     meta   1      no row matches; nearest:
                     id = 1, username = 'grace'

    The row in `auth` was written by
      UPDATE user SET username = 'robert' WHERE id = 3
      at landing::accounts::written::an_update_is_the_author_of_the_row_it_changed_and_a_multi_row_insert_of_each_of_its_rows
      on the test's thread, connection 1, committed
    "#);
    assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { username: "cleo" })), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  user: username = 'cleo'
      expected    not in `auth`

     bind   rows   found
     auth   4      the row:
                     id = 4, username = 'cleo'
    ─
     meta   1      no row matches; nearest:
                     id = 1, username = 'grace'

    The row in `auth` was written by
      INSERT INTO user (username) VALUES ('ann'), ('bob'), ('cleo')
      at landing::accounts::written::an_update_is_the_author_of_the_row_it_changed_and_a_multi_row_insert_of_each_of_its_rows
      on the test's thread, connection 1, committed
    "#);
}

#[test]
fn several_statements_that_may_have_written_a_row_without_rowid_are_all_named() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE t (x PRIMARY KEY) WITHOUT ROWID"))
        .start()
        .unwrap();
    let conn = db.connection(None).unwrap();
    for x in 1..=2 {
        conn.execute("INSERT INTO t VALUES (?1)", [x]).unwrap();
    }
    assert_snapshot!(failure(|| db.assert_not_landed(None, "t", row! { x: 2 })), @r#"
    the row is in `default`

      looked for  t: x = 2
      expected    not in `default`

     bind      rows   found
     default   2      the row:
                        x = 2

    The row in `default` was written by one of these:
      INSERT INTO t VALUES (1)
      at landing::accounts::written::several_statements_that_may_have_written_a_row_without_rowid_are_all_named
      on the test's thread, connection 1, committed
      INSERT INTO t VALUES (2)
      at landing::accounts::written::several_statements_that_may_have_written_a_row_without_rowid_are_all_named
      on the test's thread, connection 1, committed

    To look further:
      db.locate("t", row)?       every place where the row is
      db.connection("default")?  a connection to `default`
    "#);
}
