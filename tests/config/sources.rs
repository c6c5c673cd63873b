//! Configuration: from code, TOML, Flask-SQLAlchemy's names and the environment.

use std::cell::RefCell;
use std::fs;
use std::sync::Once;
use std::time::Duration;

use multibind::binds::Storage;
use multibind::tables::{Table, TableGroup};
use multibind::{Bind, BindKey, Config, Error, Harness};
use rstest::rstest;

use crate::child::{in_a_process, is_the_child};

fn start(toml: &str) -> Harness {
    Harness::from_config(Config::from_toml(toml, env!("CARGO_MANIFEST_DIR")).unwrap()).unwrap()
}

/// What is wrong with a text, whether it shows when it is read or at start.
fn wrong(toml: &str) -> Error {
    match Config::from_toml(toml, env!("CARGO_MANIFEST_DIR")) {
        Ok(config) => Harness::from_config(config).unwrap_err(),
        Err(error) => error,
    }
}

fn wrong_bind(bind: Bind) -> Error {
    Harness::builder().bind("auth", bind).start().unwrap_err()
}

fn keys(db: &Harness) -> Vec<String> {
    db.binds().iter().map(BindKey::to_string).collect()
}

fn tables(db: &Harness, key: impl Into<BindKey>) -> Vec<String> {
    let conn = db.connection(key).unwrap();
    let mut statement = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

fn pragma(db: &Harness, key: impl Into<BindKey>, name: &str) -> i64 {
    db.connection(key).unwrap().pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

fn count(db: &Harness, key: impl Into<BindKey>, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    db.connection(key).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
}

// Native form.

#[test]
fn the_native_form_has_urls_schemas_data_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("schema/post.sql", "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT)");
    write("schema/user.sql", "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT)");
    write("schema/role.sql", "CREATE TABLE role (name TEXT)");
    write("data/post.csv", "id,title\n1,hello\n2,again\n");
    write("data/user.csv", "id,username\n1,ann\n");
    write("setting.csv", "name\ntheme\n");
    write(
        "binds.toml",
        r#"
        data = "setting.csv"

        [default]
        schema = "schema/post.sql"
        data = ["data/post.csv"]

        [binds.auth]
        url = "mysql+pymysql://user:pw@host:3306/db"
        schema = ["schema/user.sql", "schema/role.sql"]
        data = "data/user.csv"
        busy_timeout = 250
        pragmas = { cache_size = 77, recursive_triggers = true }

        [binds.meta]
        storage = "temp_file"
        schema_sql = "CREATE TABLE setting (name TEXT)"
        foreign_keys = false

        [binds."me ta"]
        storage = "memdb"
        pragmas.foreign_keys = "off"
        "#,
    );
    let db = Harness::from_file(folder.path().join("binds.toml")).unwrap();

    assert_eq!(keys(&db), ["default", "auth", "meta", "me ta"]);
    assert_eq!(tables(&db, None), ["post"]);
    assert_eq!(tables(&db, "auth"), ["role", "user"]);
    assert_eq!(tables(&db, "meta"), ["setting"]);
    assert_eq!((count(&db, None, "post"), count(&db, "auth", "user"), count(&db, "meta", "setting")), (2, 1, 1));
    assert_eq!(pragma(&db, "auth", "busy_timeout"), 250);
    assert_eq!(pragma(&db, "auth", "cache_size"), 77);
    assert_eq!(pragma(&db, "auth", "recursive_triggers"), 1);
    assert_eq!(pragma(&db, "auth", "foreign_keys"), 1);
    assert_eq!(pragma(&db, "meta", "foreign_keys"), 0);
    assert_eq!(pragma(&db, "me ta", "foreign_keys"), 0);
    assert!(db.path("meta").unwrap().is_some());
    assert!(db.path("auth").unwrap().is_none());
}

#[test]
fn binds_have_the_order_of_the_file_with_the_default_first() {
    let db = start("[binds.b]\n[binds.'日本']\n[binds.a]\n[default]\n");
    assert_eq!(keys(&db), ["default", "b", "日本", "a"]);
}

#[test]
fn a_default_alone_is_a_configuration() {
    assert_eq!(keys(&start("[default]")), ["default"]);
    assert_eq!(keys(&start("SQLALCHEMY_DATABASE_URI = 'sqlite://'")), ["default"]);
    assert_eq!(keys(&Harness::builder().default_bind(Bind::memory()).start().unwrap()), ["default"]);
}

#[test]
fn named_binds_alone_are_a_configuration() {
    assert_eq!(keys(&start("[binds.auth]\n[binds.meta]")), ["auth", "meta"]);
    assert_eq!(keys(&start("SQLALCHEMY_BINDS = { auth = 'sqlite://' }")), ["auth"]);
    assert_eq!(keys(&Harness::builder().bind("auth", Bind::memory()).start().unwrap()), ["auth"]);
}

#[test]
fn a_configuration_without_a_bind_is_an_error() {
    insta::assert_snapshot!(wrong(""), @"no bind is configured: set a default or a named bind");
    insta::assert_snapshot!(wrong("SQLALCHEMY_ECHO = true\nSQLALCHEMY_BINDS = {}"), @"no bind is configured: set a default or a named bind");
    insta::assert_snapshot!(Harness::builder().start().unwrap_err(), @"no bind is configured: set a default or a named bind");
}

// Flask-SQLAlchemy's names; the texts of its manuals, and of those who write about it, are in `seeds.rs`.

#[test]
fn both_families_of_names_can_be_in_one_file() {
    let db = start(
        r#"
        SQLALCHEMY_DATABASE_URI = "postgresql:///main"
        engine_options = { busy_timeout = 100, pragmas = { cache_size = 77 } }
        SQLALCHEMY_TRACK_MODIFICATIONS = false
        SQLALCHEMY_RECORD_QUERIES = true

        [SQLALCHEMY_BINDS]
        auth = { url = "mysql://localhost/users", busy_timeout = 200, storage = "temp_file" }

        [default]
        schema_sql = "CREATE TABLE post (id)"

        [binds.auth]
        schema_sql = "CREATE TABLE user (id)"
        "#,
    );
    assert_eq!((tables(&db, None), tables(&db, "auth")), (vec!["post".to_string()], vec!["user".to_string()]));
    assert_eq!((pragma(&db, None, "busy_timeout"), pragma(&db, "auth", "busy_timeout")), (100, 200));
    assert_eq!((pragma(&db, None, "cache_size"), pragma(&db, "auth", "cache_size")), (77, 77));
    assert!(db.path("auth").unwrap().is_some());
}

#[test]
fn the_default_url_may_be_among_the_engine_options() {
    let db = start(
        "SQLALCHEMY_ENGINE_OPTIONS = { url = 'mysql://h/db', pool_size = 2 }\nSQLALCHEMY_BINDS.a = 'mysql://h/db'",
    );
    assert_eq!(db.uri(None).unwrap(), db.uri("a").unwrap());
}

// What is wrong with a file.

#[test]
fn a_setting_in_both_families_of_names_is_an_error() {
    insta::assert_snapshot!(wrong("SQLALCHEMY_DATABASE_URI = 'sqlite://'\n[default]\nurl = 'sqlite://'"), @"line 3: bind `default`: `url` is set twice, here and on line 1");
    insta::assert_snapshot!(wrong("binds.auth = 'sqlite://'\n\n[SQLALCHEMY_BINDS]\nauth = 'sqlite://'"), @"line 4: bind `auth`: `url` is set twice, here and on line 1");
    insta::assert_snapshot!(wrong("SQLALCHEMY_ECHO = true\nengine_options.echo = false"), @"line 2: `echo` is set twice, here and on line 1");
    insta::assert_snapshot!(wrong("default.echo = true\nSQLALCHEMY_ENGINE_OPTIONS.echo = false"), @"line 2: bind `default`: `echo` is set twice, here and on line 1");
}

#[test]
fn a_pragma_and_option_conflict_is_refused() {
    insta::assert_snapshot!(wrong("[default]\nforeign_keys = true\npragmas = { foreign_keys = 1 }"), @"line 3: bind `default`: `foreign_keys` is set twice, here among the pragmas");
    insta::assert_snapshot!(wrong("[default.pragmas]\ncache_size = 1\nCACHE_SIZE = 2"), @"line 3: bind `default`: `CACHE_SIZE` is set twice, here among the pragmas");
}

#[test]
fn an_unknown_name_is_an_error_with_the_nearest_known_one() {
    insta::assert_snapshot!(wrong("[defaults]"), @"line 1: unknown name `defaults`; the nearest known one is `default`");
    insta::assert_snapshot!(wrong("\n\nsqlalchemy_database_uri = 'sqlite://'"), @"line 3: unknown name `sqlalchemy_database_uri`; the nearest known one is `SQLALCHEMY_DATABASE_URI`");
    insta::assert_snapshot!(wrong("SQLALCHEMY_DATABASE_URL = 'sqlite://'"), @"line 1: unknown name `SQLALCHEMY_DATABASE_URL`; the nearest known one is `SQLALCHEMY_DATABASE_URI`");
    insta::assert_snapshot!(wrong("SQLALCEMY_BINDS = {}"), @"line 1: unknown name `SQLALCEMY_BINDS`; the nearest known one is `SQLALCHEMY_BINDS`");
    insta::assert_snapshot!(wrong("SQLALCHEMY_SESSION_OPTIONS = {}"), @"line 1: unknown name `SQLALCHEMY_SESSION_OPTIONS`; the nearest known one is `SQLALCHEMY_ENGINE_OPTIONS`");
    insta::assert_snapshot!(wrong("[server]"), @"line 1: unknown name `server`; known are `default`, `binds`, `engine_options`, `data`, `temp_dir`, `images`, `storage`, `with_env`, `deny_outside`, `references`, `tables`, `env`, `SQLALCHEMY_DATABASE_URI`, `SQLALCHEMY_BINDS`, `SQLALCHEMY_ENGINE_OPTIONS`");
}

#[test]
fn an_unknown_setting_is_an_error_with_the_nearest_known_one() {
    insta::assert_snapshot!(wrong("[default]\nurl = 'sqlite://'\nschemas = 'a.sql'"), @"line 3: bind `default`: unknown setting `schemas`; the nearest known one is `schema`");
    insta::assert_snapshot!(wrong("SQLALCHEMY_BINDS.auth = {\n  url = 'sqlite://',\n  pool_sise = 3,\n}"), @"line 3: bind `auth`: unknown setting `pool_sise`; the nearest known one is `pool_size`");
    insta::assert_snapshot!(wrong("[binds.auth]\nclient_encodings = 'utf8'"), @"line 2: bind `auth`: unknown setting `client_encodings`; the nearest known one is `client_encoding`");
    insta::assert_snapshot!(wrong("[binds.auth]\nxyz = 1"), @"line 2: bind `auth`: unknown setting `xyz`; known are `url`, `storage`, `schema`, `schema_sql`, `data`, `allow_missing_parents`, `read_only`, `copy_of`, `mirror`, `lag`, `busy_timeout`, `csv_empty_as_text`, `echo`, `foreign_keys`, `pool_recycle`, `pool_size`, `pool_timeout`, `pragmas`, `schema_timeout`");
}

#[test]
fn an_invalid_listed_table_is_reported_with_its_line() {
    insta::assert_snapshot!(wrong("[[tables]]\nsqll = 'x'"), @"line 2: unknown name `sqll` in a table; the nearest known one is `sql`");
    insta::assert_snapshot!(wrong("[[tables]]\nbind_key = 'auth'"), @"line 1: a table has `sql`, the SQL that makes it, and may have a `bind_key`");
    insta::assert_snapshot!(wrong("tables = 'CREATE TABLE t (x)'"), @"line 1: `tables` must be a list of tables, not a string");
    insta::assert_snapshot!(wrong("[[tables]]\nsql = 'CREATE TABLE t (x)'\nbind_key = 'aut'\n[binds.auth]"), @"no bind `aut`: configured are auth; the nearest is `auth`");
    insta::assert_snapshot!(wrong("[[tables]]\nsql = 'CREATE TABLE t (x)'\nbind_key = 'default'\n[binds.auth]"), @"no default bind for the registered table `CREATE TABLE t (x)`: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
}

#[test]
fn an_unknown_engine_option_suggests_the_nearest() {
    insta::assert_snapshot!(wrong("[SQLALCHEMY_ENGINE_OPTIONS]\n\npool_sizes = 3"), @"line 3: unknown engine option `pool_sizes`; the nearest known one is `pool_size`");
    insta::assert_snapshot!(wrong("SQLALCHEMY_ENGINE_OPTIONS.schema = 'a.sql'"), @"line 1: unknown engine option `schema`; known are `busy_timeout`, `csv_empty_as_text`, `echo`, `foreign_keys`, `pool_recycle`, `pool_size`, `pool_timeout`, `pragmas`, `schema_timeout`");
}

#[rstest]
#[case("pool_size = 0", "`pool_size` must be an integer of at least 1, not 0")]
#[case("pool_size = -1", "`pool_size` must be an integer of at least 1, not -1")]
#[case("pool_size = 2.0", "`pool_size` must be an integer of at least 1, not 2.0")]
#[case("pool_size = 99999999999999999999", "`pool_size` must be an integer of at least 1, not 99999999999999999999")]
#[case("pool_size = 'five'", "`pool_size` must be an integer of at least 1, not a string")]
#[case("pool_timeout = 0", "`pool_timeout` must be a number of seconds above 0, not 0")]
#[case("pool_timeout = -1", "`pool_timeout` must be a number of seconds above 0, not -1")]
#[case("pool_timeout = nan", "`pool_timeout` must be a number of seconds above 0, not nan")]
#[case("pool_timeout = inf", "`pool_timeout` must be a number of seconds above 0, not inf")]
#[case("pool_timeout = 1e300", "`pool_timeout` must be a number of seconds above 0, not 1e300")]
#[case("pool_recycle = 0", "`pool_recycle` must be a number of seconds above 0, or -1 for never, not 0")]
#[case("pool_recycle = -2", "`pool_recycle` must be a number of seconds above 0, or -1 for never, not -2")]
#[case("pool_recycle = true", "`pool_recycle` must be a number of seconds above 0, or -1 for never, not true")]
#[case("echo = 1", "`echo` must be true or false, not 1")]
#[case("echo = 'loud'", "`echo` must be true or false, not a string")]
#[case("busy_timeout = 1.5", "`busy_timeout` must be a number of milliseconds from 0 to 2147483647, not 1.5")]
#[case("busy_timeout = -1", "`busy_timeout` must be a number of milliseconds from 0 to 2147483647, not -1")]
#[case(
    "busy_timeout = 2147483648",
    "`busy_timeout` must be a number of milliseconds from 0 to 2147483647, not 2147483648"
)]
#[case("foreign_keys = 'on'", "`foreign_keys` must be true or false, not a string")]
#[case("pragmas = 'cache_size = 1'", "`pragmas` must be a table, not a string")]
#[case("pragmas.cache_size = []", "`cache_size` must be a number, a string, true or false, not a list")]
#[case("pragmas.cache_size = 2026-01-01", "`cache_size` must be a number, a string, true or false, not a date or time")]
#[case("pragmas.mmap_size = inf", "pragma `mmap_size` must be a finite number")]
#[case("pragmas.'a;b' = 1", "`a;b` is not the name of a pragma: it must be an identifier")]
#[case("pragmas.'' = 1", "`` is not the name of a pragma: it must be an identifier")]
#[case("pragmas.foreign_keys = 'maybe'", "pragma `foreign_keys` must be true or false")]
#[case("pragmas.busy_timeout = 'long'", "pragma `busy_timeout` must be a number of milliseconds from 0 to 2147483647")]
#[case("url = 3", "`url` must be a string, not 3")]
#[case("storage = 'tempfile'", "`storage` cannot be `tempfile`; the nearest known one is `temp_file`")]
#[case("storage = 'disk'", "`storage` cannot be `disk`; known are `memory`, `shared_cache`, `memdb`, `temp_file`")]
#[case("schema = { path = 'a.sql' }", "`schema` must be a path or a list of paths, not a table")]
#[case("schema = ['a.sql', 3]", "`schema` must be a path or a list of paths, not 3")]
#[case("schema = ''", "`schema` has an empty path")]
#[case("schema_sql = ['CREATE TABLE t (x)']", "`schema_sql` must be a string, not a list")]
#[case("data = false", "`data` must be a path or a list of paths, not false")]
#[case("allow_missing_parents = 'auth'", "`allow_missing_parents` must be true or false, not a string")]
fn a_value_that_cannot_be_is_an_error_with_its_line(#[case] setting: &str, #[case] problem: &str) {
    let error = wrong(&format!("[default]\n\n[binds.auth]\n{setting}\n"));
    assert_eq!(error.to_string(), format!("line 4: bind `auth`: {problem}"));
    assert!(matches!(error, Error::Config { line: Some(4), bind: Some(bind), .. } if bind == BindKey::from("auth")));
}

