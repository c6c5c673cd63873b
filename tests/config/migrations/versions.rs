//! Up to a version and back, with the rows that are there.

use multibind::binds::{BindContext, Lag, Storage};
use multibind::{row, Bind, Config, Harness};
use rstest::rstest;

use super::tables;
use crate::folder::Folder;

/// A folder in the layout of a tool: a table, a column more in a table with rows, an index.
fn of_tool(tool: &str) -> Folder {
    let up = [
        "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);",
        "ALTER TABLE user ADD COLUMN email TEXT DEFAULT 'none';",
        "CREATE TABLE role (name TEXT);",
    ];
    let down = ["DROP TABLE user;", "ALTER TABLE user DROP COLUMN email;", "DROP TABLE role;"];
    let mut files: Vec<(&'static str, String)> = Vec::new();
    for (at, (up, down)) in up.iter().zip(down).enumerate() {
        let number = at + 1;
        let mut add = |name: String, text: String| files.push((name.leak(), text));
        let both = |up_line: &str, down_line: &str| format!("{up_line}\n{up}\n{down_line}\n{down}\n");
        match tool {
            "sqlx" => {
                add(format!("{number}_m.up.sql"), up.to_string());
                add(format!("{number}_m.down.sql"), down.to_string());
            }
            "Diesel" => {
                add(format!("2024-01-0{number}-000000_m/up.sql"), up.to_string());
                add(format!("2024-01-0{number}-000000_m/down.sql"), down.to_string());
            }
            "rusqlite_migration" => {
                add(format!("0{number}-m/up.sql"), up.to_string());
                add(format!("0{number}-m/down.sql"), down.to_string());
            }
            "plain" => {
                add(format!("{number}.up.sql"), up.to_string());
                add(format!("{number}.down.sql"), down.to_string());
            }
            "dbmate" => add(format!("{number}_m.sql"), both("-- migrate:up", "-- migrate:down")),
            "goose" => add(format!("{number}_m.sql"), both("-- +goose Up", "-- +goose Down")),
            "sql-migrate" => add(format!("{number}.sql"), both("-- +migrate Up", "-- +migrate Down")),
            tool => panic!("no tool {tool}"),
        }
    }
    Folder::with(files)
}

fn has_email(db: &Harness) -> bool {
    db.metadata("auth").unwrap().table("user").is_some_and(|user| user.column("email").is_some())
}

#[rstest]
fn rows_survive_a_migration_up_and_back(
    #[values("sqlx", "Diesel", "rusqlite_migration", "plain", "dbmate", "goose", "sql-migrate")] tool: &str,
    #[values(Storage::Memory, Storage::TempFile)] storage: Storage,
) {
    let folder = of_tool(tool);
    let version = |number: usize| match tool {
        "Diesel" => format!("2024-01-0{number}-000000"),
        "sql-migrate" => format!("{number}.sql"),
        _ => number.to_string(),
    };
    let bind = Bind::memory().storage(storage).schema_up_to(folder.path(), version(1));
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    assert!(!has_email(&db));
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (1, 'ann')", []).unwrap();

    db.migrate_to("auth", version(2)).unwrap();
    assert!(has_email(&db) && db.metadata("auth").unwrap().table("role").is_none());
    db.assert_landed("auth", "user", row! { id: 1, name: "ann", email: "none" });

    db.migrate_to("auth", "head").unwrap();
    assert_eq!(tables(&db, "auth"), ["user", "role"]);
    db.migrate_to("auth", "head").unwrap();

    db.migrate_to("auth", version(1)).unwrap();
    assert!(!has_email(&db) && tables(&db, "auth") == ["user"]);
    db.assert_landed("auth", "user", row! { id: 1, name: "ann" });

    db.migrate_to("auth", "base").unwrap();
    assert_eq!(tables(&db, "auth"), [""; 0]);
    db.migrate_to("auth", version(3)).unwrap();
    assert_eq!(tables(&db, "auth"), ["user", "role"]);
}

#[rstest]
#[case::number("2")]
#[case::with_zeros("002")]
#[case::file("2_m.up.sql")]
#[case::name("2_m")]
fn a_version_may_be_written_as_its_file_is_named(#[case] version: &str) {
    let folder = of_tool("sqlx");
    let bind = Bind::memory().schema_path(folder.path());
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    db.migrate_to("auth", version).unwrap();
    assert_eq!(tables(&db, "auth"), ["user"]);
    assert!(has_email(&db));
}

#[rstest]
fn diesel_s_versions_may_have_hyphens_and_names() {
    let folder = of_tool("Diesel");
    for version in ["2024-01-01-000000", "20240101000000", "2024-01-01-000000_m"] {
        let bind = Bind::memory().schema_up_to(folder.path(), version);
        let db = Harness::builder().bind("auth", bind).start().unwrap();
        assert_eq!(tables(&db, "auth"), ["user"], "{version}");
        assert!(!has_email(&db));
    }
}

#[rstest]
fn reset_and_restore_put_the_version_back_too() {
    let folder = of_tool("sqlx");
    let bind = Bind::memory().schema_up_to(folder.path(), 2);
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let before = db.snapshot().unwrap();
    db.migrate_to("auth", 3).unwrap();
    db.reset().unwrap();
    db.migrate_to("auth", 3).unwrap();
    db.restore(&before).unwrap();
    assert_eq!(tables(&db, "auth"), ["user"]);
    db.migrate_to("auth", 1).unwrap();
    assert!(!has_email(&db));
    db.restore(&before).unwrap();
    assert!(has_email(&db));
    db.migrate_to("auth", "head").unwrap();
    assert_eq!(tables(&db, "auth"), ["user", "role"]);
}

#[rstest]
fn each_bind_has_a_version_of_its_own() {
    let parts = "-- migrate:up\n-- bind: default\nCREATE TABLE post (x);\n-- bind: auth\nCREATE TABLE user (x);\n\
                 -- migrate:down\n-- bind: default\nDROP TABLE post;\n-- bind: auth\nDROP TABLE user;\n";
    let more = "-- migrate:up\n-- bind: default\nCREATE TABLE tag (x);\n-- bind: auth\nCREATE TABLE role (x);\n\
                -- migrate:down\n-- bind: default\nDROP TABLE tag;\n-- bind: auth\nDROP TABLE role;\n";
    let folder = Folder::with([("1_a.sql", parts), ("2_b.sql", more)]);
    let bind = || Bind::memory().schema_path(folder.path());
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    db.migrate_to("auth", 1).unwrap();
    assert_eq!((tables(&db, None).len(), tables(&db, "auth")), (2, vec!["user".to_string()]));
    db.migrate_to(None, 0).unwrap();
    assert_eq!((tables(&db, None).len(), tables(&db, "auth")), (0, vec!["user".to_string()]));
}

#[rstest]
fn a_migration_that_fails_leaves_what_ran_before_it() {
    let folder = Folder::with([
        ("1_a.sql", "CREATE TABLE a (x);"),
        ("2_b.sql", "CREATE TABLE b (x);"),
        ("3_c.sql", "CREATE TABLE c (x);\nINSERT INTO nowhere VALUES (1);"),
    ]);
    let bind = Bind::memory().schema_up_to(folder.path(), 1);
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", "head").unwrap_err()), @"bind `auth`: the schema failed at [folder]/3_c.sql:2: no such table: nowhere");
    db.reflect("auth").unwrap();
    assert_eq!(tables(&db, "auth"), ["a", "b"]);
    std::fs::write(folder.file("3_c.sql"), "CREATE TABLE c (x);").unwrap();
    db.migrate_to("auth", "head").unwrap();
    assert_eq!(tables(&db, "auth"), ["a", "b", "c"]);
}

#[rstest]
fn later_migrations_run_and_reordered_ones_are_an_error() {
    let folder = Folder::with([("1_a.sql", "CREATE TABLE a (x);"), ("3_c.sql", "CREATE TABLE c (x);")]);
    std::fs::remove_file(folder.file("3_c.sql")).unwrap();
    let db = Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start().unwrap();
    std::fs::write(folder.file("2_b.sql"), "CREATE TABLE b (x);").unwrap();
    db.migrate_to("auth", 2).unwrap();
    assert_eq!(tables(&db, "auth"), ["a", "b"]);
    std::fs::write(folder.file("0_z.sql"), "CREATE TABLE z (x);").unwrap();
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", "head").unwrap_err()), @"bind `auth`: the schema failed at [folder]: `1_a.sql` has run, and `0_z.sql` is in its place now: the folder has changed since the harness started");
}

#[rstest]
fn a_missing_path_of_migrations_runs_nothing() {
    let folder = Folder::with([
        ("1_a.sql", "CREATE TABLE a (x);"),
        ("2_b.up.sql", "CREATE TABLE b (x);"),
        ("2_b.down.sql", "DROP TABLE b;"),
    ]);
    let db = Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start().unwrap();
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", "base").unwrap_err()), @"bind `auth`: the schema failed at [folder]/1_a.sql: nothing leads back from it: write `1_a.down.sql`");
    assert_eq!(tables(&db, "auth"), ["a", "b"]);
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", 22).unwrap_err()), @"bind `auth`: the schema failed at [folder]: no migration has the version `22`: there are 1, 2, and `head` and `base`");
    let bind = Bind::memory().schema_up_to(folder.path(), 7);
    insta::assert_snapshot!(folder.refused(Harness::builder().bind("auth", bind).start()), @"bind `auth`: the schema failed at [folder]: no migration has the version `7`: there are 1, 2, and `head` and `base`");

    let refused = |files: &[(&'static str, &'static str)]| {
        let folder = Folder::with(files.iter().copied());
        let db = Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start().unwrap();
        folder.shown(&db.migrate_to("auth", "base").unwrap_err())
    };
    insta::assert_snapshot!(refused(&[("V1__a.sql", "CREATE TABLE a (x);")]), @"bind `auth`: the schema failed at [folder]/V1__a.sql: nothing leads back from it: refinery has none; start a harness at the earlier version with `Bind::schema_up_to`");
    insta::assert_snapshot!(refused(&[("2024-01-01-000000_a/up.sql", "CREATE TABLE a (x);")]), @"bind `auth`: the schema failed at [folder]/2024-01-01-000000_a/up.sql: nothing leads back from it: write a `down.sql` beside it");
    insta::assert_snapshot!(refused(&[("a.sql", "CREATE TABLE a (x);")]), @"bind `auth`: the schema failed at [folder]/a.sql: nothing leads back from it: write `a.down.sql`");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Up\nCREATE TABLE a (x);\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql: nothing leads back from it: write `-- +goose Down` and what leads back below it");
}

#[rstest]
fn a_bind_without_one_folder_of_migrations_has_no_versions() {
    let folder = Folder::with([("a/1_a.sql", "CREATE TABLE a (x);"), ("b/1_b.sql", "CREATE TABLE b (x);")]);
    let both = Bind::memory().schema_path(folder.file("a")).schema_path(folder.file("b"));
    let config = Config::new()
        .bind(None, Bind::memory().schema("CREATE TABLE t (x)"))
        .bind("auth", both)
        .bind("replica", Bind::mirror("auth").read_only(true).lag(Lag::Manual));
    let db = Harness::from_config(config).unwrap();
    insta::assert_snapshot!(db.migrate_to(None, 1).unwrap_err(), @"bind `default`: the schema failed: it has no folder of migrations: give it one with `schema_path` or `schema_up_to`");
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", 1).unwrap_err()), @"bind `auth`: the schema failed: it has several folders of migrations, so a version does not say of which: [folder]/a, [folder]/b");
    insta::assert_snapshot!(db.migrate_to("replica", 1).unwrap_err(), @"bind `replica`: the schema failed: it is a replica: migrate its source, then call `replicate`");
    insta::assert_snapshot!(db.migrate_to("meta", 1).unwrap_err(), @"no bind `meta`: configured are default, auth, replica");
}

#[rstest]
fn the_revisions_of_flask_migrate_are_versions() {
    let text = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);\n\n\
                -- Running upgrade  -> 3f31\n\nCREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);\n\n\
                INSERT INTO alembic_version (version_num) VALUES ('3f31') RETURNING version_num;\n\n\
                -- Running upgrade 3f31 -> c457\n\nALTER TABLE user ADD COLUMN email TEXT;\n\n\
                UPDATE alembic_version SET version_num='c457' WHERE alembic_version.version_num = '3f31';\n\n";
    let folder = Folder::with([(".sql", "CREATE TABLE post (x);"), ("auth.sql", text)]);
    let bind = Bind::memory().schema_up_to(folder.path(), "3f31");
    let post = Bind::memory().schema_path(folder.path());
    let db = Harness::builder().default_bind(post).bind("auth", bind).start().unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (1, 'ann')", []).unwrap();
    assert!(!has_email(&db));
    db.migrate_to("auth", "c457").unwrap();
    db.assert_landed("auth", "user", row! { name: "ann", email: None });
    db.assert_landed("auth", "alembic_version", row! { version_num: "c457" });
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", "3f31").unwrap_err()), @"bind `auth`: the schema failed at [folder]/auth.sql: nothing leads back from it: `flask db upgrade --sql` writes none; start a harness at the earlier version with `Bind::schema_up_to`");
}

