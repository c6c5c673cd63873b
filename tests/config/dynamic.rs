//! Binds whose database is chosen at run time: by a context, made when first used, one for each name.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use multibind::binds::{BindContext, Lag, Storage};
use multibind::changes::ChangeKind;
use multibind::{changes, context, row, rusqlite, Bind, BindKey, Config, Error, Harness, Keep};
use rstest::rstest;

use crate::failure::failure;
use crate::frame::unframed;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)";
const POST: &str = "CREATE TABLE post (author TEXT)";

fn users() -> Bind {
    Bind::dynamic(|context| Ok(format!("users_tenant_{}", context.get("tenant")?))).schema(USER)
}

fn builder(users: Bind) -> Config {
    Harness::builder().default_bind(Bind::memory().schema(POST)).bind("users", users)
}

fn harness() -> Harness {
    let db = builder(users()).start().unwrap();
    db.keep(Keep::Never);
    db
}

fn tenant(name: &str) -> BindContext {
    context! { tenant: name }
}

fn key(name: &str) -> BindKey {
    BindKey::from(("users", format!("users_tenant_{name}").as_str()))
}

/// Adds a user to a tenant, as the code under test would.
fn add(db: &Harness, of: &str, name: &str) {
    db.pool_for("users", tenant(of))
        .unwrap()
        .get()
        .unwrap()
        .execute("INSERT INTO user (name) VALUES (?1)", [name])
        .unwrap();
}

fn names(db: &Harness, of: &str) -> Vec<String> {
    let conn = db.connection(key(of)).unwrap();
    let mut select = conn.prepare("SELECT name FROM user ORDER BY name").unwrap();
    let names = select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>();
    names.unwrap()
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn each_name_is_a_database_with_the_binds_tables(#[case] storage: Storage) {
    let schema = "INSERT INTO user (name) VALUES ('root')";
    let db = builder(users().storage(storage).schema(schema)).start().unwrap();
    db.keep(Keep::Never);

    add(&db, "acme", "ann");
    add(&db, "bee", "bob");
    add(&db, "acme", "cleo");

    assert_eq!(names(&db, "acme"), ["ann", "cleo", "root"]);
    assert_eq!(names(&db, "bee"), ["bob", "root"]);
    db.assert_landed(key("acme"), "user", row! { name: "ann" }).assert_landed(key("bee"), "user", row! { name: "bob" });
    db.assert_not_landed(key("bee"), "user", row! { name: "ann" });
    assert_eq!(db.database_keys("users").unwrap(), [key("acme"), key("bee")]);
    assert_eq!(db.binds(), [BindKey::DEFAULT, "users".into()]);
}

#[test]
fn nothing_is_made_before_it_is_used() {
    let db = harness();
    let mut session = db.session_for(tenant("acme"));
    session.execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    assert_eq!(session.route("DELETE FROM user").unwrap().writes(), [key("acme")]);
    assert!(db.locate("user", row! { name: "ann" }).unwrap().is_empty());
    assert_eq!(db.metadata("users").unwrap().tables().len(), 1);
    session.rollback().unwrap();
    assert_eq!(db.database_keys("users").unwrap(), [] as [BindKey; 0]);

    session.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    assert_eq!(db.database_keys("users").unwrap(), [key("acme")]);
}

#[test]
fn a_session_sends_its_statements_to_the_database_of_its_context() {
    let db = harness();
    let (mut acme, mut bee) = (db.session_for(tenant("acme")), db.session_for(tenant("bee")));

    acme.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    bee.execute("INSERT INTO users.user (name) VALUES ('bob')", []).unwrap();
    acme.table("user").unwrap().insert(row! { name: "cleo" }).unwrap();
    bee.on("users").unwrap().table("user").unwrap().insert(row! { name: "dan" }).unwrap();
    bee.on(key("bee")).unwrap().execute("INSERT INTO user (name) VALUES ('eve')", []).unwrap();
    acme.execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    let joined: Vec<String> =
        acme.query("SELECT name FROM users.user JOIN main.post ON name = author", [], |row| row.get(0)).unwrap();
    acme.commit().unwrap();
    bee.commit().unwrap();

    assert_eq!(joined, ["ann"]);
    assert_eq!(names(&db, "acme"), ["ann", "cleo"]);
    assert_eq!(names(&db, "bee"), ["bob", "dan", "eve"]);
    let route = acme.route("SELECT * FROM user JOIN post ON name = author").unwrap();
    assert_eq!(route.to_string(), "reads default, users[users_tenant_acme]");
}

#[test]
fn savepoints_and_rollback_are_those_of_the_contexts_database() {
    let db = harness();
    let mut session = db.session_for(tenant("acme"));
    session.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    let mut savepoint = session.savepoint().unwrap();
    savepoint.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    savepoint.rollback().unwrap();
    session.commit().unwrap();
    session.execute("INSERT INTO user (name) VALUES ('cleo')", []).unwrap();
    session.rollback().unwrap();
    assert_eq!(names(&db, "acme"), ["ann"]);
}

#[test]
fn later_tables_are_found_in_their_database_alone() {
    let db = harness();
    db.connection_for("users", tenant("acme")).unwrap().execute_batch("CREATE TABLE badge (x)").unwrap();

    db.session_for(tenant("acme")).execute("INSERT INTO badge VALUES (1)", []).unwrap();
    let error = db.session_for(tenant("bee")).execute("INSERT INTO badge VALUES (1)", []).unwrap_err();
    insta::assert_snapshot!(error, @"no table `badge` in any bind");
    assert!(db.database_keys("users").unwrap() == [key("acme")]);
}

#[test]
fn a_statement_that_fails_names_the_database() {
    let db = harness();
    add(&db, "acme", "ann");
    let mut session = db.session_for(tenant("acme"));
    let error = session.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap_err();
    insta::assert_snapshot!(error, @r"
    bind `users[users_tenant_acme]`: UNIQUE constraint failed: user.name
      in: INSERT INTO user (name) VALUES ('ann')
    ");
    let error = session.table("user").unwrap().insert(row! { nam: "bob" }).unwrap_err();
    insta::assert_snapshot!(error, @"row: no column `nam` in table `user` of bind `users[users_tenant_acme]`, whose columns are id, name");
}

#[test]
fn a_bind_that_is_not_dynamic_takes_any_context() {
    let db = harness();
    db.pool_for(None, tenant("acme")).unwrap().get().unwrap().execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    db.assert_landed(None, "post", row! { author: "ann" });
    assert_eq!(db.key_for(None, BindContext::new()).unwrap(), BindKey::DEFAULT);
    assert!(matches!(db.pool_for("audit", tenant("acme")), Err(Error::UnknownBind { .. })));
}

#[test]
fn the_default_bind_can_be_dynamic() {
    let db = Harness::builder()
        .default_bind(Bind::dynamic(|context| Ok(context.get("shard")?.to_string())).schema(POST))
        .start()
        .unwrap();
    let mut session = db.session_for(context! { shard: 7 });
    session.execute("INSERT INTO main.post VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("default[7]", "post", row! { author: "ann" });
    assert_eq!(db.database_keys(None).unwrap(), [BindKey::from(("default", "7"))]);
}

#[test]
fn many_threads_that_want_one_name_get_one_database() {
    const THREADS: usize = 8;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let users = Bind::dynamic(move |context| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(context.get("tenant")?.to_string())
    });
    let db = builder(users.schema(USER)).start().unwrap();
    let together = Barrier::new(THREADS);
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let (db, together) = (&db, &together);
            threads.spawn(move || {
                together.wait();
                for of in 0..20 {
                    let context = context! { tenant: of };
                    let mut session = db.session_for(&context);
                    session.execute("INSERT INTO user (name) VALUES (?1)", [format!("{thread}")]).unwrap();
                    session.commit().unwrap();
                }
            });
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), THREADS * 20);
    assert_eq!(db.database_keys("users").unwrap().len(), 20);
    for of in 0..20 {
        let conn = db.connection(("users", of.to_string().as_str())).unwrap();
        let count: i64 = conn.query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(count).unwrap(), THREADS);
    }
}

