//! The five texts that this crate follows, each with its configuration as written there and a check for each thing it says:
//! Flask-SQLAlchemy's pages on binds (version 2, and version 3 in two forms), a user's notes, and a post.

use multibind::binds::Storage;
use multibind::tables::{Model, Table, TableGroup};
use multibind::{context, row, Bind, BindKey, Config, Error, Harness};
use rstest::rstest;

fn read(toml: &str) -> Config {
    Config::from_toml(toml, ".").unwrap()
}

fn start(config: Config) -> Harness {
    Harness::from_config(config).unwrap()
}

fn keys(db: &Harness) -> Vec<String> {
    db.binds().iter().map(BindKey::to_string).collect()
}

/// The tables that each bind has now, bind by bind.
fn tables(db: &Harness) -> String {
    let mut shown = Vec::new();
    for key in db.binds() {
        let conn = db.connection(&key).unwrap();
        let mut names = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        shown.push(format!("{key}: {}", names.join(" ")).trim_end().to_string());
    }
    shown.join(", ")
}

// The page of version 2.

const VERSION_2: &str = r#"
SQLALCHEMY_DATABASE_URI = 'postgres://localhost/main'
SQLALCHEMY_BINDS = {
    'users' =        'mysqldb://localhost/users',
    'appmeta' =      'sqlite:////path/to/appmeta.db'
}
"#;

struct User;
impl Model for User {
    const BIND: Option<&str> = Some("users");
    const TABLE: &str = "user";
}

fn version_2() -> Config {
    read(VERSION_2)
        .table(Table::of::<User>("CREATE TABLE user (id INTEGER PRIMARY KEY, username VARCHAR(80) UNIQUE)"))
        .table(Table::new("CREATE TABLE message (id INTEGER PRIMARY KEY)").bind_key("users"))
        .table(
            Table::new(
                "CREATE TABLE user_favorites (user_id INTEGER REFERENCES user (id), message_id INTEGER REFERENCES message (id))",
            )
            .bind_key("users"),
        )
        .table(Table::new("CREATE TABLE info (name TEXT)").bind_key("appmeta"))
        .table(Table::new("CREATE TABLE post (id INTEGER PRIMARY KEY)"))
}

#[test]
fn version_2_three_connections_the_default_and_two_named_ones() {
    let db = start(version_2());
    assert_eq!(keys(&db), ["default", "users", "appmeta"]);
    let urls: Vec<_> = db.engines().iter().map(|engine| engine.url().unwrap().to_string()).collect();
    assert_eq!(urls, ["postgres://localhost/main", "mysqldb://localhost/users", "sqlite:////path/to/appmeta.db"]);
    // A table without a key is in the default bind.
    assert_eq!(tables(&db), "default: post, users: message user user_favorites, appmeta: info");
}

#[test]
fn version_2_a_bind_can_be_for_reading_only() {
    let config = read(&format!("{VERSION_2}\n[binds.appmeta]\nread_only = true\n"));
    let db = start(config.table(Table::new("CREATE TABLE info (name TEXT)").bind_key("appmeta")));
    let refused = db.connection("appmeta").unwrap().execute("INSERT INTO info VALUES ('x')", []).unwrap_err();
    assert_eq!(refused.to_string(), "attempt to write a readonly database");
}

#[test]
fn version_2_tables_are_created_and_dropped_by_selection() {
    let db = start(version_2());
    db.drop_all("__all__").unwrap();
    assert_eq!(tables(&db), "default:, users:, appmeta:");
    db.create_all(["users"]).unwrap();
    assert_eq!(tables(&db), "default:, users: message user user_favorites, appmeta:");
    db.create_all("appmeta").unwrap();
    assert_eq!(tables(&db), "default:, users: message user user_favorites, appmeta: info");
    db.create_all(..).unwrap();
    assert_eq!(tables(&db), "default: post, users: message user user_favorites, appmeta: info");
    db.drop_all(None).unwrap();
    assert_eq!(tables(&db), "default:, users: message user user_favorites, appmeta: info");
}

