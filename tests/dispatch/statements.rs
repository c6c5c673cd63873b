//! Every form of a query and of a write finds the bind of its tables.

use multibind::row;
use rstest::rstest;

use crate::binds::{blog, changed_by, read};

#[rstest]
#[case::table("SELECT name FROM user", "reads auth", &["ann", "bob"])]
#[case::alias("SELECT u.name FROM user AS u WHERE u.boss IS NOT NULL", "reads auth", &["bob"])]
#[case::alias_that_is_a_tables_name("SELECT post.name FROM user AS post", "reads auth", &["ann", "bob"])]
#[case::self_join("SELECT a.name, b.name FROM user a LEFT JOIN user b ON a.boss = b.id", "reads auth", &["ann|NULL", "bob|ann"])]
#[case::subquery("SELECT name FROM (SELECT name FROM user ORDER BY id DESC LIMIT 1)", "reads auth", &["bob"])]
#[case::correlated("SELECT (SELECT count(*) FROM role WHERE role.user = u.id) FROM user u", "reads auth", &["1", "0"])]
#[case::exists("SELECT name FROM user u WHERE EXISTS (SELECT 1 FROM role WHERE user = u.id)", "reads auth", &["ann"])]
#[case::scalar("SELECT (SELECT max(id) FROM user)", "reads auth", &["2"])]
#[case::cte("WITH boss AS (SELECT * FROM user) SELECT name FROM boss", "reads auth", &["ann", "bob"])]
#[case::cte_that_shadows("WITH user (name) AS (SELECT title FROM post) SELECT name FROM user", "reads default", &["one", "two"])]
#[case::cte_that_shadows_and_is_counted("WITH user AS (SELECT * FROM post) SELECT count(*) FROM user", "reads default", &["2"])]
#[case::cte_of_constants("WITH user (x) AS (VALUES (1), (2)) SELECT count(*) FROM user", "touches no table", &["2"])]
#[case::cte_of_an_ambiguous_name("WITH log (x) AS (SELECT name FROM user) SELECT x FROM log", "reads auth", &["ann", "bob"])]
#[case::cte_of_an_ambiguous_name_counted("WITH log AS (SELECT name FROM user) SELECT count(*) FROM log", "reads auth", &["2"])]
#[case::cte_materialized("WITH u AS MATERIALIZED (SELECT name FROM user) SELECT * FROM u", "reads auth", &["ann", "bob"])]
#[case::recursive("WITH RECURSIVE up (id, name) AS (SELECT id, name FROM user WHERE name = 'bob' UNION ALL SELECT user.id, user.name FROM user JOIN up ON user.id = (SELECT boss FROM user WHERE id = up.id)) SELECT name FROM up", "reads auth", &["bob", "ann"])]
#[case::recursive_without_table("WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT x FROM n", "touches no table", &["1", "2", "3"])]
#[case::compound("SELECT name FROM user UNION ALL SELECT name FROM role", "reads auth", &["ann", "bob", "admin"])]
#[case::except("SELECT id FROM user EXCEPT SELECT user FROM role", "reads auth", &["2"])]
#[case::values("VALUES (1), (2)", "touches no table", &["1", "2"])]
#[case::constant("SELECT 1 + 1", "touches no table", &["2"])]
#[case::count("SELECT count(*) FROM user", "reads auth", &["2"])]
#[case::count_of_a_qualified_name("SELECT count(*) FROM AUTH.user", "reads auth", &["2"])]
#[case::no_column("SELECT 1 FROM user", "reads auth", &["1", "1"])]
#[case::window("SELECT name, row_number() OVER (ORDER BY id DESC) FROM user ORDER BY id", "reads auth", &["ann|2", "bob|1"])]
#[case::view("SELECT name FROM boss", "reads auth", &["ann"])]
#[case::view_counted("SELECT count(*) FROM boss", "reads auth", &["1"])]
#[case::view_of_a_view("SELECT * FROM boss_of_boss", "reads auth", &["ann"])]
#[case::view_of_a_view_counted("SELECT count(*) FROM boss_of_boss", "reads auth", &["1"])]
#[case::view_without_a_table("SELECT value FROM answer", "reads auth", &["42"])]
#[case::view_without_a_table_counted("SELECT count(*) FROM answer", "reads auth", &["1"])]
#[case::json_each("SELECT value FROM json_each('[1, 2]')", "touches no table", &["1", "2"])]
#[case::json_each_counted("SELECT count(*) FROM json_each('[1, 2]')", "touches no table", &["2"])]
#[case::json_each_of_a_column("SELECT value FROM post, json_each(doc) WHERE title = 'one'", "reads default", &["1", "2"])]
#[case::json_tree_beside_another_bind("SELECT name, count(*) FROM user, json_tree('{\"a\": 1}') GROUP BY name", "reads auth", &["ann|2", "bob|2"])]
#[case::fts5("SELECT text FROM word WHERE word MATCH 'quick'", "reads me ta", &["the quick brown fox"])]
#[case::fts5_counted("SELECT count(*) FROM word", "reads me ta", &["1"])]
#[case::fts5_ranked("SELECT highlight(word, 0, '<', '>') FROM word('fox') ORDER BY rank", "reads me ta", &["the quick brown <fox>"])]
#[case::fts5_shadow_table("SELECT count(*) FROM word_content", "reads me ta", &["1"])]
#[case::rtree("SELECT id, high FROM area WHERE low < 1", "reads me ta", &["1|5.0"])]
#[case::without_rowid("SELECT name FROM role", "reads auth", &["admin"])]
#[case::generated("SELECT DISTINCT size FROM event", "reads auth", &["15"])]
#[case::schema_table("SELECT count(*) > 0 FROM sqlite_schema", "reads default", &["1"])]
#[case::schema_table_of_a_bind("SELECT name FROM auth.sqlite_master WHERE type = 'view' LIMIT 1", "reads auth", &["boss"])]
#[case::schema_table_counted("SELECT count(*) > 0 FROM sqlite_schema", "reads default", &["1"])]
#[case::trailing_comment("SELECT name FROM user -- FROM post", "reads auth", &["ann", "bob"])]
#[case::leading_comment("/* post */ -- log\n SELECT name FROM user", "reads auth", &["ann", "bob"])]
#[case::comment_within("SELECT name /* FROM post */ FROM -- log\n user;", "reads auth", &["ann", "bob"])]
#[case::comment_without_end("SELECT name FROM user /* post", "reads auth", &["ann", "bob"])]
#[case::a_name_in_a_string("SELECT 'post', name FROM user WHERE name <> 'log; DROP TABLE post'", "reads auth", &["post|ann", "post|bob"])]
fn a_query_reads_the_bind_of_its_tables(#[case] sql: &str, #[case] route: &str, #[case] expected: &[&str]) {
    let db = blog();
    let mut session = db.session();
    assert_eq!(session.route(sql).unwrap().to_string(), route);
    assert_eq!(read(&mut session, sql), expected);
}

