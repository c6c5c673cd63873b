//! The binds in a section of the application's own file: `Config::from_section`.

use multibind::{BindKey, Config, Harness, Result};
use rstest::rstest;

use crate::folder::Folder;

fn read(text: &str, section: &str) -> (Folder, Result<Config>) {
    let folder =
        Folder::with([("config/app.toml", text), ("migrations/auth/1_user.sql", "CREATE TABLE user (name TEXT)")]);
    let config = Config::from_section(folder.file("config/app.toml"), section);
    (folder, config)
}

fn keys(text: &str, section: &str) -> Vec<String> {
    let db = Harness::from_config(read(text, section).1.unwrap()).unwrap();
    db.binds().iter().map(BindKey::to_string).collect()
}

const APP: &str = "
    log_level = 'info'
    [server]
    port = 8080
    url = 'http://localhost'
    [database]
    pool = { max = 5 }
    retries = 3
    metrics = 'http://metrics.example'
    label = 'blog'
    meta = 'sqlite:////var/lib/app/meta.db'
    [database.default]
    url = 'postgres://blog:${DB_PASSWORD}@db.example/blog'
    max_connections = 5
    tls = { ca = 'ca.pem' }
    [database.auth]
    url = 'mysql://db.example/accounts'
    schema = '../migrations/auth'
    pool_size = 2
    [database.timeouts]
    pool_timeout = 5
";

#[rstest]
fn the_binds_of_a_section_are_started_and_the_rest_is_passed_over() {
    assert_eq!(keys(APP, "database"), ["default", "meta", "auth"]);
    let (_folder, config) = read(APP, "database");
    let db = Harness::from_config(config.unwrap()).unwrap();
    assert!(db.metadata("auth").unwrap().table("user").is_some());
    assert_eq!(db.pool("auth").unwrap().max_size(), 2);
    assert_eq!(db.engine(None).unwrap().url(), Some("postgres://blog:***@db.example/blog"));
}

#[rstest]
#[case::nested("[app.database.auth]\nurl = 'mysql://h/a'", "app.database", &["auth"])]
#[case::the_default_bind_itself(
    "[database]\nurl = 'mysql://h/d'\npool_size = 3\nretries = 1\npragmas = { cache_size = 9 }\n[database.auth]\nurl = 'mysql://h/a'",
    "database",
    &["default", "auth"]
)]
#[case::urls_alone("[databases]\ndefault = 'mysql://h/d'\nauth = 'sqlite://'\n", "databases", &["default", "auth"])]
fn a_section_may_be_written_in_other_ways(#[case] text: &str, #[case] section: &str, #[case] binds: &[&str]) {
    assert_eq!(keys(text, section), binds);
}

#[rstest]
fn settings_beside_the_url_of_a_section_are_the_default_bind_s() {
    let (_folder, config) = read("[database]\nurl = 'mysql://h/d'\npool_size = 3\nretries = 1", "database");
    assert_eq!(Harness::from_config(config.unwrap()).unwrap().pool(None).unwrap().max_size(), 3);
}

#[rstest]
fn a_section_that_is_not_what_it_should_be_is_an_error() {
    let wrong = |text: &str, section: &str| {
        let (folder, config) = read(text, section);
        folder.shown(&config.unwrap_err())
    };
    insta::assert_snapshot!(wrong(APP, "databases"), @"[folder]/config/app.toml: no section `[databases]`; the nearest known one is `database`");
    insta::assert_snapshot!(wrong(APP, "database.label"), @"[folder]/config/app.toml:6: no section `[database.label]`; known are `pool`, `default`, `auth`, `timeouts`");
    insta::assert_snapshot!(wrong("x = 1", "database"), @"[folder]/config/app.toml: no section `[database]`: there is no table");
    insta::assert_snapshot!(wrong(APP, "server.tls"), @"[folder]/config/app.toml:3: no section `[server.tls]`: there is no table");
    insta::assert_snapshot!(wrong("[a]\n[database.pool]\nmax = 5", "database"), @"[folder]/config/app.toml:2: `[database]` has no bind: one is `[database.KEY]` with a `url`");
    insta::assert_snapshot!(wrong("[database.auth]\nurl = 'mysql://h/d'\npool_size = 'x'", "database"), @"[folder]/config/app.toml:3: bind `auth`: `pool_size` must be an integer of at least 1, not a string");
    insta::assert_snapshot!(wrong("[database]\nurl = 'mysql://h/d'\n[database.default]\nurl = 'mysql://h/d'", "database"), @"[folder]/config/app.toml:4: bind `default`: `url` is set twice, here and on line 2");
    insta::assert_snapshot!(wrong("[database", "database"), @"[folder]/config/app.toml:1: this is not TOML: unclosed table, expected `]`");
}

