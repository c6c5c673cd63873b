//! Where rows landed: `locate`, `assert_landed`, `assert_not_landed`, and what they say when they fail.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;

use multibind::binds::Storage;
use multibind::rusqlite::functions::FunctionFlags;
use multibind::rusqlite::types::Value;
use multibind::rusqlite::{params, Connection, ErrorCode};
use multibind::{changes, row, Bind, BindKey, Error, Harness, Row};
use rstest::{fixture, rstest};

use crate::failure::failure;

const POST: &str = "
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
    CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL, post_id INTEGER);
";
const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT)";
const SETTING: &str = "
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL);
";

fn start(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(storage().schema(POST))
        .bind("auth", storage().schema(USER))
        .bind("meta", storage().schema(SETTING))
        .start()
        .unwrap()
}

#[fixture]
fn db() -> Harness {
    start(Bind::memory)
}

/// One bind with these tables and rows.
fn one(schema: &str) -> Harness {
    Harness::builder().bind("auth", Bind::memory().schema(schema)).start().unwrap()
}

/// A plain connection, as any program opens one, that waits for nothing.
fn plain(db: &Harness, key: impl Into<BindKey>) -> Connection {
    let conn = Connection::open(db.uri(key).unwrap()).unwrap();
    conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    conn
}

fn binds(landings: &[multibind::landings::Landing]) -> Vec<String> {
    landings.iter().map(|landing| landing.bind().to_string()).collect()
}

// What is found.

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_row_is_found_whoever_wrote_it(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('plain')", []).unwrap();
    db.pool("auth")?.get().unwrap().execute("INSERT INTO user (username) VALUES ('pool')", []).unwrap();
    db.connection("auth")?.execute("INSERT INTO user (username) VALUES ('connection')", []).unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('session')", [])?;
    session.commit()?;
    if let Some(path) = db.path("auth")? {
        Connection::open(path).unwrap().execute("INSERT INTO user (username) VALUES ('path')", []).unwrap();
        db.assert_landed("auth", "user", row! { username: "path" });
    }
    for name in ["plain", "pool", "connection", "session"] {
        db.assert_landed("auth", "user", row! { username: name })
            .assert_not_landed(None, "user", row! { username: name })
            .assert_not_landed("meta", "user", row! { username: name });
    }
    db.assert_not_landed("auth", "user", row! { username: "nobody" });
    Ok(())
}

#[rstest]
fn every_landing_comes_with_bind_table_and_whole_row(db: Harness) -> multibind::Result<()> {
    assert_eq!(db.locate("log", row! {})?, []);
    plain(&db, None).execute("INSERT INTO log (event) VALUES ('started'), ('stopped'), ('started')", []).unwrap();
    plain(&db, "meta").execute("INSERT INTO log (event) VALUES ('started')", []).unwrap();

    let landings = db.locate("LOG", row! { EVENT: "started" })?;
    assert_eq!(binds(&landings), ["default", "default", "meta"]);
    assert!(landings.iter().all(|landing| landing.table() == "log" && landing.is_committed()));
    assert_eq!(landings[1].row(), &row! { id: 3, event: "started", post_id: None });
    assert_eq!(landings[2].row(), &row! { id: 1, event: "started" });
    // Only default's log has the column.
    assert_eq!(binds(&db.locate("log", row! { post_id: None })?), ["default"; 3]);
    Ok(())
}

#[rstest]
#[case::null_is_null(row! { n: None }, row! { n: None }, true)]
#[case::null_is_not_zero(row! { n: None }, row! { n: 0 }, false)]
#[case::zero_is_not_null(row! { n: 0 }, row! { n: None }, false)]
#[case::empty_text_is_not_null(row! { t: "" }, row! { t: None }, false)]
#[case::an_integer_is_its_real(row! { n: 1 }, row! { n: 1.0 }, true)]
#[case::a_real_column_keeps_a_real(row! { r: 1 }, row! { r: 1 }, true)]
#[case::text_becomes_a_number_in_a_number_column(row! { n: 1 }, row! { n: "1" }, true)]
#[case::a_number_becomes_text_in_a_text_column(row! { t: 1 }, row! { t: "1" }, true)]
#[case::and_is_found_as_a_number(row! { t: "1" }, row! { t: 1 }, true)]
#[case::without_a_type_text_is_no_number(row! { x: 1 }, row! { x: "1" }, false)]
#[case::a_blob_is_not_its_text(row! { x: b"abc".to_vec() }, row! { x: "abc" }, false)]
#[case::a_blob_is_its_bytes(row! { x: vec![0_u8, 255, 39] }, row! { x: vec![0_u8, 255, 39] }, true)]
#[case::a_prefix_is_not_the_blob(row! { x: vec![0_u8, 255] }, row! { x: vec![0_u8] }, false)]
#[case::a_sum_is_not_what_it_looks_like(row! { r: 0.1 + 0.2 }, row! { r: 0.3 }, false)]
#[case::a_real_to_its_last_digit(row! { r: 0.1 + 0.2 }, row! { r: 0.300_000_000_000_000_04 }, true)]
#[case::the_largest_integer(row! { n: i64::MAX }, row! { n: i64::MAX }, true)]
#[case::the_largest_integer_is_not_the_real_next_to_it(row! { n: i64::MAX }, row! { n: i64::MAX as f64 }, false)]
#[case::infinity(row! { r: f64::INFINITY }, row! { r: f64::INFINITY }, true)]
#[case::text_is_compared_by_case(row! { t: "Ann" }, row! { t: "ann" }, false)]
#[case::but_as_its_column_says(row! { c: "Ann" }, row! { c: "ann" }, true)]
#[case::text_is_quoted(row! { t: "it's \"so\"; --" }, row! { t: "it's \"so\"; --" }, true)]
#[case::text_beyond_ascii(row! { t: "日本\u{0}\u{1F600}" }, row! { t: "日本\u{0}\u{1F600}" }, true)]
fn values_compare_as_sqlite_does(
    #[case] written: Row,
    #[case] asked: Row,
    #[case] equal: bool,
) -> multibind::Result<()> {
    let db = one("CREATE TABLE v (n INTEGER, r REAL, t TEXT, x, c TEXT COLLATE NOCASE)");
    let mut session = db.session();
    session.table("v")?.insert(written)?;
    session.commit()?;
    assert_eq!(db.locate("v", asked.clone())?.len(), usize::from(equal));
    // The session says the same.
    assert_eq!(session.table("v")?.count(asked.clone())?, usize::from(equal));
    match equal {
        true => db.assert_landed("auth", "v", asked),
        false => db.assert_not_landed("auth", "v", asked),
    };
    Ok(())
}