#[rstest]
#[case::insert("INSERT INTO post (title) VALUES ('three')", "writes default")]
#[case::insert_with_trigger("INSERT INTO user (name) VALUES ('cid')", "reads auth, writes auth")]
#[case::insert_with_cascade("DELETE FROM user WHERE id = 2", "reads auth, writes auth")]
#[case::insert_select("INSERT INTO role SELECT id, 'guest' FROM user", "reads auth, writes auth")]
#[case::insert_default_values("INSERT INTO event DEFAULT VALUES", "writes auth")]
#[case::insert_or_ignore("INSERT OR IGNORE INTO user (name) VALUES ('ann'), ('dan')", "reads auth, writes auth")]
#[case::upsert(
    "INSERT INTO setting VALUES ('theme', 'light') ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "reads me ta, writes me ta"
)]
#[case::upsert_do_nothing(
    "INSERT INTO setting VALUES ('theme', 'x'), ('lang', 'en') ON CONFLICT DO NOTHING",
    "writes me ta"
)]
#[case::replace("REPLACE INTO setting VALUES ('theme', 'light')", "writes me ta")]
#[case::returning("INSERT INTO post (title) VALUES ('four') RETURNING id, title", "reads default, writes default")]
#[case::update("UPDATE user SET name = 'zed' WHERE name = 'bob'", "reads auth, writes auth")]
#[case::update_all("UPDATE setting SET value = 'x'", "writes me ta")]
#[case::update_from("UPDATE user SET name = r.name FROM role r WHERE r.user = user.id", "reads auth, writes auth")]
#[case::update_of_a_row_value("UPDATE setting SET (name, value) = ('a', 'b')", "writes me ta")]
#[case::update_returning("UPDATE setting SET value = 'y' RETURNING name", "reads me ta, writes me ta")]
#[case::delete("DELETE FROM post", "writes default")]
#[case::with_delete(
    "WITH old AS (SELECT min(id) AS id FROM post) DELETE FROM post WHERE id IN (SELECT id FROM old)",
    "reads default, writes default"
)]
#[case::with_insert(
    "WITH n (x) AS (VALUES ('eve')) INSERT INTO user (name) SELECT x FROM n",
    "reads auth, writes auth"
)]
#[case::with_a_shadowing_name(
    "WITH post AS (SELECT 'fay' AS name) INSERT INTO user (name) SELECT name FROM post",
    "reads auth, writes auth"
)]
#[case::insert_from_json(
    "INSERT INTO role SELECT 2, value FROM json_each('[\"a\", \"b\"]')",
    "reads auth, writes auth"
)]
#[case::through_a_view("INSERT INTO writable VALUES ('gus')", "reads auth, writes auth")]
#[case::without_rowid("INSERT INTO role VALUES (2, 'editor')", "reads auth, writes auth")]
#[case::generated("INSERT INTO event (line) VALUES ('hello')", "writes auth")]
#[case::fts5("INSERT INTO word VALUES ('lazy dog')", "writes me ta")]
#[case::fts5_command("INSERT INTO word (word) VALUES ('optimize')", "writes me ta")]
#[case::fts5_delete("DELETE FROM word WHERE word MATCH 'fox'", "reads me ta, writes me ta")]
#[case::rtree("UPDATE area SET high = 7.0 WHERE id = 1", "reads me ta, writes me ta")]
#[case::sequence("DELETE FROM auth.sqlite_sequence", "writes auth")]
fn a_write_changes_the_bind_of_its_table_and_no_other(#[case] sql: &str, #[case] route: &str) {
    let db = blog();
    let found = db.session().route(sql).unwrap();
    assert_eq!(found.to_string(), route);
    let changed = changed_by(&db, |session| {
        session.query(sql, [], |_| Ok(())).unwrap();
    });
    // What optimizes an index may find it as it should be.
    if !changed.is_empty() || !sql.contains("optimize") {
        assert_eq!(changed, [found.writes()[0].to_string()]);
    }
}

