//! Database URLs: which of them name the same database, which name none, and that nothing they name is touched.

use std::fs::{self, File, FileTimes};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use multibind::binds::Storage;
use multibind::{Bind, BindKey, Config, Error, Harness};
use rstest::rstest;

/// Whether two keys with these URLs have one database: what one writes, the other reads.
fn share(one: &str, other: &str) -> bool {
    let db = Harness::builder()
        .bind("one", Bind::url(one).schema("CREATE TABLE seen (by TEXT)"))
        .bind("other", Bind::url(other).schema("CREATE TABLE seen (by TEXT)"))
        .start()
        .unwrap();
    assert_eq!(db.binds(), [BindKey::from("one"), BindKey::from("other")]);
    db.connection("one").unwrap().execute("INSERT INTO seen VALUES ('one')", []).unwrap();
    let other = db.connection("other").unwrap();
    let rows: u32 = other.query_row("SELECT count(*) FROM seen", [], |row| row.get(0)).unwrap();
    rows == 1
}

fn refused(url: &str) -> Error {
    Harness::builder().bind("auth", Bind::url(url)).start().unwrap_err()
}

#[rstest]
#[case::sqlalchemy_no_path("sqlite://")]
#[case::sqlalchemy_empty_path("sqlite:///")]
#[case::sqlalchemy("sqlite:///:memory:")]
#[case::sqlalchemy_driver("sqlite+pysqlite:///:memory:")]
#[case::sqlx("sqlite::memory:")]
#[case::sqlx_slashes("sqlite://:memory:")]
#[case::scheme_alone("sqlite:")]
#[case::plain(":memory:")]
#[case::plain_with_parameter(":memory:?cached=shared")]
#[case::shared_cache("sqlite:///:memory:?cache=shared")]
#[case::misspelt("sqlite:///:memory:?cached=shared")]
#[case::named("file:x?mode=memory")]
#[case::named_without_a_shared_cache("file:x?mode=memory&cache=private")]
#[case::the_last_counts("file:x?mode=memory&cache=shared&cache=private")]
#[case::memdb_of_one_connection("file:x?vfs=memdb")]
#[case::upper_case_scheme("SQLITE:///:memory:")]
fn memory_without_a_name_is_not_shared(#[case] url: &str) {
    assert!(!share(url, url));
}

#[rstest]
#[case::named("file:x?mode=memory&cache=shared", "file:x?cache=shared&mode=memory")]
#[case::named_in_sqlalchemy("sqlite:///file:x?mode=memory&cache=shared&uri=true", "file:x?mode=memory&cache=shared")]
#[case::misspelt("file:x?mode=memory&cached=shared", "file:x?mode=memory&cache=shared")]
#[case::sqlites_name("file::memory:?cache=shared", "sqlite:///file::memory:?cache=shared&uri=true")]
#[case::memdb("file:/x?vfs=memdb", "sqlite:///file:/x?vfs=memdb&uri=true")]
fn memory_with_a_name_is_shared_where_sqlite_shares_it(#[case] one: &str, #[case] other: &str) {
    assert!(share(one, other));
}

#[rstest]
#[case::names("file:x?mode=memory&cache=shared", "file:y?mode=memory&cache=shared")]
#[case::cache_and_none("file:x?mode=memory&cache=shared", "file:x?mode=memory")]
#[case::cache_and_memdb("file:/x?mode=memory&cache=shared", "file:/x?vfs=memdb")]
#[case::memory_and_a_file("file:x?mode=memory&cache=shared", "file:x")]
fn memory_of_other_names_is_not_shared(#[case] one: &str, #[case] other: &str) {
    assert!(!share(one, other));
}

/// The answer of a shared cache to a second writer: at once, about the table.
const OF_SHARED_CACHE: &str = "database table is locked";

