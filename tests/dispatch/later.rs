//! Tables made, changed and dropped after the start, by the session and by others.

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Error, Harness};
use rstest::rstest;

use crate::binds::read;

fn two(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(storage().schema("CREATE TABLE post (title)"))
        .bind("auth", storage().schema("CREATE TABLE user (name)"))
        .start()
        .unwrap()
}

/// Runs a script on a connection of its own.
fn other(db: &Harness, key: &str, sql: &str) {
    Connection::open(db.uri(key).unwrap()).unwrap().execute_batch(sql).unwrap();
}

fn route(session: &multibind::Session, sql: &str) -> String {
    session.route(sql).map_or_else(|error| error.to_string(), |route| route.to_string())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_table_that_the_session_makes_is_found(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    assert!(matches!(session.route("SELECT * FROM fresh").unwrap_err(), Error::UnknownTable { .. }));
    session.execute("CREATE TABLE auth.fresh (x)", []).unwrap();
    session.execute("INSERT INTO fresh VALUES (1)", []).unwrap();
    session.execute("CREATE TABLE main.fresh (x)", []).unwrap();
    assert!(matches!(session.execute("INSERT INTO fresh VALUES (2)", []).unwrap_err(), Error::AmbiguousTable { .. }));
    session.execute("DROP TABLE main.fresh", []).unwrap();
    session.execute("INSERT INTO fresh VALUES (3)", []).unwrap();
    session.execute("ALTER TABLE fresh RENAME TO old", []).unwrap();
    assert!(matches!(session.execute("INSERT INTO fresh VALUES (4)", []).unwrap_err(), Error::UnknownTable { .. }));
    session.table("old").unwrap().insert(row! { x: 5 }).unwrap();
    session.commit().unwrap();
    assert_eq!(read(&mut session, "SELECT x FROM old"), ["1", "3", "5"]);
    db.assert_landed("auth", "old", row! { x: 1 });
    // Another session finds it as well.
    assert_eq!(route(&db.session(), "SELECT * FROM old"), "reads auth");
}

#[rstest]
#[case::one_key(&["auth"])]
#[case::two_keys(&["auth", "login"])]
fn a_failed_statement_keeps_no_table_from_being_found(#[case] keys: &[&str]) {
    let url = "postgres://db.example/auth";
    let mut builder = Harness::builder();
    for key in keys {
        let bind = Bind::url(url);
        let bind = if *key == "auth" { bind.schema("CREATE TABLE user (name)") } else { bind };
        builder = builder.bind(*key, bind);
    }
    let db = builder.start().unwrap();
    let mut session = db.session();
    // Without an index it does nothing, in a transaction that has read nothing.
    session.execute("REINDEX user", []).unwrap();
    session.on("auth").unwrap().query("SELECT gone FROM user", [], |_| Ok(())).unwrap_err();
    other(&db, "auth", "CREATE TABLE fresh (x)");
    assert_eq!(read(&mut session, "SELECT x FROM fresh"), [""; 0]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn tables_that_are_rolled_back_are_not_found(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.execute("CREATE TABLE auth.fresh (x)", []).unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "reads auth");
    session.rollback().unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "no table `fresh` in any bind");

    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("CREATE TABLE fresh (x)", []).unwrap();
    savepoint.execute("ALTER TABLE user ADD COLUMN email", []).unwrap();
    savepoint.execute("UPDATE user SET email = 'ann@example'", []).unwrap();
    assert_eq!(route(&savepoint, "SELECT * FROM fresh"), "reads default");
    savepoint.rollback().unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "no table `fresh` in any bind");
    assert!(matches!(session.execute("UPDATE user SET email = 1", []).unwrap_err(), Error::Prepare { .. }));
    session.execute("CREATE TABLE auth.fresh (x)", []).unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "reads auth");
    session.commit().unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "reads auth");
    assert_eq!(read(&mut session, "SELECT name FROM user"), ["ann"]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_table_that_a_driver_makes_is_found(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let driver = Connection::open(db.uri("auth").unwrap()).unwrap();
    let mut session = db.session();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "no table `fresh` in any bind");
    driver.execute_batch("CREATE TABLE fresh (x)").unwrap();
    session.execute("INSERT INTO fresh VALUES (1)", []).unwrap();
    session.commit().unwrap();

    // One by which a name becomes ambiguous, and one by which it no longer is.
    assert_eq!(route(&session, "DELETE FROM post"), "writes default");
    driver.execute_batch("CREATE TABLE post (title)").unwrap();
    assert!(matches!(session.execute("DELETE FROM post", []).unwrap_err(), Error::AmbiguousTable { .. }));
    driver.execute_batch("DROP TABLE post").unwrap();
    session.execute("DELETE FROM post", []).unwrap();
    session.commit().unwrap();

    driver.execute_batch("ALTER TABLE user ADD COLUMN email; DROP TABLE fresh").unwrap();
    session.execute("INSERT INTO user VALUES ('ann', 'ann@example')", []).unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "no table `fresh` in any bind");
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_drivers_new_table_is_found_during_a_unit_of_work(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    Connection::open(db.uri("auth").unwrap()).unwrap().execute_batch("CREATE TABLE fresh (x)").unwrap();
    assert_eq!(route(&session, "INSERT INTO fresh VALUES (1)"), "writes auth");
    session.execute("INSERT INTO fresh VALUES (1)", []).unwrap();
    assert_eq!(session.table("fresh").unwrap().count(row! {}).unwrap(), 1);
    session.commit().unwrap();
    db.assert_landed("auth", "fresh", row! { x: 1 });
    db.assert_landed(None, "post", row! { title: "one" });
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn routes_follow_reset_and_drop_all(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    assert_eq!(route(&session, "SELECT * FROM user"), "reads auth");
    session.execute("CREATE TABLE main.fresh (x)", []).unwrap();
    session.commit().unwrap();
    db.reset().unwrap();
    assert_eq!(route(&session, "SELECT * FROM fresh"), "no table `fresh` in any bind");
    db.drop_all("auth").unwrap();
    assert_eq!(route(&session, "SELECT * FROM user"), "no table `user` in any bind");
    session.execute("CREATE TABLE user (name)", []).unwrap();
    assert_eq!(route(&session, "SELECT * FROM user"), "reads default");
    session.rollback().unwrap();
    db.create_all(..).unwrap();
    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { name: "ann" });
}

