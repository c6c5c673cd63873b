//! A name that several binds have is an error wherever it stands, and never where it is qualified or shadowed.

use multibind::{Bind, Error, Harness};
use rstest::rstest;

use crate::binds::changed_by;

/// Two binds with the same names, of tables, a view, an index, a trigger and a virtual table, and a third beside them.
fn twins() -> Harness {
    const TWIN: &str = "
        CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE);
        CREATE TABLE log (line);
        CREATE INDEX by_name ON user (name);
        CREATE VIEW person AS SELECT name FROM user;
        CREATE VIEW nobody AS SELECT 1 AS x;
        CREATE TRIGGER logged AFTER INSERT ON user BEGIN INSERT INTO log SELECT count(*) FROM person; END;
        CREATE VIRTUAL TABLE word USING fts5 (text);
        INSERT INTO user (name) VALUES ('ann');
        ANALYZE;
    ";
    Harness::builder()
        .default_bind(
            Bind::memory().schema(format!("{TWIN}; CREATE TABLE post (title); CREATE INDEX only ON post (title)")),
        )
        .bind("auth", Bind::memory().schema(format!("{TWIN}; ALTER TABLE user ADD COLUMN email")))
        .bind("meta", Bind::memory().schema("CREATE TABLE setting (name)"))
        .start()
        .unwrap()
}

#[rstest]
#[case::select("SELECT name FROM user", "user")]
#[case::select_star("SELECT * FROM user", "user")]
#[case::upper_case("SELECT * FROM USER", "user")]
#[case::count("SELECT count(*) FROM user", "user")]
#[case::count_beside_another_bind("SELECT count(*) FROM setting, user", "user")]
#[case::count_beside_its_own_bind("SELECT (SELECT count(*) FROM user) FROM auth.log", "user")]
#[case::a_column_that_one_has("SELECT email FROM user", "user")]
#[case::a_column_that_one_has_in_a_join("SELECT u.email FROM user u, post", "user")]
#[case::subquery("SELECT * FROM post WHERE title IN (SELECT name FROM user)", "user")]
#[case::beside_the_qualified_one("SELECT * FROM auth.user JOIN user USING (id)", "user")]
#[case::joined_by_a_column("SELECT name FROM setting JOIN user USING (name)", "user")]
#[case::joined_by_a_column_and_counted("SELECT count(*) FROM setting JOIN user USING (name)", "user")]
#[case::joined_by_all_columns("SELECT 1 FROM setting NATURAL JOIN user", "user")]
#[case::joined_to_no_use("SELECT 1 FROM setting LEFT JOIN user USING (name)", "user")]
#[case::view("SELECT name FROM person", "person")]
#[case::view_counted("SELECT count(*) FROM person", "person")]
#[case::view_of_nothing("SELECT count(*) FROM nobody", "nobody")]
#[case::fts5("SELECT * FROM word WHERE word MATCH 'x'", "word")]
#[case::fts5_counted("SELECT count(*) FROM word", "word")]
#[case::fts5_shadow("SELECT count(*) FROM word_content", "word_content")]
#[case::sequence("SELECT * FROM sqlite_sequence", "sqlite_sequence")]
#[case::sequence_counted("SELECT count(*) FROM sqlite_sequence", "sqlite_sequence")]
#[case::statistics("SELECT * FROM sqlite_stat1", "sqlite_stat1")]
#[case::insert("INSERT INTO user (name) VALUES ('bob')", "user")]
#[case::insert_select("INSERT INTO post SELECT name FROM user", "user")]
#[case::update("UPDATE user SET name = 'x'", "user")]
#[case::update_of_a_column_that_one_has("UPDATE user SET email = 'x'", "user")]
#[case::delete("DELETE FROM user", "user")]
#[case::replace("REPLACE INTO user (id) VALUES (1)", "user")]
#[case::explain("EXPLAIN SELECT name FROM user", "user")]
#[case::explain_count("EXPLAIN SELECT count(*) FROM user", "user")]
#[case::explain_plan_of_a_count("EXPLAIN QUERY PLAN SELECT count(*) FROM user", "user")]
#[case::pragma("PRAGMA table_info(user)", "user")]
#[case::pragma_of_an_index("PRAGMA index_info(by_name)", "by_name")]
#[case::drop_table("DROP TABLE user", "user")]
#[case::drop_table_if_exists("DROP TABLE IF EXISTS user", "user")]
#[case::drop_view("DROP VIEW person", "person")]
#[case::drop_index("DROP INDEX by_name", "by_name")]
#[case::drop_trigger("DROP TRIGGER logged", "logged")]
#[case::rename("ALTER TABLE user RENAME TO person2", "user")]
#[case::rename_column("ALTER TABLE user RENAME COLUMN name TO n", "user")]
#[case::add_column("ALTER TABLE user ADD COLUMN age", "user")]
#[case::create_index("CREATE INDEX i ON user (name)", "user")]
#[case::create_index_of_a_column_that_one_has("CREATE INDEX i ON user (email)", "user")]
#[case::create_index_that_is_there("CREATE INDEX IF NOT EXISTS only ON user (name)", "user")]
#[case::create_trigger("CREATE TRIGGER t AFTER INSERT ON user BEGIN SELECT 1; END", "user")]
#[case::create_trigger_on_a_view("CREATE TRIGGER t INSTEAD OF INSERT ON person BEGIN SELECT 1; END", "person")]
#[case::create_as("CREATE TABLE copy AS SELECT * FROM user", "user")]
#[case::analyze("ANALYZE user", "user")]
#[case::analyze_an_index("ANALYZE by_name", "by_name")]
#[case::reindex_a_table("REINDEX user", "user")]
#[case::reindex_an_index("REINDEX by_name", "by_name")]
fn an_ambiguous_name_is_refused(#[case] sql: &str, #[case] name: &str) {
    let db = twins();
    let error = db.session().route(sql).unwrap_err();
    let Error::AmbiguousTable { table, binds, .. } = &error else { panic!("{error}") };
    assert!(table.eq_ignore_ascii_case(name), "{table}");
    assert_eq!(*binds, [None.into(), multibind::BindKey::from("auth")]);
    let changed = changed_by(&db, |session| assert!(session.execute(sql, []).is_err()));
    assert_eq!(changed, [""; 0]);
}