#[rstest]
#[case::plain(":memory:?cache=shared", OF_SHARED_CACHE)]
#[case::sqlalchemy("sqlite:///:memory:?cache=shared", OF_SHARED_CACHE)]
#[case::misspelt("sqlite:///:memory:?cached=shared", OF_SHARED_CACHE)]
#[case::sqlx("sqlite::memory:?cache=shared", OF_SHARED_CACHE)]
#[case::uri("file:x?mode=memory&cache=shared", OF_SHARED_CACHE)]
#[case::file("file:app.db?cache=shared", OF_SHARED_CACHE)]
#[case::private("sqlite:///:memory:?cache=private", "database is locked")]
#[case::memory("sqlite:///:memory:", "database is locked")]
fn a_url_that_asks_for_a_shared_cache_gets_one(#[case] url: &str, #[case] answer: &str) {
    let bind = Bind::url(url).schema("CREATE TABLE t (x)").busy_timeout(Duration::ZERO);
    let db = Harness::builder().default_bind(bind).start().unwrap();
    let (one, other) = (db.connection(None).unwrap(), db.connection(None).unwrap());
    one.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    let error = other.execute("INSERT INTO t VALUES (2)", []).unwrap_err().to_string();
    assert!(error.starts_with(answer), "{error}");
}

#[test]
fn a_set_storage_wins_over_the_url() {
    let bind = Bind::url("file:x?mode=memory&cache=shared").storage(Storage::TempFile);
    let db = Harness::builder()
        .bind("one", bind)
        .bind("other", Bind::url("file:x?mode=memory&cache=shared"))
        .start()
        .unwrap();
    assert!(db.path("other").unwrap().is_some());
}

#[rstest]
#[case::relative("sqlite:///app.db")]
#[case::absolute("sqlite:////var/lib/app.db")]
#[case::driver("sqlite+pysqlite:///app.db")]
#[case::sqlx("sqlite://app.db")]
#[case::sqlx_no_slashes("sqlite:app.db?mode=rwc")]
#[case::uri_in_sqlalchemy("sqlite:///file:app.db?uri=true")]
#[case::uri("file:app.db?mode=ro")]
#[case::absolute_uri("file:///var/lib/app.db")]
#[case::cipher("sqlite+pysqlcipher://:secret@/app.db?cipher=aes-256-cfb")]
#[case::postgres_alone("postgres://")]
#[case::postgres("postgres://localhost/main")]
#[case::postgresql_alone("postgresql://")]
#[case::postgresql("postgresql:///main")]
#[case::postgresql_driver("postgresql+psycopg2://app@db.example/main")]
#[case::mysql_alone("mysql://")]
#[case::mysql("mysql://localhost/users")]
#[case::mysqldb("mysqldb://localhost/users")]
#[case::mysql_driver("mysql+pymysql://user:pw@host:3306/db")]
#[case::mariadb("mariadb://localhost/users")]
#[case::mariadb_driver("mariadb+mariadbconnector://localhost/users")]
#[case::mssql("mssql+pyodbc://sa:pw@db.example/app?driver=ODBC+Driver+18")]
#[case::odbc("mssql+pyodbc:///?dsn=app")]
#[case::oracle("oracle+cx_oracle://scott:tiger@db.example:1521/?service_name=app")]
#[case::cockroachdb("cockroachdb://root@db.example:26257/app")]
#[case::libsql("libsql://app.example?authToken=hunter2")]
#[case::any_other("some-thing://db.example/app")]
fn keys_of_one_file_or_server_share_it(#[case] url: &str) {
    assert!(share(url, url));
}

