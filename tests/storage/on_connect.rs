//! The application's functions and collations on every connection of the harness: `on_connect`.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

use multibind::binds::{Lag, Storage};
use multibind::rusqlite::functions::FunctionFlags;
use multibind::rusqlite::{self, Connection};
use multibind::{changes, context, row, Bind, Config, Harness};
use rstest::rstest;

/// What the application does with each of its connections.
fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("shout", 1, flags, |call| Ok(call.get::<String>(0)?.to_uppercase()))?;
    conn.create_collation("unicase", |a, b| a.to_lowercase().cmp(&b.to_lowercase()))
}

const USER: &str = "
    CREATE TABLE user (
        name TEXT COLLATE unicase PRIMARY KEY CHECK (shout(name) <> ''), loud AS (shout(name)), n DEFAULT (shout('none'))
    ) WITHOUT ROWID;
    CREATE INDEX by_loud ON user (shout(name)) WHERE shout(name) <> 'X';
    CREATE VIEW shouted AS SELECT shout(name) AS name FROM user;
    INSERT INTO user (name) VALUES ('Ann');
";

fn start(storage: Storage) -> Harness {
    let auth = Bind::default().storage(storage).schema(USER).on_connect(set_up);
    let post =
        Bind::default().storage(storage).schema("CREATE TABLE post (author TEXT); INSERT INTO post VALUES ('ann')");
    Harness::builder().default_bind(post).bind("auth", auth).start().unwrap()
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn every_connection_of_the_harness_has_them(#[case] storage: Storage) -> multibind::Result<()> {
    let db = start(storage);
    let before = db.snapshot()?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("user.csv"), "name\nZoë\n").unwrap();

    db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('Bob')", []).unwrap();
    let mut session = db.session();
    session.table("user")?.insert(row! { name: "Eve" })?;
    assert_eq!(session.table("user")?.find(row! { name: "EVE" })?, Some(row! { name: "Eve", loud: "EVE", n: "NONE" }));
    let joined = "SELECT count(*) FROM post JOIN user ON user.name = post.author AND user.loud = shout(author)";
    assert_eq!(session.query_row(joined, [], |row| row.get::<_, i64>(0))?, 1);
    session.commit()?;
    assert_eq!(db.load_data(folder.path())?, 1);

    db.assert_landed("auth", "user", row! { name: "BOB" }).assert_landed("auth", "user", row! { loud: "EVE" });
    db.assert_landed("auth", "user", row! { name: "ZOË" }).assert_landed("auth", "shouted", row! { name: "ZOË" });
    db.assert_not_landed("auth", "user", row! { loud: "Eve" });
    db.changes_since(&before)?.assert(changes! { "auth.user" => +3 });
    assert_eq!(db.changes_since(&before)?.changes()[0].inserted()[0].get::<String>("loud")?, "BOB");

    db.restore(&before)?;
    assert_eq!(db.locate("user", row! {})?.len(), 1);
    db.drop_all("auth")?;
    db.create_all("auth")?;
    db.reset()?;
    db.assert_landed("auth", "user", row! { name: "ANN" });
    Ok(())
}

