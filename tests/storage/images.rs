//! A bind's database is copied from an image, and is what running its SQL by hand makes: table by table, row by row,
//! pragma by pragma.

use std::fmt::Write;

use multibind::binds::Storage;
use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, Connection};
use multibind::{context, Bind, Harness};
use rstest::rstest;

use crate::statements::started_by;

/// Tables of every kind that SQLite has, with counters that rows alone do not tell.
const TABLES: &str = "
    CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE, born REAL);
    CREATE TABLE post (id INTEGER PRIMARY KEY, author REFERENCES user ON DELETE CASCADE, body BLOB, n AS (length(body)));
    CREATE TABLE setting (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
    CREATE TABLE never_filled (id INTEGER PRIMARY KEY AUTOINCREMENT);
    CREATE TABLE gone (x); INSERT INTO gone VALUES (zeroblob(9000)); DROP TABLE gone;
    CREATE INDEX post_author ON post (author) WHERE author IS NOT NULL;
    CREATE INDEX post_length ON post (n);
    CREATE VIEW author AS SELECT name FROM user JOIN post ON post.author = user.id;
    CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT);
    CREATE TRIGGER logged AFTER INSERT ON user BEGIN INSERT INTO log (line) VALUES ('new ' || new.name); END;
    INSERT INTO user (name, born) VALUES ('ann', 1.5), ('日本', NULL), ('bob', -0.0), ('zoë', 9e300);
    DELETE FROM user WHERE name = 'zoë';
    INSERT INTO user (id, name) VALUES (1000, 'max');
    DELETE FROM user WHERE id = 1000;
    INSERT INTO post (author, body) VALUES (1, zeroblob(20000)), (NULL, x'00ff'), (3, 'text');
    INSERT INTO setting VALUES ('b', 1), ('a', x'ff'), ('c', NULL);
    CREATE VIRTUAL TABLE search USING fts5 (body);
    INSERT INTO search VALUES ('the quick brown fox'), ('the lazy dog');
    CREATE VIRTUAL TABLE area USING rtree (id, x0, x1);
    INSERT INTO area VALUES (1, 0.0, 2.0);
    ANALYZE;
";

/// What a database is, apart from where it is kept.
const PRAGMAS: [&str; 9] = [
    "user_version",
    "application_id",
    "encoding",
    "page_size",
    "auto_vacuum",
    "foreign_keys",
    "freelist_count",
    "foreign_key_check",
    "integrity_check",
];

/// All that a connection can read of its database.
fn state(conn: &Connection) -> String {
    let mut text = String::new();
    for pragma in PRAGMAS {
        list(conn, &format!("PRAGMA {pragma}"), &mut text);
    }
    // No page at all, or one with nothing on it: neither holds anything.
    list(conn, "SELECT max(1, page_count) FROM pragma_page_count", &mut text);
    list(conn, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid", &mut text);
    let mut names =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name").unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for name in names.collect::<rusqlite::Result<Vec<_>>>().unwrap() {
        list(conn, &format!("SELECT * FROM \"{name}\""), &mut text);
        list(conn, &format!("PRAGMA table_xinfo(\"{name}\")"), &mut text);
        list(conn, &format!("PRAGMA foreign_key_list(\"{name}\")"), &mut text);
        list(conn, &format!("PRAGMA index_list(\"{name}\")"), &mut text);
    }
    text
}

fn list(conn: &Connection, sql: &str, text: &mut String) {
    writeln!(text, "{sql}").unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let values: Vec<Value> = (0..columns).map(|at| row.get(at).unwrap()).collect();
        writeln!(text, "  {values:?}").unwrap();
    }
}

/// A database that rusqlite opens and the SQL is run on.
fn by_hand(pragmas: &[(&str, Value)], foreign_keys: bool, sql: &str) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.pragma_update(None, "foreign_keys", foreign_keys).unwrap();
    for (name, value) in pragmas {
        conn.pragma_update(None, name, value).unwrap();
    }
    conn.execute_batch(sql).unwrap();
    conn
}

