//! SQL that names a bind which is not configured.

use multibind::{context, row, Bind, Error, Harness};
use rstest::rstest;

use crate::binds::changed_by;

/// Three binds, none of which is `main_schema`.
fn forest() -> Harness {
    let post = "CREATE TABLE post (title); CREATE INDEX by_title ON post (title); CREATE VIEW titles AS SELECT title FROM post";
    Harness::builder()
        .default_bind(Bind::memory().schema(post))
        .bind("schema", Bind::memory().schema("CREATE TABLE tree (name)"))
        .bind("me ta", Bind::memory().schema("CREATE TABLE \"main_schema.leaf\" (name)"))
        .start()
        .unwrap()
}

fn refused(db: &Harness, sql: &str) -> Error {
    let mut session = db.session();
    let error = session.route(sql).unwrap_err();
    assert_eq!(session.query(sql, [], |_| Ok(())).unwrap_err().to_string(), error.to_string());
    // Known by now, and the same answer.
    assert_eq!(session.execute_batch(sql).unwrap_err().to_string(), error.to_string());
    error
}

#[rstest]
#[case::select("SELECT * FROM main_schema.tree")]
#[case::select_of_nothing("SELECT * FROM main_schema.nowhere")]
#[case::select_of_the_schema("SELECT * FROM main_schema.sqlite_schema")]
#[case::select_of_statistics("SELECT * FROM main_schema.sqlite_stat1")]
#[case::double_quotes("SELECT * FROM \"main_schema\".\"tree\"")]
#[case::backticks("SELECT * FROM `main_schema`.`tree`")]
#[case::brackets("SELECT * FROM [main_schema].tree")]
#[case::single_quotes("SELECT * FROM 'main_schema'.tree")]
#[case::blanks_around_the_dot("SELECT * FROM main_schema /* . */ . tree")]
#[case::join("SELECT * FROM tree JOIN main_schema.tree AS other USING (name)")]
#[case::join_of_three("SELECT 1 FROM post, tree, main_schema.tree")]
#[case::subquery("SELECT * FROM post WHERE title IN (SELECT name FROM main_schema.tree)")]
#[case::common_table("WITH t AS (SELECT * FROM main_schema.tree) SELECT * FROM t")]
#[case::compound("SELECT title FROM post UNION SELECT name FROM main_schema.tree")]
#[case::insert("INSERT INTO main_schema.tree VALUES ('oak')")]
#[case::insert_from("INSERT INTO post SELECT name FROM main_schema.tree")]
#[case::update("UPDATE main_schema.tree SET name = 'oak'")]
#[case::delete("DELETE FROM main_schema.tree")]
#[case::create_table("CREATE TABLE main_schema.leaf (x)")]
#[case::create_table_unless_there("CREATE TABLE IF NOT EXISTS main_schema.leaf (x)")]
#[case::create_table_in_quotes("CREATE TABLE \"main_schema\".leaf (x)")]
#[case::create_table_in_brackets("CREATE TABLE [main_schema].leaf (x)")]
#[case::create_table_in_backticks("CREATE TABLE `main_schema`.leaf (x)")]
#[case::create_table_in_single_quotes("CREATE TABLE 'main_schema'.leaf (x)")]
#[case::create_virtual_table("CREATE VIRTUAL TABLE main_schema.word USING fts5 (text)")]
#[case::create_view("CREATE VIEW main_schema.names AS SELECT 1")]
#[case::create_view_of("CREATE VIEW names AS SELECT name FROM main_schema.tree")]
#[case::create_index("CREATE INDEX main_schema.by_name ON tree (name)")]
#[case::create_trigger("CREATE TRIGGER main_schema.t AFTER INSERT ON post BEGIN SELECT 1; END")]
#[case::create_trigger_on("CREATE TRIGGER t AFTER INSERT ON main_schema.tree BEGIN SELECT 1; END")]
#[case::alter_table("ALTER TABLE main_schema.tree RENAME TO bush")]
#[case::drop_table("DROP TABLE main_schema.tree")]
#[case::drop_view("DROP VIEW main_schema.titles")]
#[case::drop_index("DROP INDEX main_schema.by_title")]
#[case::drop_trigger("DROP TRIGGER main_schema.t")]
#[case::analyze("ANALYZE main_schema.tree")]
#[case::reindex("REINDEX main_schema.by_title")]
#[case::vacuum("VACUUM main_schema")]
#[case::pragma("PRAGMA main_schema.user_version")]
#[case::explain("EXPLAIN QUERY PLAN SELECT * FROM main_schema.tree")]
fn a_schema_that_is_no_bind_is_named(#[case] sql: &str) {
    let db = forest();
    let changed = changed_by(&db, |session| {
        let error = session.execute(sql, []).unwrap_err();
        assert_eq!(error.to_string(), "no bind `main_schema`: configured are default, schema, me ta");
    });
    assert_eq!(changed, [""; 0]);
    refused(&db, sql);
}