#[test]
fn a_session_without_a_context_says_how_to_give_one() {
    let db = harness();
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    let error = session.execute("DELETE FROM user", []).unwrap_err();
    insta::assert_snapshot!(error, @r#"bind `users` is dynamic: cannot determine its database: this session has no context; start it with `session_for`, as `db.session_for(context! { tenant: "acme" })`"#);
    assert!(matches!(session.on("users"), Err(Error::Dynamic { .. })));
    let joined = session.query("SELECT * FROM user JOIN post ON name = author", [], |_| Ok(()));
    assert!(matches!(joined, Err(Error::Dynamic { .. })));
    // Where a statement goes is known all the same.
    assert_eq!(session.route("DELETE FROM user").unwrap().writes(), ["users".into()]);
    session.commit().unwrap();
    db.assert_landed(None, "post", row! { author: "ann" });
}

#[rstest]
#[case::missing_value(users(), "its callback failed: the context has no value `tenant`: it has region")]
#[case::own_error(Bind::dynamic(|_| Err("no such tenant".into())).schema(USER), "its callback failed: no such tenant")]
#[case::error_by_question_mark(
    Bind::dynamic(|context| Ok("abc".parse::<u32>()?.to_string() + context.get("region")?)).schema(USER),
    "its callback failed: invalid digit found in string"
)]
#[case::panics(Bind::dynamic(|_| panic!("tenant {}", 7)).schema(USER), "its callback panicked: tenant 7")]
#[case::empty(Bind::dynamic(|_| Ok(String::new())).schema(USER), "its callback gave an empty name, and a database needs one")]
#[case::nul(Bind::dynamic(|_| Ok("a\0b".to_string())).schema(USER), r"its callback gave the name `a\0b`, which has a NUL character")]
#[case::password(
    Bind::dynamic(|_| Ok("mysql://app:secret@db.example:x/acme".to_string())).schema(USER),
    "its callback gave `mysql://app:***@db.example:***`, which is no URL that can be read"
)]
fn a_callback_without_a_name_is_refused(#[case] users: Bind, #[case] problem: &str) {
    let db = builder(users).start().unwrap();
    let context = context! { region: "eu" };
    let expected = format!("bind `users` is dynamic: cannot determine its database: {problem}");

    assert_eq!(db.pool_for("users", &context).unwrap_err().to_string(), expected);
    let mut session = db.session_for(&context);
    session.execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    assert_eq!(session.execute("DELETE FROM user", []).unwrap_err().to_string(), expected);
    assert_eq!(session.on("users").unwrap_err().to_string(), expected);
    assert!(db.database_keys("users").unwrap().is_empty());
}

