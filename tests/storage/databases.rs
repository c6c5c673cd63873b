//! Every bind is a real database: one for all its connections, apart from all others, gone with the harness.

use std::collections::BTreeSet;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use insta::assert_snapshot;
use multibind::rusqlite::{Connection, OpenFlags};
use multibind::{row, Bind, BindKey, Error, Harness};
use rstest::rstest;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x)";

fn tables(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap()
}

fn pragma(conn: &Connection, name: &str) -> i64 {
    conn.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
#[case::url(Bind::url("postgresql://db.example/main"))]
fn all_connections_of_a_bind_see_one_database(#[case] bind: Bind) {
    let db = Harness::builder().bind("auth", bind.schema(TABLE).pool_size(7)).start().unwrap();
    let connections = (0..7).map(|_| db.connection("auth").unwrap()).collect::<Vec<_>>();

    for (at, conn) in (0_i64..).zip(&connections) {
        conn.execute("INSERT INTO t (x) VALUES (?1)", [at]).unwrap();
    }

    let plain = Connection::open(db.uri("auth").unwrap()).unwrap();
    for conn in connections.iter().map(|conn| &**conn).chain([&plain]) {
        let rows: i64 = conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 7);
    }
    assert_eq!(db.session().table("t").unwrap().count(row! {}).unwrap(), 7);
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn harnesses_and_binds_of_the_same_tables_are_databases_apart(#[case] bind: Bind) {
    let start = || {
        let bind = bind.clone().schema(TABLE);
        Harness::builder().default_bind(bind.clone()).bind("auth", bind).start().unwrap()
    };
    let (one, two) = (start(), start());

    one.connection("auth").unwrap().execute("INSERT INTO t (x) VALUES ('here')", []).unwrap();

    one.assert_landed("auth", "t", row! { x: "here" });
    two.assert_not_landed("auth", "t", row! { x: "here" });
    two.assert_not_landed(None, "t", row! { x: "here" });
}

#[test]
fn hundreds_of_databases_live_at_once_each_with_its_own_name() {
    let start = |_| {
        let bind = |bind: Bind| bind.schema(TABLE);
        Harness::builder().default_bind(bind(Bind::memory())).bind("b", bind(Bind::memdb())).start().unwrap()
    };
    let harnesses = (0..200).map(start).collect::<Vec<_>>();

    let uris = harnesses.iter().flat_map(|db| [db.uri(None).unwrap(), db.uri("b").unwrap()]);
    assert_eq!(uris.collect::<BTreeSet<_>>().len(), 400);
    for (at, db) in (0_i64..).zip(&harnesses) {
        let mut session = db.session();
        session.on("b").unwrap().execute("INSERT INTO t (x) VALUES (?1)", [at]).unwrap();
        session.commit().unwrap();
    }
    for (at, db) in (0_i64..).zip(&harnesses) {
        db.assert_landed("b", "t", row! { x: at });
        assert_eq!(db.locate("t", row! {}).unwrap().len(), 1);
    }
}

#[rstest]
#[case("me ta")]
#[case("a.b")]
#[case("日本")]
#[case("x';--")]
#[case("../up")]
#[case("\"")]
#[case("]")]
#[case("`")]
#[case("%00?mode=ro#x")]
#[case("SELECT")]
#[case("\n\t")]
#[case("/")]
#[case("C:\\x")]
#[case("😀")]
fn any_string_is_a_safe_key(
    #[case] key: &str,
    #[values(Bind::memory(), Bind::shared_cache(), Bind::memdb(), Bind::temp_file())] bind: Bind,
) {
    let db =
        Harness::builder().default_bind(Bind::temp_file()).bind(key, bind.schema(TABLE).echo(true)).start().unwrap();

    db.connection(key).unwrap().execute("INSERT INTO t (x) VALUES ('pool')", []).unwrap();
    Connection::open(db.uri(key).unwrap()).unwrap().execute("INSERT INTO t (x) VALUES ('uri')", []).unwrap();
    let mut session = db.session();
    session.on(key).unwrap().execute("INSERT INTO t (x) VALUES ('on')", []).unwrap();
    let quoted = key.replace('"', "\"\"");
    session.execute(&format!("INSERT INTO \"{quoted}\".t (x) VALUES ('qualified')"), []).unwrap();
    session.table(&format!("{key}.t")).unwrap().insert(row! { x: "table" }).unwrap();
    session.commit().unwrap();

    for x in ["pool", "uri", "on", "qualified", "table"] {
        db.assert_landed(key, "t", row! { x: x });
    }
    assert_eq!(db.binds(), [BindKey::DEFAULT, BindKey::from(key)]);
    let folder = db.path(None).unwrap().unwrap().parent().unwrap().to_path_buf();
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    assert!(files.collect::<Vec<_>>().iter().all(plain));
}

#[rstest]
#[case("")]
#[case("Default")]
#[case("main")]
#[case("temp")]
#[case("Main")]
#[case("TEMP")]
fn a_key_that_names_something_already_is_refused(#[case] key: &str) {
    let error = Harness::builder().bind(key, Bind::memory()).start().unwrap_err();

    assert!(matches!(error, Error::BindKey { .. }), "{error}");
    if key == "main" {
        assert_snapshot!(error, @"`main` cannot be a bind key: `main` and `temp` are SQLite's names for schemas; the default bind has the key `default`");
    }
    if key.is_empty() {
        assert_snapshot!(error, @"`` cannot be a bind key: it is empty; the default bind has the key `default`");
    }
}

#[test]
fn a_dropped_harness_frees_memory_and_files() {
    let bind = |bind: Bind| bind.schema(TABLE);
    let db = Harness::builder()
        .default_bind(bind(Bind::memory()))
        .bind("shared", bind(Bind::shared_cache()))
        .bind("memdb", bind(Bind::memdb()))
        .bind("file", bind(Bind::temp_file()))
        .start()
        .unwrap();
    let _ = db.connection("file").unwrap();
    let uris = [db.uri("shared").unwrap(), db.uri("memdb").unwrap()];
    let memory = db.uri(None).unwrap();
    let file = db.path("file").unwrap().unwrap();
    assert!(file.exists());

    drop(db);

    assert!(!file.parent().unwrap().exists());
    assert!(Connection::open(memory).is_err(), "the name must lead nowhere");
    for uri in uris {
        assert_eq!(tables(&Connection::open(uri).unwrap()), 0, "the name must lead to a new, empty database");
    }
}

#[test]
fn files_are_removed_when_the_test_panics() {
    let place = Mutex::new(PathBuf::new());

    let panic = catch_unwind(AssertUnwindSafe(|| {
        let db = Harness::builder().default_bind(Bind::temp_file().schema(TABLE)).start().unwrap();
        *place.lock().unwrap() = db.path(None).unwrap().unwrap();
        let _open = db.connection(None).unwrap();
        db.assert_landed(None, "t", row! { x: "nowhere" });
    }));

    assert!(panic.is_err());
    assert!(!place.lock().unwrap().parent().unwrap().exists());
}

#[test]
fn a_file_that_is_gone_does_not_come_back_empty() {
    let db = Harness::builder().default_bind(Bind::temp_file().schema(TABLE).pool_size(1)).start().unwrap();
    let (pool, uri) = (db.pool(None).unwrap(), db.uri(None).unwrap());
    drop(db);

    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    assert!(Connection::open_with_flags(uri, flags).is_err());
    assert!(pool.get_timeout(Duration::from_millis(50)).is_err());
}

#[test]
fn close_says_that_a_session_is_alive() {
    let db = Harness::builder().default_bind(Bind::temp_file()).start().unwrap();
    let file = db.path(None).unwrap().unwrap();
    let session = db.session();

    assert_snapshot!(db.close().unwrap_err(), @"the harness is still in use: a session of it is alive; drop it before `close`");

    assert!(file.exists());
    drop(session);
    assert!(!file.exists());
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn engine_options_reach_every_connection(#[case] bind: Bind) {
    let bind = bind
        .schema(TABLE)
        .pool_size(3)
        .pool_timeout(Duration::from_secs(7))
        .pool_recycle(Duration::from_secs(60))
        .busy_timeout(Duration::from_millis(1234))
        .pragma("cache_size", 77)
        .pragma("recursive_triggers", true);
    let db = Harness::builder().default_bind(bind).start().unwrap();

    let pool = db.pool(None).unwrap();
    assert_eq!((pool.max_size(), pool.connection_timeout()), (3, Duration::from_secs(7)));
    assert_eq!(pool.max_lifetime(), Some(Duration::from_secs(60)));
    let conn = pool.get().unwrap();
    for (name, value) in [("busy_timeout", 1234), ("cache_size", 77), ("recursive_triggers", 1), ("foreign_keys", 1)] {
        assert_eq!(pragma(&conn, name), value, "{name} in the pool");
        let mut session = db.session();
        let own: i64 = session.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap();
        assert_eq!(own, value, "{name} in a session");
    }
}

#[test]
fn options_that_are_not_set_have_their_documented_values() {
    let db = Harness::builder().default_bind(Bind::memory()).start().unwrap();

    let pool = db.pool(None).unwrap();
    assert_eq!((pool.max_size(), pool.connection_timeout()), (10, Duration::from_secs(30)));
    assert_eq!((pool.max_lifetime(), pool.idle_timeout()), (None, None));
    assert_eq!(pragma(&pool.get().unwrap(), "busy_timeout"), 5000);
}

#[rstest]
#[case::option(Bind::memory().foreign_keys(false))]
#[case::pragma(Bind::memory().pragma("foreign_keys", false))]
fn foreign_keys_are_enforced_unless_the_user_says_otherwise(#[case] without: Bind) {
    let schema = "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a (id))";
    let insert = |bind: Bind| {
        let db = Harness::builder().default_bind(bind.schema(schema)).start().unwrap();
        let pooled = db.connection(None).unwrap().execute("INSERT INTO b VALUES (1)", []).is_ok();
        let session = db.session().execute("INSERT INTO b VALUES (1)", []).is_ok();
        (pooled, session)
    };

    assert_eq!(insert(Bind::memory()), (false, false));
    assert_eq!(insert(without), (true, true));
}

#[test]
fn pragmas_that_shape_a_new_database_do() {
    for bind in [Bind::memory(), Bind::shared_cache(), Bind::memdb(), Bind::temp_file()] {
        let bind =
            bind.pragma("page_size", 1024).pragma("auto_vacuum", 2).schema(TABLE).schema("PRAGMA user_version = 9");
        let db = Harness::builder().default_bind(bind).start().unwrap();
        let conn = db.connection(None).unwrap();
        let shape = ["page_size", "auto_vacuum", "user_version"].map(|name| pragma(&conn, name));
        assert_eq!(shape, [1024, 2, 9]);
    }
}

#[test]
fn a_pool_that_is_used_up_says_which_bind_it_is() {
    let bind = Bind::memory().pool_size(1).pool_timeout(Duration::from_millis(20));
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    // A loaded machine takes longer than the pool waits to open it.
    let _only = db.pool("auth").unwrap().get_timeout(Duration::from_secs(100)).unwrap();

    assert_snapshot!(db.connection("auth").unwrap_err(), @"bind `auth`: the pool gave no connection: timed out waiting for connection");
}

#[test]
fn a_pool_connects_beside_an_exclusive_writer() {
    let bind = Bind::memdb().schema(TABLE).busy_timeout(Duration::from_millis(10));
    let db = Harness::builder().default_bind(bind).start().unwrap();
    let mut session = db.session();
    session.table("t").unwrap().insert(row! { x: 1 }).unwrap();

    let conn = db.connection(None).unwrap();
    let error = conn.execute("INSERT INTO t (x) VALUES (2)", []).unwrap_err();

    assert_eq!(error.to_string(), "database is locked");
}

#[test]
fn a_pragma_that_sqlite_does_not_have_is_an_error() {
    let error = Harness::builder().bind("auth", Bind::memory().pragma("cachesize", 5)).start().unwrap_err();

    assert_snapshot!(error, @"bind `auth`: SQLite has no pragma `cachesize`; the nearest is `cache_size`");
}

#[test]
fn a_harness_prints_as_its_binds_and_their_storage() {
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::temp_file()).start().unwrap();

    assert_eq!(format!("{db:?}"), r#"Harness({"default": "memory", "auth": "temp_file"})"#);
}

/// Run by the next test, to be looked at.
#[test]
#[ignore = "fails, to show what is said"]
fn the_application_runs_before_the_commit() {
    let bind = Bind::memory().schema(TABLE).busy_timeout(Duration::from_millis(20));
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let mut session = db.session();
    session.table("t").unwrap().insert(row! { x: 1 }).unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO t (x) VALUES (2)", []).unwrap();
}

/// The test before, in a process of its own.
fn before_the_commit() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "databases::the_application_runs_before_the_commit"])
        .env("MULTIBIND_KEEP", "never");
    command
}