#[test]
fn found_values_are_those_that_were_written() -> multibind::Result<()> {
    let db = one("CREATE TABLE v (n INTEGER, r REAL, t TEXT, x)");
    let rows = [
        row! { n: i64::MIN, r: 2.0, t: "", x: Vec::<u8>::new() },
        row! { n: None, r: f64::MIN_POSITIVE, t: "a\0b", x: 1.5 },
        row! { n: "no number", r: -0.5, t: "7", x: "7" },
        row! { n: 7, r: 1e300, t: "7.0", x: 7 },
    ];
    for row in &rows {
        let values = row.columns().map(|(_, value)| value.clone()).collect::<Vec<Value>>();
        plain(&db, "auth")
            .execute("INSERT INTO v VALUES (?, ?, ?, ?)", multibind::rusqlite::params_from_iter(values))
            .unwrap();
    }
    let found = db.locate("v", row! {})?;
    assert_eq!(found.iter().map(|landing| landing.row().clone()).collect::<Vec<_>>(), rows);
    Ok(())
}

#[test]
fn a_generated_column_has_values_of_its_type() -> multibind::Result<()> {
    let generated = "n INT, r REAL AS (n + 1), s REAL AS (n + 1) STORED, x TEXT AS (n)";
    let db = one(&format!("CREATE TABLE t ({generated}); INSERT INTO t (n) VALUES (1)"));
    assert_eq!(db.locate("t", row! { r: 2 })?[0].row(), &row! { n: 1, r: 2.0, s: 2.0, x: "1" });
    Ok(())
}

#[test]
fn tables_of_every_kind_and_name_are_looked_into() -> multibind::Result<()> {
    let db = one(r#"
        CREATE TABLE "odd ""table""; --" ("a column", "select", "日本", "t");
        INSERT INTO "odd ""table""; --" VALUES (1, 2, 3, 4);
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
        INSERT INTO keyed VALUES ('a', 1);
        CREATE VIEW dear (key) AS SELECT k FROM keyed WHERE v > 0;
        CREATE TABLE made (a INTEGER, twice AS (2 * a), kept AS (a || '!') STORED);
        INSERT INTO made VALUES (4);
        CREATE VIRTUAL TABLE text USING fts5 (title, body);
        INSERT INTO text VALUES ('hello', 'a body of text');
        CREATE TABLE multibind_1 (c0);
        INSERT INTO multibind_1 VALUES ('own');
        CREATE TABLE strict (n INTEGER) STRICT;
        INSERT INTO strict VALUES (1);
    "#);
    for (table, row, whole) in [
        (
            r#"odd "table"; --"#,
            row! { "a column": 1, "SELECT": 2 },
            row! { "a column": 1, "select": 2, "日本": 3, t: 4 },
        ),
        (
            r#"odd "table"; --"#,
            row! { t: 4, "日本": 3, rowid: 1 },
            row! { "a column": 1, "select": 2, "日本": 3, t: 4 },
        ),
        ("keyed", row! { k: "a" }, row! { k: "a", v: 1 }),
        ("dear", row! { key: "a" }, row! { key: "a" }),
        ("made", row! { twice: 8, kept: "4!" }, row! { a: 4, twice: 8, kept: "4!" }),
        ("text", row! { title: "hello" }, row! { title: "hello", body: "a body of text" }),
        ("multibind_1", row! { c0: "own" }, row! { c0: "own" }),
        ("strict", row! { n: 1 }, row! { n: 1 }),
        ("strict", row! {}, row! { n: 1 }),
    ] {
        db.assert_landed("auth", table, row.clone());
        assert_eq!(db.locate(table, row)?[0].row(), &whole);
    }
    // A function is no table.
    assert!(matches!(db.locate("json_each", row! {}), Err(Error::UnknownTable { .. })));
    assert!(matches!(db.locate("pragma_table_list", row! {}), Err(Error::UnknownTable { .. })));
    Ok(())
}

#[test]
fn keys_that_share_a_stand_in_share_its_rows() -> multibind::Result<()> {
    let url = "postgresql://app@db.example/app";
    let db = Harness::builder()
        .default_bind(Bind::url(url).schema(USER))
        .bind("auth", Bind::url(url).schema(USER))
        .bind("meta", Bind::memory().schema(USER))
        .start()?;
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    db.assert_landed("auth", "user", row! { username: "ann" }).assert_landed(None, "user", row! { username: "ann" });
    assert_eq!(binds(&db.locate("user", row! {})?), ["default"]);
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "user", row! { username: "ann" })), @r#"
    the row landed in `default` instead of `meta`

      look at  … it gave `default`, with `db.uri`
      looked for  user: username = 'ann'
      expected    in `meta`, committed, and in no other bind

     bind             rows   found
     default = auth   1      the row:
                               id = 1, username = 'ann', email = NULL
    ─
     meta             0      no row at all

    The row in `default` was written by
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::keys_that_share_a_stand_in_share_its_rows
      on the test's thread, connection 1, committed

    Connection 1 to `default` was opened
      at landing::assertions::plain
    Its address came from `db.uri`
      at landing::assertions::plain

    Nothing in this process has opened a connection to `meta`.
    "#);
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { username: "ann" })), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind             rows   found
     default = auth   1      the row:
                               id = 1, username = 'ann', email = NULL
    ─
     meta             0      no row at all

    The row in `default` was written by
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::keys_that_share_a_stand_in_share_its_rows
      on the test's thread, connection 1, committed
    "#);
    Ok(())
}

// What a failure says.

#[rstest]
fn a_row_in_another_bind_is_shown_there(db: Harness) {
    plain(&db, None).execute("INSERT INTO log (event) VALUES ('started'), ('sign-up of ann')", []).unwrap();
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "log", row! { event: "sign-up of ann" })), @r#"
    the row landed in `default` instead of `meta`

      look at  … it gave `default`, with `db.uri`
      looked for  log: event = 'sign-up of ann'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   2      the row:
                        id = 2, event = 'sign-up of ann', post_id = NULL
    ─
     auth             no such table
    ─
     meta      0      no row at all

    The row in `default` was written by
      INSERT INTO log (event) VALUES ('started'), ('sign-up of ann')
      at landing::assertions::a_row_in_another_bind_is_shown_there
      on the test's thread, connection 1, committed

    Connection 1 to `default` was opened
      at landing::assertions::plain
    Its address came from `db.uri`
      at landing::assertions::plain

    Nothing in this process has opened a connection to `meta`.
    "#);
}

#[rstest]
fn a_row_in_two_binds_is_in_one_too_many(db: Harness) {
    plain(&db, None).execute("INSERT INTO log (event) VALUES ('started')", []).unwrap();
    plain(&db, "meta").execute("INSERT INTO log (event) VALUES ('started')", []).unwrap();
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "log", row! { event: "started" })), @r#"
    the row landed in `meta`, but also in `default`

      look at  … it used a connection to `default`, not to `meta`
      looked for  log: event = 'started'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   1      the row:
                        id = 1, event = 'started', post_id = NULL
    ─
     auth             no such table
    ─
     meta      1      the row:
                        id = 1, event = 'started'

    The row in `default` was written by
      INSERT INTO log (event) VALUES ('started')
      at landing::assertions::a_row_in_two_binds_is_in_one_too_many
      on the test's thread, connection 1, committed

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('started')
      at landing::assertions::a_row_in_two_binds_is_in_one_too_many
      on the test's thread, connection 2, committed

    Connection 2 to `meta` was opened
      at landing::assertions::plain
    Its address came from `db.uri`
      at landing::assertions::plain
    "#);
}