#[test]
fn version_2_a_model_connects_by_itself() {
    let db = start(version_2());
    let mut session = db.session();
    session.model::<User>().unwrap().insert(row! { id: 1, username: "ann" }).unwrap();
    session.execute("INSERT INTO message VALUES (2)", []).unwrap();
    session.execute("INSERT INTO user_favorites VALUES (1, 2)", []).unwrap();
    session.commit().unwrap();
    db.assert_landed(User::BIND, User::TABLE, row! { username: "ann" });
    db.assert_landed("users", "user_favorites", row! { message_id: 2 });
}

#[test]
fn version_2_a_bind_is_routed_at_run_time() {
    let config = read(
        "SQLALCHEMY_DATABASE_URI = 'postgres://localhost/main'
         SQLALCHEMY_BINDS = { 'appmeta' = 'sqlite:////path/to/appmeta.db' }",
    );
    let users = Bind::dynamic(|context| Ok(format!("mysqldb://localhost/users_tenant_{}", context.get("tenant")?)));
    let db = start(config.bind("users", users.schema("CREATE TABLE user (name TEXT)")));
    for tenant in ["acme", "bee"] {
        let mut session = db.session_for(context! { tenant: tenant });
        session.execute("INSERT INTO user VALUES (?1)", [tenant]).unwrap();
        session.commit().unwrap();
    }
    // Several databases of one schema, on one server; each by its URL, however that is written.
    let acme = ("users", "mysql+pymysql://root@localhost:3306/users_tenant_acme");
    db.assert_landed(acme, "user", row! { name: "acme" });
    assert_eq!(db.database_keys("users").unwrap().len(), 2);
}

// The page of version 3, which is there as text and as extracted from HTML: one configuration.

const VERSION_3: &str = r#"
SQLALCHEMY_DATABASE_URI = "postgresql:///main"
SQLALCHEMY_BINDS = {
    "meta" = "sqlite:////path/to/meta.db",
    "auth" = {
        "url" = "mysql://localhost/users",
        "pool_recycle" = 3600,
    },
}
"#;

fn version_3() -> Config {
    read(VERSION_3)
        .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)").bind_key("auth"))
        .table(Table::new("CREATE TABLE setting (name TEXT)").bind_key("meta"))
        .table(Table::new("CREATE TABLE post (id INTEGER PRIMARY KEY)").bind_key(None))
}

#[test]
fn version_3_the_session_picks_the_engine_by_bind_key() {
    let db = start(version_3());
    let mut session = db.session();
    for (table, bind) in [("user", "auth"), ("setting", "meta"), ("post", "default")] {
        let route = session.route(&format!("SELECT * FROM {table}")).unwrap();
        assert_eq!(route.to_string(), format!("reads {bind}"));
    }
    session.execute("INSERT INTO user VALUES (1)", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("auth", "user", row! { id: 1 });
}

#[test]
fn version_3_options_of_the_default_engine_and_of_a_bind() {
    let db = start(read(&format!("SQLALCHEMY_ENGINE_OPTIONS = {{ pool_size = 7, pool_recycle = 60 }}\n{VERSION_3}")));
    let options = |key: Option<&str>| {
        let engine = db.engine(key).unwrap();
        (engine.pool().max_size(), engine.pool_recycle().map(|age| age.as_secs()))
    };
    assert_eq!(options(None), (7, Some(60)));
    assert_eq!(options(Some("auth")), (10, Some(3600)));
    assert_eq!(options(Some("meta")), (10, None));
}

#[test]
fn version_3_types_inherit_or_override_a_bind() {
    struct Base;
    impl Base {
        const BIND: Option<&str> = Some("auth");
    }
    struct Role;
    impl Model for Role {
        const BIND: Option<&str> = Base::BIND;
        const TABLE: &str = "role";
    }
    struct Audit;
    impl Model for Audit {
        const BIND: Option<&str> = Some("meta");
        const TABLE: &str = "audit";
    }
    struct Tag;
    impl Model for Tag {
        const TABLE: &str = "tag";
    }
    let group = TableGroup::new("auth")
        .table(Table::new("CREATE TABLE login (x)"))
        .table(Table::of::<Role>("CREATE TABLE role (x)"))
        .table(Table::of::<Audit>("CREATE TABLE audit (x)"))
        .group(TableGroup::new("meta").table(Table::new("CREATE TABLE theme (x)")))
        .group(TableGroup::default().table(Table::new("CREATE TABLE token (x)")));
    let db = start(read(VERSION_3).tables(group).table(Table::of::<Tag>("CREATE TABLE tag (x)")));
    assert_eq!(tables(&db), "default: tag, meta: audit theme, auth: login role token");
}

#[test]
fn version_3_a_later_bind_key_has_no_effect() {
    let table = Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)").bind_key("auth");
    let db = start(read(VERSION_3).table(table.clone()));
    drop(table.bind_key("meta"));
    assert_eq!(tables(&db), "default:, meta:, auth: user");
}

