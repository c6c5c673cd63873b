//! What a test expects to have changed, and change sets in snapshot files; over the fixtures.

use insta::assert_snapshot;
use multibind::changes::{ChangeSet, ExpectedChange, ExpectedChanges};
use multibind::fixture::harness;
use multibind::rusqlite::Connection;
use multibind::{changes, row, Bind, BindKey, Harness};
use rstest::rstest;

use crate::failure::failure;

/// What a driver that knows the URI alone, a pool and a session write, each to another bind.
fn written(db: &Harness) -> ChangeSet {
    let before = db.snapshot().unwrap();
    driver(
        db,
        "auth",
        "INSERT INTO user (username) VALUES ('dora'), ('eve'); UPDATE user SET username = 'anna' WHERE id = 1",
    );
    db.connection(None).unwrap().execute("DELETE FROM post_tag", []).unwrap();
    let mut session = db.session();
    session.execute("UPDATE setting SET value = 'dark' WHERE name = 'motto'", []).unwrap();
    session.commit().unwrap();
    db.changes_since(&before).unwrap()
}

fn driver(db: &Harness, key: impl Into<BindKey>, script: &str) {
    Connection::open(db.uri(key).unwrap()).unwrap().execute_batch(script).unwrap();
}

/// What a script changes in a harness with one bind.
fn changed_by(schema: &str, script: &str) -> ChangeSet {
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, None, script);
    db.changes_since(&before).unwrap()
}

#[rstest]
fn tables_and_row_counts_are_asserted_together(harness: Harness) {
    let changed = written(&harness);
    changed
        .assert(changes! { "auth.user" => +2 ~1, "main.post_tag" => -3, "meta.setting" => ~1 })
        .assert(changes! { "meta.Setting" => ~1, "default.POST_TAG" => -3, ("auth", "user") => ~1 +2, })
        .assert(
            ExpectedChanges::from([("auth.user", ExpectedChange::new().inserted(2).updated(1))])
                .and((None, "post_tag"), -3)
                .and(("meta", "setting"), ExpectedChange::new().updated(1)),
        );
    changed.in_bind(None).unwrap().assert([("main.post_tag", -3)]).assert(vec![("main.post_tag".to_string(), -3)]);
}

#[rstest]
fn no_change_can_be_expected(harness: Harness) {
    let before = harness.snapshot().unwrap();
    harness.changes_since(&before).unwrap().assert(changes! {}).assert([("auth.user", 0)]);
}