#[rstest]
#[case::sqlx_and_sqlalchemy("sqlite:app.db", "sqlite:///app.db")]
#[case::sqlx_absolute("sqlite:/var/lib/app.db", "sqlite:////var/lib/app.db")]
#[case::uri("file:app.db?mode=ro", "sqlite:///app.db")]
#[case::uri_in_sqlalchemy("sqlite:///file:app.db?uri=true", "sqlite:///app.db")]
#[case::absolute_uri("file:///var/lib/app.db", "sqlite:////var/lib/app.db")]
#[case::uri_with_host("file://localhost/var/lib/app.db", "file:/var/lib/app.db")]
#[case::uri_with_fragment("file:app.db#part", "file:app.db")]
#[case::dots("sqlite:///./data//x/../app.db", "sqlite:///data/app.db")]
#[case::above_the_root("sqlite:////../app.db", "sqlite:////app.db")]
#[case::escapes("sqlite:///my%20app.db", "sqlite:///my app.db")]
#[case::parameters("sqlite:///app.db?timeout=10", "sqlite:///app.db")]
#[case::cipher("sqlite+pysqlcipher://:secret@//var/app.db", "sqlite:////var/app.db")]
#[case::schemes("postgres://h/db", "postgresql+asyncpg://h/db")]
#[case::mysql_schemes("mysqldb://h/db", "mariadb+pymysql://h/db")]
#[case::rails_schemes("mysql2://h/db", "mysql://h/db")]
#[case::rails_sqlite("sqlite3:app.db", "sqlite:///app.db")]
#[case::mssql_drivers("mssql+pyodbc://sa@DB.example/app", "sqlserver://db.example:1433/app")]
#[case::parameters_in_another_order("oracle://h/?service_name=a&x=1", "oracle://h/?x=1&service_name=a")]
#[case::secrets("libsql://h?authToken=one", "libsql://h?authToken=two")]
#[case::user("postgres://ann:one@h/db", "postgres://bob:two@h/db")]
#[case::options("postgres://h/db?sslmode=require", "postgres://h/db?application_name=test")]
#[case::host_case("mysql://DB.Example/db", "mysql://db.example/db")]
#[case::no_host("postgresql:///main", "postgresql://localhost/main")]
#[case::postgres_port("postgres://h:5432/db", "postgres://h/db")]
#[case::mysql_port("mysql://h:3306/db", "mysql://h:/db")]
#[case::host_parameter("postgres:///db?host=h&port=5433", "postgres://h:5433/db")]
#[case::socket_folder("postgres:///db?host=/run/pg", "postgres://%2Frun%2Fpg/db")]
#[case::hosts("postgres://a:5432,b:5433/db", "postgres:///db?host=a&host=b:5433")]
#[case::port_list("postgres:///db?host=a,b&port=1,2", "postgres://a:1,b:2/db")]
#[case::socket("mysql://h/db?unix_socket=/run/my.sock", "mysql://h:3307/db?unix_socket=/run/my.sock")]
#[case::ipv6("postgres://[::1]/db", "postgres://[::1]:5432/db")]
#[case::database_of_the_user("postgres://ann@h", "postgres://bob@h/ann")]
#[case::database_parameter("postgres://h?dbname=db", "postgres://h/db")]
#[case::database_escapes("mysql://h/my%20db", "mysql://h/my db")]
#[case::plain_at_sign("postgres://u:p@w@h/db", "postgres://h/db")]
#[case::plain_slash("postgres://u:p/w@h/db", "postgres://h/db")]
#[case::plain_question_mark("postgres://u:p?w@h/db", "postgres://h/db")]
fn urls_of_one_database_share_it(#[case] one: &str, #[case] other: &str) {
    assert!(share(one, other));
}