#[test]
fn urls_of_one_database_are_one_database() {
    let users = Bind::dynamic(|context| Ok(context.get("url")?.to_string())).schema(USER);
    let db = builder(users).start().unwrap();
    let (one, other) = ("mysqldb://localhost/t1", "mysql+pymysql://app:secret@LOCALHOST:3306/t1?charset=utf8");
    db.connection_for("users", context! { url: one })
        .unwrap()
        .execute("INSERT INTO user (name) VALUES ('ann')", [])
        .unwrap();
    let before = db.snapshot().unwrap();
    let mut session = db.session_for(context! { url: other });
    session.execute("UPDATE user SET name = 'bob'", []).unwrap();
    session.commit().unwrap();

    for key in [("users", one), ("users", other), ("users", "mariadb://localhost/t1")] {
        db.assert_landed(key, "user", row! { name: "bob" });
    }
    let changes = db.changes_since(&before).unwrap();
    changes.assert_only(("users", other));
    changes.assert(changes! { "users[mysqldb://localhost/t1].user" => ~1 });
    assert_eq!(db.database_keys("users").unwrap(), ["users[mysql://localhost:3306/t1]".into()]);
    let other = db.key_for("users", context! { url: "mysql://localhost/t2" }).unwrap();
    assert_ne!(other, ("users", one).into());
    db.assert_not_landed(other, "user", row! { name: "bob" });
}

#[test]
fn a_url_that_another_bind_has_is_an_error_with_both() {
    let users = Bind::dynamic(|context| Ok(format!("mysqldb://localhost/{}", context.get("tenant")?))).schema(USER);
    let archive = Bind::url("mysql+pymysql://root:secret@localhost:3306/archive").schema(USER);
    let db = builder(users).bind("archive", archive).start().unwrap();
    insta::assert_snapshot!(db.pool_for("users", tenant("archive")).unwrap_err(), @"bind `users` is dynamic: cannot determine its database: its callback gave `mysql://localhost:3306/archive`, which is the database of bind `archive`: production has one for both, and here each would have its own. Use bind `archive` where it is meant, or let the callback give another URL");
    db.pool_for("users", tenant("acme")).unwrap();
}

#[test]
fn the_key_alone_names_no_database() {
    let db = harness();
    insta::assert_snapshot!(db.pool("users").unwrap_err(), @"bind `users` is dynamic: the key alone names none of its databases: pass a context to `pool_for`, `connection_for` or `key_for`, or name one that is in use already, as `users[NAME]`");
    insta::assert_snapshot!(db.pool(key("acme")).unwrap_err(), @"bind `users` is dynamic: it has no database `users[users_tenant_acme]`: nobody has used any. One is made when it is first used, with a context: by a session from `session_for`, by `pool_for`, `connection_for` or `key_for`");

    for number in 0..8 {
        db.pool_for("users", context! { tenant: number }).unwrap();
    }
    insta::assert_snapshot!(db.uri("users").unwrap_err(), @"bind `users` is dynamic: the key alone names none of its databases: pass a context to `pool_for`, `connection_for` or `key_for`, or name one that is in use already, as `users[users_tenant_0]`");
    insta::assert_snapshot!(db.uri(key("1x")).unwrap_err(), @"bind `users` is dynamic: it has no database `users[users_tenant_1x]`: the nearest is `users[users_tenant_1]`. One is made when it is first used, with a context: by a session from `session_for`, by `pool_for`, `connection_for` or `key_for`");
    insta::assert_snapshot!(db.uri("users[]").unwrap_err(), @"bind `users` is dynamic: it has no database `users[]`: it has users[users_tenant_0], users[users_tenant_1], users[users_tenant_2], users[users_tenant_3], users[users_tenant_4] and 3 more. One is made when it is first used, with a context: by a session from `session_for`, by `pool_for`, `connection_for` or `key_for`");

    let message = failure(|| db.assert_landed("users", "user", row! { name: "ann" }));
    assert!(
        message.starts_with("cannot look for a row of `user` in bind `users`: bind `users` is dynamic: the key alone")
    );
    let error = db.session_for(tenant("1")).on(key("2")).unwrap_err();
    insta::assert_snapshot!(error, @"bind `users` is dynamic: this session's context means `users[users_tenant_1]`: for `users[users_tenant_2]` start another session");
}

