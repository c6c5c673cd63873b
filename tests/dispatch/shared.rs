//! Two keys with one URL are one database under two names.

use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::binds::read;

const URL: &str = "postgres://db.example/users";
const SCHEMA: &str = "
    CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE role (user INTEGER, name TEXT);
    CREATE VIRTUAL TABLE word USING fts5 (text);
    INSERT INTO user VALUES (1, 'ann');
    INSERT INTO role VALUES (1, 'admin');
    INSERT INTO word VALUES ('the fox');
";

fn two_keys() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (author); INSERT INTO post VALUES ('ann')"))
        .bind("one", Bind::url(URL).schema(SCHEMA))
        .bind("two", Bind::url(URL))
        .start()
        .unwrap()
}

#[rstest]
#[case::unqualified("SELECT name FROM user", &["ann"])]
#[case::one("SELECT name FROM one.user", &["ann"])]
#[case::two("SELECT name FROM two.user", &["ann"])]
#[case::counted("SELECT count(*) FROM two.user", &["1"])]
#[case::both("SELECT a.name, b.name FROM one.user a JOIN two.role b ON a.id = b.user", &["ann|admin"])]
#[case::both_with_columns("SELECT one.user.name, two.role.name FROM one.user, two.role", &["ann|admin"])]
#[case::both_of_one_table("SELECT count(*) FROM one.user, two.user", &["1"])]
#[case::one_unqualified("SELECT user.name, b.name FROM user JOIN two.role b ON user.id = b.user", &["ann|admin"])]
#[case::with_another_bind("SELECT a.name, b.name FROM post, one.user a, two.role b WHERE a.name = author", &["ann|admin"])]
#[case::virtual_by_one("SELECT text FROM one.word WHERE word MATCH 'fox'", &["the fox"])]
#[case::virtual_by_two("SELECT text FROM two.word WHERE word MATCH 'fox'", &["the fox"])]
#[case::explained("EXPLAIN QUERY PLAN SELECT count(*) FROM two.user", &[])]
fn both_keys_name_the_same_tables(#[case] sql: &str, #[case] expected: &[&str]) {
    let db = two_keys();
    let mut session = db.session();
    let rows = read(&mut session, sql);
    assert!(if sql.starts_with("EXPLAIN") { !rows.is_empty() } else { rows == expected }, "{rows:?}");
    // Once more, after something was written by the other key.
    session.execute("INSERT INTO two.role VALUES (2, 'guest')", []).unwrap();
    session.execute("INSERT INTO one.role VALUES (2, 'guest')", []).unwrap();
    session.execute("DELETE FROM role WHERE name = 'guest'", []).unwrap();
    let rows = read(&mut session, sql);
    assert!(if sql.starts_with("EXPLAIN") { !rows.is_empty() } else { rows == expected }, "{rows:?}");
}

#[rstest]
#[case::one("UPDATE one.user SET name = (SELECT name FROM one.role)")]
#[case::two("UPDATE two.user SET name = (SELECT name FROM two.role)")]
#[case::two_and_unqualified("UPDATE two.user SET name = (SELECT name FROM role)")]
#[case::unqualified_and_two("UPDATE user SET name = (SELECT name FROM two.role)")]
#[case::none("UPDATE user SET name = (SELECT name FROM role)")]
fn a_write_may_use_either_key(#[case] sql: &str) {
    let db = two_keys();
    let mut session = db.session();
    session.execute(sql, []).unwrap();
    session.commit().unwrap();
    db.assert_landed("one", "user", row! { name: "admin" });
}

#[test]
fn a_write_by_both_keys_is_refused() {
    let db = two_keys();
    let sql = "UPDATE one.user SET name = (SELECT name FROM two.role)";
    insta::assert_snapshot!(db.session().execute(sql, []).unwrap_err(), @"
    the session does not run this statement: one, two are keys of one database: write one of them throughout
      in: UPDATE one.user SET name = (SELECT name FROM two.role)
    ");
}

#[test]
fn a_virtual_table_is_written_by_either_key_in_one_session() {
    let db = two_keys();
    let mut session = db.session();
    session.execute("INSERT INTO two.word VALUES ('a dog')", []).unwrap();
    session.execute("INSERT INTO one.word VALUES ('a cat')", []).unwrap();
    session.execute("CREATE TABLE one.fresh (x)", []).unwrap();
    session.execute("INSERT INTO two.word VALUES ('a cow')", []).unwrap();
    session.on("two").unwrap().execute("INSERT INTO word VALUES ('an owl')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT count(*) FROM word WHERE word MATCH 'a OR an'"), ["4"]);
    session.commit().unwrap();
    assert_eq!(read(&mut session, "SELECT count(*) FROM two.word"), ["5"]);
}

#[test]
fn the_default_bind_may_share_too() {
    let db =
        Harness::builder().default_bind(Bind::url(URL).schema(SCHEMA)).bind("two", Bind::url(URL)).start().unwrap();
    let mut session = db.session();
    assert_eq!(session.route("DELETE FROM user").unwrap().to_string(), "writes default");
    session.execute("UPDATE two.user SET name = 'bob' WHERE id IN (SELECT user FROM main.role)", []).unwrap();
    assert_eq!(read(&mut session, "SELECT main.user.name, two.role.name FROM main.user, two.role"), ["bob|admin"]);
    session.execute("INSERT INTO two.word VALUES ('a dog')", []).unwrap();
    session.execute("INSERT INTO word VALUES ('a cat')", []).unwrap();
    session.on(None).unwrap().execute("INSERT INTO word VALUES ('a cow')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT count(*) FROM main.word"), ["4"]);
}

#[test]
fn an_uncommitted_virtual_table_joins_by_both_keys() {
    let db = two_keys();
    let mut session = db.session();
    session.execute("CREATE VIRTUAL TABLE two.fresh USING fts5 (name)", []).unwrap();
    session.execute("CREATE VIEW two.seen AS SELECT 1 AS x WHERE EXISTS (SELECT 1 FROM fresh)", []).unwrap();
    assert_eq!(read(&mut session, "SELECT * FROM seen CROSS JOIN one.fresh"), [""; 0]);
    session.execute("INSERT INTO two.fresh VALUES ('a fox')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT * FROM seen CROSS JOIN one.fresh WHERE fresh MATCH 'fox'"), ["1|a fox"]);
    assert_eq!(read(&mut session, "SELECT * FROM two.seen JOIN one.fresh WHERE fresh MATCH 'fox'"), ["1|a fox"]);
    session.commit().unwrap();
    assert_eq!(read(&mut session, "SELECT * FROM one.seen JOIN two.fresh WHERE fresh MATCH 'fox'"), ["1|a fox"]);
}
