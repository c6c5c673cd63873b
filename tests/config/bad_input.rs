//! Input that nobody meant: by example where something once went wrong, and generated.
//!
//! 64 generated inputs of each kind, always the same; `PROPTEST_CASES` asks for more, `PROPTEST_RNG_SEED` for others.

use std::time::Duration;

use crate::folder::Folder;
use crate::targets;
use multibind::{Bind, Config, Error, Harness, Result};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rstest::rstest;

const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;";

fn start(bind: Bind) -> Result<Harness> {
    Harness::builder().bind("auth", bind).start()
}

// What does not end.

#[test]
fn an_endless_schema_error_names_the_line() {
    let schema = format!("CREATE TABLE user (name TEXT);\n\n{ENDLESS}");
    let bind = Bind::memory().schema(schema).schema_timeout(Duration::from_millis(20));
    insta::assert_snapshot!(start(bind).unwrap_err(), @"bind `auth`: the schema failed at line 3: it ran for longer than 20ms: if it ends at all, allow it more with `schema_timeout`");
}

#[rstest]
#[case::a_query(ENDLESS.to_string())]
#[case::rows("CREATE TABLE t AS ".to_string() + ENDLESS)]
#[case::outside_of_a_transaction("PRAGMA foreign_keys = OFF; ".to_string() + ENDLESS)]
#[case::in_its_own_transaction("BEGIN; CREATE TABLE t (x); ".to_string() + ENDLESS + " COMMIT;")]
#[case::in_a_trigger("CREATE TABLE t (x); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t ".to_string() + ENDLESS + " END; INSERT INTO t VALUES (1);")]
fn a_schema_ends_whatever_in_it_does_not(#[case] schema: String) {
    let bind = Bind::memory().schema(schema).schema_timeout(Duration::from_millis(20));
    assert!(matches!(start(bind), Err(Error::Schema { line: Some(_), .. })));
}

#[test]
fn endless_data_error_names_file_and_line() {
    let files = Folder::with([("auth.sql", format!("INSERT INTO user VALUES ('ann');\n{ENDLESS}"))]);
    let bind = Bind::memory().schema("CREATE TABLE user (name TEXT)").schema_timeout(Duration::from_millis(20));
    let db = start(bind.clone()).unwrap();
    insta::assert_snapshot!(files.refused(start(bind.data(files.file("auth.sql")))), @"[folder]/auth.sql:2 (bind `auth`): it ran for longer than 20ms: if it ends at all, allow it more with `schema_timeout`; nothing was loaded");
    insta::assert_snapshot!(files.shown(&db.load_data(files.file("auth.sql")).unwrap_err()), @"[folder]/auth.sql:2 (bind `auth`): it ran for longer than 20ms: if it ends at all, allow it more with `schema_timeout`; nothing was loaded");
    assert_eq!(db.session().table("user").unwrap().count(multibind::row! {}).unwrap(), 0);
    // The connection that the data was loaded on is not the next one's limit.
    db.session().execute("INSERT INTO user VALUES ('bob')", []).unwrap();
}

#[rstest]
#[case("schema_timeout = 0", "`schema_timeout` must be a number of seconds above 0, not 0")]
#[case("schema_timeout = 'long'", "`schema_timeout` must be a number of seconds above 0, not a string")]
fn a_limit_that_is_none_is_refused(#[case] setting: &str, #[case] problem: &str) {
    let error = Config::from_toml(&format!("[binds.auth]\n{setting}"), ".").unwrap_err();
    assert_eq!(error.to_string(), format!("line 2: bind `auth`: {problem}"));
}

#[test]
fn a_limit_of_no_time_is_refused() {
    let error = start(Bind::memory().schema_timeout(Duration::ZERO)).unwrap_err();
    insta::assert_snapshot!(error, @"bind `auth`: `schema_timeout` must be above 0 and at most 4294967295s, not 0ns");
}

