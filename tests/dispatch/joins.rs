//! Queries over several binds, and what each storage lets them see.

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Error, Harness};
use rstest::rstest;

use crate::binds::{blog, changed_by, read};

#[rstest]
#[case::join("SELECT title, name FROM post JOIN user ON author = name", "reads default, auth", &["one|ann", "two|bob"])]
#[case::left_join("SELECT title, value FROM post LEFT JOIN setting ON value = title", "reads default, me ta", &["one|NULL", "two|NULL"])]
#[case::three("SELECT title, user.name, value FROM post, user, setting WHERE author = user.name AND title = 'one'", "reads default, auth, me ta", &["one|ann|dark"])]
#[case::three_by_key("SELECT a.line, b.line FROM main.log a, auth.log b, \"me ta\".log c", "reads default, auth, me ta", &[])]
#[case::without_the_default_bind("SELECT user.name, value FROM user, setting WHERE user.id = 1", "reads auth, me ta", &["ann|dark"])]
#[case::subquery("SELECT title FROM post WHERE author IN (SELECT name FROM user WHERE boss IS NULL)", "reads default, auth", &["one"])]
#[case::correlated("SELECT name, (SELECT count(*) FROM post WHERE author = user.name) FROM user", "reads default, auth", &["ann|1", "bob|1"])]
#[case::exists("SELECT title FROM post WHERE EXISTS (SELECT 1 FROM user WHERE name = author AND boss = 1)", "reads default, auth", &["two"])]
#[case::exists_without_a_column("SELECT title FROM post WHERE NOT EXISTS (SELECT 1 FROM user)", "reads default, auth", &[])]
#[case::compound("SELECT title FROM post UNION SELECT name FROM user ORDER BY 1", "reads default, auth", &["ann", "bob", "one", "two"])]
#[case::intersect("SELECT author FROM post INTERSECT SELECT name FROM user", "reads default, auth", &["ann", "bob"])]
#[case::counts("SELECT (SELECT count(*) FROM post), (SELECT count(*) FROM user), (SELECT count(*) FROM setting)", "reads default, auth, me ta", &["2|2|1"])]
#[case::counted_join("SELECT count(*) FROM post, user", "reads default, auth", &["4"])]
#[case::cte("WITH both (x) AS (SELECT title FROM post UNION ALL SELECT name FROM user) SELECT count(*) FROM both", "reads default, auth", &["4"])]
#[case::recursive("WITH RECURSIVE up (id) AS (SELECT id FROM post WHERE id = 2 UNION SELECT boss FROM up JOIN user USING (id)) SELECT id FROM up", "reads default, auth", &["2", "1", "NULL"])]
#[case::view("SELECT title FROM post JOIN boss ON author = name", "reads default, auth", &["one"])]
#[case::views_counted("SELECT count(*) FROM boss, answer, post", "reads default, auth", &["2"])]
#[case::fts5("SELECT name FROM user, word WHERE word MATCH 'fox' ORDER BY name", "reads auth, me ta", &["ann", "bob"])]
#[case::rtree("SELECT name FROM user JOIN area ON area.id = user.id WHERE low < 1", "reads auth, me ta", &["ann"])]
#[case::json_each("SELECT name, value FROM post JOIN user ON author = name, json_each(doc) WHERE value = 2", "reads default, auth", &["ann|2", "bob|2"])]
#[case::using("SELECT title FROM post JOIN user USING (id)", "reads default, auth", &["one", "two"])]
#[case::natural("SELECT title FROM post NATURAL JOIN user", "reads default, auth", &["one", "two"])]
#[case::using_counted("SELECT count(*) FROM post JOIN user USING (id)", "reads default, auth", &["2"])]
#[case::using_in_one_bind("SELECT count(*) FROM user u JOIN role r USING (name)", "reads auth", &["0"])]
#[case::using_of_no_use("SELECT title FROM post LEFT JOIN user USING (id)", "reads default, auth", &["one", "two"])]
#[case::using_to_the_right("SELECT title FROM user RIGHT JOIN post USING (id)", "reads default, auth", &["one", "two"])]
#[case::using_by_key("SELECT title FROM post NATURAL JOIN auth.log", "reads default, auth", &[])]
#[case::using_in_a_subquery("SELECT value FROM setting WHERE EXISTS (SELECT 1 FROM post JOIN user USING (id))", "reads default, auth, me ta", &["dark"])]
#[case::natural_of_virtual_tables("SELECT title FROM post NATURAL JOIN area", "reads default, me ta", &["one"])]
#[case::explained("EXPLAIN QUERY PLAN SELECT 1 FROM post, user WHERE author = name AND user.id = 1", "reads default, auth", &[])]
fn a_query_reads_several_binds(#[case] sql: &str, #[case] route: &str, #[case] expected: &[&str]) {
    let db = blog();
    let mut session = db.session();
    assert_eq!(session.route(sql).unwrap().to_string(), route);
    let rows = read(&mut session, sql);
    assert!(if sql.starts_with("EXPLAIN") { !rows.is_empty() } else { rows == expected }, "{rows:?}");
}

