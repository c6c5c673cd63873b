//! Binds that the application only reads: SQLite itself refuses to write, and the harness goes on writing.

use insta::{allow_duplicates, assert_snapshot};
use multibind::binds::Storage;
use multibind::rusqlite::{self, Connection, ErrorCode, OpenFlags};
use multibind::{row, Bind, Config, Error, Harness};
use rstest::rstest;

use crate::frame::unframed;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";

fn start(bind: Bind) -> Harness {
    Harness::builder().bind("auth", bind.schema(USER).read_only(true)).start().unwrap()
}

fn names(conn: &Connection) -> Vec<String> {
    let mut select = conn.prepare("SELECT name FROM user ORDER BY id").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: rusqlite::Result<T>) {
    assert_eq!(done.unwrap_err().sqlite_error_code(), Some(ErrorCode::ReadOnly));
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
#[case::url(Bind::url("postgresql://db.example/auth"))]
fn every_connection_of_the_application_reads_and_none_writes(#[case] bind: Bind) {
    let db = start(bind);
    let pooled = db.connection("auth").unwrap();
    let by_uri = Connection::open(db.uri("auth").unwrap()).unwrap();

    for conn in [&*pooled, &by_uri] {
        assert_eq!(names(conn), ["ann"]);
        refused(conn.execute("INSERT INTO user (name) VALUES ('eve')", []));
        refused(conn.execute("UPDATE user SET name = 'eve'", []));
        refused(conn.execute("DELETE FROM user", []));
        refused(conn.execute("CREATE TABLE log (line TEXT)", []));
        refused(conn.execute("DROP TABLE user", []));
        assert_eq!(names(conn), ["ann"]);
    }
    let refusal = pooled.execute("DELETE FROM user", []).unwrap_err();
    assert_eq!(refusal.to_string(), "attempt to write a readonly database");
    db.assert_landed("auth", "user", row! { name: "ann" });
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn the_application_cannot_undo_it(#[case] bind: Bind) {
    let db = start(bind);
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("PRAGMA query_only = OFF; PRAGMA writable_schema = ON").unwrap();
    refused(conn.execute("DELETE FROM user", []));
    refused(conn.execute("DELETE FROM sqlite_schema", []));
    // SQLite gives an attached database no more rights than the connection has.
    let writable = db.uri("auth").unwrap().replace("mode=ro", "mode=rw");
    assert!(conn.execute("ATTACH ?1 AS again", [&writable]).is_err());
    // By the URI as it is, whatever flags a driver has.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    refused(Connection::open_with_flags(db.uri("auth").unwrap(), flags).unwrap().execute("DELETE FROM user", []));
    assert_eq!(names(&conn), ["ann"]);
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn a_session_reads_and_cannot_write(#[case] bind: Bind) {
    let db = start(bind);
    let mut session = db.session();
    assert_eq!(session.table("user").unwrap().count(row! {}).unwrap(), 1);
    allow_duplicates! {
        assert_snapshot!(session.execute("INSERT INTO user (name) VALUES ('eve')", []).unwrap_err(), @r"
        bind `auth`: attempt to write a readonly database
          in: INSERT INTO user (name) VALUES ('eve')
        ");
        assert_snapshot!(session.table("user").unwrap().insert(row! { name: "eve" }).unwrap_err(), @r#"
        bind `auth`: attempt to write a readonly database
          in: INSERT INTO main."user" ("name") VALUES (?)
        "#);
    }
    assert!(session.on("auth").unwrap().execute("DELETE FROM user", []).is_err());
    session.on("auth").unwrap().execute("CREATE TEMP TABLE seen (id)", []).unwrap();
    session.on("auth").unwrap().execute("INSERT INTO seen SELECT id FROM user", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { name: "ann" });
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn the_harness_loads_resets_and_restores_while_connections_read(#[case] bind: Bind) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("user.csv");
    std::fs::write(&file, "id,name\n2,bob\n").unwrap();
    let at_start = folder.path().join("start.sql");
    std::fs::write(&at_start, "INSERT INTO user VALUES (9, 'zoe')").unwrap();

    let db = start(bind.data(at_start));
    let conn = db.connection("auth").unwrap();
    assert_eq!(names(&conn), ["ann", "zoe"]);
    let before = db.snapshot().unwrap();
    assert_eq!(db.load_data(&file).unwrap(), 1);
    assert_eq!(names(&conn), ["ann", "bob", "zoe"]);
    db.changes_since(&before).unwrap().assert_only("auth");
    db.restore(&before).unwrap();
    assert_eq!(names(&conn), ["ann", "zoe"]);
    db.load_data(&file).unwrap();
    db.reset().unwrap();
    assert_eq!(names(&conn), ["ann", "zoe"]);
    db.drop_all("auth").unwrap();
    assert!(conn.query_row("SELECT count(*) FROM user", [], |_| Ok(())).is_err());
    db.create_all("auth").unwrap();
    assert!(names(&conn).is_empty());
    refused(conn.execute("DELETE FROM user", []));
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn a_join_with_a_bind_that_is_written_reads_both(#[case] bind: Bind) {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
        .bind("auth", bind.schema(USER).read_only(true))
        .start()
        .unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    let sql = "SELECT count(*) FROM post JOIN user ON author = name";
    assert_eq!(session.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    session.commit().unwrap();
    assert_eq!(session.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn persistent_pragmas_prevent_no_opening(#[case] storage: Storage) {
    let bind = Bind::memory().storage(storage).pragma("user_version", 7).pragma("journal_mode", "DELETE");
    let db = start(bind.pragma("case_sensitive_like", true));
    let conn = db.connection("auth").unwrap();
    assert_eq!(conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), 7);
    assert_eq!(conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(), "delete");
    assert!(!conn.query_row("SELECT 'ann' LIKE 'ANN'", [], |row| row.get::<_, bool>(0)).unwrap());
    refused(conn.execute("DELETE FROM user", []));
    assert_eq!(names(&conn), ["ann"]);
}

#[rstest]
#[case::memory("memory")]
#[case::memdb("memdb")]
#[case::temp_file("temp_file")]
fn a_read_only_key_reads_writes_of_the_same_url(#[case] storage: &str) {
    let config = format!(
        r#"
        [binds.reports]
        url = "postgresql://reader@db.example/app"
        read_only = true
        pool_size = 2

        [binds.app]
        url = "postgresql://app@db.example/app"
        storage = "{storage}"
        schema_sql = "{USER}"
        pool_size = 3
        "#
    );
    let db = Harness::from_config(Config::from_toml(&config, ".").unwrap()).unwrap();
    let (reports, app) = (db.connection("reports").unwrap(), db.connection("app").unwrap());
    app.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    assert_eq!(names(&reports), ["ann", "bob"]);
    refused(reports.execute("DELETE FROM user", []));
    assert_eq!((db.pool("reports").unwrap().max_size(), db.pool("app").unwrap().max_size()), (2, 3));

    assert!(db.session().on("reports").unwrap().execute("DELETE FROM user", []).is_err());
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES (3, 'cleo')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(names(&reports), ["ann", "bob", "cleo"]);
    db.assert_landed("app", "user", row! { name: "cleo" }).assert_landed("reports", "user", row! { name: "cleo" });
}

#[test]
fn a_read_only_default_bind_shares_its_writers_database() {
    let url = "postgresql://db.example/app";
    let db = Harness::builder()
        .default_bind(Bind::url(url).read_only(true).schema(USER))
        .bind("admin", Bind::url(url))
        .start()
        .unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    session.execute("INSERT INTO main.user VALUES (3, 'cleo')", []).unwrap();
    session.execute("INSERT INTO admin.user VALUES (4, 'dan')", []).unwrap();
    assert!(session.on(None).unwrap().execute("DELETE FROM user", []).is_err());
    session.commit().unwrap();
    let conn = db.connection(None).unwrap();
    assert_eq!(names(&conn), ["ann", "bob", "cleo", "dan"]);
    refused(conn.execute("DELETE FROM user", []));
    assert_eq!(session.query_row("SELECT 1 + 1", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn a_shared_cache_cannot_be_read_only() {
    let config = "[binds.auth]\nstorage = 'shared_cache'\nread_only = true\n";
    let error = Harness::from_config(Config::from_toml(config, ".").unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Config { bind: Some(bind), .. } if bind.as_str() == Some("auth")));
    assert_snapshot!(error, @"line 1: bind `auth`: a shared cache cannot be read only: its connections share one handle, of which SQLite opens none read-only. Take `memory`, `memdb` or `temp_file` for its storage");
}

#[test]
fn read_only_binds_are_described_as_such() {
    let db = start(Bind::memory());
    assert_snapshot!(unframed(db.describe()), @r"
     bind               storage   table   rows
     auth (read only)   memory    user    1
    ");
}
