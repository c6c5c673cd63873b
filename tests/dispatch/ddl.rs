//! What makes, changes and drops tables goes to their bind.

use multibind::rusqlite::Connection;
use multibind::{row, Bind, BindKey, Error, Harness};
use rstest::rstest;

use crate::binds::{blog, changed_by, read};

#[rstest]
#[case::create("CREATE TABLE fresh (x)", "default")]
#[case::create_qualified("CREATE TABLE auth.fresh (x)", "auth")]
#[case::create_in_an_odd_key("CREATE TABLE \"me ta\".fresh (x)", "me ta")]
#[case::create_in_main("CREATE TABLE main.fresh (x)", "default")]
#[case::create_with_the_name_of_another_binds("CREATE TABLE user (x)", "default")]
#[case::create_without_rowid_with_the_name_of_another_binds(
    "CREATE TABLE main.role (x PRIMARY KEY) WITHOUT ROWID",
    "default"
)]
#[case::create_generated_with_the_name_of_another_binds(
    "CREATE TABLE word (x, y AS (x + 1), CHECK (y > x))",
    "default"
)]
#[case::create_as_with_the_name_of_another_binds("CREATE TABLE auth.post AS SELECT * FROM user", "auth")]
#[case::create_if_not_exists("CREATE TABLE IF NOT EXISTS auth.fresh (x)", "auth")]
#[case::create_as("CREATE TABLE auth.fresh AS SELECT * FROM user", "auth")]
#[case::create_as_of_the_default_bind("CREATE TABLE fresh AS SELECT * FROM post", "default")]
#[case::create_without_rowid("CREATE TABLE auth.fresh (x PRIMARY KEY) WITHOUT ROWID, STRICT", "")]
#[case::create_virtual("CREATE VIRTUAL TABLE auth.fresh USING fts5 (x)", "auth")]
#[case::create_index("CREATE INDEX i ON user (name)", "auth")]
#[case::create_index_of_the_default_bind("CREATE INDEX i ON post (title)", "default")]
#[case::create_index_qualified("CREATE UNIQUE INDEX auth.i ON user (name)", "auth")]
#[case::create_index_quoted("CREATE INDEX i ON [USER] (name)", "auth")]
#[case::create_partial_index("CREATE INDEX i ON user (lower(name)) WHERE boss IS NULL", "auth")]
#[case::create_trigger("CREATE TRIGGER t AFTER DELETE ON user BEGIN DELETE FROM event; END", "auth")]
#[case::create_trigger_of_the_default_bind(
    "CREATE TRIGGER t AFTER DELETE ON post BEGIN DELETE FROM log; END",
    "default"
)]
#[case::create_trigger_on_a_view("CREATE TRIGGER t INSTEAD OF DELETE ON boss BEGIN DELETE FROM user; END", "auth")]
#[case::create_view("CREATE VIEW v AS SELECT * FROM post", "default")]
#[case::create_view_qualified("CREATE VIEW auth.v AS SELECT * FROM user", "auth")]
#[case::create_view_over_an_ambiguous_name("CREATE VIEW auth.v AS SELECT * FROM log", "auth")]
#[case::create_view_before_its_table("CREATE VIEW v AS SELECT * FROM not_yet", "default")]
#[case::rename("ALTER TABLE user RENAME TO person", "auth")]
#[case::rename_column("ALTER TABLE user RENAME COLUMN boss TO chief", "auth")]
#[case::add_column("ALTER TABLE user ADD COLUMN email", "auth")]
#[case::drop_column("ALTER TABLE role DROP COLUMN name", "")]
#[case::drop_table("DROP TABLE role", "auth")]
#[case::drop_table_with_everything("DROP TABLE user", "auth")]
#[case::drop_table_if_exists("DROP TABLE IF EXISTS role", "auth")]
#[case::drop_virtual("DROP TABLE word", "me ta")]
#[case::drop_view("DROP VIEW boss_of_boss", "auth")]
#[case::drop_trigger("DROP TRIGGER joined", "auth")]
#[case::vacuum("VACUUM", "default")]
fn a_schema_changes_in_its_own_bind(#[case] sql: &str, #[case] bind: &str) {
    let db = blog();
    if bind.is_empty() {
        // SQLite refuses it, wherever it runs.
        assert!(db.session().execute(sql, []).is_err());
        return;
    }
    let route = db.session().route(sql).unwrap();
    assert_eq!(route.writes(), [bind.into()]);
    let changed = changed_by(&db, |session| {
        session.execute(sql, []).unwrap();
    });
    assert!(changed == [bind] || sql == "VACUUM", "{changed:?}");
}