/// Starts the same bind twice, the first time from its SQL and then from the image, and compares each with `by_hand`:
/// as started, and as `reset` puts it back.
fn assert_like_by_hand(storage: Storage, pragmas: &[(&str, Value)], foreign_keys: bool, sql: &str) {
    let wanted = state(&by_hand(pragmas, foreign_keys, sql));
    let bind = || {
        let bind = Bind::default().storage(storage).schema(sql).foreign_keys(foreign_keys);
        pragmas.iter().fold(bind, |bind, (name, value)| bind.pragma(*name, value.clone()))
    };
    for start in ["first", "second"] {
        let db = Harness::builder().bind("auth", bind()).start().unwrap();
        let conn = db.connection("auth").unwrap();
        assert_eq!(state(&conn), wanted, "the {start} start");

        conn.execute_batch("CREATE TABLE made_later (id INTEGER PRIMARY KEY AUTOINCREMENT, x)").unwrap();
        conn.execute_batch("INSERT INTO made_later (x) SELECT randomblob(5000) FROM sqlite_schema").unwrap();
        drop(conn);
        db.reset().unwrap();
        assert_eq!(state(&db.connection("auth").unwrap()), wanted, "the {start} start, reset");
    }
}

const STORAGES: [Storage; 3] = [Storage::Memory, Storage::MemDb, Storage::TempFile];

#[rstest]
#[case::tables("", "")]
#[case::user_version("", "PRAGMA user_version = -7;")]
#[case::application_id("", "PRAGMA application_id = 252006673;")]
#[case::utf_16le("PRAGMA encoding = 'UTF-16le';", "")]
#[case::utf_16be("PRAGMA encoding = 'UTF-16be';", "")]
#[case::small_pages("PRAGMA page_size = 512;", "")]
#[case::large_pages("PRAGMA page_size = 65536;", "")]
#[case::auto_vacuum("PRAGMA auto_vacuum = FULL;", "")]
#[case::incremental_vacuum("PRAGMA auto_vacuum = INCREMENTAL;", "")]
#[case::all_of_them(
    "PRAGMA encoding = 'UTF-16be'; PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2;",
    "PRAGMA user_version = 3; PRAGMA application_id = 4;"
)]
#[case::vacuumed("", "VACUUM;")]
fn a_database_is_what_its_sql_makes_by_hand(
    #[case] before: &str,
    #[case] after: &str,
    #[values(true, false)] foreign_keys: bool,
) {
    for storage in STORAGES {
        assert_like_by_hand(storage, &[], foreign_keys, &format!("{before}{TABLES}{after}"));
    }
}

#[rstest]
#[case::utf_16le("encoding", "UTF-16le".to_string())]
#[case::utf_16be("encoding", "UTF-16be".to_string())]
#[case::small_pages("page_size", 512)]
#[case::large_pages("page_size", 65536)]
#[case::auto_vacuum("auto_vacuum", 1)]
#[case::incremental_vacuum("auto_vacuum", "INCREMENTAL".to_string())]
#[case::user_version("user_version", 9)]
#[case::application_id("application_id", -1)]
fn pragmas_shape_a_database_as_by_hand(#[case] name: &str, #[case] value: impl Into<Value>) {
    let pragmas = [(name, value.into())];
    for storage in STORAGES {
        assert_like_by_hand(storage, &pragmas, true, TABLES);
    }
}

#[rstest]
#[case::nothing("")]
#[case::a_version_alone("PRAGMA user_version = 5; PRAGMA application_id = 6;")]
#[case::an_encoding_alone("PRAGMA encoding = 'UTF-16le';")]
#[case::an_auto_vacuum_alone("PRAGMA auto_vacuum = INCREMENTAL;")]
#[case::a_page_size_alone("PRAGMA page_size = 8192;")]
#[case::tables_that_are_gone(
    "PRAGMA page_size = 512; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(9999)); DROP TABLE t;"
)]
#[case::a_counter_of_a_table_that_is_empty(
    "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (41); DELETE FROM t;"
)]
fn an_empty_database_is_as_made_by_hand(#[case] sql: &str) {
    for storage in STORAGES {
        assert_like_by_hand(storage, &[], true, sql);
    }
}

