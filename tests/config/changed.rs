//! A configuration from a file, changed in code and by the environment of the process: `Config::change`, `storage`, `with_env`.

use multibind::binds::{Lag, Storage};
use multibind::rusqlite::{self, Connection};
use multibind::{row, Bind, Config, Harness};
use rstest::rstest;

use crate::child::{in_a_process, is_the_child};

const FILE: &str = "
    [default]
    url = 'mysql://db/app'
    schema_sql = 'CREATE TABLE post (title TEXT)'
    [binds.auth]
    schema_sql = 'CREATE TABLE user (name TEXT); INSERT INTO user VALUES (1)'
    pool_size = 3
    [binds.replica]
    mirror = 'auth'
    read_only = true
    [env.test.binds.auth]
    storage = 'temp_file'
";

fn config() -> Config {
    Config::from_toml(FILE, ".").unwrap()
}

fn storages(config: Config) -> Vec<(String, Storage)> {
    let engines = Harness::from_config(config).unwrap().engines();
    engines.iter().map(|engine| (engine.key().to_string(), engine.storage())).collect()
}

#[rstest]
fn a_bind_of_a_file_gets_another_schema_and_keeps_the_rest() {
    fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
        conn.execute_batch("CREATE TABLE member (name TEXT)")
    }
    let db = Harness::from_config(config().change("auth", |auth| auth.without_schema().schema_with(migrate))).unwrap();
    assert!(db.metadata("auth").unwrap().table("user").is_none());
    assert!(db.metadata("auth").unwrap().table("member").is_some());
    assert_eq!(db.pool("auth").unwrap().max_size(), 3);
    assert!(db.path("auth").unwrap().is_some());

    let added = |auth: Bind| auth.schema("ALTER TABLE user ADD COLUMN email TEXT");
    let db = Harness::from_config(config().change("auth", added)).unwrap();
    db.assert_landed("replica", "user", row! { name: "1", email: None });
}

#[rstest]
fn a_change_wins_over_the_environment_and_the_last_over_those_before_it() {
    let changed = config()
        .change("auth", |auth| auth.storage(Storage::MemDb))
        .change([None, Some("auth")], |bind| bind.storage(Storage::Memory));
    assert_eq!(Harness::from_config(changed).unwrap().engine("auth").unwrap().storage(), Storage::Memory);
}

#[rstest]
fn all_binds_have_one_storage_and_a_mirror_has_that_of_its_source() {
    let all = config().change(.., |bind| bind.storage(Storage::TempFile)).bind("late", Bind::memory());
    let kept = [("default", Storage::TempFile), ("auth", Storage::TempFile), ("late", Storage::TempFile)];
    let mut found = storages(all);
    found.retain(|(key, _)| key != "replica");
    assert_eq!(found, kept.map(|(key, storage)| (key.to_string(), storage)));
}

#[rstest]
fn a_file_sets_the_storage_of_binds_that_set_none() {
    let text = "
        [default]
        url = 'sqlite:///:memory:?cache=shared'
        [binds.own]
        storage = 'memdb'
        [binds.two]
        url = 'mysql://db/app'
        [binds.same]
        url = 'mysql://db/app'
        storage = 'memory'
        [env.files]
        storage = 'temp_file'
    ";
    let config = |name: &str| Config::from_toml(text, ".").unwrap().environment(name);
    let of = |config: Config, key: Option<&str>| Harness::from_config(config).unwrap().engine(key).unwrap().storage();
    assert_eq!(of(config("files"), None), Storage::TempFile);
    assert_eq!(of(config("files"), Some("own")), Storage::MemDb);
    assert_eq!(of(config("files"), Some("two")), Storage::Memory, "its other key says so");
    let error = Config::from_toml("storage = 'disk'\n[default]", ".").unwrap_err();
    insta::assert_snapshot!(error, @"line 1: `storage` cannot be `disk`; known are `memory`, `shared_cache`, `memdb`, `temp_file`");
}

#[rstest]
fn a_bind_may_be_replaced_as_a_whole() {
    let config = config().change("replica", |_| Bind::mirror(None).read_only(true).lag(Lag::Manual));
    let db = Harness::from_config(config).unwrap();
    db.connection(None).unwrap().execute("INSERT INTO post VALUES ('hello')", []).unwrap();
    db.assert_not_landed("replica", "post", row! { title: "hello" });
    db.replicate("replica").unwrap();
    db.assert_landed("replica", "post", row! { title: "hello" });
}

#[rstest]
fn a_change_of_a_bind_that_is_not_there_is_an_error_at_start() {
    let start = |config: Config| config.start().unwrap_err().to_string();
    let nothing = |bind: Bind| bind;
    insta::assert_snapshot!(start(config().change("auht", nothing)), @"no bind `auht`: configured are default, auth, replica; the nearest is `auth`");
    let none = Config::new().bind("auth", Bind::memory()).change(None, nothing);
    insta::assert_snapshot!(start(none), @"no default bind for `change`: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
}

#[rstest]
fn a_bind_of_the_code_with_the_key_of_an_environment_is_configured_twice() {
    let config = Config::from_toml("[default]\n[env.test.binds.auth]\nread_only = true", ".").unwrap();
    let error = config.bind("auth", Bind::memory()).start().unwrap_err();
    insta::assert_snapshot!(error, @"line 2: bind `auth` is configured twice; `Config::change` changes one that is there");
}

#[test]
fn a_file_that_says_so_has_its_urls_from_the_environment() {
    if !is_the_child() {
        return in_a_process("changed::a_file_that_says_so_has_its_urls_from_the_environment", |command| {
            command.env("DATABASE_URL_AUTH", "mysql://db/app");
        });
    }
    let are_one = |asks: &str| {
        let text = format!("{asks}\n[default]\nurl = 'mysql://db/app'\n[binds.auth]\nurl = 'mysql://db/auth'");
        let db = Harness::from_config(Config::from_toml(&text, ".").unwrap()).unwrap();
        db.uri(None).unwrap() == db.uri("auth").unwrap()
    };
    assert!(are_one("with_env = true"));
    assert!(are_one("with_env = false\nenv.test.with_env = true"));
    assert!(!are_one("with_env = false"));
    assert!(!are_one(""));
}