#[rstest]
fn a_row_in_no_bind_is_shown_the_nearest(db: Harness) {
    plain(&db, "auth")
        .execute(
            "INSERT INTO user (username, email) VALUES
             ('zoe', 'zoe@example'), ('Ann', NULL), ('anne', 'ann@example'), ('bob', NULL), ('an', 'an@example')",
            [],
        )
        .unwrap();
    let asked = || row! { username: "ann", email: "ann@example" };
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "user", asked())), @r#"
    the row did not land in `auth`: the nearest row there has `username` = 'anne',
    not 'ann'

      look at  … it wrote `username` = 'anne', not 'ann'
      looked for  user: username = 'ann', email = 'ann@example'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth            5      no row matches; nearest:
                              id = 3, username = 'anne', email = 'ann@example'
                                differs in username
    ─
     default, meta          no such table

    The nearest row in `auth` was written by
      INSERT INTO user (username, email) VALUES
      ('zoe', 'zoe@example'), ('Ann', NULL), ('anne', 'ann@example'), ('bob', NULL),
          ('an', 'an@example')
      at landing::assertions::a_row_in_no_bind_is_shown_the_nearest
      on the test's thread, connection 1, committed
    "#);
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "user", row! { id: 6, email: None })), @r#"
    the row did not land in `auth`: the nearest row there has `id` = 4, not 6

      look at  … it wrote `id` = 4, not 6
      looked for  user: id = 6, email = NULL
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth            5      no row matches; nearest:
                              id = 4, username = 'bob', email = NULL
                                differs in id
                              id = 2, username = 'Ann', email = NULL
                                differs in id
    ─
     default, meta          no such table

    The nearest row in `auth` was written by
      INSERT INTO user (username, email) VALUES
      ('zoe', 'zoe@example'), ('Ann', NULL), ('anne', 'ann@example'), ('bob', NULL),
          ('an', 'an@example')
      at landing::assertions::a_row_in_no_bind_is_shown_the_nearest
      on the test's thread, connection 1, committed
    "#);
}

#[rstest]
fn a_bind_without_the_table_says_so(db: Harness) {
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "user", row! { username: "ann" })), @r#"
    the row did not land in `meta`: it has no table `user`; `auth` has it, without
    the row

      looked for  user: username = 'ann'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default          no such table
    ─
     auth      0      no row at all
    ─
     meta             no such table

    Nothing was written to any bind of this harness. Does the code under test take
    its connections from it?

    Nothing in this process has opened a connection to `meta`.

    To look further:
      db.locate("user", row)?  every place where the row is
      db.connection("meta")?   a connection to `meta`
    "#);
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "user", row! { username: "ann" })), @r#"
    the row landed in `auth` instead of `meta`

      look at  … it gave `auth`, with `db.uri`
      looked for  user: username = 'ann'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default          no such table
    ─
     auth      1      the row:
                        id = 1, username = 'ann', email = NULL
    ─
     meta             no such table

    The row in `auth` was written by
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::a_bind_without_the_table_says_so
      on the test's thread, connection 1, committed

    Connection 1 to `auth` was opened
      at landing::assertions::plain
    Its address came from `db.uri`
      at landing::assertions::plain

    Nothing in this process has opened a connection to `meta`.
    "#);
}

#[rstest]
fn a_bind_whose_table_lacks_the_column_says_so(db: Harness) {
    plain(&db, None).execute("INSERT INTO log (event, post_id) VALUES ('started', 1)", []).unwrap();
    let asked = || row! { event: "started", post_id: 2 };
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "log", asked())), @r#"
    the row did not land in `meta`: its table `log` has no column `post_id`, and no
    other bind has the row

      looked for  log: event = 'started', post_id = 2
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, event = 'started', post_id = 1
                          differs in post_id
    ─
     auth             no such table
    ─
     meta      0      no column `post_id`: the table has id, event

    The last statement that changed rows of `log` in `default`:
      INSERT INTO log (event, post_id) VALUES ('started', 1)
      at landing::assertions::a_bind_whose_table_lacks_the_column_says_so
      on the test's thread, connection 1, committed

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("meta")?  a connection to `meta`
    "#);
    insta::assert_snapshot!(failure(|| db.assert_not_landed("meta", "log", asked())), @r#"
    unknown whether the row is in `meta`: its table `log` has no column `post_id`

      looked for  log: event = 'started', post_id = 2
      expected    not in `meta`

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, event = 'started', post_id = 1
                          differs in post_id
    ─
     auth             no such table
    ─
     meta      0      no column `post_id`: the table has id, event

    The last statement that changed rows of `log` in `default`:
      INSERT INTO log (event, post_id) VALUES ('started', 1)
      at landing::assertions::a_bind_whose_table_lacks_the_column_says_so
      on the test's thread, connection 1, committed

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("meta")?  a connection to `meta`
    "#);
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "log", row! { post_id: 1 })), @r#"
    the row landed in `default` instead of `meta`

      look at  … it gave `default`, with `db.uri`
      looked for  log: post_id = 1
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   1      the row:
                        id = 1, event = 'started', post_id = 1
    ─
     auth             no such table
    ─
     meta      0      no column `post_id`: the table has id, event

    The row in `default` was written by
      INSERT INTO log (event, post_id) VALUES ('started', 1)
      at landing::assertions::a_bind_whose_table_lacks_the_column_says_so
      on the test's thread, connection 1, committed

    Connection 1 to `default` was opened
      at landing::assertions::plain
    Its address came from `db.uri`
      at landing::assertions::plain

    Nothing in this process has opened a connection to `meta`.
    "#);
    db.assert_not_landed(None, "log", asked());
}

#[rstest]
fn a_row_that_should_not_be_there_is_shown(db: Harness) {
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('ann'), ('bob'), ('cleo'), ('dan')", []).unwrap();
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { username: "ann" })), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth            4      the row:
                              id = 1, username = 'ann', email = NULL
    ─
     default, meta          no such table

    The row in `auth` was written by
      INSERT INTO user (username) VALUES ('ann'), ('bob'), ('cleo'), ('dan')
      at landing::assertions::a_row_that_should_not_be_there_is_shown
      on the test's thread, connection 1, committed
    "#);
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! {})), @r#"
    the row is in `auth`

      look at  … it wrote the row
      looked for  user: any row
      expected    not in `auth`

     bind            rows   found
     auth            4      rows that match:
                              id = 1, username = 'ann', email = NULL
                              id = 2, username = 'bob', email = NULL
                              id = 3, username = 'cleo', email = NULL
                              and more
    ─
     default, meta          no such table

    The rows in `auth` were written by
      INSERT INTO user (username) VALUES ('ann'), ('bob'), ('cleo'), ('dan')
      at landing::assertions::a_row_that_should_not_be_there_is_shown
      on the test's thread, connection 1, committed
    "#);
    insta::assert_snapshot!(failure(|| db.assert_landed(None, "post", row! {})), @r#"
    the row did not land in `default`: it is in no bind

      looked for  post: any row
      expected    in `default`, committed, and in no other bind

     bind         rows   found
     default      0      no row at all
    ─
     auth, meta          no such table

    No statement wrote to a table `post`, in any bind.

    Nothing in this process has opened a connection to `default`.

    To look further:
      db.locate("post", row)?    every place where the row is
      db.connection("default")?  a connection to `default`
    "#);
}

