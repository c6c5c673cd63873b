//! Cases from the field: what users of other systems reported, each a test here by the number of its report.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use multibind::rusqlite::Connection;
use multibind::tables::{Table, TableGroup};
use multibind::{row, Bind, Config, Error, Harness};
use rstest::{fixture, rstest};

const POST: &str = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";
const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)";
const LOG: &str = "CREATE TABLE log (line TEXT)";

/// Two binds with a table each, and one that both have.
#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(format!("{POST}; {LOG}")))
        .bind("auth", Bind::memory().schema(format!("{USER}; {LOG}")))
        .start()
        .unwrap()
}

/// Flask-SQLAlchemy #1189: with a bind key on the model, rows still went to the default database, with no error.
#[rstest]
fn flask_sqlalchemy_1189_a_row_follows_its_table(db: Harness) {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    session.table("user").unwrap().insert(row! { username: "bob" }).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_landed("auth", "user", row! { username: "bob" });
    // A row of the application's own that lands in the wrong bind is what the assertion is for.
    db.connection(None).unwrap().execute("INSERT INTO log VALUES ('for auth')", []).unwrap();
    let found = db.locate("log", row! { line: "for auth" }).unwrap();
    assert_eq!(found.iter().map(|landing| landing.bind().to_string()).collect::<Vec<_>>(), ["default"]);
    let passes = || db.assert_landed("auth", "log", row! { line: "for auth" }).binds().len();
    assert!(catch_unwind(AssertUnwindSafe(passes)).is_err());
}