#[test]
fn parameters_go_with_the_statement() {
    let db = blog();
    let mut session = db.session();
    session.execute("INSERT INTO user (name) VALUES (:name)", &[(":name", "cid")]).unwrap();
    let id: i64 = session.query_row("SELECT id FROM user WHERE name = ?1", ["cid"], |row| row.get(0)).unwrap();
    session.execute("INSERT INTO role VALUES (?, ?)", (id, "guest")).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "role", row! { user: id, name: "guest" });
}

#[test]
fn each_statement_of_a_batch_goes_to_its_own_bind() {
    let db = blog();
    let changed = changed_by(&db, |session| {
        session
            .execute_batch(
                "-- one; two\n INSERT INTO user (name) VALUES ('cid; dan');;
                 INSERT INTO post (title) VALUES ('three') /* ; */;
                 INSERT INTO \"me ta\".log VALUES ('x');",
            )
            .unwrap();
    });
    assert_eq!(changed, ["default", "auth", "me ta"]);
    db.assert_landed("auth", "user", row! { name: "cid; dan" });
    db.assert_landed(None, "post", row! { title: "three" });
    db.assert_landed("me ta", "log", row! { line: "x" });
}

#[rstest]
#[case::query("EXPLAIN SELECT name FROM user", "reads auth")]
#[case::count("EXPLAIN SELECT count(*) FROM user", "reads auth")]
#[case::plan_of_a_count("EXPLAIN QUERY PLAN SELECT count(*) FROM user", "reads auth")]
#[case::plan_of_a_shadowing_cte(
    "EXPLAIN QUERY PLAN WITH user AS (SELECT 1) SELECT count(*) FROM user",
    "touches no table"
)]
#[case::plan("EXPLAIN QUERY PLAN SELECT * FROM user JOIN role ON user.id = role.user", "reads auth")]
#[case::write("EXPLAIN INSERT INTO user (name) VALUES ('cid')", "reads auth")]
#[case::plan_of_a_write("EXPLAIN QUERY PLAN DELETE FROM post WHERE id = 1", "reads default")]
#[case::write_from_another_bind("EXPLAIN INSERT INTO user (name) SELECT title FROM post", "reads default, auth")]
#[case::schema("EXPLAIN CREATE TABLE auth.x (y)", "reads auth")]
#[case::vacuum("EXPLAIN VACUUM", "touches no table")]
fn an_explain_is_asked_of_the_bind_and_does_nothing(#[case] sql: &str, #[case] route: &str) {
    let db = blog();
    let mut session = db.session();
    assert_eq!(session.route(sql).unwrap().to_string(), route);
    let changed = changed_by(&db, |session| assert!(!session.query(sql, [], |_| Ok(())).unwrap().is_empty()));
    assert_eq!(changed, [""; 0]);
    assert!(!session.query(sql, [], |_| Ok(())).unwrap().is_empty());
}