#[rstest]
fn other_changes_than_expected_are_shown_beside_those_expected(harness: Harness) {
    let changed = written(&harness);
    assert_snapshot!(failure(|| changed.assert(changes! { "auth.user" => +2, "meta.log" => +1, "meta.setting" => ~1 })), @r#"
    the changes are not those expected, where marked ≠:

      look at  … it changed `post_tag`

         bind      table      expected       found
     ≠   default   post_tag   nothing        - 3 deleted
    ─
     ≠   auth      user       + 2 inserted   + 2 inserted
                                             ~ 1 updated
    ─
     ≠   meta      log        + 1 inserted   nothing
    ─
         meta      setting    ~ 1 updated    ~ 1 updated

    The changes:

     bind      table      change         rows
     default   post_tag   - 3 deleted    - post_id = 1, tag_id = 1
                                         - post_id = 1, tag_id = 2
                                         - post_id = 2, tag_id = 1
    ─
     auth      user       + 2 inserted   + id = 3, username = 'dora',
                          ~ 1 updated        is_active = 1, email = NULL
                                         + id = 4, username = 'eve', is_active = 1,
                                             email = NULL
                                         ~ id = 1, username = 'grace' → 'anna'
    ─
     meta      setting    ~ 1 updated    ~ name = 'motto', value = NULL → 'dark'

    `post_tag` in `default` was changed by
      DELETE FROM post_tag
      at landing::changes_expected::written
      on the test's thread, connection 2, committed

    `user` in `auth` was changed by
      INSERT INTO user (username) VALUES ('dora'), ('eve')
      at landing::changes_expected::driver
      on the test's thread, connection 1, committed
      UPDATE user SET username = 'anna' WHERE id = 1
      at landing::changes_expected::driver
      on the test's thread, connection 1, committed

    No statement wrote to `log` in `meta`.
    "#);
}

/// Two binds with the same table and the same row.
fn twins() -> Harness {
    let log = "CREATE TABLE log (event TEXT); INSERT INTO log VALUES ('started')";
    Harness::builder()
        .default_bind(Bind::memory().schema(log))
        .bind("meta", Bind::memory().schema(log))
        .start()
        .unwrap()
}

#[rstest]
#[case::inserted("INSERT INTO log VALUES ('a')", changes! { "meta.log" => +1 }, "a row of `log` landed in `default` instead of `meta`")]
#[case::several("INSERT INTO log VALUES ('a'), ('b')", changes! { "meta.log" => +2 }, "2 rows of `log` landed in `default` instead of `meta`")]
#[case::in_part("INSERT INTO log VALUES ('a'), ('b')", changes! { "default.log" => +1, "meta.log" => +1 }, "a row of `log` landed in `default` instead of `meta`")]
#[case::deleted("DELETE FROM log", changes! { "meta.log" => -1 }, "a row of `log` was deleted in `default` instead of `meta`")]
#[case::altered("ALTER TABLE log ADD COLUMN at", changes! { "meta.log" => altered }, "`log` was altered in `default` instead of `meta`")]
#[case::dropped("DROP TABLE log", changes! { "meta.log" => dropped -1 }, "`log` was dropped in `default` instead of `meta`")]
#[case::these_values("INSERT INTO log VALUES ('a')", changes! { "meta.log" => +[row! { event: "a" }] }, "a row of `log` landed in `default` instead of `meta`")]
#[case::other_values("INSERT INTO log VALUES ('b')", changes! { "meta.log" => +[row! { event: "a" }] }, "the changes are not those expected")]
#[case::another_number("INSERT INTO log VALUES ('a')", changes! { "meta.log" => +2 }, "the changes are not those expected")]
fn a_change_in_another_bind_is_the_headline(#[case] sql: &str, #[case] expected: ExpectedChanges, #[case] says: &str) {
    let db = twins();
    let before = db.snapshot().unwrap();
    driver(&db, None, sql);
    let changed = db.changes_since(&before).unwrap();
    let failed = failure(|| changed.assert(expected));
    assert_eq!(failed.lines().next(), Some(format!("{says}, where marked ≠:").as_str()));
    assert!(!failed.contains("changes! {"), "{failed}");
}

#[test]
fn changes_of_which_the_test_says_nothing_can_be_copied_into_it() {
    let db = twins();
    let before = db.snapshot().unwrap();
    driver(&db, None, "DELETE FROM log");
    let changed = db.changes_since(&before).unwrap();
    let failed = failure(|| changed.assert(changes! {}));
    assert!(failed.ends_with("expect them with:\n\nchanges! {\n    \"default.log\" => -1,\n}"), "{failed}");
}

#[rstest]
fn missing_changes_are_reported_with_advice(harness: Harness) {
    let before = harness.snapshot().unwrap();
    let changed = harness.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert([("auth.user", 1)])), @r#"
    the changes are not those expected, where marked ≠:

         bind   table   expected       found
     ≠   auth   user    + 1 inserted   nothing

    Nothing changed in any bind.

    No statement wrote to `user` in `auth`.
    "#);
}