#[rstest]
fn missing_tables_columns_and_binds_fail(db: Harness) {
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "usr", row! { username: "ann" })), @"cannot look for a row of `usr` in bind `auth`: no table `usr` in any bind; the nearest names are `user` in auth");
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "usr", row! { username: "ann" })), @"cannot look for a row of `usr` in bind `auth`: no table `usr` in any bind; the nearest names are `user` in auth");
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "audit", row! {})), @"cannot look for a row of `audit` in bind `auth`: no table `audit` in any bind");
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "user", row! { usrname: "ann" })), @"cannot look for a row of `user` in bind `auth`: no column `usrname` in table `user` of bind `auth`, whose columns are id, username, email");
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "user", row! { usrname: "ann" })), @"cannot look for a row of `user` in bind `auth`: no column `usrname` in table `user` of bind `auth`, whose columns are id, username, email");
    insta::assert_snapshot!(failure(|| db.assert_landed("audit", "user", row! { username: "ann" })), @"cannot look for a row of `user` in bind `audit`: no bind `audit`: configured are default, auth, meta");
    insta::assert_snapshot!(failure(|| db.assert_not_landed("audit", "user", row! {})), @"cannot look for a row of `user` in bind `audit`: no bind `audit`: configured are default, auth, meta");
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "user", row! { id: u64::MAX })), @"cannot look for a row of `user` in bind `auth`: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    insta::assert_snapshot!(failure(|| one(USER).assert_landed(None, "user", row! {}).binds()), @"cannot look for a row of `user` in bind `default`: no default bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");

    insta::assert_snapshot!(db.locate("usr", row! {}).unwrap_err(), @"no table `usr` in any bind; the nearest names are `user` in auth");
    insta::assert_snapshot!(db.locate("user", row! { usrname: "ann" }).unwrap_err(), @"row: no column `usrname` in table `user` of bind `auth`, whose columns are id, username, email");
    insta::assert_snapshot!(db.locate("user", row! { id: u64::MAX }).unwrap_err(), @"row: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
}

#[test]
fn values_are_shown_as_sql_writes_them() {
    let db = one("CREATE TABLE v (n INTEGER, r REAL, t TEXT, x); INSERT INTO v VALUES (1, 2.0, 'it''s', x'00ff'), (NULL, 0.1, char(10), '1')");
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "v", row! { n: 1, r: 0.1, t: "\t", x: 1 })), @r#"
    the row did not land in `auth`: it is in no bind

      looked for  v: n = 1, r = 0.1, t = '\t', x = 1
      expected    in `auth`, committed, and in no other bind

     bind   rows   found
     auth   2      no row matches; nearest:
                     n = NULL, r = 0.1, t = '\n', x = '1'
                       differs in n, t (in the white space around it), x (text, not
                           an integer)
                         `v.x` is declared without a type, so SQLite stored the
                             text that was bound
                     n = 1, r = 2.0, t = 'it''s', x = x'00ff'
                       differs in r, t, x (a blob, not an integer)

    The nearest row in `auth` was there at the start.

    Nothing was written to any bind of this harness. Does the code under test take
    its connections from it?

    Nothing in this process has opened a connection to `auth`.

    To look further:
      db.locate("v", row)?    every place where the row is
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[test]
fn long_values_are_cut_but_differences_shown() -> multibind::Result<()> {
    let db = one("CREATE TABLE page (id INTEGER PRIMARY KEY, body TEXT, image BLOB)");
    let body = "All work and no play makes Jack a dull boy. ".repeat(30);
    let image = (0..=255).cycle().take(5000).collect::<Vec<u8>>();
    plain(&db, "auth").execute("INSERT INTO page VALUES (1, ?, ?)", params![format!("{body}The end."), image]).unwrap();
    let mut other = image.clone();
    other[4000] = 0;
    let message =
        failure(|| db.assert_landed("auth", "page", row! { body: format!("{body}To be continued."), image: other }));
    insta::assert_snapshot!(message, @r#"
    the row did not land in `auth`: it is in no bind

      look at  … it wrote the nearest row
      looked for  page: body = 'All work and no play makes Jack a dull boy. All work
                    and no play makes Jack a du'… (1336 characters), image = x'00010
                    2030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'…
                    (5000 bytes)
      expected    in `auth`, committed, and in no other bind

     bind   rows   found
     auth   1      no row matches; nearest:
                     id = 1, body = 'All work and no play makes Jack a dull boy.
                         All work and no play makes Jack a du'… (1328 characters),
                         image = x'000102030405060708090a0b0c0d0e0f1011121314151617
                         18191a1b1c1d1e1f'… (5000 bytes)
                       differs in body, image
                         body from character 1322 on: …'ull boy. The end.', not
                             …'ull boy. To be continued.'
                         image from byte 4001 on: …x'969798999a9b9c9d9e9fa0a1a2a3a4
                             a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5'…, not …x'969798999
                             a9b9c9d9e9f00a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b
                             5'…

    The nearest row in `auth` was written by
      INSERT INTO page VALUES (1, 'All work and no play makes Jack a dull boy. All
          work and no play makes Jack a dull boy. All work and no play makes Jack a
          dull boy. All work and no play makes Jack a dull boy. All work and no play
          makes Jack a dull boy. All work and no play makes Jack a dull boy. All
          wor…
      at landing::assertions::long_values_are_cut_but_differences_shown
      on the test's thread, connection 1, committed
    "#);

    let columns = (1..=100).map(|n| format!("column_{n} DEFAULT {n}")).collect::<Vec<_>>().join(", ");
    let db = one(&format!("CREATE TABLE wide ({columns}); INSERT INTO wide DEFAULT VALUES"));
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "wide", row! { column_7: 7 })), @r#"
    the row is in `auth`

      looked for  wide: column_7 = 7
      expected    not in `auth`

     bind   rows   found
     auth   1      the row:
                     column_1 = 1, column_2 = 2, column_3 = 3, column_4 = 4,
                         column_5 = 5, column_6 = 6, column_7 = 7, column_8 = 8,
                         column_9 = 9, column_10 = 10, column_11 = 11,
                         column_12 = 12, column_13 = 13, column_14 = 14,
                         column_15 = 15, column_16 = 16, column_17 = 17,
                         column_18 = 18, column_19 = 19, column_20 = 20,
                         column_21 = 21, column_22 = 22, column_23 = 23,
                         column_24 = 24, column_25 = 25, column_26 = 26,
                         column_27 = 27, column_28 = 28, column_29 = 29,
                         column_30 = 30, column_31 = 31, column_32 = 32,
                         column_33 = 33, column_34 = 34, column_35 = 35,
                         column_36 = 36, column_37 = 37, column_38 = 38, column_39
                         …

    The row in `auth` was there at the start.

    To look further:
      db.locate("wide", row)?  every place where the row is
      db.connection("auth")?   a connection to `auth`
    "#);
    Ok(())
}

