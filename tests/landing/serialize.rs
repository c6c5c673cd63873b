//! What a test finds, in snapshot files: the same from run to run, and nothing in it is taken for something else.

#![cfg(feature = "serde")]

use multibind::rusqlite::types::Value;
use multibind::{row, Bind, Harness, Row};
use rstest::{fixture, rstest};

const POST: &str = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT);
    CREATE VIEW titles AS SELECT title FROM post";
const USER: &str = "CREATE TABLE user (name TEXT PRIMARY KEY)";

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(POST))
        .bind("auth", Bind::memory().schema(USER))
        .bind("meta", Bind::temp_file().schema("CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID"))
        .reference("main.post.author", "auth.user.name")
        .start()
        .unwrap()
}

fn json(value: &impl serde_core::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[rstest]
#[case::null(row! { x: None }, r#"{"x":null}"#)]
#[case::the_largest_integer(row! { x: i64::MAX, y: i64::MIN }, r#"{"x":9223372036854775807,"y":-9223372036854775808}"#)]
#[case::a_whole_real(row! { x: 1.0, y: 1 }, r#"{"x":1.0,"y":1}"#)]
#[case::a_real_of_every_digit(row! { x: 0.1 + 0.2, y: 5e-324, z: f64::MAX }, r#"{"x":0.30000000000000004,"y":5e-324,"z":1.7976931348623157e+308}"#)]
#[case::minus_zero(row! { x: -0.0 }, r#"{"x":-0.0}"#)]
#[case::infinity_is_not_null(row! { x: f64::INFINITY, y: f64::NEG_INFINITY }, r#"{"x":{"real":"inf"},"y":{"real":"-inf"}}"#)]
#[case::nan_is_null_as_sqlite_stores_it(row! { x: f64::NAN }, r#"{"x":null}"#)]
#[case::text(row! { x: "", y: "it's \"so\"\0\n😀" }, r#"{"x":"","y":"it's \"so\"\u0000\n😀"}"#)]
#[case::text_like_a_blob(row! { x: r#"{"blob":"00"}"# }, r#"{"x":"{\"blob\":\"00\"}"}"#)]
#[case::a_blob(row! { x: vec![0_u8, 255], y: Vec::<u8>::new() }, r#"{"x":{"blob":"00ff"},"y":{"blob":""}}"#)]
#[case::columns_in_their_order(row! { b: 1, a: 2, "first name": 3 }, r#"{"b":1,"a":2,"first name":3}"#)]
#[case::no_columns(row! {}, "{}")]
fn a_row_says_what_it_has(#[case] row: Row, #[case] expected: &str) {
    assert_eq!(json(&row), expected);
}

#[rstest]
fn text_that_is_not_utf_8_keeps_its_bytes(db: Harness) {
    db.connection("meta").unwrap().execute("INSERT INTO setting VALUES ('x', CAST(x'61ff' AS TEXT))", []).unwrap();
    assert_eq!(json(db.locate("setting", row! {}).unwrap()[0].row()), r#"{"name":"x","value":{"blob":"61ff"}}"#);
}

#[rstest]
fn an_unstorable_row_is_not_null() {
    let error = serde_json::to_string(&row! { id: u64::MAX }).unwrap_err();
    insta::assert_snapshot!(error, @"row: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
}

#[rstest]
fn landings(db: Harness) -> multibind::Result<()> {
    db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    insta::assert_json_snapshot!(db.locate("user", row! { name: "ann" })?, @r#"
    [
      {
        "bind": "auth",
        "table": "user",
        "row": {
          "name": "ann"
        },
        "committed": true
      }
    ]
    "#);
    insta::assert_yaml_snapshot!(db.locate("user", row! { name: "ann" })?, @"
    - bind: auth
      table: user
      row:
        name: ann
      committed: true
    ");
    Ok(())
}

#[rstest]
fn a_change_set_with_values_of_every_kind(db: Harness) -> multibind::Result<()> {
    let before = db.snapshot()?;
    let mut session = db.session();
    for (name, value) in [
        ("a", Value::Null),
        ("b", Value::Real(f64::INFINITY)),
        ("c", Value::Blob(vec![1])),
        ("d", Value::Integer(i64::MIN)),
        ("e", Value::Text("ü\0".into())),
    ] {
        session.table("setting")?.insert(row! { name: name, value: value })?;
    }
    session.commit()?;
    insta::assert_yaml_snapshot!(db.changes_since(&before)?, @r#"
    - bind: meta
      table: setting
      kind: rows
      inserted:
        - name: a
          value: ~
        - name: b
          value:
            real: "inf"
        - name: c
          value:
            blob: "01"
        - name: d
          value: -9223372036854775808
        - name: e
          value: "ü\u0000"
    "#);
    Ok(())
}

#[rstest]
fn statements_without_their_times_and_threads(db: Harness) -> multibind::Result<()> {
    let log = db.record();
    db.connection("auth")?.execute("INSERT INTO user VALUES (?1)", ["ann"]).unwrap();
    let mut session = db.session();
    session.query("SELECT title FROM post JOIN user ON author = name", [], |_| Ok(()))?;
    session.execute("INSERT INTO user VALUES (?1)", ["ann"]).unwrap_err();
    session.commit()?;
    insta::assert_yaml_snapshot!(log, @r#"
    - bind: auth
      kind: write
      sql: INSERT INTO user VALUES (?1)
      with_values: "INSERT INTO user VALUES ('ann')"
      rows: 1
      from_session: false
    - binds:
        - default
        - auth
      kind: read
      sql: SELECT title FROM post JOIN user ON author = name
      from_session: true
    - bind: auth
      kind: transaction
      sql: BEGIN
      from_session: true
    - bind: auth
      kind: write
      sql: INSERT INTO user VALUES (?1)
      with_values: "INSERT INTO user VALUES ('ann')"
      rows: 0
      error: "UNIQUE constraint failed: user.name"
      from_session: true
    - bind: auth
      kind: transaction
      sql: COMMIT
      from_session: true
    "#);
    assert!(log.statements().iter().all(|statement| statement.time().is_some()));
    assert_eq!(json(&log), json(&log.statements()));
    Ok(())
}

#[rstest]
fn refusals_routes_and_orphans(db: Harness) -> multibind::Result<()> {
    let guard = db.deny_writes("auth");
    db.session().execute("DELETE FROM user", []).unwrap_err();
    assert_eq!(json(&guard.refused()), r#"[{"bind":"auth","statement":"DELETE FROM user"}]"#);
    drop(guard);

    let session = db.session();
    let routes = [
        session.route("SELECT title FROM post JOIN user ON author = name")?,
        session.route("DELETE FROM user")?,
        session.route("SELECT 1")?,
    ];
    drop(session);
    assert_eq!(
        json(&routes),
        r#"[{"reads":["default","auth"],"writes":[]},{"reads":[],"writes":["auth"]},{"reads":[],"writes":[]}]"#
    );

    db.connection(None)?.execute("INSERT INTO post VALUES (1, 'hello', 'bob')", []).unwrap();
    insta::assert_json_snapshot!(db.check_references()?, @r#"
    [
      {
        "bind": "default",
        "table": "post",
        "row": {
          "id": 1,
          "title": "hello",
          "author": "bob"
        },
        "refers_to": "auth.user.name"
      }
    ]
    "#);
    Ok(())
}

#[rstest]
fn a_description_without_paths(db: Harness) -> multibind::Result<()> {
    db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    insta::assert_json_snapshot!(db.describe(), @r#"
    [
      {
        "bind": "default",
        "storage": "memory",
        "tables": {
          "post": 0,
          "titles (view)": null
        }
      },
      {
        "bind": "auth",
        "storage": "memory",
        "tables": {
          "user": 1
        }
      },
      {
        "bind": "meta",
        "storage": "temp_file",
        "tables": {
          "setting": 0
        }
      }
    ]
    "#);

    let shared = Harness::builder().default_bind(Bind::shared_cache().schema(USER)).start()?;
    let mut session = shared.session();
    session.execute("INSERT INTO user VALUES ('ann')", [])?;
    assert_eq!(
        json(&shared.describe()),
        r#"[{"bind":"default","storage":"shared_cache","tables":{"user":"1 (not committed)"}}]"#
    );
    Ok(())
}

#[rstest]
fn metadata_of_a_bind(db: Harness) -> multibind::Result<()> {
    insta::assert_yaml_snapshot!(db.metadata("meta")?.as_ref(), @r#"
    tables:
      - name: setting
        without_rowid: true
        columns:
          - name: name
            type: TEXT
            not_null: true
            primary_key: 1
          - name: value
            type: ""
        indexes:
          - name: sqlite_autoindex_setting_1
            origin: primary_key
            unique: true
            columns:
              - name
        sql: "CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID"
    "#);
    let schema = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE t (
            id INTEGER PRIMARY KEY, parent_id INT NOT NULL DEFAULT 1 REFERENCES parent ON DELETE CASCADE,
            twice INT AS (parent_id * 2) STORED, UNIQUE (parent_id, id)
        ) STRICT;
        CREATE INDEX by_twice ON t (twice, abs(id)) WHERE id > 0;
        CREATE VIEW v AS SELECT 1 AS x;
        CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM parent; END;
        CREATE VIRTUAL TABLE found USING fts5 (title)";
    let other = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
    insta::assert_yaml_snapshot!(other.metadata(None)?.as_ref(), @r#"
    tables:
      - name: parent
        columns:
          - name: id
            type: INTEGER
            primary_key: 1
        sql: CREATE TABLE parent (id INTEGER PRIMARY KEY)
      - name: t
        strict: true
        columns:
          - name: id
            type: INTEGER
            primary_key: 1
          - name: parent_id
            type: INT
            not_null: true
            default: "1"
          - name: twice
            type: INT
            generated: stored
        foreign_keys:
          - columns:
              - parent_id
            parent: parent
            parent_columns:
              - id
            on_delete: CASCADE
        indexes:
          - name: sqlite_autoindex_t_1
            origin: unique
            unique: true
            columns:
              - parent_id
              - id
          - name: by_twice
            origin: created
            partial: true
            columns:
              - twice
              - ~
        sql: "CREATE TABLE t (\n            id INTEGER PRIMARY KEY, parent_id INT NOT NULL DEFAULT 1 REFERENCES parent ON DELETE CASCADE,\n            twice INT AS (parent_id * 2) STORED, UNIQUE (parent_id, id)\n        ) STRICT"
      - name: found
        kind: virtual
        columns:
          - name: title
            type: ""
          - name: found
            type: ""
            hidden: true
          - name: rank
            type: ""
            hidden: true
        sql: CREATE VIRTUAL TABLE found USING fts5 (title)
    views:
      - name: v
        sql: CREATE VIEW v AS SELECT 1 AS x
    triggers:
      - name: tidy
        table: t
        sql: CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM parent; END
    "#);
    Ok(())
}

#[rstest]
fn serialized_values_are_stable_between_runs() -> multibind::Result<()> {
    let run = || -> multibind::Result<String> {
        let db = db();
        let (before, log) = (db.snapshot()?, db.record());
        let mut session = db.session();
        session.table("user")?.insert(row! { name: "ann" })?;
        session.table("setting")?.insert(row! { name: "theme", value: 1.5 })?;
        session.commit()?;
        let found = (db.changes_since(&before)?, db.locate("user", row! {})?, db.describe());
        Ok(json(&(&found.0, &found.1, &found.2, &log, db.metadata("meta")?.as_ref())))
    };
    assert_eq!(run()?, run()?);
    Ok(())
}