#[rstest]
fn migrations_replicas_references_saved_files_and_guards_have_them() -> multibind::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, sql: &str| std::fs::write(folder.path().join(name), sql).unwrap();
    file(
        "1_user.sql",
        "CREATE TABLE user (name TEXT COLLATE unicase PRIMARY KEY CHECK (shout(name) <> '')) WITHOUT ROWID",
    );
    file("2_loud.sql", "ALTER TABLE user ADD COLUMN loud AS (shout(name)); INSERT INTO user VALUES (shout('ann'))");
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
        .bind("auth", Bind::memory().schema_up_to(folder.path(), 1).on_connect(set_up))
        .bind("late", Bind::mirror("auth").read_only(true).lag(Lag::Manual))
        .reference("default.post.author", "auth.user.name")
        .start()?;
    db.migrate_to("auth", 2)?;
    db.assert_landed("auth", "user", row! { loud: "ANN", name: "Ann" });
    db.replicate("late")?;
    db.assert_landed("late", "user", row! { name: "ann" });
    db.assert_rows("auth", "user", [row! { name: "ANN" }]);

    db.connection(None)?.execute("INSERT INTO post VALUES ('nobody')", []).unwrap();
    assert_eq!(db.check_references()?.len(), 1);
    let saved = tempfile::tempdir().unwrap();
    assert!(db.save_to(saved.path())?.iter().any(|file| file.ends_with("auth.db")));

    let guard = db.deny_writes("auth");
    assert!(db.connection("auth")?.execute("INSERT INTO user VALUES (shout('bob'))", []).is_err());
    assert_eq!(guard.refused().len(), 1);
    let reading = "SELECT count(*) FROM user WHERE name = shout('ANN')";
    assert_eq!(db.connection("auth")?.query_row(reading, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    Ok(())
}

#[rstest]
fn tables_of_an_extension_can_be_used_everywhere() -> multibind::Result<()> {
    let schema = "CREATE TABLE day (n); INSERT INTO day SELECT value FROM generate_series(1, 3);
        CREATE VIEW next AS SELECT value AS n FROM generate_series(4, 6)";
    let auth = Bind::memory().schema(schema).on_connect(rusqlite::vtab::series::load_module);
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", auth).start()?;
    let before = db.snapshot()?;
    let mut session = db.session();
    session.execute("INSERT INTO auth.day SELECT value FROM generate_series(7, 8)", [])?;
    assert_eq!(session.query_row("SELECT max(n) FROM next", [], |row| row.get::<_, i64>(0))?, 6);
    session.commit()?;
    db.assert_landed("auth", "next", row! { n: 5 });
    db.changes_since(&before)?.assert(changes! { "auth.day" => +[row! { n: 7 }, row! { n: 8 }] });
    db.restore(&before)?;
    assert_eq!(db.locate("day", row! {})?.len(), 3);
    Ok(())
}

#[rstest]
fn a_table_that_another_connection_made_is_routed_to() -> multibind::Result<()> {
    let db = start(Storage::Memory);
    let made = "CREATE TABLE nick (name TEXT COLLATE unicase PRIMARY KEY, loud AS (shout(name))) WITHOUT ROWID";
    db.connection("auth")?.execute(made, []).unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO nick SELECT shout(name) FROM user WHERE name = 'ANN'", [])?;
    session.execute("CREATE VIEW auth.nicks AS SELECT shout(name) AS name FROM nick", [])?;
    session.execute(
        "CREATE TRIGGER auth.t AFTER INSERT ON user BEGIN INSERT INTO nick VALUES (shout(NEW.name)); END",
        [],
    )?;
    session.execute("INSERT INTO user (name) VALUES ('max')", [])?;
    assert_eq!(session.query("SELECT loud FROM nick", [], |row| row.get::<_, String>(0))?, ["ANN", "MAX"]);
    session.commit()?;
    db.assert_landed("auth", "nick", row! { name: "max", loud: "MAX" });
    Ok(())
}

#[rstest]
fn the_databases_of_a_dynamic_bind_and_replicas_have_them() -> multibind::Result<()> {
    let tenant = Bind::dynamic(|context| Ok(context.get("name")?.to_string())).schema(USER).on_connect(set_up);
    let db = Harness::builder()
        .bind("tenant", tenant)
        .bind("auth", Bind::memory().schema("CREATE TABLE member AS SELECT shout('a') AS name").on_connect(set_up))
        .bind("reader", Bind::mirror("auth").read_only(true))
        .start()?;
    let key = db.key_for("tenant", context! { name: "acme" })?;
    db.assert_landed(key.as_str(), "user", row! { name: "ANN" });
    let mut session = db.session_for(context! { name: "acme" });
    session.execute("INSERT INTO tenant.user (name) VALUES ('bob')", [])?;
    session.commit()?;
    db.assert_landed(key.as_str(), "user", row! { loud: "BOB" });
    let reader = db.connection("reader")?;
    assert_eq!(
        reader
            .query_row("SELECT shout(name) FROM member WHERE name = 'a' COLLATE unicase", [], |row| row
                .get::<_, String>(0))
            .unwrap(),
        "A"
    );
    Ok(())
}

#[rstest]
fn rows_for_property_tests_fit_a_table_that_needs_them() {
    use proptest::strategy::{Strategy, ValueTree};
    let db = start(Storage::Memory);
    let rows = db.any_row("auth", "user").unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let row = rows.new_tree(&mut runner).unwrap().current();
    db.session().table("user").unwrap().insert(row).unwrap();
}

#[rstest]
fn a_configuration_has_one_for_all_binds_which_runs_first() {
    let config = Config::from_toml(
        "[default]\nschema_sql = 'CREATE TABLE t (x DEFAULT (shout(1)))'\n[binds.auth]\nschema_sql = 'CREATE TABLE u (x)'",
        ".",
    );
    let db = Harness::from_config(config.unwrap().on_connect(set_up)).unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO u VALUES (shout('a'))", []).unwrap();
    db.assert_landed("auth", "u", row! { x: "A" });

    let own = Bind::memory().on_connect(|conn: &Connection| conn.pragma_update(None, "cache_size", 77));
    let config = Config::new().default_bind(own).on_connect(|conn| conn.pragma_update(None, "cache_size", 66));
    let db = Harness::from_config(config).unwrap();
    let conn = db.connection(None).unwrap();
    assert_eq!(conn.pragma_query_value(None, "cache_size", |row| row.get::<_, i64>(0)).unwrap(), 77);
}

#[rstest]
fn on_connect_runs_after_pragmas_and_not_on_application_connections() {
    let seen = Arc::new(AtomicI64::new(0));
    let note = Arc::clone(&seen);
    let look = move |conn: &Connection| {
        note.store(conn.pragma_query_value(None, "cache_size", |row| row.get(0))?, Ordering::Relaxed);
        set_up(conn)
    };
    let db = Harness::builder().default_bind(Bind::memory().pragma("cache_size", 55).on_connect(look)).start().unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 55);
    let own = Connection::open(db.uri(None).unwrap()).unwrap();
    assert!(own.prepare("SELECT shout('a')").is_err());
}

