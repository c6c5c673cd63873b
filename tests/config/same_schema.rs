//! The tables of two harnesses, compared: `assert_same_schema`.

use multibind::{Bind, Harness};
use rstest::rstest;

use crate::failure::failure;

fn start(schema: &str) -> Harness {
    Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(schema)).start().unwrap()
}

#[rstest]
#[case::in_another_way(
    "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x');\nCREATE INDEX by_name ON user (name)",
    "CREATE TABLE \"user\" (id INTEGER, PRIMARY KEY (id)); ALTER TABLE user ADD COLUMN name TEXT NOT NULL DEFAULT 'x';
     CREATE INDEX by_name ON \"user\" (\"name\")"
)]
#[case::in_another_order("CREATE TABLE a (x); CREATE TABLE b (x)", "CREATE TABLE b (x); CREATE TABLE a (x)")]
#[case::of_views(
    "CREATE TABLE a (x); CREATE VIEW v AS SELECT x FROM a",
    "CREATE TABLE a (x);\nCREATE VIEW v AS\n  SELECT x FROM a"
)]
#[case::with_keys(
    "CREATE TABLE a (x PRIMARY KEY) WITHOUT ROWID; CREATE TABLE b (x UNIQUE REFERENCES a ON DELETE CASCADE)",
    "CREATE TABLE a (x PRIMARY KEY) WITHOUT ROWID; CREATE TABLE b (x, UNIQUE (x), FOREIGN KEY (x) REFERENCES a (x) ON DELETE CASCADE)"
)]
fn tables_that_are_made_otherwise_are_the_same(#[case] one: &str, #[case] other: &str) {
    start(one).assert_same_schema(&start(other)).assert_same_schema(&start(one));
}

#[rstest]
fn what_is_not_the_same_is_shown_in_both_forms() {
    let one = start(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE); CREATE INDEX by_name ON user (name);
         CREATE TABLE role (name TEXT PRIMARY KEY, rank INTEGER); CREATE TABLE log (event TEXT, at TEXT)",
    );
    let other = start(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, name VARCHAR(20), phone TEXT); CREATE UNIQUE INDEX by_name ON user (name);
         CREATE TABLE role (name TEXT PRIMARY KEY, rank INTEGER) STRICT, WITHOUT ROWID; CREATE TABLE log (at TEXT, event TEXT);
         CREATE TABLE token (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES user)",
    );
    insta::assert_snapshot!(failure(|| one.assert_same_schema(&other)), @"
    the schemas are not the same:

     bind   of                        this harness         the other
     auth   user, column name         TEXT NOT NULL        VARCHAR(20)
            user, column email        TEXT                 not there
            user, UNIQUE (email)      there                not there
            user, index by_name       (name)               UNIQUE (name)
            role                      a table              a table, STRICT, WITHOUT
                                                               ROWID
            role, column name         TEXT PRIMARY KEY 1   TEXT PRIMARY KEY 1 NOT
                                                               NULL
            log, order of at, event   event, at            at, event
            user, column phone        not there            TEXT
            token                     not there            a table
    ");
}

#[rstest]
fn a_bind_that_one_does_not_have_is_named() {
    let one = start("");
    let more = Harness::builder().default_bind(Bind::memory()).bind("meta", Bind::memory()).start().unwrap();
    insta::assert_snapshot!(failure(|| one.assert_same_schema(&more)), @"
    the schemas are not the same:

     bind   of         this harness   the other
     auth   the bind   configured     not there
    ─
     meta   the bind   not there      configured
    ");
}

#[rstest]
fn tables_are_compared_as_they_are_now() -> Result<(), Box<dyn std::error::Error>> {
    let (one, other) = (start("CREATE TABLE t (x)"), start("CREATE TABLE t (x)"));
    one.connection("auth")?.execute("ALTER TABLE t ADD COLUMN y", [])?;
    assert!(failure(|| one.assert_same_schema(&other)).contains("column y"));
    other.connection("auth")?.execute("ALTER TABLE t ADD COLUMN y", [])?;
    one.assert_same_schema(&other);
    Ok(())
}

#[rstest]
fn a_part_leaves_tables_and_binds_out() {
    let user = "CREATE TABLE user (name TEXT)";
    let (one, other) = (start(user), start(&format!("{user}; CREATE TABLE _migrations (version INTEGER)")));
    one.part(..).except(["_migrations"]).assert_same_schema(&other);
    other.part(..).except(["auth._migrations"]).assert_same_schema(&one);
    one.part(None).assert_same_schema(&other);
    one.part("auth").only(["user"]).assert_same_schema(&other);
    assert!(failure(|| {
        one.part("auth").assert_same_schema(&other);
    })
    .contains("_migrations"));
}