#[test]
fn the_changes_that_a_failure_suggests_hold_when_they_are_pasted() {
    let schema =
        "CREATE TABLE kept (x); CREATE TABLE \"a.b\" (x); CREATE TABLE gone (x); INSERT INTO gone VALUES (1), (2)";
    let script = "INSERT INTO \"a.b\" VALUES (1); DROP TABLE gone; CREATE VIEW gone AS SELECT 1; CREATE TABLE made (y);
        INSERT INTO made VALUES (1); ALTER TABLE kept ADD COLUMN z";
    let changed = changed_by(schema, script);
    assert_snapshot!(failure(|| changed.assert(changes! {
        ("default", "a.b") => +1, "default.gone" => dropped -2, "default.gone" => created, "main.made" => created +1
    })), @r#"
    the changes are not those expected, where marked ≠:

      look at  … it changed `kept`

         bind      table   expected       found
         default   a.b     + 1 inserted   + 1 inserted
    ─
         default   gone    dropped        dropped
                           - 2 deleted    - 2 deleted
                           created        created
    ─
     ≠   default   kept    nothing        altered
    ─
         default   made    created        created
                           + 1 inserted   + 1 inserted

    The changes:

     bind      table         change         rows
     default   a.b           + 1 inserted   + x = 1
    ─
     default   gone          dropped        - x = 1
                             - 2 deleted    - x = 2
    ─
     default   gone (view)   created
    ─
     default   kept          altered        column `z` is new
    ─
     default   made          created        + y = 1
                             + 1 inserted

    `kept` in `default` was changed by
      ALTER TABLE kept ADD COLUMN z
      at landing::changes_expected::driver
      on the test's thread, connection 1, committed

    If they are intended, expect them with:

    changes! {
        ("default", "a.b") => +1,
        "default.gone" => dropped -2,
        "default.gone" => created,
        "default.kept" => altered,
        "default.made" => created +1,
    }
    "#);
    changed.assert(changes! {
        (None, "a.b") => +1,
        "main.gone" => dropped -2,
        "main.gone" => created,
        "main.kept" => altered,
        "main.made" => created +1,
    });
    changed.assert(
        [("main.a.b", ExpectedChange::new().inserted(1))]
            .into_iter()
            .chain([
                ("main.gone", ExpectedChange::new().created()),
                ("main.gone", ExpectedChange::new().dropped().deleted(2)),
                ("main.kept", ExpectedChange::new().altered()),
                ("main.made", ExpectedChange::new().created().inserted(1)),
            ])
            .collect::<ExpectedChanges>(),
    );
}

#[rstest]
#[case::no_bind("user", "`user` is not `bind.table`; did you mean `auth.user`?")]
#[case::another_bind("audit.user", "`audit.user` is not `bind.table`; did you mean `auth.user`?")]
#[case::no_table("auth.", "`auth.` is not `bind.table` with one of the binds default, auth, meta")]
#[case::misspelt_bind("auht.user", "`auht.user` is not `bind.table`; did you mean `auth.user`?")]
#[case::misspelt_table(
    "auth.usr",
    "bind `auth` has no table `usr`, and had none at the snapshot; did you mean `auth.user`?"
)]
#[case::swapped("user.auth", "`user.auth` is not `bind.table`; did you mean `auth.user`?")]
#[case::of_another_bind(
    "meta.user",
    "bind `meta` has no table `user`, and had none at the snapshot; did you mean `auth.user`?"
)]
#[case::like_none("meta.invoice", "bind `meta` has no table `invoice`, and had none at the snapshot")]
fn an_expected_table_that_no_bind_has_is_an_error(harness: Harness, #[case] table: &str, #[case] problem: &str) {
    let before = harness.snapshot().unwrap();
    let changed = harness.changes_since(&before).unwrap();
    for rows in [0, 1] {
        let message = failure(|| changed.assert([(table, rows)]));
        assert_eq!(message, format!("cannot tell what is expected: {problem}"));
    }
    let Some((bind, table)) = table.split_once('.').filter(|(bind, table)| *bind == "user" || *table == "usr") else {
        return;
    };
    let message = failure(|| changed.assert([((bind, table), 1)]));
    assert!(message.ends_with("; did you mean `auth.user`?"), "{message}");
}

#[rstest]
fn a_key_that_is_not_configured_is_told(harness: Harness) {
    let before = harness.snapshot().unwrap();
    let changed = harness.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert([(("audit", "user"), 1)])), @"cannot tell what is expected: no bind `audit`: configured are default, auth, meta; did you mean `auth.user`?");
}

#[test]
fn dots_in_keys_and_tables_are_resolved_or_reported_as_ambiguous() {
    let db = Harness::builder()
        .bind("a", Bind::memory().schema("CREATE TABLE \"b.c\" (x)"))
        .bind("a.b", Bind::memory().schema("CREATE TABLE c (x)"))
        .start()
        .unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, "a.b", "INSERT INTO c VALUES (1)");
    db.changes_since(&before).unwrap().assert([("a.b.c", 1)]);
    driver(&db, "a", "INSERT INTO \"b.c\" VALUES (1)");
    let both = db.changes_since(&before).unwrap();
    both.assert([(("a", "b.c"), 1), (("a.b", "c"), 1)]);
    assert_snapshot!(failure(|| both.assert([("a.b.c", 1)])), @r#"cannot tell what is expected: `a.b.c` means tables of several binds: write `(key, "table")`"#);
}