#[rstest]
fn a_failing_on_connect_is_an_error_at_start() {
    let start = |bind: Bind| Harness::builder().bind("auth", bind).start().unwrap_err();
    let fails = Bind::memory().on_connect(|conn: &Connection| conn.execute_batch("PRAGMA no such thing"));
    insta::assert_snapshot!(start(fails), @r#"bind `auth`: `on_connect` failed: near "such": syntax error"#);
    let refuses = Bind::memory().on_connect(|_: &Connection| Err::<(), _>("no extension `vec0`"));
    insta::assert_snapshot!(start(refuses), @"bind `auth`: `on_connect` failed: no extension `vec0`");
    let panics = Bind::memory().on_connect(|_: &Connection| -> rusqlite::Result<()> { panic!("no key") });
    insta::assert_snapshot!(start(panics), @"bind `auth`: `on_connect` panicked: no key");
    let begins = Bind::memory().on_connect(|conn: &Connection| conn.execute_batch("BEGIN"));
    insta::assert_snapshot!(start(begins), @"bind `auth`: `on_connect` left a transaction open: commit it before returning");
}

#[rstest]
fn a_failed_on_connect_fails_the_connection() {
    let runs = AtomicI64::new(0);
    let bind =
        Bind::memory().pool_timeout(std::time::Duration::from_millis(50)).on_connect(move |_: &Connection| match runs
            .fetch_add(1, Ordering::Relaxed)
        {
            0 => Ok(()),
            _ => Err("the key is gone"),
        });
    let db = Harness::builder().bind("auth", bind.schema("CREATE TABLE user (name)")).start().unwrap();
    insta::assert_snapshot!(db.session().execute("DELETE FROM user", []).unwrap_err(), @r"
    bind `auth`: `on_connect` failed: the key is gone
      in: DELETE FROM user
    ");
    // A loaded machine takes longer than the pool waits to try it.
    let errors = std::iter::repeat_with(|| db.connection("auth").unwrap_err().to_string());
    let tried = errors.take(1000).find(|error| !error.ends_with("waiting for connection")).unwrap();
    insta::assert_snapshot!(tried, @"bind `auth`: the pool gave no connection: timed out waiting for connection: `on_connect` failed: the key is gone");
    let message = catch_unwind(AssertUnwindSafe(|| db.assert_not_landed("auth", "user", row! { name: 1 }).binds()));
    let message = *message.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("`on_connect` failed: the key is gone"), "{message}");
}

#[rstest]
fn without_it_a_message_says_that_it_is_there() {
    let start = |bind: Bind| Harness::builder().bind("auth", bind).start().unwrap_err().to_string();
    insta::assert_snapshot!(start(Bind::memory().schema("CREATE TABLE t (x, y AS (shout(x))); INSERT INTO t VALUES (1)")), @"bind `auth`: the schema failed at line 1: no such function: shout; if it is the application's, give it to the harness with `on_connect`");
    insta::assert_snapshot!(start(Bind::memory().schema("CREATE TABLE t (x COLLATE unicase UNIQUE)")), @"bind `auth`: the schema failed at line 1: no such collation sequence: unicase; if it is the application's, give it to the harness with `on_connect`");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "name\nann\n").unwrap();
    let made = |conn: &mut Connection| {
        set_up(conn)?;
        conn.execute_batch("CREATE TABLE t (name COLLATE unicase PRIMARY KEY) WITHOUT ROWID")
    };
    let db = Harness::builder().bind("auth", Bind::memory().schema_with(made)).start().unwrap();
    let said = db.load_data(folder.path()).unwrap_err().to_string();
    insta::assert_snapshot!(said.replace(&folder.path().display().to_string(), "[folder]"), @"[folder]/t.csv:1 (bind `auth`): no such collation sequence: unicase; if it is the application's, give it to the harness with `on_connect`; nothing was loaded");
    insta::assert_snapshot!(db.session().execute("INSERT INTO t VALUES ('ann')", []).unwrap_err(), @r"
    SQLite does not accept the statement: no such collation sequence: unicase; if it is the application's, give it to the harness with `on_connect`
      in: INSERT INTO t VALUES ('ann')
    ");
}

#[rstest]
fn a_function_that_differs_each_time_makes_the_database_anew() {
    fn ids(conn: &Connection) -> rusqlite::Result<()> {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let flags = FunctionFlags::SQLITE_UTF8;
        conn.create_scalar_function("next_id", 0, flags, |_| Ok(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
    let bind = || {
        Bind::memory().schema("CREATE TABLE t (x DEFAULT (next_id())); INSERT INTO t DEFAULT VALUES").on_connect(ids)
    };
    let value = || {
        let db = Harness::builder().bind("auth", bind()).start().unwrap();
        db.locate("t", row! {}).unwrap()[0].row().get::<i64>("x").unwrap()
    };
    assert_ne!(value(), value());
}

#[rstest]
fn a_function_that_replaces_one_of_sqlite_makes_the_database_anew() {
    fn count(conn: &Connection, name: &str, arguments: i32, flags: FunctionFlags) -> rusqlite::Result<()> {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        conn.create_scalar_function(name, arguments, flags, |_| Ok(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
    fn value<F>(call: &str, on_connect: F) -> i64
    where
        F: Fn(&Connection) -> rusqlite::Result<()> + Send + Sync + 'static,
    {
        let schema = format!("CREATE TABLE t (x); INSERT INTO t VALUES ({call})");
        let db = Harness::builder().bind("auth", Bind::memory().schema(schema).on_connect(on_connect)).start().unwrap();
        db.locate("t", row! {}).unwrap()[0].row().get("x").unwrap()
    }
    const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8;
    let random = || value("random()", |conn| count(conn, "random", 0, FLAGS));
    assert_ne!(random(), random());
    let any_arguments = || value("random(1, 2)", |conn| count(conn, "random", -1, FLAGS));
    assert_ne!(any_arguments(), any_arguments());
    const INNOCUOUS: FunctionFlags = FunctionFlags::SQLITE_INNOCUOUS;
    let randomblob = || value("randomblob(8)", |conn| count(conn, "randomblob", 1, FLAGS | INNOCUOUS));
    assert_ne!(randomblob(), randomblob());
    let datetime = || value("datetime('now')", |conn| count(conn, "datetime", 1, FLAGS));
    assert_ne!(datetime(), datetime());
    let now = || value("CURRENT_TIMESTAMP", |conn| count(conn, "current_timestamp", 0, FLAGS));
    assert_ne!(now(), now());
    let fixed = || value("random()", |conn| count(conn, "random", 0, FLAGS | FunctionFlags::SQLITE_DETERMINISTIC));
    assert_eq!(fixed(), fixed(), "a deterministic one gives the same each time, so the database is copied");
}
