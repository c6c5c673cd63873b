//! However SQL writes a name, it finds the bind.

use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::binds::{blog, changed_by, read};

#[rstest]
#[case::double_quotes("INSERT INTO \"user\" (\"name\") VALUES ('cid')")]
#[case::backticks("INSERT INTO `user` (`name`) VALUES ('cid')")]
#[case::brackets("INSERT INTO [user] ([name]) VALUES ('cid')")]
#[case::single_quotes("INSERT INTO 'user' ('name') VALUES ('cid')")]
#[case::upper_case("INSERT INTO USER (NAME) VALUES ('cid')")]
#[case::mixed_case("insert into UsEr (nAmE) values ('cid')")]
#[case::qualified("INSERT INTO auth.user (name) VALUES ('cid')")]
#[case::qualified_in_upper_case("INSERT INTO AUTH.USER (name) VALUES ('cid')")]
#[case::qualified_and_quoted("INSERT INTO \"auth\".[user] (name) VALUES ('cid')")]
#[case::blanks_around_the_dot("INSERT INTO auth /* . */ . user (name) VALUES ('cid')")]
#[case::byte_order_mark("\u{feff}INSERT INTO user (name) VALUES ('cid')")]
fn a_name_is_found_however_it_is_written(#[case] sql: &str) {
    let db = blog();
    assert_eq!(changed_by(&db, |session| assert_eq!(session.execute(sql, []).unwrap(), 1)), ["auth"]);
    db.assert_landed("auth", "user", row! { name: "cid" });
}

#[rstest]
#[case::blank("SELECT \"a column\" FROM \"odd name\"")]
#[case::letters_beyond_ascii("SELECT 名 FROM 日本")]
#[case::keyword("SELECT \"from\" FROM \"select\"")]
#[case::keyword_in_brackets("SELECT [from] FROM [select]")]
#[case::qualified("SELECT * FROM \"me ta\".\"odd name\"")]
#[case::qualified_by_backticks("SELECT `odd name`.`a column` FROM `Me Ta`.`ODD name`")]
fn an_odd_name_is_found(#[case] sql: &str) {
    let db = blog();
    assert_eq!(db.session().route(sql).unwrap().to_string(), "reads me ta");
    assert_eq!(read(&mut db.session(), sql).len(), 0);
}

#[test]
fn letters_beyond_ascii_have_a_case_as_for_sqlite() {
    let db = Harness::builder()
        .bind("a", Bind::memory().schema("CREATE TABLE straße (x); CREATE TABLE Ärger (x)"))
        .bind("b", Bind::memory().schema("CREATE TABLE ärger (x)"))
        .start()
        .unwrap();
    let session = db.session();
    assert_eq!(session.route("SELECT * FROM Ärger").unwrap().to_string(), "reads a");
    assert_eq!(session.route("SELECT * FROM ärger").unwrap().to_string(), "reads b");
    assert_eq!(session.route("SELECT * FROM STRAßE").unwrap().to_string(), "reads a");
}

const KEYS: [&str; 10] = ["me ta", "a.b", "日本", "x';--", "../up", "\"quoted\"", "[b]", "select", "%s", "Ünï `code`"];

/// A harness in which each key has a table of its own and one that all have.
fn odd_keys(storage: fn() -> Bind) -> Harness {
    let mut builder = Harness::builder().default_bind(storage().schema("CREATE TABLE log (line)"));
    for (at, key) in KEYS.iter().enumerate() {
        let schema = format!("CREATE TABLE own_{at} (line); CREATE TABLE log (line)");
        builder = builder.bind(*key, storage().schema(schema));
    }
    builder.start().unwrap()
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn any_key_qualifies_a_name(#[case] storage: fn() -> Bind) {
    let db = odd_keys(storage);
    for (at, key) in KEYS.iter().enumerate() {
        let quoted = format!("\"{}\"", key.replace('"', "\"\""));
        let mut session = db.session();
        session.execute(&format!("INSERT INTO {quoted}.log VALUES (?1)"), [key]).unwrap();
        session.execute(&format!("INSERT INTO own_{at} VALUES (?1)"), [key]).unwrap();
        session.execute(&format!("CREATE TABLE {quoted}.later (x)"), []).unwrap();
        session.execute(&format!("INSERT INTO {quoted}.later VALUES (1)"), []).unwrap();
        assert_eq!(read(&mut session, &format!("SELECT count(*) FROM {quoted}.log")), ["1"]);
        session.commit().unwrap();
        db.assert_landed(*key, "log", row! { line: *key });
        db.assert_landed(*key, format!("own_{at}").as_str(), row! { line: *key });
        // `later` in the binds before this one is not this one's.
        session.execute(&format!("DROP TABLE {quoted}.later"), []).unwrap();
        session.commit().unwrap();
        let join = format!("SELECT log.line, l.line FROM main.log JOIN {quoted}.log AS l");
        assert_eq!(read(&mut session, &join).len(), 0);
    }
}

#[test]
fn a_name_with_a_dot_is_not_qualified() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE \"auth.user\" (name)"))
        .bind("auth", Bind::memory().schema("CREATE TABLE user (name)"))
        .start()
        .unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO \"auth.user\" VALUES ('dotted')", []).unwrap();
    session.execute("INSERT INTO auth.user VALUES ('qualified')", []).unwrap();
    insta::assert_snapshot!(session.table("auth.user").unwrap_err(), @r#"table `auth.user` is in the binds default, auth: say which, with `auth."auth.user"` in the SQL or with `on("auth")`"#);
    session.commit().unwrap();
    db.assert_landed(None, "auth.user", row! { name: "dotted" });
    db.assert_landed("auth", "user", row! { name: "qualified" });
}