#[rstest]
#[case::table("DROP TABLE IF EXISTS nowhere")]
#[case::table_of_a_bind("DROP TABLE IF EXISTS auth.nowhere")]
#[case::view("DROP VIEW IF EXISTS nowhere")]
#[case::index("DROP INDEX IF EXISTS \"me ta\".nowhere")]
#[case::trigger("DROP TRIGGER IF EXISTS nowhere")]
#[case::created("CREATE TABLE IF NOT EXISTS auth.user (x)")]
#[case::index_created("CREATE INDEX IF NOT EXISTS auth.by_line ON log (line)")]
#[case::view_created("CREATE VIEW IF NOT EXISTS auth.boss AS SELECT 1")]
fn nothing_is_done_where_there_is_nothing_to_do(#[case] sql: &str) {
    let db = blog();
    let changed = changed_by(&db, |session| {
        session.execute(sql, []).unwrap();
    });
    assert_eq!(changed, [""; 0]);
}

#[test]
fn on_says_where_a_table_is_made() {
    let db = blog();
    let changed = changed_by(&db, |session| {
        session.on("auth").unwrap().execute("CREATE TABLE fresh (x)", []).unwrap();
        session.execute("INSERT INTO fresh VALUES (1)", []).unwrap();
    });
    assert_eq!(changed, ["auth"]);
    db.assert_landed("auth", "fresh", row! { x: 1 });
}

/// What is broken in the bind already is not what the new object is refused for, even if another bind has the table.
#[rstest]
#[case::another_trigger_of_the_same_table(
    "CREATE TABLE note (x); CREATE TRIGGER old AFTER INSERT ON note BEGIN DELETE FROM user; END",
    "CREATE TRIGGER new AFTER UPDATE ON note BEGIN DELETE FROM note; END"
)]
#[case::a_trigger_that_the_new_one_runs(
    "CREATE TABLE note (x); CREATE TRIGGER old AFTER INSERT ON note BEGIN DELETE FROM user; END",
    "CREATE TRIGGER new AFTER INSERT ON post BEGIN INSERT INTO note VALUES (1); END"
)]
#[case::a_view_that_a_view_reads(
    "CREATE VIEW old AS SELECT * FROM user; CREATE VIEW older AS SELECT * FROM old",
    "CREATE VIEW new AS SELECT * FROM older JOIN post"
)]
#[case::a_view_that_a_trigger_reads(
    "CREATE VIEW old AS SELECT * FROM user",
    "CREATE TRIGGER new AFTER INSERT ON post WHEN EXISTS (SELECT 1 FROM old) BEGIN DELETE FROM post; END"
)]
#[case::a_trigger_of_a_broken_view(
    "CREATE VIEW old AS SELECT * FROM user",
    "CREATE TRIGGER new INSTEAD OF INSERT ON old BEGIN DELETE FROM post; END"
)]
#[case::a_trigger_of_a_view(
    "CREATE VIEW v AS SELECT 1 AS x; CREATE TRIGGER old INSTEAD OF INSERT ON v BEGIN DELETE FROM user; END",
    "CREATE TRIGGER new AFTER INSERT ON post BEGIN INSERT INTO v VALUES (1); END"
)]
fn a_view_or_a_trigger_is_made_beside_others_that_are_broken(#[case] old: &str, #[case] new: &str) {
    let db = blog();
    db.connection(None).unwrap().execute_batch(old).unwrap();
    let mut session = db.session();
    session.execute(new, []).unwrap();
    session.commit().unwrap();
    let conn = db.connection(None).unwrap();
    let made = conn.query_row("SELECT sql FROM sqlite_schema WHERE name = 'new'", [], |row| row.get::<_, String>(0));
    assert_eq!(made.unwrap(), new);
}