#[rstest]
#[case::of_a_dynamic_bind("users[acme]")]
#[case::begins_like_one("Users[x")]
fn a_key_like_that_of_a_dynamic_database_is_refused(#[case] taken: &str) {
    let error = builder(users()).bind(taken, Bind::memory()).start().unwrap_err();
    let expected = format!(
        "bind `{taken}`: its key begins like those of the databases of bind `users`, which is dynamic: `users[…]`; \
         rename one of the two"
    );
    assert_eq!(error.to_string(), expected);
    // Where no bind is dynamic, it is a key as any other.
    assert!(Harness::builder().bind("users", Bind::memory()).bind(taken, Bind::memory()).start().is_ok());
}

#[test]
fn a_mirror_of_a_dynamic_bind_is_refused() {
    let mirror = || Bind::mirror("users");
    for mirror in [mirror(), mirror().read_only(true), mirror().read_only(true).lag(Lag::Manual)] {
        let error = builder(users()).bind("replica", mirror).start().unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"bind `replica`: it mirrors bind `users`, which is dynamic and has a database for each name: a mirror is of a bind with one");
        }
    }
}

#[test]
fn a_dynamic_bind_cannot_be_a_mirror() {
    let config = Config::from_toml("[env.test.binds.users]\nmirror = \"default\"", ".").unwrap();
    let config = config.default_bind(Bind::memory().schema(POST)).bind("users", users());
    let error = Harness::from_config(config).unwrap_err();
    insta::assert_snapshot!(error, @"line 1: bind `users` is configured twice; `Config::change` changes one that is there");
}

#[rstest]
#[case(Storage::Memory)]
#[case(Storage::MemDb)]
#[case(Storage::TempFile)]
fn dynamic_databases_can_be_read_only_copies(#[case] storage: Storage) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.db");
    let original = rusqlite::Connection::open(&file).unwrap();
    original.execute_batch(&format!("{USER}; INSERT INTO user (name) VALUES ('ann')")).unwrap();
    let users = Bind::dynamic(|context| Ok(format!("users_tenant_{}", context.get("tenant")?)));
    let db = builder(users.storage(storage).copy_of(&file).read_only(true)).start().unwrap();
    db.keep(Keep::Never);

    for of in ["acme", "initech"] {
        let conn = db.connection_for("users", tenant(of)).unwrap();
        let refused = conn.execute("DELETE FROM user", []).unwrap_err();
        assert_eq!(refused.to_string(), "attempt to write a readonly database");
        drop(conn);
        let mut session = db.session_for(tenant(of));
        let refused = session.execute("DELETE FROM user", []).unwrap_err();
        assert!(matches!(refused, Error::Sql { bind, .. } if bind == key(of)), "{of}");
        assert_eq!(session.query_row("SELECT name FROM user", [], |row| row.get::<_, String>(0)).unwrap(), "ann");
        assert_eq!(names(&db, of), ["ann"]);
    }
}

#[test]
fn a_dynamic_bind_in_a_shared_cache_cannot_be_only_read() {
    let error = builder(users().storage(Storage::SharedCache).read_only(true)).start().unwrap_err();
    insta::assert_snapshot!(error, @"bind `users`: a shared cache cannot be read only: its connections share one handle, of which SQLite opens none read-only. Take `memory`, `memdb` or `temp_file` for its storage");
}

#[test]
fn a_dynamic_bind_has_no_url_of_its_own() {
    let config = Config::new().bind("users", users());
    let config = config.with_vars([("DATABASE_URL_USERS", "postgres://app:secret@db.example/users")]);
    let error = Harness::from_config(config).unwrap_err();
    insta::assert_snapshot!(error, @"bind `users`: it is dynamic, so its callback chooses its databases, and it has the URL `postgres://app:***@db.example/users` too");
}

#[test]
fn a_config_from_a_file_can_be_given_a_dynamic_bind() {
    let config = Config::from_toml("[default]\nschema_sql = 'CREATE TABLE post (author TEXT)'", ".").unwrap();
    let db = Harness::from_config(config.bind("users", users())).unwrap();
    add(&db, "acme", "ann");
    db.assert_landed(key("acme"), "user", row! { name: "ann" });
}