#[test]
fn of_many_rows_three_are_shown() {
    let db = one("CREATE TABLE n (i); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) INSERT INTO n SELECT i FROM n");
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "n", row! {})), @r#"
    the row is in `auth`

      looked for  n: any row
      expected    not in `auth`

     bind   rows   found
     auth   3000   rows that match:
                     i = 1
                     i = 2
                     i = 3
                     and more

    The rows in `auth` were there at the start.

    To look further:
      db.locate("n", row)?    every place where the row is
      db.connection("auth")?  a connection to `auth`
    "#);
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "n", row! { i: "12" })), @r#"
    the row did not land in `auth`: it is in no bind

      looked for  n: i = '12'
      expected    in `auth`, committed, and in no other bind

     bind   rows   found
     auth   3000   no row matches; nearest:
                     i = 12
                       differs in i (an integer, not text)
                         `n.i` is declared without a type, so SQLite stored the
                             integer that was bound
                     i = 1
                       differs in i (an integer, not text)
                     i = 2
                       differs in i (an integer, not text)

    The nearest row in `auth` was there at the start.

    Nothing was written to any bind of this harness. Does the code under test take
    its connections from it?

    Nothing in this process has opened a connection to `auth`.

    To look further:
      db.locate("n", row)?    every place where the row is
      db.connection("auth")?  a connection to `auth`
    "#);
}

#[test]
fn a_view_that_is_broken_is_not_read_as_empty() {
    let db = one("CREATE TABLE t (x); CREATE VIEW v AS SELECT x FROM t");
    plain(&db, "auth").execute_batch("PRAGMA legacy_alter_table = ON; DROP TABLE t").unwrap();
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "v", row! { x: 1 })), @r#"
    unknown whether the row is in `auth`: the bind cannot be read

      looked for  v: x = 1
      expected    not in `auth`

     bind   rows   found
     auth          cannot be read: no such table: main.t

    To look further:
      db.locate("v", row)?    every place where the row is
      db.connection("auth")?  a connection to `auth`
    "#);
    insta::assert_snapshot!(db.locate("v", row! { x: 1 }).unwrap_err(), @"bind `auth`: no such table: main.t");
}

#[rstest]
fn no_line_of_a_failure_is_wider_than_a_terminal(db: Harness) {
    let event = "a long event with words in it ".repeat(20);
    plain(&db, None).execute("INSERT INTO log (event) VALUES (?1)", [&event]).unwrap();
    let message = crate::failure::message(|| db.assert_landed("meta", "log", row! { event: event.as_str() }));
    assert!(message.lines().any(|line| line.chars().count() > 70), "nothing was wrapped: {message}");
    assert!(message.lines().all(|line| line.chars().count() <= 80), "{message}");
}

#[rstest]
fn a_failure_points_at_the_line_of_the_test(db: Harness) {
    use std::sync::Mutex;
    static PLACES: Mutex<Vec<(String, u32)>> = Mutex::new(Vec::new());
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some("assertions::a_failure_points_at_the_line_of_the_test") {
            let place = panic.location().unwrap();
            PLACES.lock().unwrap().push((place.file().to_string(), place.line()));
        } else {
            default(panic);
        }
    }));
    let first = line!() + 1;
    failure(|| db.assert_landed("auth", "user", row! { username: "ann" }));
    failure(|| db.assert_not_landed("auth", "usr", row! { username: "ann" }));
    let places = PLACES.lock().unwrap().clone();
    drop(std::panic::take_hook());
    assert_eq!(places, [first, first + 1].map(|line| (file!().to_string(), line)));
}

// What is not committed.

/// A failure with a transaction open: who has it, and what that makes of the assertion.
#[derive(Clone, Copy)]
enum Writer {
    Session,
    Connection,
}

/// The messages of both assertions while a row is written and not committed; it is gone when the transaction is.
fn uncommitted(storage: fn() -> Bind, writer: Writer) -> (String, String) {
    let db = start(storage);
    let insert = "INSERT INTO user (username) VALUES ('ann')";
    let mut session = db.session();
    let conn = plain(&db, "auth");
    match writer {
        Writer::Session => drop(session.execute(insert, []).unwrap()),
        Writer::Connection => conn.execute_batch(&format!("BEGIN; {insert}")).unwrap(),
    }
    let asked = || row! { username: "ann" };
    let landed = failure(|| db.assert_landed("auth", "user", asked()));
    let not_landed = catch_unwind(AssertUnwindSafe(|| db.assert_not_landed("auth", "user", asked()).binds()))
        .map_or_else(
            |panic| crate::failure::in_short(panic.downcast_ref::<String>().unwrap()),
            |_| "passes".to_string(),
        );
    // The writer was not disturbed.
    match writer {
        Writer::Session => session.commit().unwrap(),
        Writer::Connection => conn.execute_batch("COMMIT").unwrap(),
    }
    db.assert_landed("auth", "user", asked());
    (landed, not_landed)
}