#[rstest]
#[case::select("SELECT name, email FROM auth.user", "reads auth")]
#[case::main("SELECT name FROM main.user", "reads default")]
#[case::count("SELECT count(*) FROM auth.user", "reads auth")]
#[case::count_of_main("SELECT count(*) FROM main.user", "reads default")]
#[case::both("SELECT a.name FROM auth.user a JOIN main.user b USING (id)", "reads default, auth")]
#[case::both_counted("SELECT count(*) FROM auth.user, main.user", "reads default, auth")]
#[case::view("SELECT name FROM auth.person", "reads auth")]
#[case::view_counted("SELECT count(*) FROM auth.person", "reads auth")]
#[case::view_of_nothing("SELECT count(*) FROM auth.nobody", "reads auth")]
#[case::fts5("SELECT * FROM auth.word WHERE word MATCH 'x'", "reads auth")]
#[case::fts5_counted("SELECT count(*) FROM auth.word", "reads auth")]
#[case::sequence("SELECT * FROM auth.sqlite_sequence", "reads auth")]
#[case::sequence_counted("SELECT count(*) FROM auth.sqlite_sequence", "reads auth")]
#[case::cte("WITH user (name) AS (SELECT title FROM post) SELECT name FROM user", "reads default")]
#[case::cte_counted("WITH user AS (SELECT title FROM post) SELECT count(*) FROM user", "reads default")]
#[case::cte_over_the_qualified_one("WITH user AS (SELECT * FROM auth.user) SELECT count(*) FROM user", "reads auth")]
#[case::alias("SELECT user.title FROM post AS user", "reads default")]
#[case::insert("INSERT INTO auth.user (name) VALUES ('bob')", "reads auth, writes auth")]
#[case::update("UPDATE auth.user SET email = 'x' WHERE user.id = 1", "reads auth, writes auth")]
#[case::update_main("UPDATE main.user SET name = 'x'", "writes default")]
#[case::delete("DELETE FROM auth.user", "writes auth")]
#[case::fts5_insert("INSERT INTO auth.word VALUES ('x')", "writes auth")]
#[case::explain_count("EXPLAIN QUERY PLAN SELECT count(*) FROM auth.user", "reads auth")]
#[case::pragma("PRAGMA auth.table_info(user)", "reads auth")]
#[case::drop_table("DROP TABLE auth.log", "reads auth, writes auth")]
#[case::drop_sequenced("DROP TABLE auth.user", "reads auth, writes auth")]
#[case::drop_virtual("DROP TABLE auth.word", "reads auth, writes auth")]
#[case::drop_view("DROP VIEW auth.person", "reads auth, writes auth")]
#[case::drop_index("DROP INDEX auth.by_name", "reads auth, writes auth")]
#[case::drop_trigger("DROP TRIGGER main.logged", "reads default, writes default")]
#[case::rename("ALTER TABLE auth.log RENAME TO journal", "reads auth, writes auth")]
#[case::rename_column("ALTER TABLE auth.log RENAME COLUMN line TO text", "reads auth, writes auth")]
#[case::add_column("ALTER TABLE auth.log ADD COLUMN at", "reads auth, writes auth")]
#[case::drop_column("ALTER TABLE auth.user DROP COLUMN email", "reads auth, writes auth")]
#[case::create_index("CREATE INDEX auth.i ON user (email)", "reads auth, writes auth")]
#[case::create_index_of_main("CREATE INDEX main.i ON user (name)", "reads default, writes default")]
#[case::create_trigger("CREATE TRIGGER auth.t AFTER INSERT ON user BEGIN SELECT 1; END", "writes auth")]
#[case::create_as("CREATE TABLE auth.copy AS SELECT * FROM auth.user", "reads auth, writes auth")]
#[case::analyze("ANALYZE auth.user", "writes auth")]
#[case::reindex("REINDEX auth.user", "writes auth")]
#[case::reindex_main("REINDEX main.by_name", "writes default")]
#[case::reindex_all("REINDEX", "writes default, auth")]
#[case::reindex_a_collation("REINDEX nocase", "writes default, auth")]
#[case::analyze_all("ANALYZE", "writes default, auth, meta")]
fn a_name_that_is_qualified_or_shadowed_is_not_ambiguous(#[case] sql: &str, #[case] route: &str) {
    let db = twins();
    let found = db.session().route(sql).unwrap();
    assert_eq!(found.to_string(), route);
    let changed = changed_by(&db, |session| {
        session.query(sql, [], |_| Ok(())).unwrap();
    });
    // Where there was something to change, it was in the bind that it said.
    let written = route.split_once("writes ").map_or("", |(_, binds)| binds);
    assert!(changed.iter().all(|bind| written.split(", ").any(|written| written == bind)), "{changed:?}");
    assert!(!changed.is_empty() || !sql.starts_with(['I', 'U', 'C', 'D']), "nothing changed");
}

#[test]
fn an_ambiguous_name_says_both_ways_out() {
    let db = twins();
    insta::assert_snapshot!(db.session().execute("DELETE FROM user", []).unwrap_err(), @r#"table `user` is in the binds default, auth: say which, with `auth.user` in the SQL or with `on("auth")`"#);
    let db = Harness::builder()
        .bind("me ta", Bind::memory().schema("CREATE TABLE \"a log\" (x)"))
        .bind("x';--", Bind::memory().schema("CREATE TABLE \"a log\" (x)"))
        .start()
        .unwrap();
    let mut session = db.session();
    insta::assert_snapshot!(session.execute("DELETE FROM [A log]", []).unwrap_err(), @r#"table `a log` is in the binds me ta, x';--: say which, with `"me ta"."a log"` in the SQL or with `on("me ta")`"#);
    session.execute("INSERT INTO \"me ta\".\"a log\" VALUES (1)", []).unwrap();
    session.on("me ta").unwrap().execute("INSERT INTO \"a log\" VALUES (2)", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("me ta", "a log", multibind::row! { x: 1 });
    db.assert_landed("me ta", "a log", multibind::row! { x: 2 });
}