#[test]
fn a_row_of_the_wrong_tenant_is_located() {
    let db = harness();
    add(&db, "acme", "bob");
    add(&db, "bee", "ann");
    insta::assert_snapshot!(failure(|| db.assert_landed(key("bee"), "user", row! { name: "bob" })), @r#"
    the row landed in `users[users_tenant_acme]` instead of
    `users[users_tenant_bee]`

      look at  … it used a connection to `users[users_tenant_acme]`, not to `users[users_tenant_bee]`
      looked for  user: name = 'bob'
      expected    in `users[users_tenant_bee]`, committed, and in no other bind

     bind                       rows   found
     default                           no such table
    ─
     users[users_tenant_acme]   1      the row:
                                         id = 1, name = 'bob'
    ─
     users[users_tenant_bee]    1      no row matches; nearest:
                                         id = 1, name = 'ann'

    The row in `users[users_tenant_acme]` was written by
      INSERT INTO user (name) VALUES ('bob')
      at config::dynamic::add
      on the test's thread, connection 1, committed

    Connection 1 to `users[users_tenant_acme]` came from `db.pool_for`
      at config::dynamic::add
    "#);
}

#[test]
fn a_failure_among_many_databases_shows_the_few_that_count() {
    let db = harness();
    for number in 0..60 {
        db.key_for("users", context! { tenant: number }).unwrap();
    }
    add(&db, "59", "bob");
    let message = failure(|| db.assert_landed(key("58"), "user", row! { name: "bob" }));
    assert!(message.contains(" users[users_tenant_58] "), "{message}");
    assert!(message.contains(" users[users_tenant_59] "), "{message}");
    assert!(message.contains("… and 41 more"), "{message}");
    assert!(!message.contains(" users[users_tenant_57] "), "{message}");
}

#[test]
fn every_landing_has_the_key_of_its_database() {
    let db = harness();
    add(&db, "bee", "ann");
    add(&db, "acme", "ann");
    let landings = db.locate("user", row! { name: "ann" }).unwrap();
    let binds = landings.iter().map(|landing| landing.bind().to_string()).collect::<Vec<_>>();
    assert_eq!(binds, ["users[users_tenant_acme]", "users[users_tenant_bee]"]);
}

#[test]
fn changes_are_reported_by_database() {
    let db = harness();
    add(&db, "acme", "ann");
    let before = db.snapshot().unwrap();
    add(&db, "bee", "bob");
    db.pool_for("users", tenant("cox")).unwrap();
    db.connection(key("acme")).unwrap().execute("DELETE FROM user", []).unwrap();

    let found = db.changes_since(&before).unwrap();
    found.assert_only([key("acme"), key("bee")]).assert_only("users");
    found.assert(changes! { "users[users_tenant_acme].user" => -1, (("users", "users_tenant_bee"), "user") => +1 });
    assert_eq!(found.in_bind(key("bee")).unwrap().changes()[0].inserted(), [row! { id: 1, name: "bob" }]);
    assert_eq!(found.changes()[1].kind(), ChangeKind::Rows);
    found.in_bind(("users", "users_tenant_cox")).unwrap().assert_none();
    insta::assert_snapshot!(found.in_bind("users").unwrap_err(), @"bind `users` is dynamic: the key alone names none of its databases: name one, `users[users_tenant_acme]` for example");
    insta::assert_snapshot!(found.in_bind(key("dot")).unwrap_err(), @"bind `users` is dynamic: it has no database `users[users_tenant_dot]`: name one that somebody has used, `users[users_tenant_acme]` for example");
    insta::assert_snapshot!(found.in_bind("audit").unwrap_err(), @"no bind `audit`: configured are default, users");
}

#[test]
fn restore_covers_old_and_new_databases() {
    let db = harness();
    add(&db, "acme", "ann");
    let before = db.snapshot().unwrap();
    let pool = db.pool_for("users", tenant("bee")).unwrap();
    add(&db, "bee", "bob");
    add(&db, "acme", "cleo");

    db.restore(&before).unwrap();
    assert_eq!(names(&db, "acme"), ["ann"]);
    assert_eq!(names(&db, "bee"), [] as [&str; 0]);
    db.changes_since(&before).unwrap().assert_none();
    // Pools stay usable.
    pool.get().unwrap().execute("INSERT INTO user (name) VALUES ('dan')", []).unwrap();
    assert_eq!(names(&db, "bee"), ["dan"]);

    db.reset().unwrap();
    assert_eq!(names(&db, "acme"), [] as [&str; 0]);
    assert_eq!(names(&db, "bee"), [] as [&str; 0]);
}

#[test]
fn restore_recreates_a_closed_database() {
    let db = harness();
    add(&db, "acme", "ann");
    db.pool_for("users", tenant("bee")).unwrap();
    let before = db.snapshot().unwrap();
    assert_eq!(db.close_unused_databases("users").unwrap(), 2);

    let found = db.changes_since(&before).unwrap();
    found.assert(changes! { "users[users_tenant_acme].user" => -1 });
    db.restore(&before).unwrap();
    assert_eq!(names(&db, "acme"), ["ann"]);
    assert_eq!(db.database_keys("users").unwrap(), [key("acme")]);
    db.changes_since(&before).unwrap().assert_none();
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_closed_database_is_created_again_on_use(#[case] storage: Storage) {
    let db = builder(users().storage(storage)).start().unwrap();
    add(&db, "acme", "ann");
    let file = db.path(key("acme")).unwrap();
    db.close_database(key("acme")).unwrap();
    assert!(file.is_none_or(|file| !file.exists()));
    assert!(matches!(db.pool(key("acme")), Err(Error::Dynamic { .. })));
    add(&db, "acme", "bob");
    assert_eq!(names(&db, "acme"), ["bob"]);
}

#[test]
fn a_database_in_use_is_not_closed() {
    let db = harness();
    let conn = db.connection_for("users", tenant("acme")).unwrap();
    let mut session = db.session_for(tenant("bee"));
    session.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();

    insta::assert_snapshot!(db.close_database(key("acme")).unwrap_err(), @"bind `users` is dynamic: its database `users[users_tenant_acme]` is in use: a connection of its pool is out; drop it first");
    insta::assert_snapshot!(db.close_database(key("bee")).unwrap_err(), @"bind `users` is dynamic: its database `users[users_tenant_bee]` is in use: a session has used it; drop that first");
    assert_eq!(db.close_unused_databases("users").unwrap(), 0);
    drop((conn, session));
    assert_eq!(db.close_unused_databases("users").unwrap(), 2);

    assert!(matches!(db.close_database(key("acme")), Err(Error::Dynamic { .. })));
    assert!(matches!(db.close_database("users"), Err(Error::Dynamic { .. })));
    insta::assert_snapshot!(db.close_database(None).unwrap_err(), @"bind `default` is not dynamic: it has one database, which closes with the harness");
    assert!(matches!(db.close_unused_databases(None), Err(Error::NotDynamic { .. })));
    assert!(matches!(db.database_keys("audit"), Err(Error::UnknownBind { .. })));
}

#[test]
fn no_write_is_lost_while_others_close_what_is_unused() {
    const THREADS: usize = 6;
    let db = harness();
    let together = Barrier::new(THREADS);
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let (db, together) = (&db, &together);
            threads.spawn(move || {
                together.wait();
                for round in 0..50 {
                    let context = context! { tenant: round % 3 };
                    let name = format!("{thread} {round}");
                    let conn = db.connection_for("users", &context).unwrap();
                    conn.execute("INSERT INTO user (name) VALUES (?1)", [&name]).unwrap();
                    db.close_unused_databases("users").unwrap();
                    let mut session = db.session_for(&context);
                    let found = session.table("user").unwrap().count(row! { name: name.as_str() }).unwrap();
                    assert_eq!(found, 1);
                    db.assert_landed(db.key_for("users", &context).unwrap(), "user", row! { name: name });
                    drop(conn);
                }
            });
        }
    });
    db.close_unused_databases("users").unwrap();
    assert!(db.database_keys("users").unwrap().is_empty());
}

