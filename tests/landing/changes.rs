//! The changes in every bind since a snapshot, and the assertions on them.

use multibind::binds::Storage;
use multibind::changes::{ChangeKind, ChangeSet};
use multibind::rusqlite::{Connection, OpenFlags};
use multibind::{row, Bind, BindKey, Error, Harness, Row};
use rstest::{fixture, rstest};

use crate::failure::failure;
use crate::frame::unframed;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE, email TEXT);
    INSERT INTO user VALUES (1, 'ann', NULL), (2, 'bob', 'bob@example.org'), (3, 'cleo', NULL)";

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
        .bind("auth", Bind::memdb().schema(USER))
        .bind("meta", Bind::temp_file().schema("CREATE TABLE setting (name TEXT PRIMARY KEY, value)"))
        .start()
        .unwrap()
}

/// A harness with one bind.
fn one(schema: &str) -> Harness {
    Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap()
}

/// A connection as a driver opens one that knows the URI alone.
fn driver(db: &Harness, key: impl Into<BindKey>) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(db.uri(key).unwrap(), flags).unwrap()
}

/// What a script that any driver runs changes in a harness's only bind.
fn changed_by(db: &Harness, script: &str) -> ChangeSet {
    let before = db.snapshot().unwrap();
    driver(db, None).execute_batch(script).unwrap();
    db.changes_since(&before).unwrap()
}

/// Inserted, updated, deleted.
fn counts(changes: &ChangeSet) -> Vec<(&str, ChangeKind, [usize; 3])> {
    let count = |change: &multibind::changes::TableChange| {
        [change.inserted().len(), change.updated().len(), change.deleted().len()]
    };
    changes.changes().iter().map(|change| (change.table(), change.kind(), count(change))).collect()
}

#[rstest]
fn nothing_changes_where_nothing_is_written(db: Harness) {
    let before = db.snapshot().unwrap();
    let users: i64 = driver(&db, "auth").query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap();
    let changes = db.changes_since(&before).unwrap();
    assert_eq!(users, 3);
    assert!(changes.is_empty());
    assert_eq!(changes.changes().len(), 0);
    changes.assert_none().assert_only([] as [&str; 0]);
    assert_eq!(changes.to_string(), "no changes");
}