#[rstest]
#[case::of_a_table("PRAGMA table_info(user)", "reads auth", 3)]
#[case::with_an_equals_sign("PRAGMA table_info = user", "reads auth", 3)]
#[case::quoted("PRAGMA table_info(\"USER\")", "reads auth", 3)]
#[case::of_a_view("PRAGMA table_info(boss)", "reads auth", 1)]
#[case::of_an_index("PRAGMA index_info(by_author)", "reads default", 0)]
#[case::qualified("PRAGMA auth.table_info(log)", "reads auth", 2)]
#[case::of_an_odd_key("PRAGMA \"ME TA\".table_info(log)", "reads me ta", 1)]
#[case::of_main("PRAGMA main.table_info(log)", "reads default", 2)]
#[case::of_no_table("PRAGMA user_version", "reads default", 1)]
#[case::of_a_bind("PRAGMA auth.user_version", "reads auth", 1)]
#[case::foreign_keys("PRAGMA foreign_key_list(role)", "reads auth", 1)]
#[case::explained("EXPLAIN PRAGMA table_info(user)", "reads auth", 15)]
#[case::of_an_index_of_sqlites_own("PRAGMA index_info(sqlite_autoindex_user_1)", "reads auth", 1)]
#[case::of_an_index_of_sqlites_own_in_full("PRAGMA index_xinfo('SQLITE_AUTOINDEX_USER_1')", "reads auth", 2)]
#[case::of_a_primary_key_by_its_table("PRAGMA index_info(role)", "reads auth", 2)]
#[case::of_a_primary_key_by_its_table_in_full("PRAGMA index_xinfo(role)", "reads auth", 2)]
#[case::with_hidden_columns("PRAGMA table_xinfo(event)", "reads auth", 2)]
#[case::of_a_virtual_table("PRAGMA table_info(word)", "reads me ta", 1)]
#[case::of_its_indexes("PRAGMA index_list(user)", "reads auth", 1)]
#[case::listed("PRAGMA table_list(user)", "reads auth", 1)]
#[case::checked("PRAGMA integrity_check(user)", "reads auth", 1)]
#[case::checked_quickly("PRAGMA quick_check(user)", "reads auth", 1)]
#[case::checked_for_a_number_of_errors("PRAGMA integrity_check(5)", "reads default", 1)]
#[case::references_checked("PRAGMA foreign_key_check(role)", "reads auth", 0)]
#[case::of_the_schema("PRAGMA table_info(sqlite_schema)", "reads default", 5)]
#[case::of_sqlites_own_table("PRAGMA auth.table_info(sqlite_sequence)", "reads auth", 2)]
fn a_pragma_is_asked_of_the_bind_of_its_table(#[case] sql: &str, #[case] route: &str, #[case] rows: usize) {
    let db = blog();
    let mut session = db.session();
    assert_eq!(session.route(sql).unwrap().to_string(), route);
    let found = session.query(sql, [], |_| Ok(())).unwrap().len();
    assert!(if sql.starts_with("EXPLAIN") { found > 0 } else { found == rows }, "{found} rows");
}