#[rstest]
#[case::csv("t.csv", |names: &str| format!("{names}\n"))]
#[case::json("t.json", |names: &str| format!("[{{\"{}\": 1}}]", names.replace(',', "\": 1, \"")))]
fn a_row_with_too_many_columns_is_refused_at_once(#[case] name: &'static str, #[case] text: fn(&str) -> String) {
    // More than SQLite can be built for.
    let names = (0..33_000).map(|at| format!("a{at}")).collect::<Vec<_>>().join(",");
    let files = Folder::with([(name, text(&names))]);
    let error = start(Bind::memory().schema("CREATE TABLE t (a0)").data(files.path())).unwrap_err();
    assert_eq!(
        files.shown(&error),
        format!("[folder]/{name}:1 (bind `auth`): table `t` has no column `a1`: the nearest is `a0`; its columns are a0; nothing was loaded")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
    use rustix::fs::{mknodat, FileType, Mode, CWD};

    let files = Folder::with([("readme", "")]);
    for name in ["pipe.sql", "t.csv", "binds.toml"] {
        mknodat(CWD, files.file(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }
    insta::assert_snapshot!(files.refused(start(Bind::memory().schema_path(files.file("pipe.sql")))), @"bind `auth`: the schema failed at [folder]/pipe.sql: the file cannot be read: it is no ordinary file");
    insta::assert_snapshot!(files.refused(Harness::from_file(files.file("binds.toml"))), @"cannot read the configuration `[folder]/binds.toml`: it is no ordinary file");
    insta::assert_snapshot!(files.refused(start(Bind::memory().data(files.file("t.csv")))), @"[folder]/t.csv (bind `auth`): the file cannot be read: it is no ordinary file; nothing was loaded");
}

#[test]
fn a_long_chain_of_foreign_keys_takes_no_long_stack() {
    const TABLES: usize = 1000;
    let chain =
        (1..TABLES).map(|at| format!("CREATE TABLE t{at} (id INTEGER PRIMARY KEY, next REFERENCES t{});", at + 1));
    let schema = chain.collect::<String>() + &format!("CREATE TABLE t{TABLES} (id INTEGER PRIMARY KEY);");
    let files = Folder::with([("t1.csv", "id,next\n1,2\n".to_string()), ("t2.csv", "id\n2\n".to_string())]);
    let bind = Bind::memory().schema(schema).data(files.path());
    let work = move || drop(start(bind).unwrap());
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
}

// Files that are none of ours.

#[rstest]
#[case::attached("ATTACH 'production.db' AS p", "it would open the file `production.db`, and a schema or data reaches its own bind's database only: copy what it needs into a data file, or open the file in a migrator, with `schema_with`")]
#[case::by_an_expression("ATTACH 'production' || '.db' AS p", "it would open the file, and a schema or data reaches its own bind's database only: copy what it needs into a data file, or open the file in a migrator, with `schema_with`")]
#[case::by_uri("ATTACH 'file:production.db?mode=ro' AS p", "it would open the file `file:production.db?mode=ro`, and a schema or data reaches its own bind's database only: copy what it needs into a data file, or open the file in a migrator, with `schema_with`")]
#[case::vacuumed_into("VACUUM INTO 'production.db'", "it would open the file `production.db`, and a schema or data reaches its own bind's database only: copy what it needs into a data file, or open the file in a migrator, with `schema_with`")]
#[case::the_memory_of_all("PRAGMA hard_heap_limit = 1", "pragma `hard_heap_limit` changes how much memory all connections of the process may use: limit a bind's own with `max_page_count` instead")]
#[case::the_folder_of_all("PRAGMA Temp_Store_Directory = '/tmp'", "pragma `temp_store_directory` changes where every connection of the process keeps its files: set `temp_dir` instead")]
fn a_schema_opens_no_file(#[case] sql: &str, #[case] problem: &str) {
    let folder = Folder::with([("production.db", "not even a database")]);
    let sql = sql.replace("production", &folder.file("production").display().to_string());
    let problem = problem.replace("production", "[folder]/production");
    let error = folder.refused(start(Bind::memory().schema(format!("CREATE TABLE t (x);\n{sql};"))));
    assert_eq!(error, format!("bind `auth`: the schema failed at line 2: {problem}"));
    assert_eq!(std::fs::read(folder.file("production.db")).unwrap(), b"not even a database");
}

#[rstest]
#[case::attached("ATTACH 'new.db' AS p")]
#[case::by_an_expression("ATTACH 'new' || '.db' AS p")]
fn data_opens_no_file(#[case] sql: &str) {
    let folder = Folder::with([("auth.sql", "")]);
    let file = folder.file("new.db");
    std::fs::write(folder.file("auth.sql"), sql.replace("new", &folder.file("new").display().to_string())).unwrap();
    let error = start(Bind::memory().data(folder.file("auth.sql"))).unwrap_err();
    assert!(
        matches!(&error, Error::Data { line: Some(1), problem, .. } if problem.starts_with("it would open the file")),
        "{error}"
    );
    assert!(!file.exists());
}

#[test]
fn a_schema_may_attach_memory_and_vacuum() {
    let schema = "ATTACH ':memory:' AS more; CREATE TABLE more.t (x); CREATE TABLE t (x); DETACH more; VACUUM;";
    assert!(start(Bind::memory().schema(schema)).unwrap().metadata("auth").unwrap().table("t").is_some());
}

#[rstest]
#[case(
    "ATTACH 'production' || '.db' AS p",
    "ATTACH is the session's own: name a table as `key.table`, or configure a bind for the database"
)]
#[case(
    "ATTACH ?1 AS p",
    "ATTACH is the session's own: name a table as `key.table`, or configure a bind for the database"
)]
#[case("DETACH 'au' || 'th'", "DETACH is the session's own: a bind is attached for as long as a statement needs it")]
#[case("PRAGMA hard_heap_limit(1)", "pragma `hard_heap_limit` changes how much memory all connections of the process may use: limit a bind's own with `max_page_count` instead")]
#[case("PRAGMA temp_store_directory = '/'", "pragma `temp_store_directory` changes where every connection of the process keeps its files: set `temp_dir` instead")]
#[case("PRAGMA auth.data_store_directory = '/'", "pragma `data_store_directory` changes where every connection of the process keeps its files: set `temp_dir` instead")]
fn a_session_leaves_alone_what_is_not_its_binds(#[case] sql: &str, #[case] problem: &str) {
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).start().unwrap();
    let mut session = db.session();
    let refused = format!("the session does not run this statement: {problem}\n  in: {sql}");
    assert_eq!(session.execute(sql, []).unwrap_err().to_string(), refused);
    assert_eq!(session.on("auth").unwrap().execute(sql, []).unwrap_err().to_string(), refused);
}