#[rstest]
fn read_only_binds_and_tenants_migrate() {
    let folder = of_tool("sqlx");
    let reports = Bind::memory().read_only(true).schema_up_to(folder.path(), 1);
    let tenants = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema_up_to(folder.path(), 1);
    let db = Harness::builder().bind("reports", reports).bind("tenants", tenants).start().unwrap();
    db.migrate_to("reports", 2).unwrap();
    assert!(db.metadata("reports").unwrap().table("user").unwrap().column("email").is_some());

    let context = |tenant: &str| BindContext::new().set("tenant", tenant);
    let columns = |tenant| {
        let conn = db.connection_for("tenants", context(tenant)).unwrap();
        conn.query_row("SELECT count(*) FROM pragma_table_info('user')", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((columns("acme"), columns("umbrella")), (2, 2));
    db.migrate_to(db.key_for("tenants", context("acme")).unwrap(), 2).unwrap();
    assert_eq!((columns("acme"), columns("umbrella")), (3, 2));
}

#[rstest]
fn two_threads_that_migrate_one_bind_take_turns() {
    let folder = of_tool("sqlx");
    let db = Harness::builder().bind("auth", Bind::memory().schema_up_to(folder.path(), "base")).start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| db.migrate_to("auth", "head").unwrap());
        }
    });
    assert_eq!(tables(&db, "auth"), ["user", "role"]);
}