#[test]
fn a_virtual_tables_first_query_may_read_only_join_columns() {
    // No other test has these tables, so no other has used them before.
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE town (id INTEGER, town_name TEXT)"))
        .bind("map", Bind::memory().schema("CREATE VIRTUAL TABLE extent USING rtree (id, west, east)"))
        .start()
        .unwrap();

    assert_eq!(
        db.session().route("SELECT town_name FROM town NATURAL JOIN extent").unwrap().to_string(),
        "reads default, map"
    );
}

#[rstest]
#[case::insert_select("INSERT INTO post (title) SELECT name FROM user", "default", &["auth"])]
#[case::insert_value("INSERT INTO setting VALUES ('n', (SELECT count(*) FROM post))", "me ta", &["default"])]
#[case::update("UPDATE post SET author = NULL WHERE author NOT IN (SELECT name FROM user)", "default", &["auth"])]
#[case::update_from("UPDATE post SET title = value FROM setting", "default", &["me ta"])]
#[case::update_from_two("UPDATE user SET name = value FROM setting, post", "auth", &["default", "me ta"])]
#[case::delete("DELETE FROM user WHERE name IN (SELECT author FROM post)", "auth", &["default"])]
#[case::using("DELETE FROM post WHERE id IN (SELECT 1 FROM post JOIN user USING (id))", "default", &["auth"])]
#[case::with_insert("WITH u AS (SELECT name FROM user) INSERT INTO post (author) SELECT name FROM u", "default", &["auth"])]
#[case::upsert("INSERT INTO setting VALUES ('theme', 'x') ON CONFLICT DO UPDATE SET value = (SELECT title FROM post)", "me ta", &["default"])]
#[case::returning("INSERT INTO post (title) VALUES ('x') RETURNING (SELECT count(*) FROM user)", "default", &["auth"])]
#[case::create_as("CREATE TABLE \"me ta\".copy AS SELECT * FROM post", "me ta", &["default"])]
fn a_write_that_reads_another_bind_is_refused(#[case] sql: &str, #[case] write: &str, #[case] others: &[&str]) {
    let db = blog();
    let error = db.session().route(sql).unwrap_err();
    let Error::CrossBindWrite { write: found, others: also, .. } = &error else { panic!("{error}") };
    assert_eq!(found.to_string(), write);
    assert_eq!(also.iter().map(ToString::to_string).collect::<Vec<_>>(), others);
    assert_eq!(changed_by(&db, |session| assert!(session.execute(sql, []).is_err())), [""; 0]);
}