const WITH_ENVIRONMENTS: &str = "
    [database.default]
    url = 'postgres://db.example/blog'
    [database.auth]
    url = 'mysql://db.example/accounts'
    max_connections = 20
    [database.env.test.auth]
    schema = '../migrations/auth'
    max_connections = 1
    [database.env.test.default]
    pool_size = 3
    [database.env.test.meta]
    storage = 'temp_file'
    [database.env.ci]
    auth = 'sqlite:///ci.db'
    [database.env.ci.metrics]
    pool_timeout = 5
    [database.env.prefix]
    name = 'APP_'
";

#[rstest]
fn an_environment_within_a_section_is_laid_over_it() -> Result<()> {
    let (_folder, config) = read(WITH_ENVIRONMENTS, "database");
    let config = config?;
    let db = Harness::from_config(config.clone())?;
    assert_eq!(db.binds(), [BindKey::DEFAULT, "auth".into(), "meta".into()]);
    assert!(db.metadata("auth")?.table("user").is_some());
    assert_eq!(db.engine("auth")?.url(), Some("mysql://db.example/accounts"));
    assert_eq!(db.pool(None)?.max_size(), 3);

    let db = Harness::from_config(config.environment("ci"))?;
    assert_eq!(db.binds(), [BindKey::DEFAULT, "auth".into()]);
    assert!(db.metadata("auth")?.table("user").is_none());
    assert_eq!(db.engine("auth")?.url(), Some("sqlite:///ci.db"));
    Ok(())
}

#[rstest]
fn the_default_bind_of_a_section_has_an_environment_too() -> Result<()> {
    let text = "[database]\nurl = 'mysql://h/d'\npool_size = 3\n[database.env.test]\npool_size = 4\nretries = 1\n[database.env.other]\nurl = 'mysql://h/e'";
    let (_folder, config) = read(text, "database");
    assert_eq!(Harness::from_config(config?)?.pool(None)?.max_size(), 4);
    Ok(())
}

#[rstest]
#[case::a_bind_of_that_key("[database.env]\nurl = 'mysql://h/e'", &["env"])]
#[case::the_applications_own("[database.auth]\nurl = 'mysql://h/a'\n[database.env]\nprefix = 'APP_'", &["auth"])]
#[case::a_value("[database]\nenv = 'APP_'\n[database.auth]\nurl = 'mysql://h/a'", &["auth"])]
fn env_in_a_section_may_be_something_else(#[case] text: &str, #[case] binds: &[&str]) {
    assert_eq!(keys(text, "database"), binds);
}

#[rstest]
fn a_wrong_setting_of_an_environment_in_a_section_has_its_line() {
    let text = "[database.auth]\nurl = 'mysql://h/a'\n[database.env.ci.auth]\npool_size = 'x'";
    let (folder, config) = read(text, "database");
    insta::assert_snapshot!(folder.shown(&config.unwrap_err()), @"[folder]/config/app.toml:4: bind `auth`: `pool_size` must be an integer of at least 1, not a string");
    let text = "[database.auth]\nurl = 'mysql://h/a'\n[database.env.ci.auth]\npool_size = 1";
    let (folder, config) = read(text, "database");
    insta::assert_snapshot!(folder.shown(&Harness::from_config(config.unwrap().environment("cI")).unwrap_err()), @"[folder]/config/app.toml: no environment `cI`, which is chosen in the code: known are ci; the nearest is `ci`");
}

#[rstest]
fn a_bind_at_the_top_of_a_file_is_told_its_place() {
    let wrong = |text: &str| Config::from_toml(text, ".").unwrap_err().to_string();
    insta::assert_snapshot!(wrong("[auth]\nurl = 'mysql://h/a'"), @"line 1: unknown name `auth`; the bind of this key is `[binds.auth]`");
    insta::assert_snapshot!(wrong("[defaults]\nschema = 'a'"), @"line 1: unknown name `defaults`; the nearest known one is `default`, and the bind of this key is `[binds.defaults]`");
    insta::assert_snapshot!(wrong("[auth]\nurl = 'mysql://h/a'\nmax_connections = 5"), @"line 1: unknown name `auth`; the bind of this key is `[binds.auth]`");
}