#[test]
fn version_3_engines_and_metadata_are_visible() {
    let db = start(version_3());
    let engines: Vec<_> = db.engines().iter().map(|engine| format!("{} {}", engine.key(), engine.storage())).collect();
    assert_eq!(engines, ["default memory", "meta memory", "auth memory"]);
    assert_eq!(db.engine(None).unwrap().uri(), db.uri(None).unwrap());
    let metadatas = db.metadatas().unwrap();
    assert_eq!(metadatas.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), db.binds());
    assert!(metadatas[2].1.table("user").is_some());
}

#[test]
fn version_3_tables_are_created_and_dropped_by_bind() {
    let db = start(version_3());
    db.drop_all(..).unwrap();
    db.create_all([None, Some("auth")]).unwrap();
    assert_eq!(tables(&db), "default: post, meta:, auth: user");
    db.create_all("meta").unwrap();
    assert_eq!(tables(&db), "default: post, meta: setting, auth: user");
    db.drop_all(None).unwrap();
    assert_eq!(tables(&db), "default:, meta: setting, auth: user");
    db.create_all(..).unwrap();
    assert_eq!(tables(&db), "default: post, meta: setting, auth: user");
}

// A user's notes.

const NOTES: &str = r#"
SQLALCHEMY_DATABASE_URI = '${DATABASE_URL:-sqlite:///app.db}'
SQLALCHEMY_BINDS = {
      'second_db' = 'sqlite:///second.db',
      'memory_db' = 'sqlite:///:memory:?cached=shared'
      }
PROJECT_NAME = 'Project Name'
SECRET_KEY = 'super_secret_password'

[default]
schema_sql = "CREATE TABLE test1 (id INTEGER PRIMARY KEY, color VARCHAR(64) DEFAULT 'red')"

[binds.second_db]
schema_sql = "CREATE TABLE test2 (id INTEGER PRIMARY KEY, color VARCHAR(64) DEFAULT 'red')"

[binds.memory_db]
schema_sql = "CREATE TABLE test3 (id INTEGER PRIMARY KEY, color VARCHAR(64) DEFAULT 'blue')"
"#;

#[rstest]
#[case::not_set(&[], "sqlite:///app.db")]
#[case::empty(&[("DATABASE_URL", "")], "sqlite:///app.db")]
#[case::set(&[("DATABASE_URL", "sqlite:///second.db")], "sqlite:///second.db")]
fn notes_the_default_url_is_the_variable_or_else_a_file(#[case] vars: &[(&str, &str)], #[case] same: &str) {
    let config = read(NOTES).bind("same", Bind::url(same)).with_vars(vars.iter().copied());
    let db = start(config);
    assert_eq!(db.uri(None).unwrap(), db.uri("same").unwrap());
}

#[test]
fn notes_tables_are_created_at_start() {
    let db = start(read(NOTES).with_vars([("", ""); 0]));
    assert_eq!(tables(&db), "default: test1, second_db: test2, memory_db: test3");
    assert_eq!(db.engine("memory_db").unwrap().storage(), Storage::SharedCache);
    let mut session = db.session();
    session.execute("INSERT INTO test3 DEFAULT VALUES", []).unwrap();
    session.commit().unwrap();
    // Every connection of the pool sees one database.
    let (one, other) = (db.connection("memory_db").unwrap(), db.connection("memory_db").unwrap());
    for conn in [one, other] {
        assert_eq!(conn.query_row("SELECT color FROM test3", [], |row| row.get::<_, String>(0)).unwrap(), "blue");
    }
    db.drop_all("memory_db").unwrap();
    db.create_all("memory_db").unwrap();
    db.assert_not_landed("memory_db", "test3", row! { color: "blue" });
}

