//! A bind's database is copied from an image, and is what running its SQL by hand makes: table by table, row by row,
//! pragma by pragma.
#![allow(clippy::unwrap_used, reason = "what does not go on here fails the test")]

use std::fmt::Write;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, Connection};
use multibind::{Bind, Harness, Storage};
use rstest::rstest;

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
fn a_pragma_of_a_bind_shapes_its_database_as_it_does_by_hand(#[case] name: &str, #[case] value: impl Into<Value>) {
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
fn a_database_without_tables_or_rows_is_what_its_sql_makes_by_hand(#[case] sql: &str) {
    for storage in STORAGES {
        assert_like_by_hand(storage, &[], true, sql);
    }
}

#[rstest]
#[case::encoding("encoding", "UTF-16be".to_string())]
#[case::page_size("page_size", 512)]
#[case::auto_vacuum("auto_vacuum", 1)]
#[case::user_version("user_version", 9)]
fn tables_made_after_the_start_are_made_as_a_pragma_of_the_bind_says(
    #[case] name: &str,
    #[case] value: impl Into<Value>,
) {
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
fn a_bind_that_is_read_only_for_its_application_has_its_tables(
    #[case] storage: Storage,
    #[values("", TABLES)] sql: &str,
) {
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
fn a_counter_goes_on_where_the_image_left_it_in_each_database(#[case] storage: Storage) {
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