/// Flask-SQLAlchemy #1407: two binds with tables of one name, and rows of the one written to the other.
#[rstest]
fn flask_sqlalchemy_1407_an_ambiguous_name_is_refused(db: Harness) {
    let mut session = db.session();
    let error = session.execute("INSERT INTO log VALUES ('whose?')", []).unwrap_err();
    insta::assert_snapshot!(error, @r#"table `log` is in the binds default, auth: say which, with `auth.log` in the SQL or with `on("auth")`"#);
    assert!(matches!(session.table("log").unwrap_err(), Error::AmbiguousTable { .. }));
    session.execute("INSERT INTO auth.log VALUES ('auth')", []).unwrap();
    session.on(None).unwrap().execute("INSERT INTO log VALUES ('default')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "log", row! { line: "auth" });
    db.assert_landed(None, "log", row! { line: "default" });
}

/// Flask-SQLAlchemy #1210: an `INSERT` built from a table instead of a model went to the default bind.
#[test]
fn flask_sqlalchemy_1210_a_bare_insert_goes_to_the_tables_bind() {
    let db = Harness::builder()
        .default_bind(Bind::memory())
        .bind("auth", Bind::memory())
        .table(Table::new(USER).bind_key("auth"))
        .start()
        .unwrap();
    let mut session = db.session();
    let route = session.route("INSERT INTO user (username) VALUES (?1)").unwrap();
    assert_eq!(route.writes(), ["auth".into()]);
    session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { username: "ann" });
}

/// Flask-SQLAlchemy #390: an association table without a bind key was made in the default bind, and whoever used it
/// failed with "no such table".
#[test]
fn flask_sqlalchemy_390_a_misplaced_association_table_fails_the_start() {
    let association = "CREATE TABLE user_role (user INTEGER REFERENCES user (id), role INTEGER REFERENCES role (id))";
    let role = "CREATE TABLE role (id INTEGER PRIMARY KEY)";
    let group = || TableGroup::new("auth").table(Table::new(USER)).table(Table::new(role));
    let builder = || Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory());
    let error = builder().tables(group()).table(Table::new(association)).start().unwrap_err();
    insta::assert_snapshot!(error, @"table `user_role` in bind `default` has a foreign key to `user`, which is not in bind `default` but in auth: SQLite cannot enforce it. Give `user_role` the bind key of its parent; or declare a reference in place of the foreign key, with `reference` or `[[references]]`; or allow it with `allow_missing_parents`");
    // In the group of its parents it has their bind key.
    let db = builder().tables(group().table(Table::new(association))).start().unwrap();
    let mut session = db.session();
    session.execute_batch("INSERT INTO user (id) VALUES (1); INSERT INTO role VALUES (2)").unwrap();
    session.execute("INSERT INTO user_role VALUES (1, 2)", []).unwrap();
    let sql = "SELECT count(*) FROM user JOIN user_role ON user = user.id JOIN role ON role = role.id";
    assert_eq!(session.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

/// Flask-SQLAlchemy #592: "you can't join across databases".
#[rstest]
fn flask_sqlalchemy_592_tables_of_different_binds_join(db: Harness) {
    let mut session = db.session();
    session.execute("INSERT INTO user (id, username) VALUES (1, 'ann')", []).unwrap();
    session.execute("INSERT INTO post VALUES (1, 'hello')", []).unwrap();
    let sql = "SELECT title, username FROM post JOIN user USING (id)";
    let found = session.query(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(found, [("hello".to_string(), "ann".to_string())]);
}

/// SQLAlchemy's "could not find table … with which to generate a foreign key", for one into another bind.
#[test]
fn a_foreign_key_into_another_bind_names_both_binds() {
    let start = |post: Bind| {
        let schema = "CREATE TABLE post (author INTEGER REFERENCES user (id))";
        Harness::builder().default_bind(post.schema(schema)).bind("auth", Bind::memory().schema(USER)).start()
    };
    insta::assert_snapshot!(start(Bind::memory()).unwrap_err(), @"table `post` in bind `default` has a foreign key to `user`, which is not in bind `default` but in auth: SQLite cannot enforce it. Give `post` the bind key of its parent; or declare a reference in place of the foreign key, with `reference` or `[[references]]`; or allow it with `allow_missing_parents`");
    let db = start(Bind::memory().allow_missing_parents(true)).unwrap();
    assert_eq!(db.metadata(None).unwrap().table("post").unwrap().foreign_keys().len(), 1);
}

/// Flask-SQLAlchemy #819: only named binds are configured, and no default.
#[test]
fn flask_sqlalchemy_819_only_named_binds() {
    let db = Harness::builder().bind("auth", Bind::memory().schema(USER)).start().unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { username: "ann" });
    insta::assert_snapshot!(session.execute("CREATE TABLE post (id)", []).unwrap_err(), @"no default bind for a statement whose table names no bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
}

/// Flask-SQLAlchemy #799: without a default database, the engine options had no effect on the binds. Those of
/// Flask-SQLAlchemy's name still are the default bind's alone; those for every bind have a name of their own.
#[test]
fn flask_sqlalchemy_799_engine_options_reach_named_binds() {
    let toml = r#"
        [SQLALCHEMY_BINDS]
        auth = "postgresql://db.example/auth"
        meta = { url = "mysql://db.example/meta", pool_size = 2 }

        [engine_options]
        pool_size = 3
        pool_timeout = 1

        [SQLALCHEMY_ENGINE_OPTIONS]
        pool_size = 4
    "#;
    let db = Harness::from_config(Config::from_toml(toml, ".").unwrap()).unwrap();
    assert_eq!(db.pool("auth").unwrap().max_size(), 3);
    assert_eq!(db.pool("auth").unwrap().connection_timeout(), Duration::from_secs(1));
    assert_eq!(db.pool("meta").unwrap().max_size(), 2);
}

/// sqlx #3947 and #4050: `#[sqlx::test]` takes one database, from one environment variable.
#[test]
fn sqlx_3947_and_4050_a_test_has_several_databases() {
    let config = Config::new().default_bind(Bind::memory().schema(POST)).bind("auth", Bind::memory().schema(USER));
    let vars = [("DATABASE_URL", "postgres://db.example/main"), ("DATABASE_URL_AUTH", "postgres://db.example/auth")];
    let db = Harness::from_config(config.with_vars(vars)).unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO post (title) VALUES ('hello')", []).unwrap();
    session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed(None, "post", row! { title: "hello" });
    db.assert_landed("auth", "user", row! { username: "ann" });
}

/// rusqlite #616, crawshaw/sqlite #43, go-sqlite3 #1205: each pooled connection to memory has a database of its own.
#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb())]
fn rusqlite_616_all_connections_to_memory_see_one_database(#[case] bind: Bind) {
    let db = Harness::builder().default_bind(bind.schema(POST).pool_size(4)).start().unwrap();
    let pool = db.pool(None).unwrap();
    let connections = (0..4).map(|_| pool.get().unwrap()).collect::<Vec<_>>();
    for (at, conn) in connections.iter().enumerate() {
        conn.execute("INSERT INTO post (title) VALUES (?1)", [at.to_string()]).unwrap();
    }
    let driver = Connection::open(db.uri(None).unwrap()).unwrap();
    for conn in connections.iter().map(|conn| &**conn).chain([&driver]) {
        assert_eq!(conn.query_row("SELECT count(*) FROM post", [], |row| row.get::<_, i64>(0)).unwrap(), 4);
    }
    assert_eq!(db.session().table("post").unwrap().count(row! {}).unwrap(), 4);
    // It is there for as long as the harness, whatever connections come and go.
    drop((connections, driver, pool));
    assert_eq!(db.session().table("post").unwrap().count(row! {}).unwrap(), 4);
}

/// sqlx #326 and #1649, open-msupply #92: "database table is locked" from a shared cache under a pool.
#[test]
fn sqlx_326_a_shared_cache_lock_is_waited_for_or_explained() {
    let brief = Duration::from_millis(20);
    let db = Harness::builder().default_bind(Bind::shared_cache().schema(POST).busy_timeout(brief)).start().unwrap();
    let writer = db.connection(None).unwrap();
    writer.execute_batch("BEGIN; INSERT INTO post (title) VALUES ('not yet')").unwrap();
    let mut session = db.session();
    insta::assert_snapshot!(session.execute("UPDATE post SET title = 'x'", []).unwrap_err(), @"
    bind `default`: database table is locked. Another connection has a transaction or an unfinished query open on it. SQLite does not report which one; 1 connection of its pool is in use: commit or drop it first (an uncommitted session counts). A shared cache locks whole tables, for readers too; `Bind::memory()` does not
      in: UPDATE post SET title = 'x'
    ");
    writer.execute_batch("COMMIT").unwrap();
    session.execute("UPDATE post SET title = 'x'", []).unwrap();
    session.commit().unwrap();
    db.assert_landed(None, "post", row! { title: "x" });
}

/// The same reports: with many threads that write at once.
#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::file(Bind::temp_file())]
fn sqlx_1649_threads_lose_no_write(#[case] bind: Bind) {
    let db = Harness::builder().default_bind(bind.schema(POST).pool_size(4)).start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let conn = db.connection(None).unwrap();
                for _ in 0..25 {
                    conn.execute("INSERT INTO post (title) VALUES ('x')", []).unwrap();
                }
            });
        }
    });
    assert_eq!(db.session().table("post").unwrap().count(row! {}).unwrap(), 100);
}