/// Nothing is made, so nothing is in the wrong bind.
#[rstest]
#[case::view("CREATE VIEW old AS SELECT * FROM user", "CREATE VIEW IF NOT EXISTS OLD AS SELECT 1")]
#[case::trigger(
    "CREATE TRIGGER old AFTER INSERT ON post BEGIN DELETE FROM user; END",
    "CREATE TRIGGER IF NOT EXISTS old AFTER INSERT ON post BEGIN SELECT 1; END"
)]
fn a_view_or_a_trigger_that_is_there_is_not_made(#[case] old: &str, #[case] new: &str) {
    let db = blog();
    db.connection(None).unwrap().execute_batch(old).unwrap();
    assert_eq!(db.session().execute(new, []).unwrap(), 0);
}

/// What else is broken does not hide that the new object is in the wrong bind.
#[rstest]
#[case::a_trigger_through_a_view(
    "CREATE VIEW v AS SELECT 1 AS x; CREATE TRIGGER old INSTEAD OF INSERT ON v BEGIN DELETE FROM post; END",
    "CREATE TRIGGER new AFTER INSERT ON post BEGIN INSERT INTO v VALUES (1); DELETE FROM user; END"
)]
#[case::a_trigger_beside_a_broken_one(
    "CREATE TRIGGER old AFTER INSERT ON post BEGIN DELETE FROM setting; END",
    "CREATE TRIGGER new AFTER INSERT ON post BEGIN DELETE FROM user; END"
)]
#[case::a_view_beside_a_broken_one(
    "CREATE VIEW old AS SELECT * FROM user",
    "CREATE VIEW new AS SELECT * FROM post JOIN user"
)]
fn one_in_the_wrong_bind_is_refused_beside_others_that_are_broken(#[case] old: &str, #[case] new: &str) {
    let db = blog();
    db.connection(None).unwrap().execute_batch(old).unwrap();
    let error = db.session().execute(new, []).unwrap_err().to_string();
    assert!(error.contains("`new` would be in bind `default`, and `user` is not: it is in auth"), "{error}");
}