#[test]
fn temporary_tables_live_on_one_bind() {
    let db = two(Bind::memory);
    let mut session = db.session();
    insta::assert_snapshot!(session.execute("CREATE TEMP TABLE t (x)", []).unwrap_err(), @"
    the session does not run this statement: a temporary table lives on one connection: create and use it with `session.on(key)`
      in: CREATE TEMP TABLE t (x)
    ");
    insta::assert_snapshot!(session.execute("CREATE TABLE temp.t (x)", []).unwrap_err(), @"
    the session does not run this statement: a temporary table lives on one connection: create and use it with `session.on(key)`
      in: CREATE TABLE temp.t (x)
    ");
    insta::assert_snapshot!(session.query("SELECT * FROM sqlite_temp_schema", [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: a temporary table lives on one connection: create and use it with `session.on(key)`
      in: SELECT * FROM sqlite_temp_schema
    ");
    let mut auth = session.on("auth").unwrap();
    auth.execute("CREATE TEMP TABLE t (x)", []).unwrap();
    auth.execute("INSERT INTO t VALUES ('tmp')", []).unwrap();
    auth.execute("INSERT INTO user SELECT x FROM t", []).unwrap();
    auth.execute("CREATE TEMP VIEW v AS SELECT * FROM t", []).unwrap();
    assert_eq!(auth.query_row("SELECT count(*) FROM v", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    insta::assert_snapshot!(session.query("SELECT * FROM t", [], |_| Ok(())).unwrap_err(), @"no table `t` in any bind");
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { name: "tmp" });
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_join_reads_the_columns_that_another_connection_has_made(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    other(&db, "auth", "INSERT INTO user VALUES ('one')");
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    session.commit().unwrap();
    let by_name = "SELECT count(*) FROM post JOIN user USING (title)";
    let compound = "SELECT * FROM user UNION ALL SELECT * FROM post";
    assert_eq!(read(&mut session, compound), ["one", "one"]);
    assert!(session.query(by_name, [], |_| Ok(())).is_err());
    session.rollback().unwrap();

    other(&db, "auth", "ALTER TABLE user RENAME COLUMN name TO title");
    assert_eq!(read(&mut session, by_name), ["1"]);
    other(&db, "auth", "ALTER TABLE user ADD COLUMN email");
    assert!(session.query(compound, [], |_| Ok(())).is_err());
    assert_eq!(read(&mut session, "SELECT email, title FROM user NATURAL JOIN post"), ["NULL|one"]);
    other(&db, "auth", "ALTER TABLE user DROP COLUMN email");
    assert_eq!(read(&mut session, compound), ["one", "one"]);
    other(
        &db,
        "auth",
        "DROP TABLE user; CREATE TABLE user (title, post); INSERT INTO user VALUES ('one', 1), ('one', 2)",
    );
    assert_eq!(read(&mut session, by_name), ["2"]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn joins_see_new_columns_across_commit_and_rollback(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    let by_name = "SELECT count(*) FROM post JOIN user USING (title)";
    let joins = |session: &mut multibind::Session| session.query(by_name, [], |_| Ok(())).is_ok();
    assert_eq!(read(&mut session, "SELECT * FROM post, user"), [""; 0]);
    session.execute("ALTER TABLE user ADD COLUMN title", []).unwrap();
    assert!(joins(&mut session));
    session.rollback().unwrap();
    assert!(!joins(&mut session));

    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("ALTER TABLE user ADD COLUMN title", []).unwrap();
    assert!(joins(&mut savepoint));
    savepoint.rollback().unwrap();
    assert!(!joins(&mut session));
    session.execute("ALTER TABLE user ADD COLUMN title", []).unwrap();
    session.commit().unwrap();
    assert!(joins(&mut session));
    session.execute("ALTER TABLE user DROP COLUMN title", []).unwrap();
    assert!(!joins(&mut session));
    session.commit().unwrap();
    assert!(!joins(&mut session));
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_table_moved_during_a_unit_of_work_is_found(#[case] storage: fn() -> Bind) {
    let db = Harness::builder()
        .default_bind(storage().schema("CREATE TABLE post (title)"))
        .bind("auth", storage().schema("CREATE TABLE user (name)"))
        .bind("meta", storage().schema("CREATE TABLE log (line)"))
        .start()
        .unwrap();
    let mut session = db.session();
    assert_eq!(route(&session, "INSERT INTO log VALUES (1)"), "writes meta");
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    other(&db, "meta", "DROP TABLE log");
    other(&db, "auth", "CREATE TABLE log (line)");
    assert_eq!(route(&session, "INSERT INTO log VALUES (1)"), "writes auth");
    session.table("log").unwrap().insert(row! { line: "one" }).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "log", row! { line: "one" });
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_name_turned_ambiguous_is_not_written_to(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    let mut savepoint = session.savepoint().unwrap();
    other(&db, "auth", "CREATE TABLE post (title)");
    let error = savepoint.execute("INSERT INTO post VALUES ('two')", []).unwrap_err();
    assert!(matches!(error, Error::AmbiguousTable { .. }), "{error}");
    assert!(matches!(savepoint.table("post"), Err(Error::AmbiguousTable { .. })));
    assert!(matches!(savepoint.route("SELECT * FROM post, user"), Err(Error::AmbiguousTable { .. })));
    savepoint.commit().unwrap();
    other(&db, "auth", "DROP TABLE post");
    session.execute("INSERT INTO post VALUES ('three')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(read(&mut session, "SELECT title FROM post"), ["one", "three"]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn a_unit_of_work_keeps_its_first_view_of_a_bind(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    other(&db, "auth", "INSERT INTO user VALUES ('ann')");
    let mut session = db.session();
    let join = "SELECT title, name FROM post JOIN user ON title = name";
    session.execute("INSERT INTO post VALUES ('ann'), ('bob')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT name FROM user"), ["ann"]);
    other(&db, "auth", "INSERT INTO user VALUES ('bob'); ALTER TABLE user ADD COLUMN email; CREATE TABLE fresh (x)");

    // Alone and in a join.
    assert_eq!(read(&mut session, "SELECT * FROM user"), ["ann"]);
    assert_eq!(read(&mut session, join), ["ann|ann"]);
    assert_eq!(route(&session, "SELECT * FROM fresh"), "no table `fresh` in any bind");

    session.commit().unwrap();
    assert_eq!(read(&mut session, "SELECT * FROM user"), ["ann|NULL", "bob|NULL"]);
    assert_eq!(read(&mut session, join), ["ann|ann", "bob|bob"]);
    assert_eq!(route(&session, "SELECT * FROM fresh"), "reads auth");
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_join_finds_words_that_are_not_committed(#[case] storage: fn() -> Bind) {
    let db = Harness::builder()
        .default_bind(storage().schema("CREATE TABLE post (title); INSERT INTO post VALUES ('one')"))
        .bind(
            "meta",
            storage().schema("CREATE VIRTUAL TABLE word USING fts5 (text); INSERT INTO word VALUES ('a dog')"),
        )
        .start()
        .unwrap();
    let mut session = db.session();
    let join = "SELECT title, text FROM post, word WHERE word MATCH 'fox'";
    session.execute("INSERT INTO word VALUES ('a fox')", []).unwrap();
    assert_eq!(read(&mut session, join), ["one|a fox"]);
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("INSERT INTO word VALUES ('a red fox')", []).unwrap();
    assert_eq!(read(&mut savepoint, join), ["one|a fox", "one|a red fox"]);
    savepoint.rollback().unwrap();
    assert_eq!(read(&mut session, join), ["one|a fox"]);
    session.rollback().unwrap();
    assert_eq!(read(&mut session, join), [""; 0]);
}

/// Names are looked up with what the last statement for that bind alone knew, whatever was looked up before it.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn on_knows_the_columns_a_driver_adds(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    let count = |session: &mut multibind::Session, sql: &str| {
        let rows = session.on("auth").unwrap().query(sql, [], |_| Ok(()));
        session.rollback().unwrap();
        rows.map(|rows| rows.len()).map_err(|error| error.to_string())
    };
    for column in ["one", "two", "three"] {
        let by_name = format!("SELECT 1 FROM user JOIN user AS other USING ({column})");
        assert!(count(&mut session, &by_name).is_err());
        other(&db, "auth", &format!("ALTER TABLE user ADD COLUMN {column}"));
        assert_eq!(count(&mut session, &by_name), Ok(0));
    }
}

/// What `on` has looked at for its statement is what the unit of work then reads.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn a_table_used_by_on_is_known_next(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('one')", []).unwrap();
    other(&db, "auth", "CREATE TABLE fresh (x)");
    session.on("auth").unwrap().execute("INSERT INTO fresh VALUES ('two')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT x FROM fresh"), ["two"]);
    assert_eq!(read(&mut session, "SELECT title, x FROM post, fresh"), ["one|two"]);
}

/// A failed `ALTER TABLE` leaves a connection of SQLite with the number that the schema has after its next change.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn others_tables_are_found_after_a_failed_change(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.execute("ALTER TABLE user ADD COLUMN n", []).unwrap();
    session.commit().unwrap();
    session.execute("CREATE INDEX auth.user_n ON user (\"n\") WHERE 1 < 2", []).unwrap();
    assert!(session.execute("ALTER TABLE user DROP COLUMN \"n\"", []).is_err());
    session.commit().unwrap();
    other(&db, "auth", "CREATE TABLE fresh (x); INSERT INTO fresh VALUES ('one')");
    assert_eq!(read(&mut session, "SELECT x FROM fresh"), ["one"]);
}

/// SQLite itself fails at the commit.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn an_undone_full_text_table_spares_the_commit(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("CREATE VIRTUAL TABLE auth.docs USING fts5 (body)", []).unwrap();
    savepoint.execute("INSERT INTO docs VALUES ('one')", []).unwrap();
    savepoint.rollback().unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { name: "ann" });
    assert!(matches!(session.execute("INSERT INTO docs VALUES ('two')", []).unwrap_err(), Error::UnknownTable { .. }));
}

/// What it permits holds for the session's connection until it is taken back.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn a_writable_schema_stays_writable_when_others_change_tables(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.on("auth").unwrap().execute_batch("PRAGMA writable_schema = ON").unwrap();
    other(&db, "auth", "CREATE TABLE fresh (x)");
    session.execute("INSERT INTO fresh VALUES ('one')", []).unwrap();
    let writable = session.on("auth").unwrap().query_row("PRAGMA writable_schema", [], |row| row.get::<_, i64>(0));
    assert_eq!(writable.unwrap(), 1);
}

/// It would have read the bind, which others then write to: the next write would be refused as out of date.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn a_statement_for_one_bind_that_fails_reads_nothing(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    session.query("EXPLAIN SELECT name FROM user", [], |_| Ok(())).unwrap();
    assert!(session.on("auth").unwrap().execute("UPDATE missing SET name = 'ann'", []).is_err());
    other(&db, "auth", "INSERT INTO user VALUES ('bob')");
    session.execute("INSERT INTO user VALUES ('eve')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { name: "eve" });
}

/// A bind whose commits are counted beside one of another storage: what was found out must not outlive a commit to either.
#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn repeated_routes_follow_commits_of_others(#[case] storage: fn() -> Bind) {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (title)"))
        .bind("auth", storage().schema("CREATE TABLE user (name)"))
        .start()
        .unwrap();
    let stranger = two(storage);
    let session = db.session();
    let moved = "SELECT * FROM moved";
    for (sql, key, expected) in [
        ("CREATE TABLE moved (x)", "auth", "reads auth"),
        ("DROP TABLE moved", "auth", "no table `moved` in any bind"),
        ("CREATE TABLE moved (x)", "default", "reads default"),
        ("DROP TABLE moved", "default", "no table `moved` in any bind"),
    ] {
        let before = route(&session, moved);
        assert_eq!(route(&session, moved), before);
        other(&stranger, "auth", "CREATE TABLE moved (x); DROP TABLE moved");
        assert_eq!(route(&session, moved), before);
        other(&db, key, sql);
        assert_eq!(route(&session, moved), expected);
        assert_eq!(route(&session, moved), expected);
    }
    // A restored snapshot is a commit too.
    let before = db.snapshot().unwrap();
    other(&db, "auth", "CREATE TABLE moved (x)");
    assert_eq!(route(&session, moved), "reads auth");
    db.restore(&before).unwrap();
    assert_eq!(route(&session, moved), "no table `moved` in any bind");
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn repeated_routes_follow_the_unit_of_work(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    let fresh = "SELECT * FROM fresh";
    let none = "no table `fresh` in any bind";
    let twice = |session: &multibind::Session| {
        let first = route(session, fresh);
        assert_eq!(route(session, fresh), first);
        first
    };
    assert_eq!(twice(&session), none);
    session.execute("CREATE TABLE auth.fresh (x)", []).unwrap();
    assert_eq!(twice(&session), "reads auth");
    session.rollback().unwrap();
    assert_eq!(twice(&session), none);
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("CREATE TABLE main.fresh (x)", []).unwrap();
    assert_eq!(twice(&savepoint), "reads default");
    savepoint.rollback().unwrap();
    assert_eq!(twice(&session), none);
    session.on("auth").unwrap().execute("CREATE TABLE fresh (x)", []).unwrap();
    assert_eq!(twice(&session), "reads auth");
    session.commit().unwrap();
    assert_eq!(twice(&session), "reads auth");
}

/// A unit of work that has read a bind sees no table that others make there; its end changes no count of commits.
#[rstest]
#[case::memory(Bind::memory)]
#[case::file(Bind::temp_file)]
fn repeated_routes_look_anew_when_a_unit_of_work_ends(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    assert_eq!(read(&mut session, "SELECT name FROM user"), Vec::<String>::new());
    other(&db, "auth", "CREATE TABLE fresh (x)");
    let fresh = "SELECT * FROM fresh";
    for _ in 0..2 {
        assert_eq!(route(&session, fresh), "no table `fresh` in any bind");
    }
    session.commit().unwrap();
    assert_eq!(route(&session, fresh), "reads auth");
}