#[rstest]
#[case::table("SELECT name FROM pragma_table_info('user')", &["id", "name", "boss"])]
#[case::index_of_sqlites_own("SELECT name FROM pragma_index_info('sqlite_autoindex_user_1')", &["name"])]
#[case::primary_key_by_its_table("SELECT name FROM pragma_index_info('role')", &["user", "name"])]
#[case::counted("SELECT count(*) FROM pragma_table_info('user')", &["3"])]
#[case::a_table_of_the_default_bind("SELECT name FROM pragma_table_info('post') LIMIT 2", &["id", "author"])]
#[case::with_the_bind("SELECT name FROM pragma_table_info('log', 'auth')", &["line", "user"])]
#[case::beside_its_own_bind("SELECT s.name, p.name FROM auth.sqlite_schema s, pragma_table_xinfo(s.name, 'auth') p WHERE s.name = 'event'", &["event|line", "event|size"])]
#[case::beside_another_bind("SELECT author, p.name FROM post, pragma_table_info('role') p WHERE author = 'ann'", &["ann|user", "ann|name"])]
#[case::of_the_default_bind("SELECT * FROM pragma_user_version", &["0"])]
#[case::joined_by_a_column("SELECT text FROM (SELECT 'boss' AS name, 1 AS text) JOIN pragma_table_info('user') USING (name)", &["1"])]
#[case::joined_by_a_column_of_a_table("SELECT s.name FROM setting s JOIN pragma_table_info('user') USING (name)", &[])]
#[case::joined_by_a_column_beside_a_function("SELECT value FROM json_each('[\"boss\"]') j JOIN (SELECT 'boss' AS name) JOIN pragma_table_info('user') USING (name)", &["boss"])]
#[case::everywhere("SELECT schema, count(*) FROM pragma_table_list WHERE name = 'log' GROUP BY schema", &["auth|1", "main|1", "me ta|1"])]
fn a_pragma_function_looks_in_every_bind(#[case] sql: &str, #[case] expected: &[&str]) {
    let db = blog();
    assert_eq!(read(&mut db.session(), sql), expected);
}