#[test]
fn a_view_or_a_trigger_over_another_binds_table_is_refused() {
    let db = blog();
    let mut session = db.session();
    let mut refused = |sql: &str| session.execute(sql, []).unwrap_err();
    insta::assert_snapshot!(refused("CREATE VIEW v AS SELECT name FROM user"), @r#"
    the session does not run this statement: the view `v` would be in bind `default`, and `user` is not: it is in auth. A view uses tables of its own bind alone: make it there, as `auth.v` or with `session.on("auth")`
      in: CREATE VIEW v AS SELECT name FROM user
    "#);
    insta::assert_snapshot!(refused("CREATE VIEW auth.\"a view\" AS SELECT * FROM setting"), @r#"
    the session does not run this statement: the view `a view` would be in bind `auth`, and `setting` is not: it is in me ta. A view uses tables of its own bind alone: make it there, as `"me ta"."a view"` or with `session.on("me ta")`
      in: CREATE VIEW auth."a view" AS SELECT * FROM setting
    "#);
    insta::assert_snapshot!(refused("CREATE VIEW auth.v AS SELECT * FROM post"), @r#"
    the session does not run this statement: the view `v` would be in bind `auth`, and `post` is not: it is in default. A view uses tables of its own bind alone: make it there, with `session.on("default")`
      in: CREATE VIEW auth.v AS SELECT * FROM post
    "#);
    insta::assert_snapshot!(refused("CREATE VIEW v AS SELECT * FROM post, user"), @r#"
    the session does not run this statement: the view `v` would be in bind `default`, and `user` is not: it is in auth. A view uses tables of its own bind alone: make it there, as `auth.v` or with `session.on("auth")`
      in: CREATE VIEW v AS SELECT * FROM post, user
    "#);
    insta::assert_snapshot!(refused("CREATE VIEW v AS SELECT * FROM auth.user"), @"
    SQLite does not accept the statement: view v cannot reference objects in database auth
      in: CREATE VIEW v AS SELECT * FROM auth.user
    ");
    insta::assert_snapshot!(refused("CREATE VIEW auth.v AS SELECT * FROM auth.user"), @"
    the session does not run this statement: other connections could no longer read bind `auth`: malformed database schema (v) - view v cannot reference objects in database auth. Inside it name the tables without the bind
      in: CREATE VIEW auth.v AS SELECT * FROM auth.user
    ");
    insta::assert_snapshot!(refused("CREATE TRIGGER t AFTER UPDATE OF title ON post BEGIN DELETE FROM user; END"), @"
    the session does not run this statement: the trigger `t` would be in bind `default`, and `user` is not: it is in auth. A trigger uses tables of its own bind alone
      in: CREATE TRIGGER t AFTER UPDATE OF title ON post BEGIN DELETE FROM user; END
    ");
    insta::assert_snapshot!(refused("CREATE TRIGGER t AFTER INSERT ON user BEGIN INSERT INTO post (title) VALUES (NEW.name); END"), @"
    the session does not run this statement: the trigger `t` would be in bind `auth`, and `post` is not: it is in default. A trigger uses tables of its own bind alone
      in: CREATE TRIGGER t AFTER INSERT ON user BEGIN INSERT INTO post (title) VALUES (NEW.name); END
    ");
    insta::assert_snapshot!(session.on("auth").unwrap().execute("CREATE VIEW v AS SELECT * FROM auth.user", []).unwrap_err(), @"
    the session does not run this statement: other connections could no longer read bind `auth`: malformed database schema (v) - view v cannot reference objects in database auth. Inside it name the tables without the bind
      in: CREATE VIEW v AS SELECT * FROM auth.user
    ");
    session.execute("CREATE VIEW auth.v AS SELECT name FROM user", []).unwrap();
    assert_eq!(read(&mut session, "SELECT name FROM v"), ["ann", "bob"]);
    session.commit().unwrap();
    assert_eq!(
        db.connection("auth").unwrap().query_row("SELECT count(*) FROM v", [], |row| row.get::<_, i64>(0)).unwrap(),
        2
    );
}

#[test]
fn a_table_is_not_made_from_another_binds_rows() {
    let db = blog();
    insta::assert_snapshot!(db.session().execute("CREATE TABLE copy AS SELECT name FROM user", []).unwrap_err(), @"
    a statement cannot write to bind `default` and use auth too: separate databases share no transaction. Read the rows first, with `session.query`, then write them with `session.execute`
      in: CREATE TABLE copy AS SELECT name FROM user
    ");
}

#[rstest]
#[case::one_table("ANALYZE user", "writes auth", &["auth"])]
#[case::one_index("ANALYZE auth.by_line", "writes auth", &["auth"])]
#[case::one_bind("ANALYZE \"me ta\"", "writes me ta", &["me ta"])]
#[case::all("ANALYZE", "writes default, auth, me ta", &["default", "auth", "me ta"])]
#[case::reindex_one("REINDEX user", "writes auth", &[])]
#[case::reindex_a_table_without_indexes("REINDEX event", "touches no table", &[])]
#[case::reindex_a_bind("REINDEX auth.by_line", "writes auth", &[])]
#[case::reindex_all("REINDEX", "writes default, auth, me ta", &[])]
#[case::reindex_a_collation_without_index("REINDEX rtrim", "touches no table", &[])]
fn maintenance_goes_to_what_it_names_or_everywhere(#[case] sql: &str, #[case] route: &str, #[case] changed: &[&str]) {
    let db = blog();
    assert_eq!(db.session().route(sql).unwrap().to_string(), route);
    let found = changed_by(&db, |session| {
        session.execute(sql, []).unwrap();
    });
    // Statistics are kept where there are rows in an indexed table.
    assert!(found.iter().all(|bind| changed.contains(&bind.as_str())), "{found:?}");
    assert_eq!(found.is_empty(), changed.is_empty());
}

#[rstest]
#[case::default("VACUUM", None)]
#[case::main("VACUUM main", None)]
#[case::qualified("VACUUM auth", Some("auth"))]
#[case::odd_key("VACUUM \"me ta\"", Some("me ta"))]
fn a_vacuum_packs_the_bind_it_names(#[case] sql: &str, #[case] key: Option<&str>) {
    let schema = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000)); DELETE FROM t;";
    let bind = || Bind::temp_file().schema(schema);
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).bind("me ta", bind()).start().unwrap();
    let free = || {
        let of = |key: &multibind::BindKey| {
            let conn = db.connection(key).unwrap();
            conn.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        db.binds().iter().map(|bind| (bind.clone(), of(bind) > 0)).collect::<Vec<_>>()
    };
    assert!(free().iter().all(|(_, free)| *free));
    let mut session = db.session();
    assert_eq!(session.route(sql).unwrap().writes(), [key.into()]);
    session.execute(sql, []).unwrap();
    assert!(free().iter().all(|(bind, free)| *free == (*bind != key.into())), "{:?}", free());
}

#[test]
fn a_vacuum_into_writes_the_file_it_names() {
    let db = blog();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    db.session().execute("VACUUM auth INTO ?1", [file.to_str().unwrap()]).unwrap();
    let copy = multibind::rusqlite::Connection::open(file).unwrap();
    assert_eq!(copy.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn a_vacuum_within_a_unit_of_work_is_sqlites_error() {
    let db = blog();
    let mut session = db.session();
    session.execute("DELETE FROM post", []).unwrap();
    insta::assert_snapshot!(session.execute("VACUUM", []).unwrap_err(), @"
    bind `default`: cannot VACUUM from within a transaction
      in: VACUUM
    ");
    session.execute("VACUUM auth", []).unwrap();
    session.commit().unwrap();
    session.execute("VACUUM", []).unwrap();
}

#[test]
fn without_a_default_bind_a_table_has_nowhere_to_go() {
    let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name)")).start().unwrap();
    let mut session = db.session();
    let mut refused = |sql: &str| session.execute(sql, []).unwrap_err();
    insta::assert_snapshot!(refused("CREATE TABLE fresh (x)"), @"no default bind for a statement whose table names no bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(refused("SELECT 1"), @"no default bind for a statement that touches no table: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(refused("PRAGMA user_version"), @"no default bind for a pragma that names no bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(refused("VACUUM"), @"no default bind for a VACUUM that names no bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(refused("SELECT * FROM sqlite_schema"), @"no default bind for a statement whose table names no bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(refused("SELECT count(*) FROM main.nowhere"), @"no table `main.nowhere` in any bind");
    session.execute("CREATE TABLE auth.fresh (x)", []).unwrap();
    session.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    assert_eq!(read(&mut session, "SELECT changes()"), ["1"]);
    assert_eq!(read(&mut session, "SELECT value FROM auth.user, json_each('[1]')"), ["1"]);
}

#[rstest]
#[case::check("ALTER TABLE user ADD COLUMN age INTEGER CHECK (age > 0)", "auth")]
#[case::check_after_a_semicolon(";; ALTER TABLE user ADD COLUMN age INTEGER CHECK (age > 0)", "auth")]
#[case::not_null("ALTER TABLE user ADD COLUMN age INTEGER NOT NULL DEFAULT 1", "auth")]
#[case::generated("ALTER TABLE user ADD COLUMN age INTEGER AS (id + 1) VIRTUAL NOT NULL", "auth")]
#[case::of_a_strict_table("ALTER TABLE main.strict ADD COLUMN age INTEGER", "default")]
#[case::of_a_strict_table_with_a_check("ALTER TABLE strict ADD COLUMN age INTEGER CHECK (age > 0)", "default")]
#[case::reference("ALTER TABLE user ADD COLUMN age INTEGER REFERENCES role (user)", "auth")]
fn a_column_is_added_whatever_sqlite_checks(#[case] sql: &str, #[case] bind: &str) {
    let db = blog();
    db.connection(None).unwrap().execute_batch("CREATE TABLE strict (id INTEGER PRIMARY KEY, x TEXT) STRICT").unwrap();
    assert_eq!(changed_by(&db, |session| assert_eq!(session.execute(sql, []).unwrap(), 0)), [bind]);
    db.reset().unwrap();
    db.connection(None).unwrap().execute_batch("CREATE TABLE strict (id INTEGER PRIMARY KEY, x TEXT) STRICT").unwrap();
    let key = if bind == "default" { None } else { Some(bind) };
    let changed = changed_by(&db, |session| {
        let told = session.on(key).unwrap().execute(sql, []);
        assert_eq!(told.unwrap(), 0);
    });
    assert_eq!(changed, [bind]);
}

#[test]
fn a_violated_check_is_sqlites_error() {
    let db = blog();
    let mut session = db.session();
    insta::assert_snapshot!(session.execute("ALTER TABLE user ADD COLUMN age DEFAULT 0 CHECK (age > 0)", []).unwrap_err(), @"
    bind `auth`: CHECK constraint failed
      in: ALTER TABLE user ADD COLUMN age DEFAULT 0 CHECK (age > 0)
    ");
    let mut auth = session.on("auth").unwrap();
    auth.execute_batch("CREATE TEMP TABLE passing (x); INSERT INTO passing VALUES (1)").unwrap();
    auth.execute("ALTER TABLE passing ADD COLUMN age CHECK (age > 0)", []).unwrap();
    assert!(matches!(auth.execute("DELETE FROM passing RETURNING x", []), Err(Error::Statement { .. })));
    assert_eq!(auth.query_row("SELECT count(age), count(*) FROM passing", [], |row| row.get::<_, i64>(1)).unwrap(), 1);
    assert!(matches!(session.execute("DELETE FROM user RETURNING id", []), Err(Error::Statement { .. })));
    assert_eq!(read(&mut session, "SELECT count(*) FROM user"), ["2"]);
}

#[rstest]
#[case::index_of_no_column("CREATE INDEX i ON user (nothing_here)")]
#[case::index_of_a_view("CREATE INDEX i ON boss (name)")]
#[case::index_that_is_there("CREATE INDEX by_line ON event (line)")]
#[case::index_named_like_a_table("CREATE INDEX role ON user (name)")]
#[case::index_of_a_subquery("CREATE INDEX i ON user (name) WHERE id IN (SELECT user FROM role)")]
#[case::index_of_a_random_value("CREATE INDEX i ON user (random())")]
#[case::index_of_an_unknown_function("CREATE UNIQUE INDEX i ON user (no_function(name))")]
#[case::trigger_instead_of_on_a_table("CREATE TRIGGER t INSTEAD OF INSERT ON user BEGIN SELECT 1; END")]
#[case::trigger_on_a_view("CREATE TRIGGER t AFTER INSERT ON boss BEGIN SELECT 1; END")]
#[case::trigger_that_is_there("CREATE TRIGGER joined AFTER INSERT ON user BEGIN SELECT 1; END")]
#[case::trigger_of_another_schema("CREATE TRIGGER t AFTER INSERT ON user BEGIN DELETE FROM main.post; END")]
fn an_error_about_a_named_binds_table_is_sqlites_own(#[case] sql: &str) {
    let db = blog();
    let plain = Connection::open(db.uri("auth").unwrap()).unwrap();
    let error = db.session().execute(sql, []).unwrap_err();
    let Error::Prepare { source, .. } = &error else { panic!("{error}") };
    assert_eq!(
        source.to_string().replace("auth.", ""),
        plain.execute_batch(sql).unwrap_err().to_string().replace("main.", "")
    );
}

#[rstest]
#[case::index("CREATE INDEX main.i ON user (name)", "no table `main.user` in any bind")]
#[case::trigger("CREATE TRIGGER main.t AFTER INSERT ON user BEGIN SELECT 1; END", "no table `main.user` in any bind")]
#[case::index_on_nothing("CREATE INDEX i ON nowhere (x)", "no table `main.nowhere` in any bind")]
fn main_in_a_create_means_no_other_bind(#[case] sql: &str, #[case] message: &str) {
    let error = blog().session().execute(sql, []).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
}

#[test]
fn statistics_of_binds_without_tables_are_taken_in_each() {
    for first in ["", "CREATE TABLE t (x); INSERT INTO t VALUES (1); ANALYZE; DROP TABLE t;"] {
        let bind = |schema: &str| Bind::memory().schema(schema);
        let db = Harness::builder()
            .default_bind(bind(first))
            .bind("auth", bind(first))
            .bind("meta", bind(""))
            .start()
            .unwrap();
        let mut session = db.session();
        assert_eq!(session.route("ANALYZE").unwrap().to_string(), "writes default, auth, meta");
        session.execute("ANALYZE", []).unwrap();
        session.execute("ANALYZE auth", []).unwrap();
        session.execute("REINDEX", []).unwrap();
        session.commit().unwrap();
        assert_eq!(session.route("ANALYZE auth").unwrap().to_string(), "writes auth");
    }
    let db = Harness::builder()
        .bind("auth", Bind::memory())
        .bind("meta", Bind::memory().schema("CREATE TABLE t (x)"))
        .start()
        .unwrap();
    assert_eq!(db.session().route("ANALYZE").unwrap().to_string(), "writes auth, meta");
    db.session().execute("ANALYZE", []).unwrap();
}

#[test]
fn autoincrement_tables_are_created_like_others() {
    let sql = "CREATE TABLE visit (id INTEGER PRIMARY KEY AUTOINCREMENT)";
    let bind = || Bind::memory().schema("CREATE TABLE t (x)");
    let db = Harness::builder().bind("auth", bind()).bind("meta", bind()).start().unwrap();
    let mut session = db.session();
    assert!(matches!(session.route(sql), Err(Error::NoDefaultBind { .. })));
    assert!(matches!(session.execute(sql, []), Err(Error::NoDefaultBind { .. })));
    session.execute("CREATE TABLE meta.visit (id INTEGER PRIMARY KEY AUTOINCREMENT)", []).unwrap();
    assert_eq!(session.route("DELETE FROM visit").unwrap().writes(), ["meta".into()]);

    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    assert_eq!(db.session().route(sql).unwrap().writes(), [BindKey::DEFAULT]);
}

#[test]
fn a_trigger_is_made_beside_a_foreign_key_that_leads_nowhere() {
    let auth = "CREATE TABLE login (id INTEGER PRIMARY KEY, user REFERENCES user ON DELETE SET NULL)";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY)"))
        .bind("auth", Bind::memory().schema(auth).allow_missing_parents(true))
        .start()
        .unwrap();
    let sql = "CREATE TRIGGER auth.tidy AFTER UPDATE ON login BEGIN DELETE FROM login WHERE id > 20; END";
    db.session().execute(sql, []).unwrap();
}