#[test]
fn no_option_is_about_the_whole_process() {
    let bind = Bind::memory().pragma("hard_heap_limit", 1);
    insta::assert_snapshot!(start(bind).unwrap_err(), @"bind `auth`: pragma `hard_heap_limit` changes how much memory all connections of the process may use: limit a bind's own with `max_page_count` instead");
    let bind = Bind::memory().pragma("temp_store_directory", "/");
    insta::assert_snapshot!(start(bind).unwrap_err(), @"bind `auth`: pragma `temp_store_directory` changes where every connection of the process keeps its files: set `temp_dir` instead");
}

// Where it is.

#[rstest]
#[case::unknown_pragma(
    "pragmas = { cache_sise = 1 }",
    "[folder]/binds.toml:3: bind `auth`: SQLite has no pragma `cache_sise`; the nearest is `cache_size`"
)]
#[case::pragma_that_fails(
    "pragmas = { encoding = 'y' }",
    "[folder]/binds.toml:3: bind `auth`: a pragma failed: unsupported encoding: y"
)]
#[case::sql("schema_sql = \"\"\"\n\nCREATE TABEL t\"\"\"", "bind `auth`: the schema failed at line 2: near \"TABEL\": syntax error; the bind is configured at [folder]/binds.toml:3")]
fn errors_found_at_start_are_reported_with_their_place(#[case] setting: &str, #[case] told: &str) {
    let folder = Folder::with([("binds.toml", format!("# why\n\n[binds.auth]\n{setting}\n"))]);
    assert_eq!(folder.refused(Harness::from_file(folder.file("binds.toml"))), told);
}

// Text that is none.