#[rstest]
#[case("sqlite:///:memory:?cached=shared")]
#[case("sqlite:///:memory:")]
#[case("sqlite:///")]
fn notes_three_ways_to_write_memory(#[case] url: &str) {
    let db = start(read(&format!("SQLALCHEMY_BINDS = {{\n    'memory_db' = '{url}'\n    }}\n")));
    assert_eq!(keys(&db), ["memory_db"]);
    assert!(db.path("memory_db").unwrap().is_none());
}

/// What the notes did not get to work: a reference into another bind is declared, and checked at commit.
#[test]
fn notes_a_reference_from_one_bind_into_another() {
    let db = start(read(
        r#"
        [default]
        schema_sql = "CREATE TABLE tree (id INTEGER PRIMARY KEY, name VARCHAR(16))"

        [binds.in_memory_db]
        schema_sql = "CREATE TABLE nuts (id INTEGER PRIMARY KEY, type VARCHAR(16), tree_name VARCHAR(32))"

        [[references]]
        from = "in_memory_db.nuts.tree_name"
        to = "default.tree.name"
        "#,
    ));
    let mut session = db.session();
    session.execute("INSERT INTO nuts (type, tree_name) VALUES ('acorn', 'oak')", []).unwrap();
    assert!(matches!(session.commit(), Err(Error::Orphans { .. })));
    session.execute("INSERT INTO tree (name) VALUES ('oak')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(
        session
            .query("SELECT type FROM tree JOIN nuts ON tree_name = name", [], |row| row.get::<_, String>(0))
            .unwrap(),
        ["acorn"]
    );
}

// The post.

const POST: &str = r#"
SQLALCHEMY_DATABASE_URI = 'mysql+pymysql://root:root@localhost:3306/test1'
SQLALCHEMY_BINDS = {
    'test2' = 'mysql+pymysql://root:root@localhost:3306/test2',
    'test1' = 'mysql+pymysql://root:root@localhost:3306/test1'
}

[[tables]]
sql = "CREATE TABLE tb_user (id INTEGER PRIMARY KEY, name TEXT)"
bind_key = "test2"

[[tables]]
sql = "CREATE TABLE tb_store (id INTEGER, name INTEGER, PRIMARY KEY (id, name))"
bind_key = "test1"

[[tables]]
sql = "CREATE TABLE tb_other (id INTEGER PRIMARY KEY)"
"#;

#[test]
fn post_tables_go_to_their_key_or_the_default() {
    let db = start(read(POST));
    // `test1` is the default bind's database, by its URL.
    assert_eq!(tables(&db), "default: tb_other tb_store, test1: tb_other tb_store, test2: tb_user");
    assert_eq!(db.uri(None).unwrap(), db.uri("test1").unwrap());
    let mut session = db.session();
    session.execute("INSERT INTO tb_user (name) VALUES ('ann')", []).unwrap();
    session.execute("INSERT INTO tb_store VALUES (1, 2)", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("test2", "tb_user", row! { name: "ann" }).assert_landed("test1", "tb_store", row! { id: 1 });
}

#[test]
fn post_tables_are_made_and_dropped_by_the_names_of_binds() {
    let db = start(read(POST));
    db.drop_all(None).unwrap();
    db.drop_all("test2").unwrap();
    db.create_all(["test1"]).unwrap();
    assert_eq!(tables(&db), "default: tb_other tb_store, test1: tb_other tb_store, test2:");
    db.create_all("test2").unwrap();
    assert_eq!(tables(&db), "default: tb_other tb_store, test1: tb_other tb_store, test2: tb_user");
}

#[test]
fn post_no_message_shows_the_password() {
    let shown = format!("{:?} {:?}", read(POST), start(read(POST)).engines());
    assert!(shown.contains("root:***@localhost") && !shown.contains("root:root"), "{shown}");
}