#[rstest]
#[case::encoding("encoding", "UTF-16be".to_string())]
#[case::page_size("page_size", 512)]
#[case::auto_vacuum("auto_vacuum", 1)]
#[case::user_version("user_version", 9)]
fn later_tables_follow_the_binds_pragmas(#[case] name: &str, #[case] value: impl Into<Value>) {
    let value = value.into();
    for storage in STORAGES {
        let db = Harness::builder()
            .default_bind(Bind::default().storage(storage).pragma(name, value.clone()))
            .start()
            .unwrap();
        let wanted = by_hand(&[(name, value.clone())], true, "CREATE TABLE t (x)");
        let conn = db.connection(None).unwrap();
        conn.execute_batch("CREATE TABLE t (x)").unwrap();
        assert_eq!(state(&conn), state(&wanted));
    }
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_read_only_bind_has_its_tables(#[case] storage: Storage, #[values("", TABLES)] sql: &str) {
    let bind = Bind::default().storage(storage).schema(sql).pragma("query_only", true);
    let db = Harness::builder().default_bind(bind).start().unwrap();
    let conn = db.connection(None).unwrap();

    assert_eq!(state(&conn), state(&by_hand(&[], true, sql)));
    let refused = conn.execute("CREATE TABLE t (x)", []).unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused, @"attempt to write a readonly database");
    }
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn counters_continue_in_each_database(#[case] storage: Storage) {
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x);
        INSERT INTO t (id) VALUES (41); DELETE FROM t;";
    for _ in 0..2 {
        let db = Harness::builder().default_bind(Bind::default().storage(storage).schema(sql)).start().unwrap();
        for _ in 0..2 {
            let conn = db.connection(None).unwrap();
            conn.execute("INSERT INTO t (x) VALUES (1)", []).unwrap();
            assert_eq!(conn.last_insert_rowid(), 42);
            drop(conn);
            db.reset().unwrap();
        }
    }
}

// An image is copied only where making it again would give the same.

/// A folder with one file.
fn folder(name: &str, content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    folder
}

fn start(bind: Bind) -> Harness {
    Harness::builder().bind("auth", bind).start().unwrap()
}

/// The one value of the table `token`.
fn token(db: &Harness, key: &str) -> Value {
    db.connection(key).unwrap().query_row("SELECT value FROM token", [], |row| row.get(0)).unwrap()
}

/// The statements with which a second start makes tables.
fn made_again(bind: impl Fn() -> Bind) -> Vec<String> {
    let _first = start(bind());
    let (_second, statements) = started_by(|| start(bind()));
    statements.into_iter().filter(|statement| statement.is_ddl()).map(|statement| statement.sql).collect()
}

#[rstest]
#[case::in_an_insert("CREATE TABLE token (value); INSERT INTO token VALUES (random());")]
#[case::within_an_expression("CREATE TABLE token (value); INSERT INTO token SELECT hex(randomblob(16)) WHERE 1;")]
#[case::as_a_default("CREATE TABLE token (id, value DEFAULT (random())); INSERT INTO token (id) VALUES (1);")]
#[case::as_a_default_of_all(
    "CREATE TABLE token (value DEFAULT (hex(randomblob(8)))); INSERT INTO token DEFAULT VALUES;"
)]
#[case::in_a_trigger(
    "CREATE TABLE user (id); CREATE TABLE token (value);
     CREATE TRIGGER given AFTER INSERT ON user BEGIN INSERT INTO token VALUES (randomblob(16)); END;
     INSERT INTO user VALUES (1);"
)]
#[case::in_a_view("CREATE VIEW dice AS SELECT random() AS value; CREATE TABLE token AS SELECT value FROM dice;")]
#[case::in_an_update("CREATE TABLE token (value); INSERT INTO token VALUES (1); UPDATE token SET value = random();")]
#[case::as_a_rowid(
    "CREATE TABLE token (value INTEGER PRIMARY KEY); INSERT INTO token VALUES (9223372036854775807), (NULL);
     DELETE FROM token WHERE value = 9223372036854775807;"
)]
fn a_random_value_of_a_schema_is_another_in_each_harness(#[case] sql: &str, #[values(0, 1, 2, 3)] way: usize) {
    let folder = folder("auth.sql", sql);
    let file = folder.path().join("auth.sql");
    let bind = || match way {
        0 => Bind::memory().schema(sql),
        1 => Bind::memdb().schema_path(&file),
        2 => Bind::temp_file().schema("CREATE TABLE other (x)").data(&file),
        _ => Bind::shared_cache().schema("CREATE TABLE other (x)").schema(sql).foreign_keys(false),
    };
    let (first, second) = (start(bind()), start(bind()));
    assert_ne!(token(&first, "auth"), token(&second, "auth"));
}