#[rstest]
fn rows_of_every_writer_are_seen(db: Harness) {
    let before = db.snapshot().unwrap();
    let mut session = db.session();
    session
        .execute(
            "INSERT INTO post (title) VALUES ('hello'), (?1)",
            ["a title that goes on and on, far past what anybody reads"],
        )
        .unwrap();
    session.commit().unwrap();
    driver(&db, "auth")
        .execute_batch(
            "INSERT INTO user (username) VALUES ('dora'), ('eve');
             UPDATE user SET username = 'anna', email = 'anna@example.org' WHERE id = 1;
             DELETE FROM user WHERE id = 3",
        )
        .unwrap();
    let pool = db.pool("meta").unwrap();
    pool.get()
        .unwrap()
        .execute("INSERT INTO setting VALUES ('key', x'00ff'), ('scale', 1.5), ('theme', NULL)", [])
        .unwrap();

    let changes = db.changes_since(&before).unwrap();
    insta::assert_snapshot!(unframed(&changes), @r"
     bind      table     change         rows
     default   post      + 2 inserted   + id = 1, title = 'hello'
                                        + id = 2, title = 'a title that goes on and
                                            on, far past w…
    ─
     auth      user      + 2 inserted   + id = 4, username = 'dora', email = NULL
                         ~ 1 updated    + id = 5, username = 'eve', email = NULL
                         - 1 deleted    ~ id = 1, username = 'ann' → 'anna',
                                            email = NULL → 'anna@example.org'
                                        - id = 3, username = 'cleo', email = NULL
    ─
     meta      setting   + 3 inserted   + name = 'key', value = x'00ff'
                                        + name = 'scale', value = 1.5
                                        + name = 'theme', value = NULL
    ");
    changes.assert_only(..).assert_only(["meta", "auth"].map(Some).into_iter().chain([None]).collect::<Vec<_>>());

    let auth = changes.in_bind("auth").unwrap();
    let [user] = auth.changes() else { panic!("{auth}") };
    assert_eq!((user.bind(), user.table(), user.kind()), (&BindKey::from("auth"), "user", ChangeKind::Rows));
    assert_eq!(
        user.inserted(),
        [row! { id: 4, username: "dora", email: None }, row! { id: 5, username: "eve", email: None },]
    );
    assert_eq!(user.deleted(), [row! { id: 3, username: "cleo", email: None }]);
    let [update] = user.updated() else { panic!("{auth}") };
    assert_eq!(update.before(), &row! { id: 1, username: "ann", email: None });
    assert_eq!(update.after(), &row! { id: 1, username: "anna", email: "anna@example.org" });
    assert_eq!(changes.in_bind(None).unwrap().changes().len(), 1);
    assert_eq!(
        (&changes).into_iter().map(|change| change.bind().to_string()).collect::<Vec<_>>(),
        ["default", "auth", "meta"]
    );
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn a_row_is_seen_in_every_kind_of_storage(#[case] storage: Storage) {
    let db = Harness::builder().bind("auth", Bind::memory().storage(storage).schema(USER)).start().unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, "auth").execute("DELETE FROM user WHERE id = 2", []).unwrap();
    let changes = db.changes_since(&before).unwrap();
    assert_eq!(changes.changes()[0].deleted(), [row! { id: 2, username: "bob", email: "bob@example.org" }]);
    driver(&db, "auth").execute("INSERT INTO user VALUES (2, 'bob', 'bob@example.org')", []).unwrap();
    db.changes_since(&before).unwrap().assert_none();
}

#[rstest]
fn tables_of_one_name_in_two_binds_are_told_apart() {
    let log = || Bind::memory().schema("CREATE TABLE log (line TEXT)");
    let db = Harness::builder().default_bind(log()).bind("meta", log()).start().unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, "meta").execute("INSERT INTO log VALUES ('started')", []).unwrap();
    let changes = db.changes_since(&before).unwrap();
    changes.assert_only("meta");
    insta::assert_snapshot!(unframed(&changes), @r"
     bind   table   change         rows
     meta   log     + 1 inserted   + line = 'started'
    ");
}

#[rstest]
#[case::null_and_null("UPDATE t SET x = NULL WHERE id = 1", 0)]
#[case::a_value_for_null("UPDATE t SET x = '' WHERE id = 1", 1)]
#[case::null_for_a_value("UPDATE t SET x = NULL WHERE id = 2", 1)]
#[case::an_equal_real("UPDATE t SET x = 1.0 WHERE id = 2", 0)]
#[case::another_real("UPDATE t SET x = 1.5 WHERE id = 2", 1)]
#[case::text_for_a_number("UPDATE t SET x = '1' WHERE id = 2", 1)]
#[case::an_equal_blob("UPDATE t SET x = x'6162' WHERE id = 3", 0)]
#[case::text_for_a_blob("UPDATE t SET x = 'ab' WHERE id = 3", 1)]
#[case::another_case("UPDATE t SET name = 'ANN' WHERE id = 1", 1)]
#[case::blanks_at_the_end("UPDATE t SET trimmed = 'a ' WHERE id = 1", 1)]
#[case::the_same_again("UPDATE t SET x = x, name = name", 0)]
#[case::deleted_and_inserted_again("DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (3, x'6162', 'c', 'c')", 0)]
fn values_compare_as_is_does(#[case] script: &str, #[case] updated: usize) {
    let db = one("CREATE TABLE t (id INTEGER PRIMARY KEY, x, name TEXT COLLATE NOCASE, trimmed TEXT COLLATE RTRIM);
        INSERT INTO t VALUES (1, NULL, 'ann', 'a'), (2, 1, 'bob', 'b'), (3, x'6162', 'c', 'c')");
    let changes = changed_by(&db, script);
    assert_eq!(changes.changes().iter().map(|change| change.updated().len()).sum::<usize>(), updated, "{changes}");
    assert_eq!(changes.is_empty(), updated == 0);
}

#[rstest]
#[case::a_rowid("CREATE TABLE t (x, y)", [1, 1, 2])]
#[case::a_rowid_under_another_name("CREATE TABLE t (x, y, rowid DEFAULT 0, oid DEFAULT 0)", [1, 1, 2])]
#[case::no_name_left_for_the_rowid("CREATE TABLE t (x, y, rowid DEFAULT 0, oid DEFAULT 0, _rowid_ DEFAULT 0)", [2, 0, 3])]
fn rows_without_a_key_are_matched_or_counted(#[case] schema: &str, #[case] expected: [usize; 3]) {
    let db = one(&format!("{schema}; INSERT INTO t (x, y) VALUES (1, 'a'), (1, 'a'), (2, 'b'), (3, NULL), (3, NULL)"));
    let script = "UPDATE t SET y = 'c' WHERE x = 2; DELETE FROM t WHERE x = 1; INSERT INTO t (x, y) VALUES (3, NULL)";
    let changes = changed_by(&db, script);
    assert_eq!(counts(&changes), [("t", ChangeKind::Rows, expected)], "{changes}");
    assert_eq!(changes.changes()[0].inserted().last().unwrap().get::<i64>("x").unwrap(), 3);
}

#[test]
fn rows_of_a_table_without_rowid_are_matched_by_their_key() {
    let db = one("CREATE TABLE t (a TEXT, b INT, x, PRIMARY KEY (b, a)) WITHOUT ROWID;
        INSERT INTO t VALUES ('ann', 1, 'x'), ('ann', 2, 'y'), ('bob', 1, 'z')");
    let changes = changed_by(
        &db,
        "UPDATE t SET x = 'new' WHERE a = 'ann' AND b = 2; DELETE FROM t WHERE a = 'bob'; INSERT INTO t VALUES ('bob', 3, NULL)",
    );
    insta::assert_snapshot!(unframed(&changes), @r"
     bind      table   change         rows
     default   t       + 1 inserted   + a = 'bob', b = 3, x = NULL
                       ~ 1 updated    ~ a = 'ann', b = 2, x = 'y' → 'new'
                       - 1 deleted    - a = 'bob', b = 1, x = 'z'
    ");
}

#[test]
fn rows_whose_primary_key_is_null_are_matched_by_rowid() {
    let db = one("CREATE TABLE t (k TEXT PRIMARY KEY, x);
        INSERT INTO t VALUES (NULL, 1), (NULL, 2), (NULL, 2), ('a', 3), ('b', 4)");
    let changes = changed_by(
        &db,
        "UPDATE t SET x = 0 WHERE x IN (1, 3); DELETE FROM t WHERE rowid = 3; INSERT INTO t VALUES (NULL, 9), ('c', 9)",
    );
    insta::assert_snapshot!(unframed(&changes), @r"
     bind      table   change         rows
     default   t       + 2 inserted   + k = NULL, x = 9
                       ~ 2 updated    + k = 'c', x = 9
                       - 1 deleted    ~ k = NULL, x = 1 → 0
                                      ~ k = 'a', x = 3 → 0
                                      - k = NULL, x = 2
    ");
}

#[test]
fn keys_follow_their_columns_case_rules() {
    let db =
        one("CREATE TABLE t (name TEXT COLLATE NOCASE PRIMARY KEY, x) WITHOUT ROWID; INSERT INTO t VALUES ('ann', 1)");
    insta::assert_snapshot!(unframed(changed_by(&db, "UPDATE t SET name = 'Ann'")), @r"
     bind      table   change        rows
     default   t       ~ 1 updated   ~ name = 'ann' → 'Ann'
    ");
}

#[test]
fn names_with_any_characters_are_compared() {
    let db = one(r#"CREATE TABLE "or""der; by" ("gro""up" INTEGER PRIMARY KEY, "from where" TEXT, 'select')"#);
    let changes = changed_by(&db, r#"INSERT INTO "or""der; by" VALUES (1, 'x', 'it''s')"#);
    insta::assert_snapshot!(unframed(&changes), @r#"
     bind      table        change         rows
     default   or"der; by   + 1 inserted   + gro"up = 1, from where = 'x',
                                               select = 'it''s'
    "#);
}

#[test]
fn tables_and_views_made_altered_and_dropped_are_told() {
    let db = one("CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, old TEXT);
        INSERT INTO a VALUES (1, 'one', 'o'), (2, 'two', 'o');
        CREATE TABLE gone (x); INSERT INTO gone VALUES (1), (2); CREATE VIEW v AS SELECT x FROM a");
    let changes = changed_by(
        &db,
        "ALTER TABLE a DROP COLUMN old; ALTER TABLE a ADD COLUMN rank INT DEFAULT 5; UPDATE a SET rank = 6 WHERE id = 2;
         CREATE INDEX a_x ON a (x); CREATE TRIGGER a_i AFTER INSERT ON a BEGIN SELECT 1; END;
         DROP TABLE gone; CREATE TABLE made (y); INSERT INTO made VALUES ('first'); CREATE TABLE made_empty (y);
         DROP VIEW v; CREATE VIEW v AS SELECT id FROM a; CREATE VIEW w AS SELECT 1",
    );
    insta::assert_snapshot!(unframed(&changes), @r"
     bind      table        change         rows
     default   a            altered        column `rank` is new
                            ~ 1 updated    column `old` is gone
                                           index `a_x` is new
                                           trigger `a_i` is new
                                           ~ id = 2, rank = 6
    ─
     default   gone         dropped        - x = 1
                            - 2 deleted    - x = 2
    ─
     default   made         created        + y = 'first'
                            + 1 inserted
    ─
     default   made_empty   created
    ─
     default   v (view)     altered        its SQL has changed
    ─
     default   w (view)     created
    ");
    assert_eq!(
        counts(&changes),
        [
            ("a", ChangeKind::Altered, [0, 1, 0]),
            ("gone", ChangeKind::Dropped, [0, 0, 2]),
            ("made", ChangeKind::Created, [1, 0, 0]),
            ("made_empty", ChangeKind::Created, [0, 0, 0]),
            ("v", ChangeKind::Altered, [0, 0, 0]),
            ("w", ChangeKind::Created, [0, 0, 0]),
        ]
    );
}

#[test]
fn a_renamed_column_keeps_its_values() {
    let db = one(USER);
    let changes =
        changed_by(&db, "ALTER TABLE user RENAME COLUMN username TO login; UPDATE user SET login = 'bo' WHERE id = 2");
    insta::assert_snapshot!(unframed(&changes), @r"
     bind      table   change        rows
     default   user    altered       column `username` is now `login`
                       ~ 1 updated   ~ id = 2, login = 'bo'
    ");
    let update = &changes.changes()[0].updated()[0];
    assert_eq!(update.before(), &row! { id: 2, username: "bob", email: "bob@example.org" });
    assert_eq!(update.after(), &row! { id: 2, login: "bo", email: "bob@example.org" });
}

#[test]
fn a_table_made_again_with_another_key_is_compared_by_rowid() {
    let db = one("CREATE TABLE t (a INT, b INT); INSERT INTO t VALUES (1, 1), (2, 2)");
    let script = "DROP TABLE t; CREATE TABLE t (a INT, b INT PRIMARY KEY); INSERT INTO t VALUES (1, 1), (2, 3)";
    insta::assert_snapshot!(unframed(changed_by(&db, script)), @r"
     bind      table   change        rows
     default   t       altered       column `b` has a new declaration
                       ~ 1 updated   ~ a = 2, b = 2 → 3
    ");
}

#[test]
fn generated_columns_are_shown_and_follow_from_the_others() {
    let db = one("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, twice INT AS (2 * n), kept INT AS (3 * n) STORED); INSERT INTO t (n) VALUES (1)");
    let changes = changed_by(&db, "UPDATE t SET n = 2; INSERT INTO t (n) VALUES (5)");
    assert_eq!(changes.changes()[0].inserted(), [row! { id: 2, n: 5, twice: 10, kept: 15 }]);
    insta::assert_snapshot!(unframed(&changes), @r"
     bind      table   change         rows
     default   t       + 1 inserted   + id = 2, n = 5, twice = 10, kept = 15
                       ~ 1 updated    ~ id = 1, n = 1 → 2, twice = 2 → 4, kept = 3
                                          → 6
    ");
}

#[test]
fn a_function_that_only_the_application_has_hides_no_rows() {
    use multibind::rusqlite::functions::FunctionFlags;
    let db = one("");
    let conn = driver(&db, None);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("shout", 1, flags, |ctx| Ok(ctx.get::<String>(0)?.to_uppercase())).unwrap();
    conn.execute_batch("CREATE TABLE t (name TEXT CHECK (shout(name) <> ''), loud TEXT AS (shout(name)))").unwrap();
    let before = db.snapshot().unwrap();
    conn.execute("INSERT INTO t VALUES ('ann')", []).unwrap();
    let changes = db.changes_since(&before).unwrap();
    assert_eq!(changes.changes()[0].inserted(), [row! { name: "ann" }]);
}

#[test]
fn a_collation_that_only_the_application_has_hides_no_rows() {
    let db = one("");
    let conn = driver(&db, None);
    conn.create_collation("backwards", |a, b| b.cmp(a)).unwrap();
    conn.execute_batch(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE backwards); INSERT INTO t VALUES (1, 'a')",
    )
    .unwrap();
    let before = db.snapshot().unwrap();
    conn.execute("UPDATE t SET name = 'b'", []).unwrap();
    assert_eq!(counts(&db.changes_since(&before).unwrap()), [("t", ChangeKind::Rows, [0, 1, 0])]);
}

#[test]
fn views_naming_their_schema_hide_no_rows() {
    let db = one("CREATE TABLE t (x); CREATE VIEW v AS SELECT x FROM main.t; CREATE TABLE u (x);
        CREATE TRIGGER tr AFTER INSERT ON main.t BEGIN INSERT INTO u SELECT x FROM v; END");
    let changes = changed_by(&db, "INSERT INTO t VALUES (1)");
    assert_eq!(counts(&changes), [("t", ChangeKind::Rows, [1, 0, 0]), ("u", ChangeKind::Rows, [1, 0, 0])]);
}

#[rstest]
#[case::full_text("CREATE VIRTUAL TABLE t USING fts5(title, body)", "INSERT INTO t VALUES ('a', 'b')", row! { title: "a", body: "b" })]
#[case::r_tree("CREATE VIRTUAL TABLE t USING rtree(id, low, high)", "INSERT INTO t VALUES (7, 1.0, 2.5)", row! { id: 7, low: 1.0, high: 2.5 })]
fn a_virtual_table_is_compared_by_its_rows(#[case] schema: &str, #[case] script: &str, #[case] row: Row) {
    let db = one(schema);
    let before = db.snapshot().unwrap();
    driver(&db, None).execute_batch(script).unwrap();
    let changes = db.changes_since(&before).unwrap();
    assert_eq!(counts(&changes), [("t", ChangeKind::Rows, [1, 0, 0])], "{changes}");
    assert_eq!(changes.changes()[0].inserted(), [row]);

    let with_row = db.snapshot().unwrap();
    driver(&db, None).execute_batch("DROP TABLE t").unwrap();
    assert_eq!(counts(&db.changes_since(&with_row).unwrap()), [("t", ChangeKind::Dropped, [0, 0, 1])]);
}

#[rstest]
#[case::sequences("INSERT INTO t (x) VALUES (1); DELETE FROM t WHERE x = 1")]
#[case::statistics("ANALYZE")]
#[case::pragmas("PRAGMA user_version = 7; PRAGMA application_id = 8")]
#[case::a_vacuum("VACUUM")]
fn internal_tables_of_sqlite_are_no_change(#[case] script: &str) {
    let db = one("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x); CREATE INDEX t_x ON t (x); INSERT INTO t (x) VALUES (0)");
    changed_by(&db, script).assert_none();
}

#[test]
fn a_shared_database_changes_under_its_first_key() {
    let server = || Bind::url("postgres://app@db/app").schema("CREATE TABLE IF NOT EXISTS t (x)");
    let db =
        Harness::builder().bind("one", server()).bind("two", server()).bind("other", Bind::memory()).start().unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, "two").execute("INSERT INTO t VALUES (1)", []).unwrap();
    let changes = db.changes_since(&before).unwrap();
    assert_eq!(changes.changes()[0].bind(), &BindKey::from("one"));
    changes.assert_only("two").assert_only("one").assert_only(["one", "two"]);
    assert_eq!(changes.in_bind("two").unwrap().to_string(), changes.in_bind("one").unwrap().to_string());
    changes.in_bind("other").unwrap().assert_none();
}

#[rstest]
fn a_row_in_the_wrong_bind_is_located(db: Harness) {
    let before = db.snapshot().unwrap();
    driver(&db, None).execute("INSERT INTO post (title) VALUES ('for auth')", []).unwrap();
    let changes = db.changes_since(&before).unwrap();
    insta::assert_snapshot!(failure(|| changes.assert_only("auth")), @r#"
    expected changes in auth only, but nothing changed in auth, and default changed:

     bind      table   change         rows
     default   post    + 1 inserted   + id = 1, title = 'for auth'

    `post` in `default` was changed by
      INSERT INTO post (title) VALUES ('for auth')
      at landing::changes::a_row_in_the_wrong_bind_is_located
      on the test's thread, connection 1, committed

    Connection 1 to `default` was opened
      at landing::changes::driver
    Its address came from `db.uri`
      at landing::changes::driver
    "#);
    insta::assert_snapshot!(failure(|| changes.assert_none()), @r#"
    expected no change in any bind, but default changed:

     bind      table   change         rows
     default   post    + 1 inserted   + id = 1, title = 'for auth'

    `post` in `default` was changed by
      INSERT INTO post (title) VALUES ('for auth')
      at landing::changes::a_row_in_the_wrong_bind_is_located
      on the test's thread, connection 1, committed
    "#);
    insta::assert_snapshot!(failure(|| changes.assert_only(..)), @r"
    expected a change in every bind, but nothing changed in auth, meta:

     bind      table   change         rows
     default   post    + 1 inserted   + id = 1, title = 'for auth'

    Does the code under test take its connections from this harness, and does it
    commit?
    ");
    insta::assert_snapshot!(failure(|| changes.assert_only(Vec::<&str>::new())), @r#"
    expected no change in any bind, but default changed:

     bind      table   change         rows
     default   post    + 1 inserted   + id = 1, title = 'for auth'

    `post` in `default` was changed by
      INSERT INTO post (title) VALUES ('for auth')
      at landing::changes::a_row_in_the_wrong_bind_is_located
      on the test's thread, connection 1, committed
    "#);
}

#[rstest]
fn an_unexpected_bind_fails_with_the_fix(db: Harness) {
    let before = db.snapshot().unwrap();
    for key in [None, Some("auth")] {
        driver(&db, key).execute_batch("CREATE TABLE extra (x)").unwrap();
    }
    let changes = db.changes_since(&before).unwrap();
    insta::assert_snapshot!(failure(|| changes.assert_only("auth")), @r#"
    expected changes in auth only, but default changed too:

     bind      table   change    rows
     default   extra   created
    ─
     auth      extra   created

    `extra` in `default` was changed by
      CREATE TABLE extra (x)
      at landing::changes::an_unexpected_bind_fails_with_the_fix
      on the test's thread, connection 1, committed
    "#);
    insta::assert_snapshot!(failure(|| changes.assert_only([None, Some("auth"), Some("meta")])), @r"
    expected changes in default, auth, meta only, but nothing changed in meta:

     bind      table   change    rows
     default   extra   created
    ─
     auth      extra   created

    Does the code under test take its connections from this harness, and does it
    commit?
    ");
    driver(&db, "meta").execute_batch("CREATE TABLE extra (x)").unwrap();
    driver(&db, None).execute_batch("DROP TABLE extra").unwrap();
    insta::assert_snapshot!(failure(|| db.changes_since(&before).unwrap().assert_only("meta").is_empty()), @r#"
    expected changes in meta only, but auth changed too:

     bind   table   change    rows
     auth   extra   created
    ─
     meta   extra   created

    `extra` in `auth` was changed by
      CREATE TABLE extra (x)
      at landing::changes::an_unexpected_bind_fails_with_the_fix
      on the test's thread, connection 2, committed
    "#);
}

#[rstest]
fn a_test_in_which_nothing_happens_proves_nothing(db: Harness) {
    let before = db.snapshot().unwrap();
    let changes = db.changes_since(&before).unwrap();
    insta::assert_snapshot!(failure(|| changes.assert_only("auth")), @r"
    expected changes in auth only, but nothing changed in any bind.

    Does the code under test take its connections from this harness, and does it
    commit?
    ");
    insta::assert_snapshot!(failure(|| changes.assert_only(["auth", "meta"])), @r"
    expected changes in auth, meta only, but nothing changed in any bind.

    Does the code under test take its connections from this harness, and does it
    commit?
    ");
    insta::assert_snapshot!(failure(|| changes.assert_only(..)), @r"
    expected a change in every bind, but nothing changed in any bind.

    Does the code under test take its connections from this harness, and does it
    commit?
    ");
}

#[rstest]
fn a_key_that_is_not_configured_is_refused(db: Harness) {
    let before = db.snapshot().unwrap();
    let changes = db.changes_since(&before).unwrap();
    insta::assert_snapshot!(changes.in_bind("audit").unwrap_err(), @"no bind `audit`: configured are default, auth, meta");
    insta::assert_snapshot!(failure(|| changes.assert_only(["auth", "audit"])), @"cannot tell which binds may change: no bind `audit`: configured are default, auth, meta");
    let named = Harness::builder().bind("auth", Bind::memory()).start().unwrap();
    let changes = named.changes_since(&named.snapshot().unwrap()).unwrap();
    insta::assert_snapshot!(changes.in_bind(None).unwrap_err(), @"no default bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::file(Storage::TempFile)]
fn changes_are_those_of_what_is_committed_beside_an_open_transaction(#[case] storage: Storage) {
    let db = Harness::builder().bind("auth", Bind::memory().storage(storage).schema(USER)).start().unwrap();
    let before = db.snapshot().unwrap();
    let conn = driver(&db, "auth");
    conn.execute_batch("BEGIN; DELETE FROM user").unwrap();
    db.changes_since(&before).unwrap().assert_none();
    conn.execute_batch("COMMIT").unwrap();
    db.changes_since(&before).unwrap().assert_only("auth");
}

#[rstest]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn an_unreadable_bind_is_named_by_changes(#[case] storage: Storage) {
    let db = Harness::builder().bind("auth", Bind::memory().storage(storage).schema(USER)).start().unwrap();
    let before = db.snapshot().unwrap();
    let conn = driver(&db, "auth");
    conn.execute_batch("BEGIN; DELETE FROM user").unwrap();
    let error = db.changes_since(&before).unwrap_err();
    assert!(matches!(&error, Error::InUse { bind, .. } if bind.as_str() == Some("auth")), "{error}");
    conn.execute_batch("ROLLBACK").unwrap();
    db.changes_since(&before).unwrap().assert_none();
}

#[test]
fn many_rows_are_counted_and_the_first_are_shown() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, at REAL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO t SELECT i, 'name ' || i, i / 2.0 FROM n";
    let bind = || Bind::memory().schema(table);
    let db = Harness::builder().default_bind(bind()).bind("a", bind()).bind("b", bind()).start().unwrap();
    let before = db.snapshot().unwrap();
    for key in [None, Some("a"), Some("b")] {
        driver(&db, key)
            .execute_batch("UPDATE t SET at = -1 WHERE id % 1000 = 0; DELETE FROM t WHERE id > 99990")
            .unwrap();
    }
    let changes = db.changes_since(&before).unwrap();
    assert_eq!(counts(&changes), [("t", ChangeKind::Rows, [0, 99, 10]); 3]);
    insta::assert_snapshot!(unframed(changes.in_bind("a").unwrap()), @r"
     bind   table   change         rows
     a      t       ~ 99 updated   ~ id = 1000, at = 500.0 → -1.0
                    - 10 deleted   ~ id = 2000, at = 1000.0 → -1.0
                                   ~ id = 3000, at = 1500.0 → -1.0
                                   ~ id = 4000, at = 2000.0 → -1.0
                                   ~ id = 5000, at = 2500.0 → -1.0
                                   … and 94 more updated
                                   - id = 99991, name = 'name 99991', at = 49995.5
                                   - id = 99992, name = 'name 99992', at = 49996.0
                                   - id = 99993, name = 'name 99993', at = 49996.5
                                   - id = 99994, name = 'name 99994', at = 49997.0
                                   - id = 99995, name = 'name 99995', at = 49997.5
                                   … and 5 more deleted
    ");
}