#[test]
fn shared_cache_shows_a_row_as_not_committed() {
    let (landed, not_landed) = uncommitted(Bind::shared_cache, Writer::Connection);
    insta::assert_snapshot!(landed, @r#"
    the row is in `auth`, but not committed: a transaction that wrote to `user` is
    still open

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth            1      the row, not committed:
                              id = 1, username = 'ann', email = NULL
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open:
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, connection 1, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(not_landed, @r#"
    the row is in `auth`, but not committed: a transaction that wrote to `user` is
    still open

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth            1      the row, not committed:
                              id = 1, username = 'ann', email = NULL
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open:
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, connection 1, not committed
      open for … when this assertion failed
    "#);
    let (landed, not_landed) = uncommitted(Bind::shared_cache, Writer::Session);
    insta::assert_snapshot!(landed, @r#"
    the row is in `auth`, but not committed: a transaction that wrote to `user` is
    still open

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth            1      the row, not committed:
                              id = 1, username = 'ann', email = NULL
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open: `session.commit()`
    first?
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, in a session, connection 2, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(not_landed, @r#"
    the row is in `auth`, but not committed: a transaction that wrote to `user` is
    still open

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth            1      the row, not committed:
                              id = 1, username = 'ann', email = NULL
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open: `session.commit()`
    first?
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, in a session, connection 2, not committed
      open for … when this assertion failed
    "#);
}

#[test]
fn an_uncommitted_row_of_a_file_is_invisible() {
    let (landed, not_landed) = uncommitted(Bind::temp_file, Writer::Connection);
    insta::assert_snapshot!(landed, @r#"
    the row did not land in `auth`: it is in no bind

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth            0      no row at all
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open:
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, connection 1, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(not_landed, @r#"
    unknown whether the row is in `auth`: a transaction that can write to `auth` is
    still open, and nobody else sees its rows

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth            0      no row at all
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open:
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, connection 1, not committed
      open for … when this assertion failed
    "#);
    let (landed, not_landed) = uncommitted(Bind::temp_file, Writer::Session);
    insta::assert_snapshot!(landed, @r#"
    the row did not land in `auth`: it is in no bind

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth            0      no row at all
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open: `session.commit()`
    first?
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, in a session, connection 2, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(not_landed, @r#"
    unknown whether the row is in `auth`: a transaction that can write to `auth` is
    still open, and nobody else sees its rows

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth            0      no row at all
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open: `session.commit()`
    first?
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, in a session, connection 2, not committed
      open for … when this assertion failed
    "#);
}

#[rstest]
#[case::a_connection(Writer::Connection)]
#[case::a_session(Writer::Session)]
fn in_memory_a_row_in_an_open_transaction_may_still_land(#[case] writer: Writer) {
    let (landed, not_landed) = uncommitted(Bind::memory, writer);
    assert!(landed.starts_with("the row did not land in `auth`: it is in no bind\n"), "{landed}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(not_landed.split_once("\n\n").unwrap().0, @"
        unknown whether the row is in `auth`: a transaction that can write to `auth` is
        still open, and nobody else sees its rows
        ");
    }
    let hint = match writer {
        Writer::Connection => "A transaction that wrote to `user` in `auth` is still open:   INSERT",
        Writer::Session => "A transaction that wrote to `user` in `auth` is still open: `session.commit()` first?",
    };
    assert!(not_landed.replace('\n', " ").contains(hint), "{not_landed}");
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::temp_file(Bind::temp_file())]
fn a_transaction_that_only_reads_or_is_rolled_back_lands_nothing(#[case] bind: Bind) {
    let db = Harness::builder().bind("auth", bind.schema("CREATE TABLE user (name TEXT)")).start().unwrap();
    let mut conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    let reading = conn.transaction().unwrap();
    reading.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).unwrap();
    db.assert_not_landed("auth", "user", row! { name: "ann" });
    reading.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    reading.rollback().unwrap();
    db.assert_not_landed("auth", "user", row! { name: "ann" });
}

#[test]
fn in_memdb_an_open_transaction_keeps_others_from_reading() {
    let (landed, not_landed) = uncommitted(Bind::memdb, Writer::Connection);
    insta::assert_snapshot!(landed, @r#"
    unknown whether the row landed in `auth`: the bind cannot be read

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth                   cannot be read: another connection has a transaction
                                open that locks it
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open:
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, connection 1, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(not_landed, @r#"
    unknown whether the row is in `auth`: the bind cannot be read

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth                   cannot be read: another connection has a transaction
                                open that locks it
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open:
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, connection 1, not committed
      open for … when this assertion failed
    "#);
    let (landed, not_landed) = uncommitted(Bind::memdb, Writer::Session);
    insta::assert_snapshot!(landed, @r#"
    unknown whether the row landed in `auth`: the bind cannot be read

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth                   cannot be read: another connection has a transaction
                                open that locks it
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open: `session.commit()`
    first?
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, in a session, connection 2, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(not_landed, @r#"
    unknown whether the row is in `auth`: the bind cannot be read

      look at  … it wrote the row, and no COMMIT has followed
      looked for  user: username = 'ann'
      expected    not in `auth`

     bind            rows   found
     auth                   cannot be read: another connection has a transaction
                                open that locks it
    ─
     default, meta          no such table

    A transaction that wrote to `user` in `auth` is still open: `session.commit()`
    first?
      INSERT INTO user (username) VALUES ('ann')
      at landing::assertions::uncommitted
      on the test's thread, in a session, connection 2, not committed
      open for … when this assertion failed
    "#);
}

#[test]
fn shared_cache_locates_an_uncommitted_row_as_uncommitted() -> multibind::Result<()> {
    let db = start(Bind::shared_cache);
    let conn = plain(&db, "auth");
    conn.execute_batch("INSERT INTO user (username) VALUES ('ann'); BEGIN; INSERT INTO user (username) VALUES ('bob')")
        .unwrap();
    let landings = db.locate("user", row! { username: "bob" })?;
    assert_eq!(landings.iter().map(|landing| landing.is_committed()).collect::<Vec<_>>(), [false]);
    conn.execute_batch("COMMIT").unwrap();
    assert!(db.locate("user", row! { username: "bob" })?.iter().all(|landing| landing.is_committed()));
    Ok(())
}

#[test]
fn an_uncommitted_deletion_hides_no_row() {
    let db = start(Bind::shared_cache);
    for key in [None, Some("meta")] {
        plain(&db, key).execute("INSERT INTO log (event) VALUES ('started')", []).unwrap();
    }
    let conn = plain(&db, None);
    conn.execute_batch("BEGIN; DELETE FROM log").unwrap();
    insta::assert_snapshot!(failure(|| db.assert_not_landed(None, "log", row! { event: "started" })), @r#"
    unknown whether the row is in `default`: it is not seen, but a transaction that
    wrote to `log` is still open

      look at  … it wrote the row, and no COMMIT has followed
      looked for  log: event = 'started'
      expected    not in `default`

     bind      rows   found
     default   0      no row at all
    ─
     auth             no such table
    ─
     meta      1      the row:
                        id = 1, event = 'started'

    A transaction that wrote to `log` in `default` is still open:
      DELETE FROM log
      at landing::assertions::an_uncommitted_deletion_hides_no_row
      on the test's thread, connection 3, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(failure(|| db.assert_landed("meta", "log", row! { event: "started" })), @r#"
    the row landed in `meta`, but may be in `default` too: a transaction that wrote
    to `log` is still open there

      look at  … it wrote the row, and no COMMIT has followed
      looked for  log: event = 'started'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     auth             no such table
    ─
     meta      1      the row:
                        id = 1, event = 'started'

    The row in `meta` was written by
      INSERT INTO log (event) VALUES ('started')
      at landing::assertions::an_uncommitted_deletion_hides_no_row
      on the test's thread, connection 2, committed

    A transaction that wrote to `log` in `default` is still open:
      DELETE FROM log
      at landing::assertions::an_uncommitted_deletion_hides_no_row
      on the test's thread, connection 3, not committed
      open for … when this assertion failed
    "#);
    // Whether it is in another bind does not matter here.
    db.assert_not_landed("meta", "log", row! { event: "stopped" });
    conn.execute_batch("COMMIT").unwrap();
    db.assert_not_landed(None, "log", row! {}).assert_landed("meta", "log", row! { event: "started" });
}

#[rstest]
fn an_open_transaction_on_another_table_is_in_nobodys_way(db: Harness) {
    plain(&db, "meta").execute("INSERT INTO log (event) VALUES ('started')", []).unwrap();
    let conn = plain(&db, "meta");
    conn.execute_batch("BEGIN; INSERT INTO setting VALUES ('theme', 'dark')").unwrap();
    db.assert_landed("meta", "log", row! { event: "started" });
    conn.execute_batch("COMMIT").unwrap();
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn an_assertion_disturbs_no_transaction(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    for key in [None, Some("meta")] {
        plain(&db, key).execute("INSERT INTO log (event) VALUES ('before')", []).unwrap();
    }
    let reader = plain(&db, "meta");
    let mut reading = reader.prepare("SELECT event FROM log UNION ALL SELECT name FROM setting").unwrap();
    let mut rows = reading.query([]).unwrap();
    rows.next().unwrap();
    db.assert_not_landed("meta", "log", row! { event: "after" });
    drop(rows);

    let writer = plain(&db, "meta");
    writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO setting VALUES ('theme', 'dark')").unwrap();
    // In memdb this fails, for nobody can read; in the others it passes. The writer goes on in all.
    let _ = catch_unwind(AssertUnwindSafe(|| db.assert_not_landed("meta", "log", row! { event: "after" }).binds()));
    let _ = db.locate("log", row! {});
    writer.execute_batch("INSERT INTO log (event) VALUES ('after'); COMMIT").unwrap();
    db.assert_landed("meta", "log", row! { event: "after" });
    Ok(())
}

#[test]
fn in_a_shared_cache_tables_that_are_being_made_are_reported() {
    let db = start(Bind::shared_cache);
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    let conn = plain(&db, "auth");
    conn.execute_batch("BEGIN; CREATE TABLE made (x); INSERT INTO made VALUES (1)").unwrap();
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "user", row! { username: "ann" })), @r#"
    unknown whether the row landed in `auth`: the bind cannot be read

      looked for  user: username = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind            rows   found
     auth                   cannot be read: another connection has a transaction
                                open that locks it
    ─
     default, meta          no such table

    A connection to `auth` has a transaction open that writes: not committed yet?

    To look further:
      db.locate("user", row)?  every place where the row is
      db.connection("auth")?   a connection to `auth`
    "#);
    insta::assert_snapshot!(failure(|| db.assert_not_landed("auth", "made", row! { x: 1 })), @r#"
    unknown whether the row is in `auth`: the bind cannot be read

      look at  … it wrote the row, and no COMMIT has followed
      looked for  made: x = 1
      expected    not in `auth`

     bind            rows   found
     auth                   cannot be read: another connection has a transaction
                                open that locks it
    ─
     default, meta          no such table

    A transaction that wrote to `made` in `auth` is still open:
      INSERT INTO made VALUES (1)
      at landing::assertions::in_a_shared_cache_tables_that_are_being_made_are_reported
      on the test's thread, connection 2, not committed
      open for … when this assertion failed
    "#);
    insta::assert_snapshot!(db.locate("made", row! { x: 1 }).unwrap_err(), @"bind `auth`: database schema is locked. Another connection has a transaction or an unfinished query open on it: commit or drop it first (an uncommitted session counts). A shared cache locks whole tables, for readers too; `Bind::memory()` does not");
    conn.execute_batch("COMMIT").unwrap();
    db.assert_landed("auth", "made", row! { x: 1 });

    let db = start(Bind::temp_file);
    let conn = plain(&db, "auth");
    conn.execute_batch("BEGIN; CREATE TABLE made (x); INSERT INTO made VALUES (1)").unwrap();
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "made", row! { x: 1 })), @"cannot look for a row of `made` in bind `auth`: no table `made` in any bind");
    conn.execute_batch("COMMIT").unwrap();
    db.assert_landed("auth", "made", row! { x: 1 });
}

// Threads.

/// How often each of eight threads writes.
const EACH: i64 = 200;

/// Writes to the log of `meta` on a connection that has to wait for nobody but other writers.
fn write(db: &Harness, thread: i64, others: &Barrier) -> i64 {
    let conn = plain(db, "meta");
    conn.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    others.wait();
    let mut refused = 0;
    for number in 0..EACH {
        let event = format!("{thread}-{number}");
        loop {
            match conn.execute("INSERT INTO log (event) VALUES (?1)", [&event]) {
                Ok(_) => break,
                // Another writer of the same shared cache, which has no waiting.
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseLocked) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    refused
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn assertions_hold_while_eight_threads_write(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    const THREADS: i64 = 8;
    let db = start(storage);
    plain(&db, "meta").execute("INSERT INTO log (event) VALUES ('before')", []).unwrap();
    let (barrier, done) = (Barrier::new(THREADS as usize + 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let (db, barrier, done) = (&db, &barrier, &done);
        let asserting = scope.spawn(move || {
            barrier.wait();
            let mut asserted = 0;
            while !done.load(Ordering::Relaxed) || asserted == 0 {
                db.assert_landed("meta", "log", row! { event: "before" });
                db.assert_not_landed("meta", "log", row! { event: "after" });
                db.assert_not_landed(None, "log", row! { event: "before" });
                assert_eq!(db.locate("log", row! { event: "before" }).unwrap().len(), 1);
                asserted += 1;
            }
        });
        let writers = (0..THREADS).map(|thread| scope.spawn(move || write(db, thread, barrier))).collect::<Vec<_>>();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        asserting.join().unwrap();
    });
    assert_eq!(db.locate("log", row! {})?.len() as i64, 1 + THREADS * EACH);
    for thread in 0..THREADS {
        db.assert_landed("meta", "log", row! { event: format!("{thread}-{}", EACH - 1) });
    }
    Ok(())
}

#[rstest]
fn one_writer_is_never_refused_because_of_assertions(db: Harness) {
    let (barrier, done) = (Barrier::new(3), AtomicBool::new(false));
    thread::scope(|scope| {
        let (db, barrier, done) = (&db, &barrier, &done);
        let asserting = [(); 2].map(|()| {
            scope.spawn(move || {
                barrier.wait();
                while !done.load(Ordering::Relaxed) {
                    db.assert_not_landed("meta", "log", row! { event: "never" });
                    let _ = db.locate("log", row! {}).unwrap();
                    let _ = catch_unwind(AssertUnwindSafe(|| {
                        db.assert_landed("meta", "log", row! { event: "never" }).binds()
                    }))
                    .unwrap_err();
                }
            })
        });
        let refused = scope.spawn(move || write(db, 0, barrier)).join().unwrap();
        done.store(true, Ordering::Relaxed);
        for thread in asserting {
            thread.join().unwrap();
        }
        assert_eq!(refused, 0);
    });
}

// What only the application has.

/// A connection of the application's, with its function and its collation.
fn application(db: &Harness, key: &str) -> Connection {
    let conn = plain(db, key);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("shout", 1, flags, |call| Ok(call.get::<String>(0)?.to_uppercase())).unwrap();
    conn.create_collation("unicase", |a, b| a.to_lowercase().cmp(&b.to_lowercase())).unwrap();
    conn
}

#[rstest]
#[case::a_collation("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE unicase)")]
#[case::a_unique_column("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE unicase UNIQUE)")]
#[case::a_key("CREATE TABLE t (name TEXT COLLATE unicase PRIMARY KEY, id)")]
#[case::a_key_without_rowids("CREATE TABLE t (name TEXT COLLATE unicase PRIMARY KEY, id) WITHOUT ROWID")]
#[case::a_key_of_two("CREATE TABLE t (id INT, name TEXT COLLATE unicase, PRIMARY KEY (name, id)) WITHOUT ROWID")]
#[case::an_index("CREATE TABLE t (id INT, name TEXT COLLATE unicase); CREATE INDEX i ON t (id, name)")]
#[case::an_index_by_it("CREATE TABLE t (id INT, name TEXT); CREATE INDEX i ON t (id, name COLLATE unicase)")]
#[case::a_generated_column("CREATE TABLE t (id INT, name TEXT, loud AS (shout(name)))")]
#[case::a_generated_column_that_is_stored("CREATE TABLE t (id INT, name TEXT, loud AS (shout(name)) STORED)")]
#[case::an_indexed_expression("CREATE TABLE t (id INT, name TEXT); CREATE INDEX i ON t (shout(name), id, name)")]
#[case::a_partial_index("CREATE TABLE t (id INT, name TEXT); CREATE INDEX i ON t (id) WHERE shout(name) <> ''")]
#[case::a_check("CREATE TABLE t (id INT, name TEXT CHECK (shout(name) <> ''))")]
#[case::a_default("CREATE TABLE t (id INT, name TEXT, loud DEFAULT (shout('ann')))")]
#[case::both("CREATE TABLE t (name TEXT COLLATE unicase PRIMARY KEY, id, loud AS (shout(name))) WITHOUT ROWID")]
fn a_row_that_names_none_of_it_is_found(
    #[case] schema: &str,
    #[values(Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile)] storage: Storage,
) -> multibind::Result<()> {
    let bind = || Bind::default().storage(storage);
    let db = Harness::builder().bind("auth", bind()).bind("meta", bind()).start()?;
    let [auth, meta] = ["auth", "meta"].map(|key| application(&db, key));
    auth.execute_batch(schema).unwrap();
    meta.execute_batch(schema).unwrap();
    let before = db.snapshot()?;
    auth.execute("INSERT INTO t (id, name) VALUES (1, 'ann'), (2, 'Bob'), (3, 'Zoe')", []).unwrap();
    meta.execute("INSERT INTO t (id, name) VALUES (4, 'eve')", []).unwrap();

    db.assert_landed("auth", "t", row! { id: 2 }).assert_landed("meta", "t", row! { id: 4 });
    db.assert_not_landed("meta", "t", row! { id: 2 }).assert_not_landed("auth", "t", row! { ID: 4 });
    let found = db.locate("t", row! { id: 2 })?;
    assert_eq!(binds(&found), ["auth"]);
    assert_eq!(found[0].row().get::<String>("name")?, "Bob");
    assert_eq!(db.locate("t", row! {})?.len(), 4);
    let message = failure(|| db.assert_landed("auth", "t", row! { id: 7 }));
    assert!(message.contains("it is in no bind"), "{message}");
    let described = db.describe().to_string();
    assert_eq!(
        described.lines().filter(|line| line.contains("t         3") || line.ends_with(" 3")).count(),
        1,
        "{described}"
    );

    auth.execute("UPDATE t SET name = 'ANN' WHERE id = 1", []).unwrap();
    auth.execute("DELETE FROM t WHERE id = 3", []).unwrap();
    db.changes_since(&before)?.assert(changes! { "auth.t" => +2, "meta.t" => +1 });
    let between = db.snapshot()?;
    auth.execute("UPDATE t SET id = 9 WHERE id = 1", []).unwrap();
    auth.execute("INSERT INTO t (id, name) VALUES (5, 'max')", []).unwrap();
    let changes = db.changes_since(&between)?;
    let change = &changes.changes()[0];
    // Where the identity is a part of the key, another is another row.
    let mut now = change.updated().iter().map(|update| update.after()).chain(change.inserted()).collect::<Vec<_>>();
    now.sort_by_key(|row| row.get::<i64>("id").unwrap());
    let now = now.iter().map(|row| (row.get("id").unwrap(), row.get("name").unwrap())).collect::<Vec<(i64, String)>>();
    assert_eq!(now, [(5, "max".to_string()), (9, "ANN".to_string())]);

    db.restore(&before)?;
    assert_eq!(db.locate("t", row! {})?.len(), 0);
    Ok(())
}

#[rstest]
#[case::with_rowids("")]
#[case::without("WITHOUT ROWID")]
fn text_with_a_foreign_collation_is_found_by_bytes(#[case] table: &str) -> multibind::Result<()> {
    let db = one("");
    let conn = application(&db, "auth");
    conn.execute_batch(&format!("CREATE TABLE t (name TEXT COLLATE unicase PRIMARY KEY, n) {table}")).unwrap();
    db.assert_not_landed("auth", "t", row! { name: "Ann" });
    conn.execute("INSERT INTO t VALUES ('Ann', 1), ('Bob', 2)", []).unwrap();

    db.assert_landed("auth", "t", row! { name: "Ann" }).assert_landed("auth", "t", row! { name: "Bob", n: 2 });
    db.assert_not_landed("auth", "t", row! { name: "Ann", n: 7 }).assert_not_landed("auth", "t", row! { name: 1 });
    // It may be the same name, and only the application knows.
    let advice = "give it to the harness";
    let message = failure(|| db.assert_not_landed("auth", "t", row! { name: "ANN" }));
    assert!(message.contains("unknown whether") && message.contains(advice), "{message}");
    let message = failure(|| db.assert_landed("auth", "t", row! { name: "ANN" }));
    assert!(message.contains("cannot be read") && message.contains(advice), "{message}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(db.locate("t", row! { name: "Ann" }).unwrap_err(), @"bind `auth`: no such collation sequence: unicase; if it is the application's, give it to the harness with `on_connect`");
    }
    assert_eq!(db.locate("t", row! { name: "Ann", n: 1 })?.len(), 1);
    Ok(())
}

#[test]
fn columns_of_application_functions_are_not_asserted_on() {
    let db = one("");
    let conn = application(&db, "auth");
    conn.execute_batch("CREATE TABLE t (name TEXT, loud AS (shout(name))); INSERT INTO t VALUES ('ann')").unwrap();
    insta::assert_snapshot!(db.locate("t", row! { loud: "ANN" }).unwrap_err(), @"bind `auth`: unknown function: shout(); if it is the application's, give it to the harness with `on_connect`");
    insta::assert_snapshot!(db.locate("t", row! { lout: "ANN" }).unwrap_err(), @"row: no column `lout` in table `t` of bind `auth`, whose columns are name, loud");
    assert_eq!(db.locate("t", row! { rowid: 1 }).unwrap()[0].row(), &row! { name: "ann" });
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::temp_file(Storage::TempFile)]
fn count_returns_the_committed_rows(#[case] storage: Storage) {
    let schema =
        "CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann'); CREATE VIEW named AS SELECT name FROM user";
    let auth = Bind::default().storage(storage).schema(schema);
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", auth).start().unwrap();
    let log = db.record();
    assert_eq!([db.count("auth", "user").unwrap(), db.count("auth", "NAMED").unwrap()], [1, 1]);
    log.assert_total(0);
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("BEGIN; INSERT INTO user VALUES ('bob')").unwrap();
    match (storage, db.count("auth", "user")) {
        (Storage::SharedCache, count) => assert!(matches!(count, Err(Error::InUse { .. }))),
        (_, count) => assert_eq!(count.unwrap(), 1),
    }
    conn.execute_batch("COMMIT").unwrap();
    assert_eq!(db.count("auth", "user").unwrap(), 2);
    let said = |key: &str, table: &str| db.count(key, table).unwrap_err().to_string();
    assert_eq!(said("auth", "usr"), "no table `usr` in bind `auth`");
    assert_eq!(said("auht", "user"), "no bind `auht`: configured are default, auth; the nearest is `auth`");
}