#[rstest]
fn random_values_differ_between_harnesses() {
    let bind = || {
        Bind::memory()
            .schema_with(|conn| conn.execute_batch("CREATE TABLE token AS SELECT hex(randomblob(8)) AS value"))
    };
    assert_ne!(token(&start(bind()), "auth"), token(&start(bind()), "auth"));
}

#[rstest]
fn data_rows_get_the_defaults_of_their_harness() {
    let folder = folder("token.csv", "id\n1\n");
    let bind = || Bind::memory().schema("CREATE TABLE token (id, value DEFAULT (random()))").data(folder.path());
    assert_ne!(token(&start(bind()), "auth"), token(&start(bind()), "auth"));
}

#[rstest]
fn data_without_a_bind_gets_defaults_of_its_own_harness() {
    let folder = folder("token.csv", "id\n1\n");
    let start = || {
        let bind = Bind::memory().schema("CREATE TABLE token (id, value DEFAULT (random()))");
        Harness::builder().bind("auth", bind).data(folder.path()).start().unwrap()
    };
    assert_ne!(token(&start(), "auth"), token(&start(), "auth"));
}

#[rstest]
#[case::current_date("CREATE TABLE made AS SELECT CURRENT_DATE AS at;")]
#[case::now("CREATE TABLE made AS SELECT datetime('now', '-1 day') AS at;")]
#[case::an_argument_of_a_column(
    "CREATE TABLE word (x); INSERT INTO word VALUES ('now'); CREATE TABLE made AS SELECT date(x) FROM word;"
)]
#[case::no_argument("CREATE TABLE made AS SELECT datetime() AS at, date() AS day;")]
#[case::strftime("CREATE TABLE made AS SELECT strftime('%s', 'now') AS at;")]
fn a_schema_that_asks_for_the_time_runs_at_each_start(#[case] sql: &str) {
    let made = made_again(|| Bind::memory().schema(sql));
    assert!(made.iter().any(|statement| statement.starts_with("CREATE TABLE made")), "{made:?}");
}

#[rstest]
#[case::current_timestamp(
    "CREATE TABLE made (id, at DEFAULT CURRENT_TIMESTAMP); CREATE INDEX later ON made (at); INSERT INTO made (id) VALUES (1);"
)]
#[case::unixepoch("CREATE TABLE made (id, at DEFAULT (unixepoch())); INSERT INTO made (id) VALUES (1)")]
fn only_the_statement_that_asks_and_what_follows_run_at_each_start(#[case] sql: &str) {
    let start = || start(Bind::memory().schema(format!("{sql}; UPDATE made SET id = 2;")));
    let _first = start();
    let (_second, statements) = started_by(start);
    let writes = statements.into_iter().filter(|statement| statement.writes).map(|statement| statement.sql);
    assert_eq!(writes.collect::<Vec<_>>(), ["INSERT INTO made (id) VALUES (1);", "UPDATE made SET id = 2;"]);
}

#[rstest]
fn the_now_of_a_seed_is_the_start_of_its_harness() {
    let schema = "CREATE TABLE token (value DEFAULT (julianday('now'))); INSERT INTO token DEFAULT VALUES;";
    let moment = |value: Value| match value {
        Value::Real(days) => days,
        other => panic!("{other:?}"),
    };
    let clock = Connection::open_in_memory().unwrap();
    let now = || clock.query_row("SELECT julianday('now')", [], |row| row.get::<_, f64>(0)).unwrap();
    let first = moment(token(&start(Bind::memory().schema(schema)), "auth"));
    // Its clock counts milliseconds.
    while now() <= first {}
    let second = moment(token(&start(Bind::memory().schema(schema)), "auth"));
    assert!(second > first);
}