/// SQLite copies such a table page by page and reports to nobody that it reads it.
#[test]
fn a_table_that_is_copied_whole_counts_as_read() {
    let tables = "CREATE TABLE log (line); CREATE TABLE archive (line); INSERT INTO log VALUES ('of auth')";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE log (line); CREATE TABLE post (title)"))
        .bind("auth", Bind::memory().schema(tables))
        .start()
        .unwrap();
    let mut session = db.session();
    insta::assert_snapshot!(session.execute("INSERT INTO archive SELECT * FROM log", []).unwrap_err(), @r#"table `log` is in the binds default, auth: say which, with `auth.log` in the SQL or with `on("auth")`"#);
    insta::assert_snapshot!(session.execute("INSERT INTO archive SELECT * FROM main.log", []).unwrap_err(), @"
    a statement cannot write to bind `auth` and use default too: separate databases share no transaction. Read the rows first, with `session.query`, then write them with `session.execute`
      in: INSERT INTO archive SELECT * FROM main.log
    ");
    insta::assert_snapshot!(session.execute("INSERT INTO post SELECT * FROM archive", []).unwrap_err(), @"
    a statement cannot write to bind `default` and use auth too: separate databases share no transaction. Read the rows first, with `session.query`, then write them with `session.execute`
      in: INSERT INTO post SELECT * FROM archive
    ");
    assert_eq!(
        session.route("INSERT INTO post SELECT * FROM post").unwrap().to_string(),
        "reads default, writes default"
    );
    assert_eq!(session.execute("INSERT INTO auth.archive SELECT * FROM auth.log", []).unwrap(), 1);
    session.commit().unwrap();
    db.assert_landed("auth", "archive", row! { line: "of auth" });
}

#[test]
fn a_refused_write_shows_the_two_steps_which_work() {
    let db = blog();
    let mut session = db.session();
    let sql = "INSERT INTO post (author) SELECT name FROM user WHERE boss = 1";
    insta::assert_snapshot!(session.execute(sql, []).unwrap_err(), @"
    a statement cannot write to bind `default` and use auth too: separate databases share no transaction. Read the rows first, with `session.query`, then write them with `session.execute`
      in: INSERT INTO post (author) SELECT name FROM user WHERE boss = 1
    ");
    let names: Vec<String> = session.query("SELECT name FROM user WHERE boss = 1", [], |row| row.get(0)).unwrap();
    for name in names {
        session.execute("INSERT INTO post (author, title) VALUES (?1, 'copied')", [name]).unwrap();
    }
    session.commit().unwrap();
    db.assert_landed(None, "post", row! { author: "bob", title: "copied" });
}

fn pair(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(storage().schema("CREATE TABLE post (title)").busy_timeout(std::time::Duration::from_millis(20)))
        .bind("auth", storage().schema("CREATE TABLE user (name)").busy_timeout(std::time::Duration::from_millis(20)))
        .start()
        .unwrap()
}

const JOIN: &str = "SELECT title, name FROM post, user";

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_join_sees_the_sessions_own_rows(#[case] storage: fn() -> Bind) {
    let db = pair(storage);
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    assert_eq!(read(&mut session, JOIN), ["one|ann"]);
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("INSERT INTO user VALUES ('bob')", []).unwrap();
    assert_eq!(read(&mut savepoint, JOIN), ["one|ann", "one|bob"]);
    savepoint.rollback().unwrap();
    assert_eq!(read(&mut session, JOIN), ["one|ann"]);
    session.rollback().unwrap();
    assert_eq!(read(&mut session, JOIN).len(), 0);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_join_sees_the_tables_that_the_session_has_made(#[case] storage: fn() -> Bind) {
    let db = pair(storage);
    let mut session = db.session();
    session.execute("CREATE TABLE auth.role (name)", []).unwrap();
    session.execute("INSERT INTO role VALUES ('admin')", []).unwrap();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT title, name FROM post, role"), ["one|admin"]);
    session.rollback().unwrap();
    assert!(session.query("SELECT title, name FROM post, role", [], |_| Ok(())).is_err());
}

const UTF_16: &str = "PRAGMA encoding = 'UTF-16le';";

#[test]
fn binds_of_another_encoding_join_without_the_default_one() {
    let db = Harness::builder()
        .bind(
            "auth",
            Bind::memory().schema(format!("{UTF_16} CREATE TABLE user (name); INSERT INTO user VALUES ('ä')")),
        )
        .bind(
            "meta",
            Bind::memory().schema(format!("{UTF_16} CREATE TABLE kind (name); INSERT INTO kind VALUES ('ä')")),
        )
        .start()
        .unwrap();
    let mut session = db.session();
    assert_eq!(read(&mut session, "SELECT name FROM user NATURAL JOIN kind"), ["ä"]);
    session.execute("INSERT INTO kind VALUES ('ß')", []).unwrap();
    session.execute("INSERT INTO user VALUES ('ß')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT name FROM user NATURAL JOIN kind"), ["ä", "ß"]);
}

#[rstest]
#[case::select("SELECT name FROM user", "reads auth")]
#[case::insert("INSERT INTO user SELECT 'ann'", "writes auth")]
#[case::drop("DROP TABLE IF EXISTS user", "reads auth, writes auth")]
#[case::drop_nothing("DROP TABLE IF EXISTS nowhere", "touches no table")]
#[case::analyze("ANALYZE", "writes default, auth")]
#[case::reindex("REINDEX user", "writes auth")]
#[case::wrong("SELECT gone FROM user", "SQLite does not accept the statement: no such column: gone")]
#[case::unknown("SELECT name FROM auth.nowhere", "no table `auth.nowhere` in any bind")]
#[case::join(
    "SELECT name FROM user, post",
    "the session does not run this statement: the text encoding of bind `default` is UTF-8, and that of bind `auth` is \
     UTF-16le: SQLite reads no databases of different encodings on one connection. Read one after the other, in two statements"
)]
fn binds_of_several_encodings_are_told_apart(#[case] sql: &str, #[case] expected: &str) {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (title)"))
        .bind("auth", Bind::memory().schema(format!("{UTF_16} CREATE TABLE user (name UNIQUE)")))
        .start()
        .unwrap();
    let route = db.session().route(sql).map_or_else(|error| error.to_string(), |route| route.to_string());
    assert_eq!(route.lines().next().unwrap(), expected);
    assert_eq!(db.session().query(sql, [], |_| Ok(())).is_ok(), db.session().route(sql).is_ok());
}

/// `sqlite3_deserialize` into `main` frees the schema that a table-valued function used before points at: a copy that was
/// renewed on the same connection crashed here.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn a_join_with_a_function_follows_each_write_to_the_default_bind(#[case] storage: fn() -> Bind) {
    let db = pair(storage);
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    for round in 0..30 {
        session.execute("INSERT INTO post VALUES ('new')", []).unwrap();
        session.execute(&format!("CREATE TABLE main.t{round} (x)"), []).unwrap();
        let sql = "SELECT count(*) FROM post, user, json_each('[1]') WHERE name = 'ann'";
        assert_eq!(read(&mut session, sql), [(round + 1).to_string()]);
        let sql =
            format!("SELECT (SELECT count(*) FROM t{round}), t.name FROM pragma_table_info('t{round}') AS t, user");
        assert_eq!(read(&mut session, &sql), ["0|x"]);
    }
}

/// Both copies have the same schema number.
#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_join_sees_the_tables_made_in_place_of_others_that_were_undone(#[case] storage: fn() -> Bind) {
    let db = pair(storage);
    let mut session = db.session();
    let sql = "SELECT * FROM extra LEFT JOIN user ON 1";
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("CREATE TABLE main.extra (a)", []).unwrap();
    savepoint.execute("CREATE TABLE main.other (b, c)", []).unwrap();
    savepoint.execute("INSERT INTO extra VALUES ('first')", []).unwrap();
    assert_eq!(read(&mut savepoint, sql), ["first|NULL"]);
    savepoint.rollback().unwrap();
    session.execute("CREATE TABLE main.other (b, c)", []).unwrap();
    session.execute("CREATE TABLE main.extra (b, c)", []).unwrap();
    session.execute("INSERT INTO extra VALUES ('second', 'third')", []).unwrap();
    assert_eq!(read(&mut session, sql), ["second|third|NULL"]);
}