#[test]
fn any_key_of_a_shared_database_means_it() {
    let url = "sqlite:///app.db";
    let db = Harness::builder()
        .default_bind(Bind::url(url).schema("CREATE TABLE t (x)"))
        .bind("same", Bind::url(url))
        .start()
        .unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, "same", "INSERT INTO t VALUES (1)");
    db.changes_since(&before).unwrap().assert([("main.t", 1)]).assert([("same.t", 1)]);
}

#[rstest]
#[cfg(feature = "serde")]
fn a_change_set_has_a_stable_order(harness: Harness) {
    let changed = written(&harness);
    insta::assert_json_snapshot!(changed, @r#"
    [
      {
        "bind": "default",
        "table": "post_tag",
        "kind": "rows",
        "deleted": [
          {
            "post_id": 1,
            "tag_id": 1
          },
          {
            "post_id": 1,
            "tag_id": 2
          },
          {
            "post_id": 2,
            "tag_id": 1
          }
        ]
      },
      {
        "bind": "auth",
        "table": "user",
        "kind": "rows",
        "inserted": [
          {
            "id": 3,
            "username": "dora",
            "is_active": 1,
            "email": null
          },
          {
            "id": 4,
            "username": "eve",
            "is_active": 1,
            "email": null
          }
        ],
        "updated": [
          {
            "before": {
              "id": 1,
              "username": "grace",
              "is_active": 1,
              "email": "grace@blog.example"
            },
            "after": {
              "id": 1,
              "username": "anna",
              "is_active": 1,
              "email": "grace@blog.example"
            }
          }
        ]
      },
      {
        "bind": "meta",
        "table": "setting",
        "kind": "rows",
        "updated": [
          {
            "before": {
              "name": "motto",
              "value": null
            },
            "after": {
              "name": "motto",
              "value": "dark"
            }
          }
        ]
      }
    ]
    "#);
    assert_eq!(serde_json::to_value(&changed).unwrap(), serde_json::to_value(written_again()).unwrap());

    fn written_again() -> ChangeSet {
        written(&harness::default())
    }
}

#[test]
#[cfg(feature = "serde")]
fn every_kind_of_change_has_its_form() {
    let changed = changed_by(
        "CREATE TABLE old (x); CREATE TABLE t (id INTEGER PRIMARY KEY, x)",
        "DROP TABLE old; CREATE VIEW seen AS SELECT 1; CREATE TABLE made (y); ALTER TABLE t ADD COLUMN z;
         INSERT INTO t (x) VALUES (NULL), (1), (1.5), ('x''00ff'''), (x'00ff'), (9e999)",
    );
    insta::assert_json_snapshot!(changed, @r#"
    [
      {
        "bind": "default",
        "table": "made",
        "kind": "created"
      },
      {
        "bind": "default",
        "table": "old",
        "kind": "dropped"
      },
      {
        "bind": "default",
        "table": "seen",
        "view": true,
        "kind": "created"
      },
      {
        "bind": "default",
        "table": "t",
        "kind": "altered",
        "details": [
          "column `z` is new"
        ],
        "inserted": [
          {
            "id": 1,
            "x": null,
            "z": null
          },
          {
            "id": 2,
            "x": 1,
            "z": null
          },
          {
            "id": 3,
            "x": 1.5,
            "z": null
          },
          {
            "id": 4,
            "x": "x'00ff'",
            "z": null
          },
          {
            "id": 5,
            "x": {
              "blob": "00ff"
            },
            "z": null
          },
          {
            "id": 6,
            "x": {
              "real": "inf"
            },
            "z": null
          }
        ]
      }
    ]
    "#);
    assert_eq!(
        serde_json::to_string(&row! { x: 1, blob: [0xab_u8].as_slice() }).unwrap(),
        r#"{"x":1,"blob":{"blob":"ab"}}"#
    );
    assert_eq!(serde_json::to_string(&[BindKey::DEFAULT, BindKey::from("auth")]).unwrap(), r#"["default","auth"]"#);
}

#[rstest]
#[cfg(feature = "serde")]
fn no_changes_are_an_empty_list(harness: Harness) {
    let before = harness.snapshot().unwrap();
    assert_eq!(serde_json::to_string(&harness.changes_since(&before).unwrap()).unwrap(), "[]");
}