#[rstest]
#[case::a_default_that_no_row_gets("CREATE TABLE made (id, at DEFAULT CURRENT_TIMESTAMP, token DEFAULT (random()));")]
#[case::a_moment_that_is_written_out("CREATE TABLE made AS SELECT datetime('2024-01-01', '+1 day') AS at;")]
#[case::a_trigger_that_nothing_fires(
    "CREATE TABLE made (at); CREATE TRIGGER t AFTER INSERT ON made BEGIN UPDATE made SET at = datetime('now'); END;"
)]
#[case::a_view_that_nothing_reads("CREATE VIEW moment AS SELECT random(), datetime('now');")]
#[case::every_kind_of_table(&format!("{TABLES} VACUUM;"))]
#[case::words_alone("CREATE TABLE random (now); INSERT INTO random VALUES ('now'), ('CURRENT_TIMESTAMP');")]
#[case::a_large_rowid("CREATE TABLE made (id INTEGER PRIMARY KEY); INSERT INTO made VALUES (9223372036854775806);")]
fn a_schema_that_only_could_ask_is_copied(#[case] sql: &str) {
    assert_eq!(made_again(|| Bind::memory().schema(sql)), [] as [String; 0]);
}

const TOKEN: &str = "CREATE TABLE token (value); INSERT INTO token VALUES (hex(randomblob(16)));";

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn reset_and_restore_bring_the_value_of_their_own_harness_back(#[case] storage: Storage) {
    let db = start(Bind::default().storage(storage).schema(TOKEN));
    let (given, before) = (token(&db, "auth"), db.snapshot().unwrap());
    let change = || db.connection("auth").unwrap().execute("UPDATE token SET value = 'x'", []).unwrap();
    change();
    db.reset().unwrap();
    assert_eq!(token(&db, "auth"), given);
    change();
    db.restore(&before).unwrap();
    assert_eq!(token(&db, "auth"), given);
}

#[rstest]
fn binds_and_databases_of_one_schema_have_their_own_values() {
    let db = Harness::builder()
        .bind("auth", Bind::memory().schema(TOKEN))
        .bind("meta", Bind::memory().schema(TOKEN))
        .bind("tenant", Bind::dynamic(|context| Ok(context.get("name")?.to_string())).schema(TOKEN))
        .start()
        .unwrap();
    let tenants = ["one", "two"].map(|name| db.key_for("tenant", context! { name: name }).unwrap());
    let of_tenant = |key: &multibind::BindKey| token(&db, key.as_str().unwrap());
    let values = [token(&db, "auth"), token(&db, "meta"), of_tenant(&tenants[0]), of_tenant(&tenants[1])];
    for (at, value) in values.iter().enumerate() {
        assert!(!values[..at].contains(value), "{values:?}");
    }
    assert_eq!(of_tenant(&tenants[0]), values[2]);
}

#[test]
fn threads_that_start_at_once_have_values_of_their_own() {
    let schema = "CREATE TABLE token (value); INSERT INTO token VALUES (hex(randomblob(16))); -- of threads";
    let barrier = std::sync::Barrier::new(8);
    let values = std::thread::scope(|scope| {
        let threads = [(); 8].map(|()| {
            scope.spawn(|| {
                barrier.wait();
                token(&start(Bind::memory().schema(schema)), "auth")
            })
        });
        threads.map(|thread| thread.join().unwrap())
    });
    for (at, value) in values.iter().enumerate() {
        assert!(!values[..at].contains(value), "{values:?}");
    }
}

#[test]
fn a_closed_dynamic_database_counts_as_new() {
    let bind = Bind::dynamic(|context| Ok(context.get("name")?.to_string())).schema(TOKEN);
    let db = Harness::builder().bind("tenant", bind).start().unwrap();
    let one = || db.key_for("tenant", context! { name: "one" }).unwrap();
    let given = token(&db, one().as_str().unwrap());
    let before = db.snapshot().unwrap();
    db.close_database(one()).unwrap();
    db.changes_since(&before).unwrap().assert_none();
    db.restore(&before).unwrap();
    assert_eq!(token(&db, one().as_str().unwrap()), given);
    db.close_database(one()).unwrap();
    assert_ne!(token(&db, one().as_str().unwrap()), given);
}