#[test]
fn statements_are_recorded_by_database_and_by_bind() {
    let db = harness();
    add(&db, "acme", "ann");
    let log = db.record();
    add(&db, "acme", "bob");
    add(&db, "bee", "cleo");
    let mut session = db.session_for(tenant("cox"));
    session.execute("INSERT INTO user (name) VALUES ('dan')", []).unwrap();
    session.commit().unwrap();
    session.query("SELECT * FROM user JOIN post ON name = author", [], |_| Ok(())).unwrap();

    log.assert_count(key("acme"), 1).assert_count(key("bee"), 1).assert_count(key("cox"), 2).assert_count("users", 4);
    log.assert_count(key("dot"), 0).assert_reads_only(None);
    assert_eq!(log.statements().last().unwrap().binds(), [BindKey::DEFAULT, key("cox")]);
    let message = failure(|| log.assert_reads_only("users"));
    assert!(message.contains("users[users_tenant_bee]"), "{message}");
    insta::assert_snapshot!(log.on("audit").unwrap_err(), @"no bind `audit`: configured are default, users");
}

#[test]
fn a_guard_covers_one_or_all_databases_of_a_bind() {
    let db = harness();
    let insert = |of: &str| {
        let mut session = db.session_for(tenant(of));
        session.execute("INSERT INTO user (name) VALUES ('ann')", []).and_then(|_| session.commit())
    };

    let guard = db.allow_only(key("acme"));
    insert("acme").unwrap();
    let error = insert("bee").unwrap_err();
    assert!(error.to_string().starts_with("bind `users[users_tenant_bee]` is guarded"), "{error}");
    let conn = db.connection_for("users", tenant("cox")).unwrap();
    assert!(conn.execute("DELETE FROM user", []).is_err());
    let refused = guard.refused().iter().map(|refusal| refusal.bind().clone()).collect::<Vec<_>>();
    assert_eq!(refused, [key("bee"), key("cox")]);
    drop((guard, conn));

    let guard = db.deny_writes("users");
    assert!(matches!(insert("dot"), Err(Error::Guarded { .. })));
    db.connection(None).unwrap().execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    assert_eq!(guard.refused().len(), 1);
    drop(guard);

    let guard = db.deny(key("acme"));
    insert("acme").unwrap_err();
    insert("bee").unwrap();
    assert_eq!(guard.refused().len(), 1);
    drop(guard);

    let guard = db.allow_only(..);
    insert("eve").unwrap();
    drop(guard);
    assert!(failure(|| db.deny_writes("audit")).starts_with("cannot tell which binds to guard: no bind `audit`"));
}