#[rstest]
#[case::of_a_column("sql = CAST(x'435245415445205441424c45207420282278ff2229' AS TEXT)")]
#[case::of_a_table("name = CAST(x'74ff' AS TEXT), tbl_name = CAST(x'74ff' AS TEXT), sql = CAST(x'435245415445205441424c45202274ff2220287829' AS TEXT)")]
fn a_name_that_is_not_text_is_an_error_at_start(#[case] set: &str) {
    let schema = format!(
        "CREATE TABLE t (x); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET {set}; PRAGMA schema_version = 9"
    );
    let error = start(Bind::memory().schema(schema)).unwrap_err();
    assert!(
        matches!(&error, Error::Schema { problem, .. } if problem.contains("is not UTF-8: write the schema as SQL text")),
        "{error}"
    );
}

// Generated.

/// Texts made of pieces that mean something to what reads them, with some that mean nothing between them.
fn text_of(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::string::string_regex("\\PC{0,6}").unwrap().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

#[rustfmt::skip]
const URL: &[&str] = &[
    "sqlite", "file", "postgresql", "mysql", "mariadb", "+psycopg2", "+pymysql", "+pysqlcipher", ":", "//", "/", "///", "@", "?", "&", "=", "#",
    "%", "%2e", "%00", ".", "..", "./", "../", "app.db", "PRODUCTION", "secret.txt", ":memory:", "mode=memory", "mode=rwc", "cache=shared", "cached=shared",
    "vfs=memdb", "vfs=unix", "host", "localhost", "user", "pw", "[::1]", ",", "5432", "99999", "-1", "host=/tmp", "unix_socket=", "dbname=", "uri=true",
];
#[rustfmt::skip]
const TOML: &[&str] = &[
    "[default]\n", "[binds.auth]\n", "[binds.\"me ta\"]\n", "[binds]\n", "[[references]]\n", "[SQLALCHEMY_BINDS]\n", "url = \"sqlite:///app.db\"\n",
    "url = \"sqlite:////PRODUCTION/app.db\"\n", "storage = \"temp_file\"\n", "storage = \"memdb\"\n", "storage = \"disk\"\n", "schema = \"app.db\"\n",
    "schema = [\"PRODUCTION/secret.txt\"]\n", "schema_sql = \"CREATE TABLE t (x)\"\n", "schema_sql = \"ATTACH 'app.db' AS p\"\n", "data = \"PRODUCTION\"\n",
    "temp_dir = \"PRODUCTION\"\n", "temp_dir = \"nowhere\"\n", "pool_size = 3\n", "pool_size = 0\n", "busy_timeout = 1.5\n", "pool_timeout = 1e300\n",
    "pragmas = { cache_size = 7 }\n", "pragmas.temp_store_directory = \"PRODUCTION\"\n", "echo = true\n", "schema_timeout = 1\n", "from = \"auth.t.x\"\n",
    "to = \"main.t.x\"\n", "SQLALCHEMY_DATABASE_URI = \"postgresql://u:p@h/db\"\n", "SQLALCHEMY_ENGINE_OPTIONS = { pool_size = 2 }\n", "SQLALCHEMY_ECHO = 1\n",
    "allow_missing_parents = true\n", "auth = \"mysql://h/x\"\n", "auth = { url = \"sqlite://\" }\n", "x = 1\n", "[", "]", "\"", "'''", "=", "\n", "# why\n", "inf", "1979-05-27",
];
const CSV: &[&str] = &[
    "a", "b", "c", "d", ",", ",", "\n", "\n", "\r\n", "\r", "\"", "\"\"", "1", "1.5", "x", "NULL", "a,b\n", "\u{feff}",
    "\0", "'",
];
#[rustfmt::skip]
const JSON: &[&str] = &[
    "[", "]", "{", "}", "[{", "}]", ",", ":", "\"a\": ", "\"b\": ", "\"A\": ", "\"\": ", "1", "-1", "1.5", "1e999", "9223372036854775808", "null", "true",
    "\"x\"", "\"\\u0000\"", "\"\\ud800\"", "\"", "[[", "{}", "\n", " ", "[1, {}]",
];
#[rustfmt::skip]
const SQL: &[&str] = &[
    "SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "CREATE VIEW ", "CREATE TRIGGER ", "CREATE INDEX ", "CREATE VIRTUAL TABLE ", "DROP TABLE ",
    "ALTER TABLE ", "ATTACH ", "DETACH ", "VACUUM ", "INTO ", "PRAGMA ", "BEGIN ", "COMMIT ", "ROLLBACK ", "SAVEPOINT a ", "RELEASE a ", "REINDEX ", "ANALYZE ", "EXPLAIN ",
    "WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 2 FROM n) ", "user ", "post ", "log ", "t ", "auth.user ", "meta.setting ", "main.post ", "temp.t ", "sqlite_schema ", "\"",
    "'", "'app.db' ", "'PRODUCTION/app.db' ", "'new.db' ", "'a' || 'pp.db' ", "AS ", "* ", "FROM ", "WHERE ", "SET ", "x = 1 ", "name ", "(x) ", "(x PRIMARY KEY) ", "VALUES (1) ",
    "(", ")", ", ", "; ", ";", "-- ", "/* ", "*/ ", "\n", "?1 ", ":a ", "END ", "AFTER INSERT ON ", "ON ", "USING fts5(x) ", "USING rtree(a, b, c) ", "JOIN ", "RETURNING * ",
    "writable_schema = ON ", "temp_store_directory = '/' ", "journal_mode = WAL ", "encoding = 'UTF-16' ", "table_info(user) ", "foreign_keys = OFF ", "IF EXISTS ", "changes() ", "\0",
];
const KEYS: &[&str] = &[
    "auth", "main", "temp", "default", "\n", "/", "..", "\\", ".", " ", "\"", "'", "`", "[", "]", ";", "--", "Ä",
    "日本", "\0", "%", "AUTH", "con",
];
const ROWS: &[&str] = &[
    "x\0",
    "y\0",
    "X\0",
    "nowhere\0",
    "\0",
    "i1\0",
    "i-9223372036854775808\0",
    "r0.1\0",
    "rnan\0",
    "rinf\0",
    "r-0\0",
    "b\0",
    "b\u{ff}\0",
    "n\0",
    "t'\"\0",
    "s1e3\0",
    "日本\0",
    "rowid\0",
];

fn cases() -> ProptestConfig {
    let seed = match ProptestConfig::default().rng_seed {
        RngSeed::Random => RngSeed::Fixed(0x6d62),
        said => said,
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 64 };
    ProptestConfig { cases, rng_seed: seed, failure_persistence: None, ..ProptestConfig::default() }
}

macro_rules! no_generated_text_breaks_a_promise {
    ($($name:ident: $target:ident of $pieces:ident;)*) => {
        proptest! {
            #![proptest_config(cases())]
            $(
                #[test]
                fn $name(text in text_of($pieces)) {
                    targets::$target(&text);
                }
            )*
        }
    };
}

no_generated_text_breaks_a_promise! {
    no_url_breaks_a_promise: url of URL;
    no_configuration_breaks_a_promise: toml of TOML;
    no_csv_breaks_a_promise: csv of CSV;
    no_json_breaks_a_promise: json of JSON;
    no_sql_of_data_breaks_a_promise: sql_data of SQL;
    no_schema_breaks_a_promise: sql_schema of SQL;
    no_statement_breaks_a_promise: sql_session of SQL;
    no_key_breaks_a_promise: key of KEYS;
    no_row_breaks_a_promise: row of ROWS;
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_password_is_shown(
        scheme in "(postgresql|mysql\\+pymysql|mariadb|sqlite\\+pysqlcipher|mongodb|x)",
        host in "[a-z.]{0,8}(:[0-9a-z]{0,6})?",
        rest in "(/[a-z]{0,4})?(\\?[a-z]{0,4}=[a-z]{0,3})?",
        tail in "[!-~]{0,5}",
    ) {
        let url = format!("{scheme}://user:S3CR3T{tail}@{host}{rest}");
        let bind = Bind::url(&url).schema("CREATE TABLE t (x)");
        prop_assert!(!format!("{bind:?}").contains("S3CR3T"), "{bind:?}");
        match Harness::builder().default_bind(bind).start() {
            Ok(db) => {
                let shown = format!("{db:?}{}", db.describe());
                prop_assert!(!shown.contains("S3CR3T"), "{}", shown);
            }
            Err(error) => prop_assert!(!error.to_string().contains("S3CR3T"), "{error}"),
        }
    }
}