#[test]
fn the_nearest_bind_is_suggested() {
    let db = forest();
    insta::assert_snapshot!(refused(&db, "SELECT * FROM shcema.tree"), @"no bind `shcema`: configured are default, schema, me ta; the nearest is `schema`");
    insta::assert_snapshot!(refused(&db, "CREATE TABLE \"me to\".t (x)"), @"no bind `me to`: configured are default, schema, me ta; the nearest is `me ta`");
    insta::assert_snapshot!(refused(&db, "SELECT * FROM \"default\".post"), @r#"
    the session does not run this statement: no bind is called `default` in SQL: the default bind is `main` there
      in: SELECT * FROM "default".post
    "#);
}

#[test]
fn a_dot_in_a_name_names_no_bind() {
    let db = forest();
    insta::assert_snapshot!(refused(&db, "SELECT * FROM \"main_schema.tree\""), @"no table `main_schema.tree` in any bind; the nearest names are `main_schema.leaf` in me ta");
    insta::assert_snapshot!(refused(&db, "SELECT * FROM schema.\"main_schema.tree\""), @"no table `schema.main_schema.tree` in any bind; the nearest names are `main_schema.leaf` in me ta");
    insta::assert_snapshot!(refused(&db, "SELECT * FROM \"a.b\".tree"), @"no bind `a.b`: configured are default, schema, me ta");
    insta::assert_snapshot!(refused(&db, "SELECT * FROM a.\"b.tree\""), @"no bind `a`: configured are default, schema, me ta");
    let mut session = db.session();
    session.execute("INSERT INTO \"main_schema.leaf\" VALUES ('green')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("me ta", "main_schema.leaf", row! { name: "green" });
}

#[test]
fn a_quote_in_a_name_is_part_of_it() {
    let db = forest();
    for written in ["\"a\"\"b\"", "[a\"b]", "`a\"b`", "'a\"b'"] {
        for sql in [format!("CREATE TABLE {written}.t (x)"), format!("DELETE FROM {written}.t")] {
            let error = refused(&db, &sql);
            assert_eq!(error.to_string(), "no bind `a\"b`: configured are default, schema, me ta", "{sql}");
        }
    }
}

#[test]
fn temporary_and_configured_schemas_are_no_unknown_binds() {
    let db = forest();
    insta::assert_snapshot!(refused(&db, "SELECT * FROM temp.tree"), @"no table `temp.tree` in any bind");
    insta::assert_snapshot!(refused(&db, "SELECT * FROM main.tree"), @"no table `main.tree` in any bind; the nearest names are `tree` in schema");
    insta::assert_snapshot!(refused(&db, "SELECT * FROM SCHEMA.post"), @"no table `SCHEMA.post` in any bind; the nearest names are `post` in default");
}

#[test]
fn sql_names_a_dynamic_bind_by_its_own_key() {
    let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema("CREATE TABLE user (name)");
    let db = Harness::builder().bind("users", users).start().unwrap();
    let mut session = db.session_for(context! { tenant: "acme" });
    let error = session.execute("INSERT INTO \"users[acme]\".user VALUES ('ann')", []).unwrap_err();
    insta::assert_snapshot!(error, @"bind `users` is dynamic: SQL names `users[acme]` by the bind's key, `users`, in a session whose context means this database");
    let error = db.session().route("CREATE TABLE \"users[bee]\".t (x)").unwrap_err();
    insta::assert_snapshot!(error, @"bind `users` is dynamic: SQL names `users[bee]` by the bind's key, `users`, in a session whose context means this database");
    session.execute("INSERT INTO users.user VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    db.assert_landed("users[acme]", "user", row! { name: "ann" });
}

#[test]
fn an_unknown_bind_beside_ten_is_refused() {
    let mut builder = Harness::builder().default_bind(Bind::memory());
    for at in 0..10 {
        builder = builder.bind(format!("b{at}"), Bind::memory().schema(format!("CREATE TABLE t{at} (x)")));
    }
    let db = builder.start().unwrap();
    let tables: Vec<_> = (0..10).map(|at| format!("t{at}")).collect();
    let error = refused(&db, &format!("SELECT 1 FROM {}, nobody.t", tables.join(", ")));
    assert!(matches!(error, Error::UnknownTable { .. }), "{error}");
    let error = refused(&db, &format!("SELECT 1 FROM {}, nobody.t", tables[1..].join(", ")));
    assert!(matches!(error, Error::UnknownBind { .. }), "{error}");
}
