//! One file for the application and its tests: `[env.NAME]`, and `${NAME}` in URLs.

use std::process::Command;

use multibind::{Bind, BindKey, Config, Error, Harness};
use rstest::rstest;

use crate::folder::Folder;

fn config(toml: &str) -> Config {
    Config::from_toml(toml, env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn start(config: Config) -> Harness {
    Harness::from_config(config).unwrap()
}

fn with<const N: usize>(toml: &str, vars: [(&str, &str); N]) -> Harness {
    start(config(toml).with_vars(vars))
}

/// What is wrong with a text, whether it shows when it is read, with its variables or at start.
fn wrong<const N: usize>(toml: &str, vars: [(&str, &str); N]) -> Error {
    let config = Config::from_toml(toml, env!("CARGO_MANIFEST_DIR"));
    match config.and_then(|config| config.with_vars(vars).start()) {
        Ok(_) => panic!("the harness started"),
        Err(error) => error,
    }
}

fn tables(db: &Harness, key: impl Into<BindKey>) -> Vec<String> {
    db.metadata(key).unwrap().tables().iter().map(|table| table.name().to_string()).collect()
}

fn pragma(db: &Harness, key: impl Into<BindKey>, name: &str) -> i64 {
    db.connection(key).unwrap().pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

fn count(db: &Harness, key: impl Into<BindKey>, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    db.connection(key).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn one_database(db: &Harness, one: impl Into<BindKey>, other: impl Into<BindKey>) -> bool {
    db.uri(one).unwrap() == db.uri(other).unwrap()
}

// Which environment.

const CHOICE: &str = "
    [default]
    busy_timeout = 1
    [env.test.default]
    busy_timeout = 2
    [env.ci.default]
    busy_timeout = 3
";

#[rstest]
fn a_harness_is_in_the_environment_test_unless_another_is_chosen() {
    assert_eq!(pragma(&with(CHOICE, []), None, "busy_timeout"), 2);
    assert_eq!(pragma(&with(CHOICE, [("MULTIBIND_ENV", "")]), None, "busy_timeout"), 2);
    assert_eq!(pragma(&with(CHOICE, [("MULTIBIND_ENV", "ci")]), None, "busy_timeout"), 3);
    assert_eq!(pragma(&start(config(CHOICE).environment("ci")), None, "busy_timeout"), 3);
    // What the code says wins, and of that the last.
    let chosen = config(CHOICE).environment("live").environment("test").with_vars([("MULTIBIND_ENV", "ci")]);
    assert_eq!(pragma(&start(chosen), None, "busy_timeout"), 2);
}

#[rstest]
fn a_file_need_not_have_the_environment_test_nor_any() {
    let ci = "default.busy_timeout = 1\nenv.ci.default.busy_timeout = 3";
    assert_eq!(pragma(&with(ci, []), None, "busy_timeout"), 1);
    assert_eq!(pragma(&with("default.busy_timeout = 1", [("MULTIBIND_ENV", "ci")]), None, "busy_timeout"), 1);
    assert_eq!(pragma(&with("env.test.default.busy_timeout = 2", []), None, "busy_timeout"), 2);
}

#[rstest]
fn an_environment_that_is_not_there_is_an_error() {
    insta::assert_snapshot!(wrong(CHOICE, [("MULTIBIND_ENV", "tests")]), @"no environment `tests`, which is chosen by `MULTIBIND_ENV`: known are test, ci; the nearest is `test`");
    insta::assert_snapshot!(Harness::from_config(config(CHOICE).environment("live")).unwrap_err(), @"no environment `live`, which is chosen in the code: known are test, ci");
    insta::assert_snapshot!(Harness::from_config(config("[default]").environment("ci")).unwrap_err(), @"no environment `ci`, which is chosen in the code: none is configured");
    let folder = Folder::with([("binds.toml", CHOICE)]);
    let file = Config::from_file(folder.file("binds.toml")).unwrap();
    insta::assert_snapshot!(folder.refused(Harness::from_config(file.environment("ci "))), @"[folder]/binds.toml: no environment `ci `, which is chosen in the code: known are test, ci; the nearest is `ci`");
}

#[rstest]
fn variables_apply_to_the_environment_whichever_is_set_first() {
    let vars = [("DATABASE_URL", "postgresql://db.example/app")];
    for config in [
        config(CHOICE).with_vars(vars).environment("ci").bind("same", Bind::url(vars[0].1)),
        config(CHOICE).bind("same", Bind::url(vars[0].1)).environment("ci").with_vars(vars),
    ] {
        let db = start(config);
        assert_eq!(db.uri(None).unwrap(), db.uri("same").unwrap());
        assert_eq!(pragma(&db, None, "busy_timeout"), 3);
    }
}

#[test]
fn the_variable_is_that_of_the_process() {
    if std::env::var_os("MULTIBIND_TEST_CHILD").is_none() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["environments::the_variable_is_that_of_the_process", "--exact", "--nocapture"]);
        child.envs([("MULTIBIND_TEST_CHILD", "1"), ("MULTIBIND_ENV", "ci"), ("HOST_OF_BOTH", "db.example")]);
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let urls = "default.url = 'mysql://${HOST_OF_BOTH}/x'\nbinds.a.url = 'mysql://db.example/x'\n";
    let db = start(config(&format!("{urls}{CHOICE}").replace("[default]", "[binds.b]")));
    assert!(one_database(&db, None, "a"));
    assert_eq!(pragma(&db, None, "busy_timeout"), 3);
    // Given variables are instead of those of the process.
    let db = with(CHOICE, [("OTHER", "x")]);
    assert_eq!(pragma(&db, None, "busy_timeout"), 2);
}

// What an environment says over the rest.

#[rstest]
fn an_environment_overrides_single_settings() {
    let folder = Folder::with([
        (
            "binds.toml",
            r#"
            temp_dir = "nowhere"
            data = "data/post.csv"
            engine_options = { pool_size = 7, busy_timeout = 100, pragmas = { cache_size = 10 } }

            [default]
            url = "postgresql://app@db.example/app"
            schema = "post.sql"
            schema_sql = "CREATE TABLE draft (id)"
            busy_timeout = 200
            pragmas = { cache_size = 20, recursive_triggers = true }

            [binds.auth]
            url = "mysql://db.example/accounts"
            schema = ["user.sql", "role.sql"]
            data = "data/user.csv"
            storage = "memory"
            allow_missing_parents = true

            [env.test]
            temp_dir = "."
            data = []
            engine_options = { busy_timeout = 300, pool_timeout = 1.5 }

            [env.test.default]
            schema_sql = "CREATE TABLE sketch (id)"
            pragmas = { cache_size = 30 }

            [env.test.binds.auth]
            storage = "temp_file"
            schema = "user.sql"
            data = []

            [env.test.binds.mail]
            schema_sql = "CREATE TABLE outbox (id)"

            [env.live]
            SQLALCHEMY_DATABASE_URI = "mysql://db.example/accounts"
            engine_options = { busy_timeout = 200, pragmas = { cache_size = 20 } }
            "#,
        ),
        ("post.sql", "CREATE TABLE post (id)"),
        ("user.sql", "CREATE TABLE user (id)"),
        ("role.sql", "CREATE TABLE role (id)"),
        ("data/post.csv", "id\n1\n"),
        ("data/user.csv", "id\n1\n"),
    ]);
    let file = || Config::from_file(folder.file("binds.toml")).unwrap();
    let db = start(file().environment("test"));
    assert_eq!(db.binds(), [BindKey::DEFAULT, "auth".into(), "mail".into()]);
    assert_eq!(tables(&db, None), ["post", "sketch"]);
    assert_eq!((tables(&db, "auth"), tables(&db, "mail")), (vec!["user".to_string()], vec!["outbox".to_string()]));
    assert_eq!((count(&db, None, "post"), count(&db, "auth", "user")), (0, 0));
    assert!(db.path("auth").unwrap().unwrap().starts_with(folder.path()));
    // A bind's own option wins over one for all, wherever they are.
    assert_eq!((pragma(&db, None, "busy_timeout"), pragma(&db, "auth", "busy_timeout")), (200, 300));
    assert_eq!((pragma(&db, None, "cache_size"), pragma(&db, "auth", "cache_size")), (30, 10));
    assert_eq!(pragma(&db, None, "recursive_triggers"), 1);
    assert_eq!(db.pool("mail").unwrap().max_size(), 7);
    assert_eq!(db.pool("mail").unwrap().connection_timeout(), std::time::Duration::from_millis(1500));
    assert!(!one_database(&db, None, "auth"));

    let live = start(file().environment("live"));
    assert!(one_database(&live, None, "auth"));
    assert_eq!(tables(&live, None), ["post", "draft", "user", "role"]);
    assert_eq!((count(&live, None, "post"), count(&live, "auth", "user")), (1, 1));
}

#[rstest]
fn an_environment_may_say_false_where_the_rest_says_true() {
    let toml = |env: &str| {
        format!(
            "{env}\n[default]\nschema_sql = 'CREATE TABLE a (x REFERENCES b)'\nallow_missing_parents = true\nforeign_keys = true\n\
             [binds.auth]\nschema_sql = 'CREATE TABLE b (x)'"
        )
    };
    assert_eq!(pragma(&with(&toml("env.test.default.foreign_keys = false"), []), None, "foreign_keys"), 0);
    let strict = wrong(&toml("env.test.default.allow_missing_parents = false"), []);
    assert!(matches!(strict, Error::ForeignParent { .. }), "{strict}");
}

#[rstest]
fn references_of_an_environment_are_added() {
    let toml = r#"
        [default]
        schema_sql = "CREATE TABLE post (author TEXT, editor TEXT)"
        [binds.auth]
        schema_sql = "CREATE TABLE user (name TEXT PRIMARY KEY)"
        [[references]]
        from = "main.post.author"
        to = "auth.user.name"
        [[env.test.references]]
        from = "main.post.editor"
        to = "auth.user.name"
    "#;
    let db = with(toml, []);
    db.connection(None).unwrap().execute("INSERT INTO post VALUES ('ann', 'bob')", []).unwrap();
    assert_eq!(db.check_references().unwrap().len(), 2);
}

#[rstest]
fn errors_in_unselected_environments_are_reported_with_their_line() {
    insta::assert_snapshot!(wrong("[default]\n[env.ci.default]\nschemas = 'a.sql'", []), @"line 3: bind `default`: unknown setting `schemas`; the nearest known one is `schema`");
    insta::assert_snapshot!(wrong("[default]\n[env.ci]\ndefaults = 'sqlite://'", []), @"line 3: unknown name `defaults`; the nearest known one is `default`");
    insta::assert_snapshot!(wrong("[default]\n[env.ci.env.test]\n", []), @"line 2: `env` cannot be within an environment");
    insta::assert_snapshot!(wrong("[default]\n[env.ci.binds.auth]\npool_size = 0", []), @"line 3: bind `auth`: `pool_size` must be an integer of at least 1, not 0");
    insta::assert_snapshot!(wrong("[env.ci]\nSQLALCHEMY_DATABASE_URI = 'sqlite://'\n[env.ci.default]\nurl = 'sqlite://'", []), @"line 4: bind `default`: `url` is set twice, here and on line 2");
    insta::assert_snapshot!(wrong("env = 'test'", []), @"line 1: `env` must be a table, not a string");
    insta::assert_snapshot!(wrong("env.test = 'sqlite://'", []), @"line 1: `env.test` must be a table, not a string");
    let folder = Folder::with([("binds.toml", "[default]\n\n[env.test.binds.main]\n")]);
    insta::assert_snapshot!(folder.refused(Harness::from_file(folder.file("binds.toml"))), @"[folder]/binds.toml:3: `main` cannot be a bind key: `main` and `temp` are SQLite's names for schemas; the default bind has the key `default`");
}

#[rstest]
fn variables_override_the_environments_url() {
    let toml = "[default]\nurl = '${NOT_SET}'\n[binds.a]\nurl = 'mysql://h/db'\n[env.test.default]\nurl = 'mysql:h'";
    insta::assert_snapshot!(wrong(toml, []), @"
    line 6: bind `default`: the URL `mysql:***` has no `//` after `mysql:`
      forms that work: `sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver may follow, as in `postgresql+psycopg2://`
    ");
    assert!(one_database(&with(toml, [("DATABASE_URL", "mysql://h/db")]), None, "a"));
}

// Variables in URLs.

#[rstest]
#[case::all("${URL}")]
#[case::parts("mysql+pymysql://${USER}:${PASS_WORD}@${HOST}:${_P0RT}/${NAME}?charset=utf8")]
#[case::twice("mysql://${NAME}:${NAME}@${HOST}:3307/accounts")]
#[case::empty("mysql://${EMPTY}${HOST}:3307/accounts")]
fn a_variable_in_a_url_is_expanded(#[case] url: &str) {
    let toml = format!("[default]\nurl = '{url}'\n[binds.a]\nurl = 'mysql://db.example:3307/accounts'");
    let vars = [
        ("URL", "mysql://app:hunter2@db.example:3307/accounts"),
        ("USER", "app"),
        ("PASS_WORD", "hunter2"),
        ("HOST", "db.example"),
        ("_P0RT", "3307"),
        ("NAME", "accounts"),
        ("EMPTY", ""),
    ];
    assert!(one_database(&with(&toml, vars), None, "a"));
}

#[rstest]
#[case::escaped("mysql://h/$${NAME}", "mysql://h/%24%7BNAME%7D")]
#[case::a_dollar("mysql://h/$a$$b$", "mysql://h/%24a%24%24b%24")]
#[case::escaped_after_a_dollar("mysql://h/$$${NAME}", "mysql://h/%24%24%7BNAME%7D")]
#[case::what_a_variable_holds("mysql://h/${NESTED}", "mysql://h/%24%7BNAME%7D")]
fn a_dollar_that_begins_no_variable_is_itself(#[case] url: &str, #[case] meant: &str) {
    let toml = format!("[default]\nurl = '{url}'\n[binds.a]\nurl = '{meant}'");
    assert!(one_database(&with(&toml, [("NESTED", "${NAME}"), ("NAME", "x")]), None, "a"));
}

#[rstest]
fn flask_sqlalchemy_s_names_and_urls_from_code_are_expanded_too() {
    let toml = "SQLALCHEMY_DATABASE_URI = 'mysql://${H}/db'\nSQLALCHEMY_BINDS = { a = 'mysql://h/db' }";
    let config = config(toml).bind("b", Bind::url("mysql://${H}/db")).with_vars([("H", "h")]);
    let db = start(config);
    assert!(one_database(&db, None, "a") && one_database(&db, None, "b"));
}

#[rstest]
#[case::password("mysql://app:${A}@h/db", "mysql://app:${B}@h/db", true)]
#[case::password_and_text("postgres://app:${A}@h/db", "postgres://h:5432/db", true)]
#[case::one_host("mysql://a@${A}/db", "mysql://b:x@${A}:3306/db", true)]
#[case::hosts("mysql://${A}/db", "mysql://${B}/db", false)]
#[case::databases("mysql://h/${A}", "mysql://h/${B}", false)]
#[case::files("sqlite:///${A}/app.db", "sqlite:////var/app.db", false)]
#[case::one_file("sqlite:///${A}/app.db", "sqlite:///${A}/x/../app.db", true)]
#[case::one_port("mysql://h:${A}/db", "mysql://h:${A}/db", true)]
#[case::ports("mysql://h:${A}/db", "mysql://h:${B}/db", false)]
#[case::one_url("${A}", "${A}", true)]
#[case::urls("${A}", "${B}", false)]
#[case::default("${SET:-${A}}", "${A}", true)]
fn a_variable_that_is_not_set_is_part_of_the_name(#[case] one: &str, #[case] other: &str, #[case] are_one: bool) {
    let toml = format!("[default]\nurl = '{one}'\n[binds.a]\nurl = '{other}'");
    assert_eq!(one_database(&with(&toml, [("SET", "")]), None, "a"), are_one);
}

#[rstest]
fn a_misspelt_variable_is_an_error_with_its_place() {
    let url = |url: &str| format!("[binds.auth]\nstorage = 'memory'\nurl = '{url}'");
    insta::assert_snapshot!(wrong(&url("mysql://app:hun${ter2@h/db"), []), @"line 3: bind `auth`: the URL `mysql://app:***@h/db` has a `${` that no name and `}` follow: a variable is written `${NAME}` or `${NAME:-DEFAULT}`, with letters, digits and `_`; write `$${` for a `${` that is meant");
    insta::assert_snapshot!(wrong(&url("mysql://app:hun${t-er2}@h/db"), []), @"line 3: bind `auth`: the URL `mysql://app:***@h/db` has a `${` that no name and `}` follow: a variable is written `${NAME}` or `${NAME:-DEFAULT}`, with letters, digits and `_`; write `$${` for a `${` that is meant");
    insta::assert_snapshot!(wrong(&url("mysql://app@${}/db"), []), @"line 3: bind `auth`: the URL `mysql://app@${}/db` has a `${` that no name and `}` follow: a variable is written `${NAME}` or `${NAME:-DEFAULT}`, with letters, digits and `_`; write `$${` for a `${` that is meant");
    let folder =
        Folder::with([("binds.toml", "[default]\nurl = 'sqlite://'\n[env.test.default]\nurl = '${MULTIBIND_'")]);
    insta::assert_snapshot!(folder.refused(Harness::from_file(folder.file("binds.toml"))), @"[folder]/binds.toml:4: bind `default`: the URL `${MULTIBIND_` has a `${` that no name and `}` follow: a variable is written `${NAME}` or `${NAME:-DEFAULT}`, with letters, digits and `_`; write `$${` for a `${` that is meant");
}

#[rstest]
#[case::not_set("${DATABASE_URL:-mysql://h/db}")]
#[case::empty("${EMPTY:-mysql://h/db}")]
#[case::set("${URL:-sqlite://}")]
#[case::within("mysql://${HOST:-h}/${EMPTY:-d}b")]
#[case::nested("${EMPTY:-${DATABASE_URL:-mysql://${HOST:-h}/db}}")]
#[case::nested_in_what_is_set("${URL:-${MISSING}}")]
fn an_unset_or_empty_variable_has_its_default(#[case] url: &str) {
    let toml = format!("[default]\nurl = '{url}'\n[binds.a]\nurl = 'mysql://h/db'");
    assert!(one_database(&with(&toml, [("URL", "mysql://h/db"), ("EMPTY", "")]), None, "a"));
}

#[rstest]
fn a_default_is_empty_or_wrong_only_where_it_is_used() {
    let url = |url: &str| format!("default.url = '{url}'");
    insta::assert_snapshot!(wrong(&url("${A:-postgres://u:hunter2@h:x/db}"), []).to_string().lines().next().unwrap(), @"line 1: bind `default`: the URL `${A:***@h:***` has a port that is not a number from 0 to 65535");
    insta::assert_snapshot!(wrong(&url("${A:-}"), []).to_string().lines().next().unwrap(), @"line 1: bind `default`: the URL `${A:***` is empty");
    assert!(one_database(
        &with("default.url = '${A:-}'\nbinds.a.url = 'mysql://h/db'", [("A", "mysql://h/db")]),
        None,
        "a"
    ));
}

#[cfg(unix)]
#[rstest]
fn a_variable_that_is_not_utf_8_is_an_error() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let odd = || OsString::from_vec(b"caf\xe9".to_vec());
    let url = config("default.url = 'mysql://h/${NAME}'").with_vars([("NAME", odd())]);
    insta::assert_snapshot!(Harness::from_config(url).unwrap_err(), @"line 1: bind `default`: the URL `mysql://h/${NAME}` needs the variable `NAME`, whose value is not UTF-8");
    insta::assert_snapshot!(config(CHOICE).with_vars([("MULTIBIND_ENV", odd())]).start().unwrap_err(), @"the value of `MULTIBIND_ENV` is not UTF-8: it is the name of an environment");
}

#[rstest]
fn a_wrong_url_is_shown_without_its_variables() {
    let vars =
        [("ALL", "mysql://scott:tiger@h:x/x"), ("SECRET", "tiger"), ("START", "mysql://scott:ti"), ("EMPTY", "")];
    let refused = |url: &str| {
        let error = wrong(&format!("default.url = '{url}'"), vars).to_string();
        assert!(!error.contains("tiger") && !error.contains("ger@"), "{error}");
        error.lines().next().unwrap().to_string()
    };
    insta::assert_snapshot!(refused("${ALL}"), @"line 1: bind `default`: the URL `${ALL}` has a port that is not a number from 0 to 65535");
    insta::assert_snapshot!(refused("mysql://scott:${SECRET}@h:x/x"), @"line 1: bind `default`: the URL `mysql://scott:***@h:***` has a port that is not a number from 0 to 65535");
    insta::assert_snapshot!(refused("${START}ger@h:x/x"), @"line 1: bind `default`: the URL `${START}***@h:***` has a port that is not a number from 0 to 65535");
    insta::assert_snapshot!(refused("${EMPTY}"), @"line 1: bind `default`: the URL `${EMPTY}` is empty");
}

#[rstest]
fn values_of_variables_are_not_printed() {
    let config =
        config("[default]\nurl = 'mysql://app:${PW}@h/db'\n[env.live.default]\nurl = 'mysql://app:tiger@h/db'");
    let printed = format!("{config:?}{:?}", config.clone().with_vars([("PW", "tiger")]));
    assert!(printed.contains("mysql") && !printed.contains("tiger"), "{printed}");
}