#[test]
fn main_is_the_default_bind() {
    let db = blog();
    let changed = changed_by(&db, |session| {
        session.execute("INSERT INTO main.log (line) VALUES ('x')", []).unwrap();
        session.execute("UPDATE MAIN.post SET title = (SELECT line FROM Main.log)", []).unwrap();
    });
    assert_eq!(changed, ["default"]);
    db.assert_landed(None, "log", row! { line: "x" });
}

#[test]
fn a_column_is_named_with_its_bind_too() {
    let db = blog();
    assert_eq!(read(&mut db.session(), "SELECT auth.user.name FROM auth.user WHERE Auth.User.id = 1"), ["ann"]);
    assert_eq!(
        read(&mut db.session(), "SELECT main.post.title FROM post, user WHERE auth.user.id = post.id"),
        ["one", "two"]
    );
}

#[test]
fn a_join_that_a_dot_in_a_key_breaks_says_so() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id, title); INSERT INTO post VALUES (1, 'one')"))
        .bind("a.b", Bind::memory().schema("CREATE TABLE user (id, name); INSERT INTO user VALUES (1, 'ann')"))
        .bind("c", Bind::memory().schema("CREATE TABLE role (id, rank); INSERT INTO role VALUES (1, 'admin')"))
        .start()
        .unwrap();
    let mut session = db.session();
    let mut refused = |sql: &str| session.query(sql, [], |_| Ok(())).unwrap_err();
    insta::assert_snapshot!(refused("SELECT name FROM post JOIN (user JOIN role USING (id)) USING (id)"), @"
    the session does not run this statement: no such column: name. The key of a.b has a dot, and in a join in parentheses SQLite does not find the columns of such a bind: join a subquery there, or choose a key without a dot
      in: SELECT name FROM post JOIN (user JOIN role USING (id)) USING (id)
    ");
    insta::assert_snapshot!(refused("SELECT user.id FROM post LEFT JOIN (\"a.b\".user JOIN role ON user.id = role.id) ON user.id = post.id"), @r#"
    the session does not run this statement: no such column: user.id. The key of a.b has a dot, and in a join in parentheses SQLite does not find the columns of such a bind: join a subquery there, or choose a key without a dot
      in: SELECT user.id FROM post LEFT JOIN ("a.b".user JOIN role ON user.id = role.id) ON user.id = post.id
    "#);
    // What is wrong without the dot too is SQLite's to say.
    insta::assert_snapshot!(refused("SELECT nobody FROM post JOIN user"), @"
    SQLite does not accept the statement: no such column: nobody
      in: SELECT nobody FROM post JOIN user
    ");
    insta::assert_snapshot!(refused("SELECT name FROM"), @"
    SQLite does not accept the statement: incomplete input
      in: SELECT name FROM
    ");
    for sql in [
        "SELECT rank FROM post JOIN (role JOIN post USING (id)) USING (id)",
        "SELECT name FROM post JOIN (SELECT id, name FROM user JOIN role USING (id)) USING (id)",
        "SELECT name FROM (post JOIN user USING (id)) JOIN role USING (id)",
    ] {
        assert_eq!(read(&mut session, sql).len(), 1, "{sql}");
    }
}