#[rstest]
#[case::files("sqlite:///a.db", "sqlite:///b.db")]
#[case::relative_and_absolute("sqlite:///app.db", "sqlite:////app.db")]
#[case::above("sqlite:///../app.db", "sqlite:///app.db")]
#[case::file_case("sqlite:///App.db", "sqlite:///app.db")]
#[case::kinds("postgres://h/db", "mysql://h/db")]
#[case::other_kinds("cockroachdb://h/db", "postgres://h/db")]
#[case::services("oracle://h/?service_name=a", "oracle://h/?service_name=b")]
#[case::sources("mssql+pyodbc:///?dsn=a", "mssql+pyodbc:///?dsn=b")]
#[case::hosts("postgres://a/db", "postgres://b/db")]
#[case::ports("postgres://h:5432/db", "postgres://h:5433/db")]
#[case::databases("mysql://h/a", "mysql://h/b")]
#[case::database_case("postgres://h/Db", "postgres://h/db")]
#[case::default_databases("postgres://ann@h", "postgres://bob@h")]
#[case::sockets("mysql:///db?unix_socket=/a", "mysql:///db?unix_socket=/b")]
#[case::socket_folders("postgres:///db?host=/a", "postgres:///db?host=/b")]
#[case::host_lists("postgres://a,b/db", "postgres://a/db")]
fn urls_of_different_databases_share_nothing(#[case] one: &str, #[case] other: &str) {
    assert!(!share(one, other));
}

