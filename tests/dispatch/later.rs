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

fn route(session: &multibind::Session, sql: &str) -> String {
    session.bind_of(sql).map_or_else(|error| error.to_string(), |route| route.to_string())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn a_table_that_the_session_makes_is_found(#[case] storage: fn() -> Bind) {
    let db = two(storage);
    let mut session = db.session();
    assert!(matches!(session.bind_of("SELECT * FROM fresh").unwrap_err(), Error::UnknownTable { .. }));
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
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::file(Bind::temp_file)]
fn what_is_undone_is_no_longer_found(#[case] storage: fn() -> Bind) {
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
fn a_table_that_a_driver_makes_is_found_in_the_midst_of_a_unit_of_work(#[case] storage: fn() -> Bind) {
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
    the session does not run this statement: a temporary table lives on one connection: make it and use it with `session.on(key)`
      in: CREATE TEMP TABLE t (x)
    ");
    insta::assert_snapshot!(session.execute("CREATE TABLE temp.t (x)", []).unwrap_err(), @"
    the session does not run this statement: a temporary table lives on one connection: make it and use it with `session.on(key)`
      in: CREATE TABLE temp.t (x)
    ");
    insta::assert_snapshot!(session.query("SELECT * FROM sqlite_temp_schema", [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: a temporary table lives on one connection: make it and use it with `session.on(key)`
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