#[test]
fn an_uncommitted_session_is_reported_with_the_failure() {
    let run = before_the_commit().output().unwrap();

    assert_eq!(run.status.code(), Some(101));
    let told = String::from_utf8(run.stdout).unwrap();
    let (_, with_the_failure) =
        told.split_once("---- databases::the_application_runs_before_the_commit stdout ----\n").expect(&told);
    assert!(
        with_the_failure.contains("multibind: a session of this test has written to auth and not committed\n"),
        "{told}"
    );
    assert!(!String::from_utf8(run.stderr).unwrap().contains("multibind"));
}

#[test]
fn an_uncommitted_session_fails_a_test_as_usual_without_a_reader() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = before_the_commit().arg("--nocapture").stderr(writer).output().unwrap();

    assert_eq!(run.status.code(), Some(101), "{run:?}");
}

#[test]
fn sql_that_is_a_path_is_told_so() {
    let error = Harness::builder().bind("auth", Bind::memory().schema("fixtures/auth")).start().unwrap_err();

    assert_snapshot!(error, @r#"bind `auth`: the schema failed at line 1: near "fixtures": syntax error; `fixtures/auth` is a file or a folder: give it to `schema_path`"#);
}

#[test]
fn a_shared_schemas_error_lists_its_keys() {
    let bind = |schema: &str| Bind::url("sqlite:///app.db").schema(schema);
    let error = Harness::builder()
        .default_bind(bind("CREATE TABLE t (x)"))
        .bind("auth", bind("CREATE TABLE t (y)"))
        .start()
        .unwrap_err();

    assert_snapshot!(error, @"bind `default`: the schema failed at line 1: table t already exists; the binds default, auth have the same URL, so they share one database");
}

#[test]
fn an_error_prints_its_message_and_its_variant_when_unwrapped() {
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).start().unwrap();
    let mut session = db.session();
    let shown = |error: Error| {
        let place = error.place().unwrap().to_string();
        assert!(place.starts_with(file!()), "{place}");
        format!("{error:?}").replace(&place, "[place]")
    };

    assert_snapshot!(shown(db.pool("audit").unwrap_err()), @r#"
    no bind `audit`: configured are default, auth
      at [place]
      UnknownBind
    "#);
    assert_snapshot!(shown(session.execute("INSERT", []).unwrap_err()), @r#"
    SQLite does not accept the statement: incomplete input
      in: INSERT
      at [place]
      Prepare { source: SqliteFailure(Error { code: Unknown, extended_code: 1 }, Some("incomplete input")) }
    "#);
    assert_snapshot!(shown(Harness::builder().start().unwrap_err()), @"
    no bind is configured: set a default or a named bind
      at [place]
      NoBind
    ");
}

#[test]
fn an_unknown_bind_lists_the_configured_ones() {
    let db = Harness::builder().bind("auth", Bind::memory()).bind("meta", Bind::memory()).start().unwrap();

    assert_snapshot!(db.pool("audit").unwrap_err(), @"no bind `audit`: configured are auth, meta");
    assert_snapshot!(db.uri("").unwrap_err(), @"no bind ``: configured are auth, meta");
    assert_snapshot!(db.uri("autth").unwrap_err(), @"no bind `autth`: configured are auth, meta; the nearest is `auth`");
    assert_snapshot!(db.uri("default").unwrap_err(), @"no default bind: configured are auth, meta; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    assert_snapshot!(db.connection(None).unwrap_err(), @"no default bind: configured are auth, meta; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn reset_restores_every_bind_and_keeps_connections(#[case] bind: Bind) {
    let bind = bind.schema(TABLE).schema("INSERT INTO t (x) VALUES ('start'); PRAGMA user_version = 3");
    let db = Harness::builder().default_bind(bind.clone()).bind("auth", bind).start().unwrap();
    let conn = db.connection("auth").unwrap();
    conn.execute_batch(
        "INSERT INTO t (x) VALUES (1), (2); DELETE FROM t WHERE x = 'start'; CREATE TABLE made (y); PRAGMA user_version = 4",
    )
    .unwrap();
    db.connection(None).unwrap().execute("DROP TABLE t", []).unwrap();

    db.reset().unwrap();

    let rows = |conn: &Connection| conn.query_row("SELECT group_concat(x) FROM t", [], |row| row.get::<_, String>(0));
    assert_eq!(rows(&conn).unwrap(), "start");
    assert_eq!(rows(&db.connection(None).unwrap()).unwrap(), "start");
    assert_eq!((pragma(&conn, "user_version"), tables(&conn)), (3, 2));
    conn.execute("INSERT INTO t (x) VALUES ('next')", []).unwrap();
    assert_eq!(conn.last_insert_rowid(), 2, "the counter starts again where it stood");
    assert!(db.session().table("made").is_err());
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb().busy_timeout(Duration::from_millis(20)))]
#[case::temp_file(Bind::temp_file().busy_timeout(Duration::from_millis(20)))]
fn reset_does_not_wait_for_a_transaction_that_is_open(#[case] bind: Bind) {
    let db = Harness::builder().bind("auth", bind.schema(TABLE)).start().unwrap();
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("BEGIN; INSERT INTO t (x) VALUES (1)").unwrap();

    let error = db.reset().unwrap_err();

    assert!(matches!(error, Error::Locked { .. }), "{error}");
    conn.execute_batch("COMMIT").unwrap();
    db.assert_landed("auth", "t", row! { x: 1 });
}

/// Collects what is echoed, by all tests of this process.
struct Collected(Mutex<Vec<String>>);

static LOG: Collected = Collected(Mutex::new(Vec::new()));

impl log::Log for Collected {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "multibind::echo"
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
        }
    }

    fn flush(&self) {}
}

#[test]
fn echo_logs_each_statement_with_its_bind() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let schema = "CREATE TABLE echoed (x)";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE silent (x)"))
        .bind("auth", Bind::memory().schema(schema).echo(true))
        .start()
        .unwrap();

    db.connection("auth").unwrap().execute("INSERT INTO echoed VALUES (?1)", ["by pool"]).unwrap();
    db.connection(None).unwrap().execute("INSERT INTO silent VALUES (1) /* echoed? */", []).unwrap();
    let mut session = db.session();
    session.execute("UPDATE echoed SET x = 2", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "echoed", row! { x: 2 });

    let log = LOG.0.lock().unwrap();
    let own = log.iter().filter(|line| line.contains("[auth]")).cloned().collect::<Vec<_>>();
    assert_snapshot!(own.join("\n"), @"
    INFO [auth] INSERT INTO echoed VALUES (?1)
    INFO [auth] BEGIN
    INFO [auth] UPDATE echoed SET x = 2
    INFO [auth] COMMIT
    ");
    assert!(!log.iter().any(|line| line.contains("silent")));
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "needs the folder for temporary files that the next test sets"]
fn a_file_in_an_odd_folder_is_reached_by_its_uri() {
    let db = Harness::builder().default_bind(Bind::temp_file().schema(TABLE)).start().unwrap();
    assert!(db.path(None).unwrap().unwrap().starts_with(std::env::temp_dir()), "TMPDIR is where the user says");
    Connection::open(db.uri(None).unwrap()).unwrap().execute("INSERT INTO t (x) VALUES (1)", []).unwrap();
    db.assert_landed(None, "t", row! { x: 1 });
}

#[test]
fn the_folder_for_temporary_files_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(if cfg!(windows) { "a b%20&mode=memory#日本" } else { "a b%20?mode=memory#日本" });
    std::fs::create_dir(&odd).unwrap();

    let test = ["--ignored", "--exact", "databases::a_file_in_an_odd_folder_is_reached_by_its_uri"];
    let run = Command::new(std::env::current_exe().unwrap()).args(test).env("TMPDIR", &odd).output().unwrap();

    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert_eq!(std::fs::read_dir(&odd).unwrap().count(), 0);
}

#[test]
fn files_live_in_the_users_folder_with_the_harness() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("temp_dir = '{}'\n[default]\nstorage = 'temp_file'", folder.path().display());

    let built = Harness::builder().bind("auth", Bind::temp_file()).temp_dir(folder.path()).start().unwrap();
    let read = Harness::from_config(multibind::Config::from_toml(&config, ".").unwrap()).unwrap();

    assert!(built.path("auth").unwrap().unwrap().starts_with(folder.path()));
    assert!(read.path(None).unwrap().unwrap().starts_with(folder.path()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    drop((built, read));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A folder for files in which everything that the harness does with one is done.
fn works_in(folder: PathBuf) {
    std::fs::create_dir_all(&folder).unwrap();
    let bind = Bind::temp_file().schema(TABLE).pool_timeout(Duration::from_secs(1));
    let db = Harness::builder().default_bind(bind).temp_dir(&folder).start().unwrap();
    let before = db.snapshot().unwrap();
    db.connection(None).unwrap().execute("INSERT INTO t (x) VALUES (1)", []).unwrap();
    let log = db.record();
    Connection::open(db.uri(None).unwrap()).unwrap().execute("INSERT INTO t (x) VALUES (2)", []).unwrap();
    assert_eq!(log.on(None).unwrap().len(), 1);
    drop(log);
    let mut session = db.session();
    session.execute("INSERT INTO t (x) VALUES (3)", []).unwrap();
    session.commit().unwrap();
    drop(session);
    for x in 1..4 {
        db.assert_landed(None, "t", row! { x: x });
    }
    db.restore(&before).unwrap();
    db.assert_not_landed(None, "t", row! { x: 1 });
    let saved = db.save_to(folder.join("saved")).unwrap();
    assert!(saved.iter().all(|file| file.exists()));
    db.close().unwrap();
}

#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn a_folders_name_may_be_any_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    works_in(folder.path().join(OsStr::from_bytes(b"caf\xe9 ?\xff%")));
}

#[cfg(unix)]
#[test]
fn a_folders_path_may_begin_with_two_slashes() {
    let folder = tempfile::tempdir().unwrap();
    works_in(PathBuf::from(format!("/{}", folder.path().display())));
}

#[cfg(windows)]
#[test]
fn a_folders_path_may_be_verbatim() {
    let folder = tempfile::tempdir().unwrap();
    let verbatim = folder.path().canonicalize().unwrap();
    assert!(verbatim.to_str().unwrap().starts_with(r"\\?\"));
    works_in(verbatim);
}

#[cfg(unix)]
#[test]
fn a_folder_too_long_for_sqlite_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("a".repeat(200)).join("b".repeat(200)).join("c".repeat(200));
    std::fs::create_dir_all(&long).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&long, &link).unwrap();
    for place in [long, link] {
        let bind = Bind::temp_file().schema(TABLE);
        let error = Harness::builder().bind("auth", bind).temp_dir(&place).start().unwrap_err();
        assert!(error.to_string().starts_with("bind `auth`: cannot open `"), "{error}");
        assert!(error.to_string().ends_with("`temp_dir` or TMPDIR says where files go"), "{error}");
    }
    works_in(folder.path().join("d".repeat(200)).join("e".repeat(100)));
}

#[cfg(unix)]
#[test]
fn only_their_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let db = Harness::builder().default_bind(Bind::temp_file()).start().unwrap();
    let folder = db.path(None).unwrap().unwrap().parent().unwrap().to_path_buf();
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn an_impossible_folder_is_reported() {
    if std::env::var_os("MULTIBIND_TEST_NO_FOLDER").is_some() {
        let error = Harness::builder().default_bind(Bind::temp_file()).start().unwrap_err();
        let expected = "bind `default`: cannot make a private folder in `/nowhere/at/all`: ";
        assert!(error.to_string().starts_with(expected), "{error}");
        return;
    }
    let this = ["--exact", "databases::an_impossible_folder_is_reported"];
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(this).env("TMPDIR", "/nowhere/at/all").env("MULTIBIND_TEST_NO_FOLDER", "1");
    let run = run.output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

#[test]
fn a_harness_is_send_and_sync_and_a_session_is_send() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Harness>();
    sync::<Harness>();
    send::<multibind::Session>();
}

#[rstest]
fn close_reports_connections_that_were_not_given_back() {
    let start = || Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::temp_file()).start().unwrap();
    let db = start();
    let (one, other, third) =
        (db.connection("auth").unwrap(), db.connection("auth").unwrap(), db.connection(None).unwrap());
    assert_snapshot!(db.close().unwrap_err(), @"the harness was closed while connections of its pools were in use: 1 of `default`, 2 of `auth`. Give them back before `close`");
    drop((one, other, third));
    let db = start();
    drop(db.connection("auth").unwrap());
    db.close().unwrap();
}