#[test]
fn a_fault_in_one_database_leaves_the_others_alone() {
    let db = harness();
    let (acme, bee) = (db.connection_for("users", tenant("acme")).unwrap(), tenant("bee"));
    let fault = db.fault(key("acme")).fail_commit().unwrap();
    acme.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap_err();
    db.connection_for("users", &bee).unwrap().execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    drop(fault);
    db.assert_not_landed(key("acme"), "user", row! { name: "ann" });
    db.assert_landed(key("bee"), "user", row! { name: "bob" });
    assert!(matches!(db.fault("users").fail_commit(), Err(Error::Dynamic { .. })));
}

#[test]
fn selections_take_one_database_or_all_of_a_bind() {
    let db = harness();
    add(&db, "acme", "ann");
    add(&db, "bee", "bob");
    let count = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'user'";
    let tables = |of: &str| -> i64 { db.connection(key(of)).unwrap().query_row(count, [], |row| row.get(0)).unwrap() };
    let known = |of: &str| db.metadata(key(of)).unwrap().tables().len();

    db.drop_all(("users", "users_tenant_acme")).unwrap();
    assert_eq!((tables("acme"), tables("bee")), (0, 1));
    db.connection(key("acme")).unwrap().execute_batch("CREATE TABLE made (x)").unwrap();
    db.reflect("users").unwrap();
    assert_eq!((known("acme"), known("bee")), (2, 1));
    db.drop_all("users").unwrap();
    db.reflect(..).unwrap();
    assert_eq!((tables("acme"), tables("bee")), (0, 0));
    db.create_all("users").unwrap();
    assert_eq!((tables("acme"), tables("bee")), (1, 1));
    assert_eq!(db.metadata(None).unwrap().tables().len(), 1);
    db.reset().unwrap();
    assert_eq!((known("acme"), known("bee")), (1, 1));
    assert!(matches!(db.create_all(key("cox")), Err(Error::Dynamic { .. })));
}