#[test]
fn an_entry_that_is_no_bind_is_an_error() {
    insta::assert_snapshot!(wrong("[binds]\nauth = 3"), @"line 2: `auth` must be a URL or a table of settings, not 3");
    insta::assert_snapshot!(wrong("binds = ['auth']"), @"line 1: `binds` must be a table, not a list");
    insta::assert_snapshot!(wrong("default = true"), @"line 1: `default` must be a URL or a table of settings, not true");
    insta::assert_snapshot!(wrong("SQLALCHEMY_BINDS = 'sqlite://'"), @"line 1: `SQLALCHEMY_BINDS` must be a table, not a string");
    insta::assert_snapshot!(wrong("SQLALCHEMY_DATABASE_URI = ['sqlite://']"), @"line 1: bind `default`: `url` must be a string, not a list");
    insta::assert_snapshot!(wrong("data = [['a.csv']]"), @"line 1: `data` must be a path or a list of paths, not a list");
}

#[test]
fn invalid_toml_is_an_error_with_its_line() {
    insta::assert_snapshot!(wrong("[default]\nurl = sqlite://\n"), @"line 2: this is not TOML: string values must be quoted, expected literal string");
    insta::assert_snapshot!(wrong("[default]\nurl = 'sqlite://'\nurl = 'sqlite://'\n"), @"line 3: this is not TOML: duplicate key");
    insta::assert_snapshot!(wrong("[default\n"), @"line 1: this is not TOML: unclosed table, expected `]`");
    insta::assert_snapshot!(wrong("[default]\nurl = '"), @"line 2: this is not TOML: invalid literal string, expected `'`");
}