#[test]
fn a_shared_cache_join_over_an_uncommitted_table_suggests_a_commit() {
    let db = pair(Bind::shared_cache);
    let mut session = db.session();
    session.execute("CREATE TABLE auth.role (name)", []).unwrap();
    session.execute("INSERT INTO role VALUES ('admin')", []).unwrap();
    let sql = "SELECT * FROM post, role";
    insta::assert_snapshot!(session.query(sql, [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: it reads default, auth on one connection, which cannot see what this session has changed in the tables of bind `auth` and not committed: commit first
      in: SELECT * FROM post, role
    ");
    session.commit().unwrap();
    assert_eq!(read(&mut session, sql).len(), 0);
}

#[test]
fn others_uncommitted_rows_are_never_seen_in_a_shared_cache() {
    let db = pair(Bind::shared_cache);
    let other = Connection::open(db.uri("auth").unwrap()).unwrap();
    other.execute_batch("BEGIN; INSERT INTO user VALUES ('not yet')").unwrap();
    // Whether the session has written itself or not, it gets no such row and waits no longer than it is told.
    let mut session = db.session();
    insta::assert_snapshot!(session.query(JOIN, [], |_| Ok(())).unwrap_err(), @"
    bind `auth`: database table is locked: user. Another connection has a transaction or an unfinished query open on it: commit or drop it first (an uncommitted session counts). A shared cache locks whole tables, for readers too; `Bind::memory()` does not
      in: SELECT title, name FROM post, user
    ");
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    insta::assert_snapshot!(session.query(JOIN, [], |_| Ok(())).unwrap_err(), @"
    bind `auth`: database table is locked: user. Another connection has a transaction or an unfinished query open on it: commit or drop it first (an uncommitted session counts). A shared cache locks whole tables, for readers too; `Bind::memory()` does not
      in: SELECT title, name FROM post, user
    ");
    // A write that another's lock kept out gives it no right to look either.
    assert!(matches!(session.execute("INSERT INTO user VALUES ('mine')", []).unwrap_err(), Error::Locked { .. }));
    assert!(matches!(session.query(JOIN, [], |_| Ok(())).unwrap_err(), Error::Locked { .. }));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(read(&mut session, JOIN).len(), 0);
    session.execute("INSERT INTO user VALUES ('mine')", []).unwrap();
    assert_eq!(read(&mut session, JOIN), ["one|mine"]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn others_uncommitted_rows_are_never_seen_beside_a_log(#[case] storage: fn() -> Bind) {
    let db = pair(storage);
    let other = Connection::open(db.uri("auth").unwrap()).unwrap();
    other.execute_batch("BEGIN; INSERT INTO user VALUES ('not yet')").unwrap();
    db.connection(None).unwrap().execute("INSERT INTO post VALUES ('one')", []).unwrap();
    let mut session = db.session();
    assert_eq!(read(&mut session, JOIN).len(), 0);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(read(&mut session, JOIN), ["one|not yet"]);
}

#[test]
fn others_uncommitted_rows_are_never_seen_in_memdb() {
    let db = pair(Bind::memdb);
    let other = Connection::open(db.uri("auth").unwrap()).unwrap();
    other.execute_batch("BEGIN; INSERT INTO user VALUES ('not yet')").unwrap();
    let mut session = db.session();
    assert!(matches!(session.query(JOIN, [], |_| Ok(())).unwrap_err(), Error::Locked { .. }));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(read(&mut session, JOIN).len(), 0);
}

#[test]
fn a_join_writes_nothing_whatever_its_functions_do() {
    let db = pair(Bind::memory);
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    let changed = changed_by(&db, |session| {
        session.query(JOIN, [], |_| Ok(())).unwrap();
    });
    assert_eq!(changed, [""; 0]);
}

#[test]
fn kinds_of_storage_join() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE a (x); INSERT INTO a VALUES (1)"))
        .bind("b", Bind::memdb().schema("CREATE TABLE b (x); INSERT INTO b VALUES (2)"))
        .bind("c", Bind::temp_file().schema("CREATE TABLE c (x); INSERT INTO c VALUES (3)"))
        .start()
        .unwrap();
    let mut session = db.session();
    assert_eq!(read(&mut session, "SELECT a.x, b.x, c.x FROM a, b, c"), ["1|2|3"]);
    session.execute("UPDATE a SET x = 9", []).unwrap();
    assert_eq!(read(&mut session, "SELECT a.x, b.x, c.x FROM a, b, c"), ["9|2|3"]);
    session.execute("UPDATE c SET x = 8", []).unwrap();
    session.execute("UPDATE b SET x = 7", []).unwrap();
    assert_eq!(read(&mut session, "SELECT a.x, b.x, c.x FROM a, b, c"), ["9|7|8"]);
    session.rollback().unwrap();
    assert_eq!(read(&mut session, "SELECT a.x, b.x, c.x FROM a, b, c"), ["1|2|3"]);
}