#[test]
fn a_pragma_function_guesses_no_ambiguous_name() {
    let db = blog();
    let mut session = db.session();
    let mut ask = |name: &str| session.query("SELECT name FROM pragma_table_info(?1)", [name], |_| Ok(()));
    insta::assert_snapshot!(ask("LOG").unwrap_err(), @r#"table `LOG` is in the binds default, auth, me ta: say which, with `auth.LOG` in the SQL or with `on("auth")`"#);
    assert_eq!(ask("user").unwrap().len(), 3);
    assert_eq!(ask("nowhere").unwrap().len(), 0);
    let lines = session.on("auth").unwrap().query("SELECT name FROM pragma_table_info('log')", [], |_| Ok(())).unwrap();
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_pragma_function_finds_a_table_that_is_not_committed() {
    let db = blog();
    let mut session = db.session();
    let sql = "SELECT name FROM pragma_table_info('fresh')";
    session.execute("CREATE TABLE auth.fresh (a, b, c)", []).unwrap();
    assert_eq!(read(&mut session, sql), ["a", "b", "c"]);
    session.commit().unwrap();
    assert_eq!(read(&mut session, sql), ["a", "b", "c"]);
}

#[test]
fn a_write_from_a_pragma_function_is_refused() {
    let db = blog();
    let sql = "INSERT INTO post (title) SELECT name FROM pragma_table_info('user')";
    insta::assert_snapshot!(db.session().execute(sql, []).unwrap_err(), @"
    the session does not run this statement: what `pragma_table_info` is asked for may be in another bind than the one it writes: read it first, or name one bind for both with `session.on(key)`
      in: INSERT INTO post (title) SELECT name FROM pragma_table_info('user')
    ");
    for joined in [
        "INSERT INTO post (title) SELECT 1 FROM (SELECT 'boss' AS name) JOIN pragma_table_info('user') USING (name)",
        "INSERT INTO post (title) SELECT 1 FROM setting NATURAL JOIN pragma_table_info('user')",
    ] {
        assert!(db.session().execute(joined, []).is_err(), "{joined}");
    }
    let mut session = db.session();
    let sql = "INSERT INTO event (line) SELECT name FROM pragma_table_info('user')";
    assert_eq!(session.on("auth").unwrap().execute(sql, []).unwrap(), 3);
}

#[test]
fn last_insert_rowid_spans_all_binds() {
    let db = blog();
    let mut session = db.session();
    session.execute("INSERT INTO post (id, title) VALUES (70, 'x')", []).unwrap();
    session.execute("INSERT INTO user (id, name) VALUES (80, 'cid')", []).unwrap();
    session.execute("UPDATE post SET title = 'y'", []).unwrap();
    assert_eq!(read(&mut session, "SELECT last_insert_rowid()"), ["80"]);
    session.execute("INSERT INTO \"me ta\".log VALUES (last_insert_rowid())", []).unwrap();
    assert_eq!(read(&mut session, "SELECT line FROM \"me ta\".log"), ["80"]);
    session.execute("INSERT INTO post (id, title) VALUES (71, 'z')", []).unwrap();
    assert_eq!(
        read(&mut session, "SELECT title, name FROM post, user WHERE post.id = last_insert_rowid() LIMIT 1"),
        ["z|ann"]
    );
    session.on("auth").unwrap().execute("INSERT INTO user (id, name) VALUES (90, 'dan')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT last_insert_rowid()"), ["90"]);
}

#[test]
fn changes_are_those_of_the_one_bind_written_or_an_error() {
    let db = blog();
    let mut session = db.session();
    assert_eq!(read(&mut session, "SELECT changes()"), ["0"]);
    session.execute("UPDATE \"me ta\".setting SET value = 'x'", []).unwrap();
    session.execute("INSERT INTO setting VALUES ('a', 'b'), ('c', 'd')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT changes(), total_changes()"), ["2|3"]);
    insta::assert_snapshot!(session.query("SELECT changes() FROM user", [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: `changes()` reports what one connection wrote, and this session wrote to me ta: run it on each with `session.on(key)`
      in: SELECT changes() FROM user
    ");
    session.execute("DELETE FROM post", []).unwrap();
    insta::assert_snapshot!(session.query("SELECT changes()", [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: `changes()` reports what one connection wrote, and this session wrote to me ta, default: run it on each with `session.on(key)`
      in: SELECT changes()
    ");
    assert_eq!(session.on(None).unwrap().query_row("SELECT changes()", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}