#[test]
fn the_picture_shows_every_database() {
    let db = builder(users()).reference("users.user.name", "main.post.author").start().unwrap();
    insta::assert_snapshot!(unframed(db.describe()), @r"
     bind       storage   table             rows
     default    memory    post              0
    ─
     users[…]   memory    no database yet
    ");
    insta::assert_snapshot!(db.diagram().unwrap(), @r#"
    erDiagram
        %% bind default, in memory
        "default.post" {
            TEXT author
        }
        %% bind users, dynamic, in memory
        "users.user" {
            INTEGER id PK
            TEXT name FK, UK
        }
        %% references from one bind into another
        "default.post" ||..o| "users.user" : "name → author"
    "#);
    add(&db, "acme", "ann");
    db.pool_for("users", tenant("bee")).unwrap();
    insta::assert_snapshot!(unframed(db.describe()), @r"
     bind                       storage   table   rows
     default                    memory    post    0
    ─
     users[users_tenant_acme]   memory    user    1
    ─
     users[users_tenant_bee]    memory    user    0
    ");
    insta::assert_snapshot!(db.diagram().unwrap(), @r#"
    erDiagram
        %% bind default, in memory
        "default.post" {
            TEXT author
        }
        %% bind users#91;users_tenant_acme#93;, in memory
        "users#91;users_tenant_acme#93;.user" {
            INTEGER id PK
            TEXT name FK, UK
        }
        %% bind users#91;users_tenant_bee#93;, in memory
        "users#91;users_tenant_bee#93;.user" {
            INTEGER id PK
            TEXT name FK, UK
        }
        %% references from one bind into another
        "default.post" ||..o| "users#91;users_tenant_acme#93;.user" : "name → author"
        "default.post" ||..o| "users#91;users_tenant_bee#93;.user" : "name → author"
    "#);
    for number in 0..30 {
        db.pool_for("users", context! { tenant: number }).unwrap();
    }
    assert!(db.describe().to_string().contains("… and 12 more databases"));
}

#[test]
fn references_from_a_dynamic_bind_are_checked_in_each_database() {
    let db = builder(users()).reference("users.user.name", "main.post.author").start().unwrap();
    db.connection(None).unwrap().execute("INSERT INTO post VALUES ('ann')", []).unwrap();
    add(&db, "acme", "ann");
    add(&db, "bee", "bob");
    let orphans = db.check_references().unwrap();
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0].bind(), &key("bee"));
    insta::assert_snapshot!(orphans[0], @"users[users_tenant_bee].user (id = 1, name = 'bob') refers to default.post.author, which has no such row");

    let mut session = db.session_for(tenant("cox"));
    session.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    session.execute("INSERT INTO user (name) VALUES ('cleo')", []).unwrap();
    let error = session.commit().unwrap_err();
    insta::assert_snapshot!(error, @"commit refused, nothing was committed in any bind: users[users_tenant_cox].user (id = 2, name = 'cleo') refers to default.post.author, which has no such row. Write what they refer to and commit again, or roll back");
    session.rollback().unwrap();

    // What others refer to is missed in their databases too.
    let mut session = db.session();
    session.execute("DELETE FROM post", []).unwrap();
    let Err(Error::Orphans { orphans, .. }) = session.commit() else { panic!("the commit left orphans") };
    let binds = orphans.iter().map(|orphan| orphan.bind().clone()).collect::<Vec<_>>();
    assert_eq!(binds, [key("acme"), key("cox")]);
}

#[test]
fn a_reference_into_a_dynamic_bind_is_refused() {
    let error = builder(users()).reference("main.post.author", "users.user.name").start().unwrap_err();
    insta::assert_snapshot!(error, @"the reference from `main.post.author` to `users.user.name`: bind `users` is dynamic: a reference cannot name one of its databases");
}

#[test]
fn every_database_is_saved_under_a_name_of_its_own() {
    let db = harness();
    add(&db, "acme", "ann");
    add(&db, "Acme", "bob");
    let folder = tempfile::tempdir().unwrap();
    let files = db.save_to(folder.path()).unwrap();
    assert_eq!(files.len(), 3);
    let mut folded = files.iter().map(|file| file.to_string_lossy().to_lowercase()).collect::<Vec<_>>();
    folded.dedup();
    assert_eq!(folded.len(), 3, "{files:?}");
    for (file, name) in files[1..].iter().zip(["bob", "ann"]) {
        let conn = rusqlite::Connection::open(file).unwrap();
        assert_eq!(conn.query_row("SELECT name FROM user", [], |row| row.get::<_, String>(0)).unwrap(), name);
    }
    let changes = std::fs::read_to_string(folder.path().join("changes.txt")).unwrap();
    assert!(changes.contains("users[users_tenant_acme]"), "{changes}");
}

#[test]
fn data_is_loaded_into_one_that_the_files_name_says() {
    let db = harness();
    db.pool_for("users", tenant("acme")).unwrap();
    db.pool_for("users", tenant("bee")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users[users_tenant_bee].user.csv");
    std::fs::write(&file, "id,name\n1,bob\n").unwrap();
    assert_eq!(db.load_data(&file).unwrap(), 1);
    db.assert_landed(key("bee"), "user", row! { name: "bob" });
}

#[test]
fn shared_data_is_in_every_dynamic_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("user.csv"), "id,name\n1,root\n").unwrap();
    let db = builder(users()).data(folder.path()).start().unwrap();
    add(&db, "acme", "ann");
    add(&db, "bee", "bob");
    assert_eq!(names(&db, "acme"), ["ann", "root"]);
    assert_eq!(names(&db, "bee"), ["bob", "root"]);
}

#[test]
fn ten_thousand_tenants_of_one_bind() {
    const TENANTS: usize = 10_000;
    let db = harness();
    for number in 0..TENANTS {
        db.key_for("users", context! { tenant: number }).unwrap();
    }
    let before = db.snapshot().unwrap();
    for number in [0, 4_999, 9_999] {
        let mut session = db.session_for(context! { tenant: number });
        session.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
        session.commit().unwrap();
    }
    let found = db.changes_since(&before).unwrap();
    found.assert_only([key("0"), key("4999"), key("9999")]);
    assert_eq!(db.locate("user", row! { name: "ann" }).unwrap().len(), 3);
    db.restore(&before).unwrap();
    db.assert_not_landed(key("4999"), "user", row! { name: "ann" });
    assert_eq!(db.close_unused_databases("users").unwrap(), TENANTS);
}

#[test]
fn a_context_has_the_values_that_were_set_last() {
    let context = context! { tenant: "acme", r#type: 7, "X-Region": 'e' }.set("tenant", "bee");
    assert_eq!(context.get("tenant").unwrap(), "bee");
    assert_eq!(context.to_string(), "tenant = bee, type = 7, X-Region = e");
    insta::assert_snapshot!(BindContext::new().get("tenant").unwrap_err(), @"the context has no value `tenant`: it has none");
}
