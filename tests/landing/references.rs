//! References from one bind into another, which SQLite cannot enforce: checked at commit, and on demand.

use insta::{allow_duplicates, assert_snapshot};
use multibind::{row, Bind, Config, Error, Harness};
use rstest::rstest;

const TREE: &str = "CREATE TABLE tree (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE)";
const NUT: &str = "CREATE TABLE nut (id INTEGER PRIMARY KEY, tree_name TEXT)";

fn binds(bind: fn() -> Bind) -> Config {
    Harness::builder().default_bind(bind().schema(TREE)).bind("auth", bind().schema(NUT))
}

fn start(bind: fn() -> Bind) -> Harness {
    binds(bind).reference("auth.nut.tree_name", "main.tree.name").start().unwrap()
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_commit_that_leaves_an_orphan_is_refused(#[case] bind: fn() -> Bind) {
    let db = start(bind);
    let mut session = db.session();
    session.table("tree").unwrap().insert(row! { name: "oak" }).unwrap();
    for tree in ["oak", "OAK", "elm", "fir"] {
        session.table("nut").unwrap().insert(row! { tree_name: tree }).unwrap();
    }
    session.table("nut").unwrap().insert(row! { tree_name: None }).unwrap();

    let error = session.commit().unwrap_err();

    // One message, whatever the storage.
    allow_duplicates! { assert_snapshot!(error, @"commit refused, nothing was committed in any bind: auth.nut (id = 3, tree_name = 'elm') refers to default.tree.name, which has no such row; auth.nut (id = 4, tree_name = 'fir') refers to default.tree.name, which has no such row. Write what they refer to and commit again, or roll back") };
    let Error::Orphans { orphans, .. } = error else { panic!("another error") };
    assert_eq!(orphans[0].row(), row! { id: 3, tree_name: "elm" });
    assert_eq!((orphans[0].bind().to_string().as_str(), orphans[0].table()), ("auth", "nut"));
    assert_eq!(orphans[0].refers_to(), "default.tree.name");
    drop(session);
    assert!(db.locate("tree", row! {}).unwrap().is_empty());
    assert!(db.locate("nut", row! {}).unwrap().is_empty());
}

#[rstest]
#[case::as_in_sql("main.tree.name")]
#[case::as_shown("default.tree.name")]
fn an_end_names_the_default_bind_in_either_way(#[case] to: &str) {
    let db = binds(Bind::memory).reference("auth.nut.tree_name", to).start().unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO nut (tree_name) VALUES ('elm')", []).unwrap();
    assert_eq!(db.check_references().unwrap()[0].refers_to(), "default.tree.name");
}

#[test]
fn a_refused_commit_goes_through_when_the_parent_is_written() {
    let db = start(Bind::memory);
    let mut session = db.session();
    session.execute("INSERT INTO nut (tree_name) VALUES ('elm')", []).unwrap();
    assert!(matches!(session.commit(), Err(Error::Orphans { .. })));

    session.execute("INSERT INTO tree (name) VALUES ('elm')", []).unwrap();
    session.commit().unwrap();

    db.assert_landed("auth", "nut", row! { tree_name: "elm" }).assert_landed(None, "tree", row! { name: "elm" });
}

#[rstest]
#[case::deleting("DELETE FROM tree WHERE name = 'oak'")]
#[case::renaming("UPDATE tree SET name = 'ash'")]
fn a_parent_cannot_go_while_a_row_refers_to_it(#[case] sql: &str) {
    let db = start(Bind::memory);
    let mut session = db.session();
    session
        .execute_batch("INSERT INTO tree (name) VALUES ('oak'); INSERT INTO nut (tree_name) VALUES ('oak')")
        .unwrap();
    session.commit().unwrap();

    session.execute(sql, []).unwrap();

    let error = session.commit().unwrap_err();
    allow_duplicates! { assert_snapshot!(error, @"commit refused, nothing was committed in any bind: auth.nut (id = 1, tree_name = 'oak') refers to default.tree.name, which has no such row. Write what they refer to and commit again, or roll back") };
    session.rollback().unwrap();
    session.commit().unwrap();
    db.assert_landed(None, "tree", row! { name: "oak" });
}

#[test]
fn orphans_of_others_are_found_and_stop_nothing() {
    let db = start(Bind::memory);
    let application = db.connection("auth").unwrap();
    application.execute("INSERT INTO nut (tree_name) VALUES ('elm')", []).unwrap();

    let orphans = db.check_references().unwrap();
    assert_eq!(orphans.len(), 1);
    assert_snapshot!(orphans[0], @"auth.nut (id = 1, tree_name = 'elm') refers to default.tree.name, which has no such row");

    let mut session = db.session();
    session
        .execute_batch("INSERT INTO tree (name) VALUES ('oak'); INSERT INTO nut (tree_name) VALUES ('oak')")
        .unwrap();
    session.commit().unwrap();
    session.execute("INSERT INTO nut (tree_name) VALUES ('elm')", []).unwrap();
    assert_snapshot!(session.commit().unwrap_err(), @"commit refused, nothing was committed in any bind: auth.nut (id = 3, tree_name = 'elm') refers to default.tree.name, which has no such row. Write what they refer to and commit again, or roll back");
}

#[test]
fn a_session_that_writes_to_neither_end_is_not_checked() {
    let db = binds(Bind::memory)
        .bind("meta", Bind::memory().schema("CREATE TABLE setting (name TEXT)"))
        .reference("auth.nut.tree_name", "main.tree.name")
        .start()
        .unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO nut (tree_name) VALUES ('elm')", []).unwrap();

    let mut session = db.session();
    session.execute("INSERT INTO setting VALUES ('theme')", []).unwrap();
    session.commit().unwrap();

    db.assert_landed("meta", "setting", row! { name: "theme" });
}

#[test]
fn references_are_declared_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let toml = r#"
        default = { schema_sql = "CREATE TABLE tree (name TEXT)" }
        binds = { auth = { schema_sql = "CREATE TABLE nut (tree_name TEXT)" } }

        [[references]]
        from = "auth.nut.tree_name"
        to = "main.tree.name"
    "#;
    let db = Harness::from_config(Config::from_toml(toml, folder.path()).unwrap()).unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO nut VALUES ('elm')", []).unwrap();

    assert_eq!(db.check_references().unwrap().len(), 1);
}