#[test]
fn an_error_in_a_file_names_the_file_and_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("binds.toml");
    let wrong = |text: &str| {
        fs::write(&path, text).unwrap();
        let error = Harness::from_file(&path).unwrap_err();
        error.to_string().replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    insta::assert_snapshot!(wrong("[default]\nechoo = true"), @"FOLDER/binds.toml:2: bind `default`: unknown setting `echoo`; the nearest known one is `echo`");
    insta::assert_snapshot!(wrong("[default]\n\nurl = 'app.db'"), @"
    FOLDER/binds.toml:3: bind `default`: the URL `app.db` has no scheme
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(wrong("SQLALCHEMY_BINDS.'' = 'sqlite://'"), @"FOLDER/binds.toml:1: `` cannot be a bind key: it is empty; the default bind has the key `default`");
    insta::assert_snapshot!(wrong("[binds.auth]\n[binds.main]"), @"FOLDER/binds.toml:2: `main` cannot be a bind key: `main` and `temp` are SQLite's names for schemas; the default bind has the key `default`");
    insta::assert_snapshot!(wrong("[binds.auth]\n[binds.AUTH]"), @"FOLDER/binds.toml:2: bind `AUTH` is configured twice: `auth` differs only in case, and SQL compares names without it");
    insta::assert_snapshot!(wrong("[default"), @"FOLDER/binds.toml:1: this is not TOML: unclosed table, expected `]`");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |name: &str| {
        let error = Config::from_file(folder.path().join(name)).unwrap_err();
        error.to_string().replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    fs::write(folder.path().join("latin1.toml"), b"[binds.caf\xe9]").unwrap();
    insta::assert_snapshot!(wrong("none.toml"), @"cannot read the configuration `FOLDER/none.toml`: No such file or directory (os error 2)");
    insta::assert_snapshot!(wrong("latin1.toml"), @"cannot read the configuration `FOLDER/latin1.toml`: stream did not contain valid UTF-8");
}

// Builder.

#[rstest]
#[case(Bind::memory().pool_size(0), "`pool_size` must be at least 1, not 0")]
#[case(Bind::memory().pool_timeout(Duration::ZERO), "`pool_timeout` must be above 0 and at most 4294967295s, not 0ns")]
#[case(Bind::memory().pool_timeout(Duration::from_secs(1 << 40)), "`pool_timeout` must be above 0 and at most 4294967295s, not 1099511627776s")]
#[case(Bind::memory().pool_recycle(Duration::ZERO), "`pool_recycle` must be above 0 and at most 4294967295s, not 0ns")]
#[case(Bind::memory().busy_timeout(Duration::from_secs(1 << 40)), "`busy_timeout` must be at most 2147483647 milliseconds, not 1099511627776s")]
#[case(Bind::memory().pragma("cache_size = 1; --", 1), "`cache_size = 1; --` is not the name of a pragma: it must be an identifier")]
#[case(Bind::memory().pragma("1st", 1), "`1st` is not the name of a pragma: it must be an identifier")]
#[case(Bind::memory().pragma("cache_size", multibind::rusqlite::blob::ZeroBlob(1)), "pragma `cache_size` must be a number or a string")]
#[case(Bind::memory().pragma("cache_size", vec![1_u8]), "pragma `cache_size` must be a number or a string")]
#[case(Bind::memory().pragma("mmap_size", f64::NAN), "pragma `mmap_size` must be a finite number")]
#[case(Bind::memory().pragma("foreign_keys", 0.5), "pragma `foreign_keys` must be true or false")]
#[case(Bind::memory().pragma("busy_timeout", -1), "pragma `busy_timeout` must be a number of milliseconds from 0 to 2147483647")]
fn an_option_that_cannot_be_is_an_error_at_start(#[case] bind: Bind, #[case] problem: &str) {
    let error = wrong_bind(bind);
    assert_eq!(error.to_string(), format!("bind `auth`: {problem}"));
    assert!(matches!(error, Error::Config { bind: Some(bind), .. } if bind == BindKey::from("auth")));
}

#[test]
fn foreign_keys_are_enforced_by_default() {
    let db = Harness::builder()
        .default_bind(Bind::memory())
        .bind("option", Bind::memory().foreign_keys(false))
        .bind("pragma", Bind::memory().pragma("foreign_keys", "off"))
        .bind("the last wins", Bind::memory().pragma("FOREIGN_KEYS", 0).foreign_keys(true))
        .start()
        .unwrap();
    assert_eq!(pragma(&db, None, "foreign_keys"), 1);
    assert_eq!(pragma(&db, "option", "foreign_keys"), 0);
    assert_eq!(pragma(&db, "pragma", "foreign_keys"), 0);
    assert_eq!(pragma(&db, "the last wins", "foreign_keys"), 1);
}

#[test]
fn a_key_that_is_configured_twice_is_an_error() {
    let start = |one: Option<&str>, other: Option<&str>| {
        Harness::builder().bind(one, Bind::memory()).bind(other, Bind::memory()).start().unwrap_err()
    };
    insta::assert_snapshot!(start(Some("auth"), Some("auth")), @"bind `auth` is configured twice; `Config::change` changes one that is there");
    insta::assert_snapshot!(start(Some("auth"), Some("Auth")), @"bind `Auth` is configured twice: `auth` differs only in case, and SQL compares names without it");
    insta::assert_snapshot!(start(None, None), @"bind `default` is configured twice; `Config::change` changes one that is there");
    insta::assert_snapshot!(start(None, Some("default")), @"bind `default` is configured twice; `Config::change` changes one that is there");
}

#[test]
fn a_key_that_names_something_else_is_an_error() {
    let start = |key: &str| Harness::builder().bind(key, Bind::memory()).start().unwrap_err();
    insta::assert_snapshot!(start(""), @"`` cannot be a bind key: it is empty; the default bind has the key `default`");
    insta::assert_snapshot!(start("Temp"), @"`Temp` cannot be a bind key: `main` and `temp` are SQLite's names for schemas; the default bind has the key `default`");
    insta::assert_snapshot!(start("a\0b"), @r"`a\0b` cannot be a bind key: it has a NUL character, which no SQL name can have");
    insta::assert_snapshot!(start("Default"), @"`Default` cannot be a bind key: it differs from `default` only in case, and SQL compares names without it");
    insta::assert_snapshot!(wrong("[binds.main]"), @"line 1: `main` cannot be a bind key: `main` and `temp` are SQLite's names for schemas; the default bind has the key `default`");
}

#[rstest]
#[case("me ta")]
#[case("a.b")]
#[case("日本")]
#[case("x';--")]
#[case("../up")]
#[case(" ")]
fn any_other_string_is_a_key(#[case] key: &str) {
    let db = Harness::builder().bind(key, Bind::memory().schema("CREATE TABLE t (x)")).start().unwrap();
    assert_eq!(db.binds(), [BindKey::from(key)]);
    let toml = format!("[binds.\"{key}\"]\nschema_sql = 'CREATE TABLE t (x)'");
    assert_eq!(tables(&start(&toml), key), ["t"]);
}

#[test]
fn registered_tables_go_to_the_bind_they_name() {
    let group = TableGroup::new("auth")
        .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)"))
        .table(Table::new("CREATE TABLE audit (id INTEGER PRIMARY KEY)").bind_key(None));
    let config = Config::new()
        .table(Table::new("CREATE TABLE post (id INTEGER PRIMARY KEY)"))
        .tables(group)
        .default_bind(Bind::memory())
        .bind("auth", Bind::memory().schema("CREATE TABLE role (name TEXT)"));
    let db = Harness::from_config(config).unwrap();
    assert_eq!(tables(&db, None), ["audit", "post"]);
    assert_eq!(tables(&db, "auth"), ["role", "user"]);
}

#[test]
fn a_registered_table_needs_a_configured_bind() {
    let table = Table::new("CREATE TABLE post (\n  id INTEGER PRIMARY KEY\n)");
    let binds = || Harness::builder().bind("auth", Bind::memory()).bind("meta", Bind::memory());
    insta::assert_snapshot!(binds().table(table.clone().bind_key("audit")).start().unwrap_err(), @"no bind `audit`: configured are auth, meta");
    insta::assert_snapshot!(binds().table(table).start().unwrap_err(), @"no default bind for the registered table `CREATE TABLE post (`: configured are auth, meta; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
}

// Binds with one URL.

#[test]
fn binds_of_one_url_that_want_different_storage_are_an_error() {
    let url = "postgres://ann:secret@db.example/app";
    let error = Harness::builder()
        .default_bind(Bind::url(url).storage(Storage::TempFile))
        .bind("reports", Bind::url(url).storage(Storage::MemDb))
        .start()
        .unwrap_err();
    insta::assert_snapshot!(error, @"bind `reports`: its URL is that of bind `default`, so both have one database, but `storage` differs: set it in one of them, or alike in both");
}

#[test]
fn binds_of_one_url_that_want_different_options_are_an_error() {
    let url = "mysql://h/db";
    let error = Harness::builder()
        .bind("one", Bind::url(url).pool_size(2))
        .bind("two", Bind::url(url))
        .bind("three", Bind::url(url).pool_size(3))
        .start()
        .unwrap_err();
    insta::assert_snapshot!(error, @"bind `three`: its URL is that of bind `one`, so both have one database, but `pool_size` differs: set it in one of them, or alike in both");
    insta::assert_snapshot!(
        wrong("[binds.one]\nurl = 'mysql://h/db'\npragmas.cache_size = 1\n[binds.two]\nurl = 'mysql://h/db'\npragmas.cache_size = 2"),
        @"line 4: bind `two`: its URL is that of bind `one`, so both have one database, but `pragmas.cache_size` differs: set it in one of them, or alike in both"
    );
}

#[test]
fn binds_of_one_url_complete_each_others_options() {
    let url = "mysql://h/db";
    let schema = "CREATE TABLE post (id)";
    let db = Harness::builder()
        .bind("one", Bind::url(url).schema(schema).storage(Storage::TempFile))
        .bind(
            "two",
            Bind::url(url).schema(schema).schema("CREATE TABLE tag (id)").busy_timeout(Duration::from_millis(70)),
        )
        .start()
        .unwrap();
    assert_eq!(tables(&db, "one"), ["post", "tag"]);
    assert_eq!(pragma(&db, "one", "busy_timeout"), 70);
    assert!(db.path("two").unwrap().is_some());
}

// Environment.

fn shared_by(config: Config, one: impl Into<BindKey>, other: impl Into<BindKey>) -> bool {
    let db = Harness::from_config(config).unwrap();
    db.uri(one).unwrap() == db.uri(other).unwrap()
}

#[test]
fn variables_override_urls_and_nothing_else() {
    let config = || {
        Config::new()
            .default_bind(Bind::url("sqlite:///app.db").schema("CREATE TABLE post (id)"))
            .bind("auth", Bind::memory().schema("CREATE TABLE user (id)"))
            .bind("a.b-日", Bind::memory())
    };
    let url = "mysql://h/db";
    assert!(!shared_by(config(), None, "auth"));
    let both = config().with_vars([("DATABASE_URL", url), ("DATABASE_URL_AUTH", url)]);
    assert!(shared_by(both.clone(), None, "auth"));
    assert_eq!(tables(&Harness::from_config(both).unwrap(), "auth"), ["post", "user"]);
    let odd = config().with_vars([("DATABASE_URL", url), ("DATABASE_URL_A_B__", url)]);
    assert!(shared_by(odd, None, "a.b-日"));
}

#[test]
fn a_variable_that_no_bind_has_is_ignored_and_logged() {
    listen();
    let url = "mysql://h/db";
    let config = Config::new().bind("auth", Bind::memory());
    let config = config.with_vars([("DATABASE_URL_AUHT", url), ("DATABASE_URLS", url), ("PATH", "/bin")]);
    assert_eq!(keys(&Harness::from_config(config).unwrap()), ["auth"]);
    insta::assert_debug_snapshot!(warnings("AUHT"), @r#"
    [
        "`DATABASE_URL_AUHT` is set, but no bind has this variable: it is ignored",
    ]
    "#);
    assert!(warnings("DATABASE_URLS").is_empty());
}

#[test]
fn a_variable_adds_no_default_bind() {
    let config = Config::new().bind("auth", Bind::memory()).with_vars([("DATABASE_URL", "sqlite://")]);
    assert_eq!(keys(&Harness::from_config(config).unwrap()), ["auth"]);
}

#[test]
fn a_set_variable_of_two_binds_is_refused() {
    let config = Config::new().bind("a-b", Bind::memory()).bind("a.b", Bind::memory());
    drop(config.clone().with_vars([("DATABASE_URL", "sqlite://")]).start().unwrap());
    insta::assert_snapshot!(config.with_vars([("DATABASE_URL_A_B", "sqlite://")]).start().unwrap_err(), @"bind `a.b`: `DATABASE_URL_A_B` is set, and would be the variable of bind `a-b` too: rename one of the two, or set their URLs in the configuration");
}

#[test]
fn a_wrong_url_error_names_the_variable() {
    let wrong = |value: &str| {
        let config = Config::new().bind("auth", Bind::memory()).with_vars([("DATABASE_URL_AUTH", value)]);
        Harness::from_config(config).unwrap_err()
    };
    insta::assert_snapshot!(wrong(" "), @"
    bind `auth`: the URL from `DATABASE_URL_AUTH` is empty
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(wrong("mysql:scott:tiger@db.example/x"), @"
    bind `auth`: the URL `mysql:***@db.example/x` from `DATABASE_URL_AUTH` has no `//` after `mysql:`
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

/// Python's `os.environ.get("DATABASE_URL") or "sqlite:///…"`.
#[test]
fn an_empty_variable_counts_as_not_set() {
    let config = Config::new().default_bind(Bind::url("mysql://h/db")).bind("auth", Bind::url("mysql://h/db"));
    let db = Harness::from_config(config.with_vars([("DATABASE_URL", "")])).unwrap();
    assert_eq!(db.uri(None).unwrap(), db.uri("auth").unwrap());
}

#[test]
fn a_variable_mends_a_wrong_url_of_a_file() {
    let config = Config::from_toml("[default]\nurl = '${DATABASE_URL}'", ".").unwrap();
    let config = config.with_vars([("DATABASE_URL", "sqlite://")]);
    assert_eq!(keys(&Harness::from_config(config).unwrap()), ["default"]);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_an_error() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let odd = || OsString::from_vec(b"sqlite:///caf\xe9.db".to_vec());
    let config = || Config::new().default_bind(Bind::memory());
    insta::assert_snapshot!(config().with_vars([("DATABASE_URL", odd())]).start().unwrap_err(), @"bind `default`: the value of `DATABASE_URL` is not UTF-8, which a URL must be");
    // One that is not about a bind is none of our business.
    drop(config().with_vars([("LESSOPEN", odd()), ("DATABASE_URL_X", odd())]).start().unwrap());
    drop(config().with_vars([(odd(), odd())]).start().unwrap());
}

#[test]
fn the_environment_is_read_where_the_caller_asks() {
    if !is_the_child() {
        return in_a_process("sources::the_environment_is_read_where_the_caller_asks", |command| {
            command.env("DATABASE_URL", "mysql://h/db").env("DATABASE_URL_AUTH", "mysql://h/db");
        });
    }
    let config = || Config::new().default_bind(Bind::memory()).bind("auth", Bind::memory());
    assert!(!shared_by(config(), None, "auth"));
    assert!(shared_by(config().with_env(), None, "auth"));
    let builder = || Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory());
    let db = builder().start().unwrap();
    assert_ne!(db.uri(None).unwrap(), db.uri("auth").unwrap());
}

#[test]
fn a_relative_path_is_looked_for_in_the_crate_under_test() {
    if !is_the_child() {
        let elsewhere = tempfile::tempdir().unwrap();
        return in_a_process("sources::a_relative_path_is_looked_for_in_the_crate_under_test", |command| {
            command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR")).current_dir(elsewhere.path());
        });
    }
    // A file that is there, and is not a configuration. In the package Cargo has written it anew, with a few lines before it.
    let error = Config::from_file("Cargo.toml").unwrap_err().to_string();
    let (place, problem) = error.split_once(": ").unwrap();
    assert!(place.starts_with("Cargo.toml:"), "{place}");
    insta::assert_snapshot!(problem, @"unknown name `package`; known are `default`, `binds`, `engine_options`, `data`, `temp_dir`, `images`, `storage`, `with_env`, `deny_outside`, `references`, `tables`, `env`, `SQLALCHEMY_DATABASE_URI`, `SQLALCHEMY_BINDS`, `SQLALCHEMY_ENGINE_OPTIONS`");
}

#[test]
fn without_cargo_paths_start_at_the_current_folder() {
    if !is_the_child() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("binds.toml"), "[binds.here]\nschema = 'here.sql'").unwrap();
        fs::write(folder.path().join("here.sql"), "CREATE TABLE here (x)").unwrap();
        return in_a_process("sources::without_cargo_paths_start_at_the_current_folder", |command| {
            command.env_remove("CARGO_MANIFEST_DIR").current_dir(folder.path());
        });
    }
    assert_eq!(tables(&Harness::from_file("binds.toml").unwrap(), "here"), ["here"]);
    let db = Harness::builder().default_bind(Bind::memory().schema_path("here.sql")).start().unwrap();
    assert_eq!(tables(&db, None), ["here"]);
}

#[test]
fn the_fixture_without_its_file_says_what_to_do() {
    if !is_the_child() {
        let folder = tempfile::tempdir().unwrap();
        return in_a_process("sources::the_fixture_without_its_file_says_what_to_do", |command| {
            command.env("CARGO_MANIFEST_DIR", folder.path());
        });
    }
    let place = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let told = std::sync::Arc::clone(&place);
    std::panic::set_hook(Box::new(move |panic| *told.lock().unwrap() = panic.location().unwrap().to_string()));
    let line = line!() + 1;
    let failed = std::panic::catch_unwind(|| multibind::fixture::harness());
    let _ = std::panic::take_hook();

    let failed = failed.unwrap_err().downcast::<String>().unwrap();
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    insta::assert_snapshot!(failed.replace(&folder, "FOLDER"), @r#"cannot read the configuration `FOLDER/fixtures/binds.toml`: No such file or directory (os error 2); a relative path is looked for in the folder of the crate under test, which Cargo names in `CARGO_MANIFEST_DIR`. A path can be absolute: that of another crate is named by `concat!(env!("CARGO_MANIFEST_DIR"), "/…")` in its code. The fixture `harness` starts the binds of that file: write it, or start with `Harness::builder()` in the test or in a fixture of your own"#);
    assert!(place.lock().unwrap().contains(&format!("sources.rs:{line}:")), "{}", place.lock().unwrap());
}

// Log.

#[test]
fn options_that_only_a_server_has_are_kept_and_logged() {
    listen();
    let db = start(
        r#"
        [binds.served]
        url = "mysql://h/db"
        charset = "utf8mb4"
        client_encoding = "utf8"
        connect_args = { password = "hunter2" }
        pool_pre_ping = true
        "#,
    );
    assert_eq!(keys(&db), ["served"]);
    insta::assert_debug_snapshot!(warnings("`served`"), @r#"
    [
        "bind `served`: the engine option `charset` is not applied: SQLite has no use for it",
        "bind `served`: the engine option `client_encoding` is not applied: SQLite has no use for it",
        "bind `served`: the engine option `connect_args` is not applied: SQLite has no use for it",
        "bind `served`: the engine option `pool_pre_ping` is not applied: SQLite has no use for it",
    ]
    "#);
}

#[test]
fn the_misspelt_cache_parameter_is_logged() {
    listen();
    let db = Harness::builder()
        .bind("misspelt", Bind::url("sqlite:///:memory:?cached=shared"))
        .bind("well_spelt", Bind::url("sqlite:///:memory:?cache=shared"))
        .start()
        .unwrap();
    assert_eq!(keys(&db), ["misspelt", "well_spelt"]);
    insta::assert_debug_snapshot!(warnings("spelt"), @r#"
    [
        "bind `misspelt`: the URL `sqlite:///:memory:?cached=shared` has `cached`, which SQLite and the drivers pass over; the parameter is `cache`, in a `file:` URI. The stand-in has the shared cache that is asked for",
    ]
    "#);
}

#[test]
fn a_scheme_that_is_nearly_a_known_one_is_logged() {
    listen();
    let db = Harness::builder()
        .bind("nearly", Bind::url("postgre://ann:hunter2@h/db"))
        .bind("another", Bind::url("libsql://db.example"))
        .start()
        .unwrap();
    assert_eq!(keys(&db), ["nearly", "another"]);
    insta::assert_debug_snapshot!(warnings("`nearly`"), @r#"
    [
        "bind `nearly`: the scheme `postgre` of the URL is not known here and only a name; if `postgres` is meant, other URLs of the same database do not share its stand-in",
    ]
    "#);
    assert!(warnings("`another`").is_empty());
}

#[test]
fn engine_options_of_flask_sqlalchemy_are_the_default_binds_alone() {
    listen();
    let text = r#"
        SQLALCHEMY_POOL_SIZE = 9
        SQLALCHEMY_ENGINE_OPTIONS = { pool_size = 5, busy_timeout = 100 }
        SQLALCHEMY_BINDS = { auth = "mysql://h/auth", meta = { url = "mysql://h/meta", pool_size = 2 } }
    "#;
    let db = start(&format!("SQLALCHEMY_DATABASE_URI = 'mysql://h/main'\n{text}"));
    let sizes = [None, Some("auth"), Some("meta")].map(|key| db.pool(key).unwrap().max_size());
    assert_eq!(sizes, [5, 9, 2]);
    assert_eq!((pragma(&db, None, "busy_timeout"), pragma(&db, "auth", "busy_timeout")), (100, 5000));

    // The default bind may be added in code; without one the options are nobody's, which is said.
    let config = Config::from_toml(text, ".").unwrap();
    let db = Harness::from_config(config.clone().default_bind(Bind::memory().busy_timeout(Duration::from_millis(7))))
        .unwrap();
    assert_eq!((db.pool(None).unwrap().max_size(), pragma(&db, None, "busy_timeout")), (5, 7));
    assert_eq!(keys(&Harness::from_config(config).unwrap()), ["auth", "meta"]);
    insta::assert_debug_snapshot!(warnings("SQLALCHEMY_ENGINE_OPTIONS"), @r#"
    [
        "`SQLALCHEMY_ENGINE_OPTIONS` has no effect: it is for the default bind, and none is configured; `[engine_options]` is for every bind",
    ]
    "#);
}

/// What one key sets and another of the same database leaves open is no conflict with the defaults.
#[test]
fn keys_of_one_database_may_leave_options_to_each_other() {
    let db = start(
        r#"
        engine_options = { pool_size = 9 }
        SQLALCHEMY_DATABASE_URI = "mysql://h/main"
        SQLALCHEMY_ENGINE_OPTIONS = { busy_timeout = 100 }
        SQLALCHEMY_BINDS = { same = { url = "mysql://h/main", pool_size = 2 } }
        "#,
    );
    assert_eq!((db.pool(None).unwrap().max_size(), pragma(&db, "same", "busy_timeout")), (2, 100));
}

#[test]
fn a_key_among_the_pragmas_is_not_printed() {
    let bind = Bind::memory().pragma("key", "hunter2").pragma("cache_size", 77);
    let printed = format!("{bind:?}");
    assert!(printed.contains("77") && printed.contains("***") && !printed.contains("hunter2"), "{printed}");
}

thread_local! {
    /// The warnings of the test that runs on this thread.
    static WARNINGS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Warnings;

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            WARNINGS.with_borrow_mut(|warnings| warnings.push(record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Warnings).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
}

fn warnings(about: &str) -> Vec<String> {
    WARNINGS.with_borrow(|warnings| warnings.iter().filter(|warning| warning.contains(about)).cloned().collect())
}

#[test]
fn default_names_the_default_bind_everywhere() {
    let table = Table::new("CREATE TABLE post (title TEXT)").bind_key("default");
    let config = Config::from_toml("[binds.default]\n[binds.auth]", "/base").unwrap().table(table);
    let config = config.with_vars([("DATABASE_URL_DEFAULT", "postgresql://db.example/app")]);
    let db = Harness::from_config(config).unwrap();

    assert_eq!(db.binds(), [BindKey::DEFAULT, BindKey::from("auth")]);
    db.connection("default").unwrap().execute("INSERT INTO post VALUES ('a')", []).unwrap();
    db.session().on("default").unwrap().execute("INSERT INTO main.post VALUES ('b')", []).unwrap();
    for key in [None, Some("default")] {
        db.assert_landed(key, "post", multibind::row! { title: "a" });
        assert_eq!(db.engine(key).unwrap().url(), Some("postgresql://db.example/app"));
    }
}

#[test]
fn two_urls_for_the_default_bind_are_an_error() {
    let config = Config::new().default_bind(Bind::memory());
    let config = config.with_vars([("DATABASE_URL", "sqlite:///a.db"), ("DATABASE_URL_DEFAULT", "sqlite:///b.db")]);
    insta::assert_snapshot!(Harness::from_config(config).unwrap_err(), @"bind `default`: `DATABASE_URL` and `DATABASE_URL_DEFAULT` are set to two URLs: unset one of them");
}