#[test]
fn keys_of_one_url_share_their_rows() {
    let url = "mysql+pymysql://root:root@localhost:3306/test1";
    let db = Harness::builder()
        .bind("test1", Bind::url(url).schema("CREATE TABLE tb_store (name TEXT)"))
        .bind("test2", Bind::url("mysql+pymysql://root:root@localhost:3306/test2"))
        .default_bind(Bind::url(url).schema("CREATE TABLE tb_user (name TEXT)"))
        .start()
        .unwrap();
    assert_eq!(db.binds(), [BindKey::DEFAULT, BindKey::from("test1"), BindKey::from("test2")]);
    db.connection(None).unwrap().execute("INSERT INTO tb_store VALUES ('corner shop')", []).unwrap();
    db.connection("test1").unwrap().execute("INSERT INTO tb_user VALUES ('ann')", []).unwrap();
    let read = |key: &str, sql: &str| -> String {
        db.connection(Some(key).filter(|key| !key.is_empty())).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(read("test1", "SELECT name FROM tb_store"), "corner shop");
    assert_eq!(read("", "SELECT name FROM tb_user"), "ann");
    let error = db.connection("test2").unwrap().execute("INSERT INTO tb_user VALUES ('ann')", []).unwrap_err();
    insta::assert_snapshot!(error, @"no such table: tb_user");
}

#[test]
fn an_empty_url_is_an_error_with_the_forms_that_work() {
    insta::assert_snapshot!(refused(""), @"
    bind `auth`: the URL is empty
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused(" \n"), @"
    bind `auth`: the URL is empty
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

#[test]
fn a_url_without_a_scheme_lists_valid_forms() {
    insta::assert_snapshot!(refused("app.db"), @"
    bind `auth`: the URL `app.db` has no scheme
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused("/var/lib/app.db"), @"
    bind `auth`: the URL `/var/lib/app.db` has no scheme
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused("localhost:5432/db"), @"
    bind `auth`: the URL `localhost:5432/db` has no scheme that is known
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused("//localhost/db"), @"
    bind `auth`: the URL `//localhost/db` has no scheme
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

#[test]
fn a_server_without_slashes_lists_valid_forms() {
    insta::assert_snapshot!(refused("mysql:localhost/db"), @"
    bind `auth`: the URL `mysql:***` has no `//` after `mysql:`
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

#[test]
fn a_wrong_port_lists_valid_forms() {
    insta::assert_snapshot!(refused("postgres://db.example:54x2/app"), @"
    bind `auth`: the URL `postgres://db.example:***` has a port that is not a number from 0 to 65535
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused("postgres://ann:secret@db.example:99999/app"), @"
    bind `auth`: the URL `postgres://ann:***@db.example:***` has a port that is not a number from 0 to 65535
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused("postgres:///app?host=h&port=many"), @"
    bind `auth`: the URL `postgres:///app?host=h&port=many` has a port that is not a number from 0 to 65535
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    insta::assert_snapshot!(refused("postgres://[::1/app"), @"
    bind `auth`: the URL `postgres://[:***` has a port that is not a number from 0 to 65535
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

#[test]
fn a_file_uri_with_a_host_is_refused_with_a_fix() {
    insta::assert_snapshot!(refused("file://app.db"), @"
    bind `auth`: the URL `file://app.db` has a host between `file://` and the path, which SQLite does not take: write `file:` before a relative path, `file://` before an absolute one
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

#[test]
fn an_error_names_the_default_bind_too() {
    let error = Harness::builder().default_bind(Bind::url("app.db")).start().unwrap_err();
    assert!(matches!(&error, Error::Url { bind, .. } if bind.is_default()));
    insta::assert_snapshot!(error, @"
    bind `default`: the URL `app.db` has no scheme
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
}

#[rstest]
#[case::plain("mysql+pymysql://user:hunter2@host:3306/db")]
#[case::at_sign("postgres://user:hun@hunter2@host/db")]
#[case::slash("postgres://user:a/hunter2@host/db")]
#[case::colon("postgres://user:a:hunter2@host/db")]
#[case::question_mark("postgres://user:a?hunter2@host/db")]
#[case::at_sign_and_slash("postgres://user:a@b/hunter2@host/db")]
#[case::parameter("postgres://host/db?password=hunter2")]
#[case::passwd("mysql://host/db?user=u&passwd=hunter2&charset=utf8")]
#[case::pwd("mysql://host/db?pwd=a@hunter2")]
#[case::sslpassword("postgres://host/db?sslpassword=hunter2")]
#[case::cipher("sqlite+pysqlcipher://:hunter2@/app.db")]
#[case::no_scheme("user:hunter2@host/db")]
#[case::no_slashes("mysql:user:hunter2@host/db")]
#[case::another_server("oracle://user:hunter2@host/db")]
#[case::odbc("mssql+pyodbc:///?odbc_connect=DSN%3Dapp%3BPWD%3Dhunter2")]
#[case::empty_scheme("://user:hunter2@host/db")]
#[case::jdbc("jdbc:postgresql://host/db?user=u&password=hunter2")]
#[case::bad_port("postgres://user:hunter2@host:port/db")]
#[case::unset_host("postgres://user:hunter2@${MULTIBIND_TEST_UNSET}/db")]
#[case::unset_port("postgres://user:hunter2@host:${MULTIBIND_TEST_UNSET}/db")]
#[case::unset_scheme("${MULTIBIND_TEST_UNSET}://user:hunter2@host/db")]
#[case::forgotten_host("postgres://user:hunter2/db")]
#[case::forgotten_host_and_more("postgres://user:a@b:hunter2/db")]
#[case::key_value_list("host=h user=u password=hunter2 dbname=db")]
#[case::spaced_key_value_list("host=h user=u password = 'a hunter2' dbname=db")]
fn a_password_is_never_printed(#[case] url: &str) {
    let bind = Bind::url(url);
    let config = Config::new().bind("auth", bind.clone());
    let from_toml = Config::from_toml(&format!("[binds.auth]\nurl = {url:?}"), ".").unwrap();
    let from_variable = Config::new().bind("auth", Bind::memory()).with_vars([("DATABASE_URL_AUTH", url)]);
    let mut printed = format!("{bind:?} {bind:#?} {config:?} {from_toml:?} {from_variable:?}");
    assert!(printed.contains("***"), "{printed}");
    for config in [config, from_toml, from_variable] {
        match Harness::from_config(config) {
            Ok(db) => printed += &format!("{db:?}"),
            Err(error) => printed += &format!("{error} {error:?}"),
        }
    }
    let twice = format!("SQLALCHEMY_BINDS = {{ auth = {url:?} }}\nbinds = {{ auth = {url:?} }}");
    let unclosed = format!("[binds.auth]\nurl = {url:?} x");
    let unknown = format!("[binds.auth]\nurll = {url:?}");
    let wrong_type = format!("[binds.auth]\nurl = [{url:?}]\npool_size = {url:?}");
    let wrong_value = format!("[binds.auth]\npool_size = {url:?}");
    for text in [twice, unclosed, unknown, wrong_type, wrong_value] {
        let error = Config::from_toml(&text, ".").unwrap_err();
        printed += &format!("{error} {error:?}");
    }
    // Two binds of one URL that want different things.
    let conflict = Config::new().bind("one", Bind::url(url).pool_size(1)).bind("two", Bind::url(url).pool_size(2));
    if let Err(error) = Harness::from_config(conflict) {
        printed += &format!("{error} {error:?}");
    }
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[rstest]
#[case::sqlalchemy("sqlite:///{path}")]
#[case::driver("sqlite+pysqlite:///{path}")]
#[case::sqlx("sqlite:{path}")]
#[case::uri("file:{path}?mode=rwc")]
#[case::uri_with_slashes("file://{path}")]
#[case::uri_in_sqlalchemy("sqlite:///file:{path}?uri=true")]
fn a_file_that_a_url_names_is_neither_opened_nor_changed(#[case] form: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    // A database that SQLite would read, with a schema that ours would clash with.
    let real = rusqlite::Connection::open(&path).unwrap();
    real.execute_batch("CREATE TABLE post (id INTEGER PRIMARY KEY); INSERT INTO post VALUES (41)").unwrap();
    real.close().unwrap();
    let bytes = fs::read(&path).unwrap();
    // Read times are often kept only where they are older than the last change.
    let written = SystemTime::now() - Duration::from_secs(3600);
    let read = written - Duration::from_secs(3600);
    let times = FileTimes::new().set_modified(written).set_accessed(read);
    File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    let before = state(&path);

    let url = form.replace("{path}", path.to_str().unwrap());
    let config = format!("[default]\nurl = {url:?}\n");
    fs::write(folder.path().join("binds.toml"), config).unwrap();
    let before_folder = listing(folder.path());
    let db = Harness::builder()
        .default_bind(Bind::url(&url).schema("CREATE TABLE post (id INTEGER PRIMARY KEY)"))
        .bind("again", Bind::url(&url))
        .start()
        .unwrap();
    db.connection("again").unwrap().execute("INSERT INTO post VALUES (42)", []).unwrap();
    let ids: i64 = db.connection(None).unwrap().query_row("SELECT sum(id) FROM post", [], |row| row.get(0)).unwrap();
    assert_eq!(ids, 42);
    assert_eq!(db.path(None).unwrap(), None);
    let from_file = Harness::from_file(folder.path().join("binds.toml")).unwrap();
    from_file.connection(None).unwrap().execute("CREATE TABLE other (id)", []).unwrap();
    drop((db, from_file));

    assert_eq!(state(&path), before);
    assert_eq!(listing(folder.path()), before_folder);
    // Only now, since this reads it.
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// All that is known of a file without opening it.
fn state(path: &Path) -> (u64, SystemTime, SystemTime) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.len(), metadata.modified().unwrap(), metadata.accessed().unwrap())
}

fn listing(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names = fs::read_dir(folder).unwrap().map(name).collect::<Vec<_>>();
    names.sort();
    names
}

#[test]
fn a_file_that_a_url_names_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}", folder.path().join("new/app.db").display());
    let db = Harness::builder().default_bind(Bind::url(url)).start().unwrap();
    db.connection(None).unwrap().execute_batch("CREATE TABLE post (id)").unwrap();
    assert_eq!(listing(folder.path()), Vec::<String>::new());
}

#[rstest]
#[case::postgres("postgresql+psycopg2://ann:secret@127.0.0.1:{port}/app")]
#[case::mysql("mysql://127.0.0.1:{port}/app")]
fn a_server_that_a_url_names_is_not_connected_to(#[case] form: &str) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let url = form.replace("{port}", &server.local_addr().unwrap().port().to_string());
    let db = Harness::builder().default_bind(Bind::url(url)).start().unwrap();
    db.connection(None).unwrap().execute_batch("CREATE TABLE post (id)").unwrap();
    assert_eq!(server.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