#[rstest]
#[case("a.b", "x.y", "c.d")]
#[case("me ta", "nu\"t", "tree name")]
#[case("日本", "表", "列")]
fn keys_tables_and_columns_of_a_reference_may_have_any_name(
    #[case] key: &str,
    #[case] table: &str,
    #[case] column: &str,
) {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let schema = format!("CREATE TABLE {} ({})", quoted(table), quoted(column));
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(TREE))
        .bind(key, Bind::memory().schema(schema))
        .reference(format!("{key}.{table}.{column}"), "main.tree.name")
        .start()
        .unwrap();

    let mut session = db.session();
    session.on(key).unwrap().table(table).unwrap().insert(multibind::Row::new().set(column, "elm")).unwrap();

    assert!(matches!(session.commit(), Err(Error::Orphans { .. })));
}

#[test]
fn an_end_that_does_not_exist_is_an_error_at_start() {
    let refused = |from: &str, to: &str| binds(Bind::memory).reference(from, to).start().unwrap_err();

    assert_snapshot!(refused("audit.nut.tree_name", "main.tree.name"), @"the reference from `audit.nut.tree_name` to `main.tree.name`: `audit.nut.tree_name` is not `bind.table.column` with one of the binds default, auth");
    assert_snapshot!(refused("auth.nuts.tree_name", "main.tree.name"), @"the reference from `auth.nuts.tree_name` to `main.tree.name`: bind `auth` has no table `nuts`: the nearest name is `nut`");
    assert_snapshot!(refused("auth.nut.tree", "main.tree.name"), @"the reference from `auth.nut.tree` to `main.tree.name`: bind `auth` has no column `tree` in table `nut`: it has id, tree_name");
    assert_snapshot!(refused("auth.nut.tree_name", "auth.nut.id"), @"the reference from `auth.nut.tree_name` to `auth.nut.id`: both ends are in bind `auth`: declare a foreign key in its schema");
    let toml = "[default]\n[[references]]\nfrom = 'auth.nut.tree_name'";
    assert_snapshot!(Config::from_toml(toml, ".").unwrap_err(), @"line 2: a reference has `from` and `to`, each as `bind.table.column`");
    let toml = "[default]\n[[references]]\nfrom = 'a'\nto = 'b'\non = 'c'";
    assert_snapshot!(Config::from_toml(toml, ".").unwrap_err(), @"line 5: unknown name `on` in a reference; known are `from`, `to`");
    let toml = "[default]\n[[references]]\nfrom = 'main.t.x'\nto = 'main.t.y'";
    let config = Config::from_toml(toml, ".").unwrap();
    assert_snapshot!(Harness::from_config(config).unwrap_err(), @"line 2: the reference from `main.t.x` to `main.t.y`: bind `default` has no table `t`");
}

#[test]
fn orphans_are_found_beside_computed_columns() {
    use multibind::rusqlite::functions::FunctionFlags;
    let nut = Bind::memory().schema_with(|conn| {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        conn.create_scalar_function("shout", 1, flags, |call| Ok(call.get::<String>(0)?.to_uppercase()))?;
        conn.create_collation("unicase", |a, b| a.to_lowercase().cmp(&b.to_lowercase()))?;
        conn.execute_batch(
            "CREATE TABLE nut (id INTEGER PRIMARY KEY, tree_name TEXT COLLATE unicase, loud AS (shout(tree_name)));
             INSERT INTO nut (tree_name) VALUES ('oak'), ('Elm'), ('elm')",
        )
    });
    let tree = Bind::memory().schema(format!("{TREE}; INSERT INTO tree (name) VALUES ('Oak')"));
    let db = Harness::builder().default_bind(tree).bind("auth", nut).reference("auth.nut.tree_name", "main.tree.name");
    let orphans = db.start().unwrap().check_references().unwrap();
    let rows = orphans.iter().map(|orphan| orphan.row().clone()).collect::<Vec<_>>();
    assert_eq!(rows, [row! { id: 2, tree_name: "Elm" }, row! { id: 3, tree_name: "elm" }]);
}
