//! The transactions that migrations run in: those of their tools. `tests/migrators` runs the tools themselves.

use multibind::rusqlite::{self, Connection};
use multibind::{Bind, Harness, Result};
use rstest::rstest;

use super::{start, tables};
use crate::folder::Folder;

const FAMILY: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent NOT NULL REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1, 1);
";
const REBUILD: &str = "PRAGMA foreign_keys = OFF;
CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO new_parent (id) SELECT id FROM parent;
DROP TABLE parent;
ALTER TABLE new_parent RENAME TO parent;
PRAGMA foreign_keys = ON;
";

fn children(db: &Harness) -> i64 {
    db.connection("auth").unwrap().query_row("SELECT count(*) FROM child", [], |row| row.get(0)).unwrap()
}

fn rebuilt(first: &'static str, before: &str, second: &'static str, mark: &str, after: &str) -> Result<Harness> {
    let files = [(first, format!("{before}\n{FAMILY}{after}")), (second, format!("{before}{mark}\n{REBUILD}{after}"))];
    start(&Folder::with(files))
}

#[rstest]
#[case::sqlx("1_a.sql", "2_b.sql", "", "")]
#[case::sqlx_up_and_down("1_a.up.sql", "2_b.up.sql", "", "")]
#[case::diesel("2024-01-01-000000_a/up.sql", "2024-01-02-000000_b/up.sql", "", "")]
#[case::refinery("V1__a.sql", "V2__b.sql", "", "")]
#[case::rusqlite_migration("01-a/up.sql", "02-b/up.sql", "", "")]
fn a_pragma_in_a_tools_transaction_does_nothing(
    #[case] first: &'static str,
    #[case] second: &'static str,
    #[case] before: &str,
    #[case] after: &str,
) {
    assert_eq!(children(&rebuilt(first, before, second, "", after).unwrap()), 0);
}

#[rstest]
#[case::sqlx("1_a.sql", "-- no-transaction", "2_b.sql", "", "")]
#[case::prisma("1_a/migration.sql", "", "2_b/migration.sql", "", "")]
#[case::no_tool("a.sql", "", "b.sql", "", "")]
#[case::numbers_of_no_tool("1.sql", "", "2.sql", "", "")]
#[case::dbmate("1_a.sql", "-- migrate:up", "2_b.sql", " transaction:false", "-- migrate:down\n")]
#[case::goose("1_a.sql", "-- +goose Up", "2_b.sql", "\n-- +goose NO TRANSACTION", "-- +goose Down\n")]
#[case::sql_migrate("1_a.sql", "-- +migrate Up", "2_b.sql", " notransaction", "-- +migrate Down\n")]
fn a_pragma_outside_a_transaction_keeps_them(
    #[case] first: &'static str,
    #[case] before: &str,
    #[case] second: &'static str,
    #[case] mark: &str,
    #[case] after: &str,
) {
    assert_eq!(children(&rebuilt(first, before, second, mark, after).unwrap()), 1);
}

#[rstest]
#[case("run_in_transaction = false", 1)]
#[case("run_in_transaction = true", 0)]
#[case("", 1)]
#[case("run_in_transaction = no", 0)]
fn diesel_s_metadata_decides(#[case] metadata: &'static str, #[case] left: i64) {
    let folder = Folder::with([
        ("2024-01-01-000000_a/up.sql", FAMILY),
        ("2024-01-02-000000_b/up.sql", REBUILD),
        ("2024-01-02-000000_b/metadata.toml", metadata),
    ]);
    assert_eq!(children(&start(&folder).unwrap()), left);
}

#[rstest]
fn a_migration_may_leave_its_transaction_and_begin_another() {
    let second = format!("COMMIT;\n{REBUILD}BEGIN;\n");
    let folder = Folder::with([("1_a.sql", FAMILY.to_string()), ("2_b.sql", second)]);
    assert_eq!(children(&start(&folder).unwrap()), 1);
}

#[rstest]
fn tools_without_foreign_keys_run_so_unless_the_bind_enforces_them() {
    let files = [
        ("1_a.sql", format!("-- migrate:up\n{FAMILY}-- migrate:down\n")),
        ("2_b.sql", "-- migrate:up\nDELETE FROM parent;\n-- migrate:down\n".to_string()),
    ];
    let folder = Folder::with(files);
    assert_eq!(children(&start(&folder).unwrap()), 1);
    let told = |bind: Bind| Harness::builder().bind("auth", bind.schema_path(folder.path())).start().unwrap();
    assert_eq!(children(&told(Bind::memory().foreign_keys(true))), 0);
    assert_eq!(children(&told(Bind::memory().foreign_keys(false))), 1);
    let enforced: bool = told(Bind::memory())
        .connection("auth")
        .unwrap()
        .query_row("PRAGMA foreign_keys", [], |row| row.get(0))
        .unwrap();
    assert!(enforced, "the application's connections are as ever");
}

#[rstest]
fn a_failure_due_to_the_transaction_suggests_going_without() {
    let refused = |files: &[(&'static str, &'static str)]| {
        let folder = Folder::with(files.iter().copied());
        folder.refused(start(&folder))
    };
    insta::assert_snapshot!(refused(&[("1_a.sql", "CREATE TABLE a (x);\nVACUUM;")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: cannot VACUUM from within a transaction; sqlx runs it in a transaction: begin the file with the line `-- no-transaction`");
    insta::assert_snapshot!(refused(&[("1_a.sql", "BEGIN;\nCREATE TABLE a (x);\nCOMMIT;")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: cannot start a transaction within a transaction; sqlx runs it in a transaction: begin the file with the line `-- no-transaction`");
    insta::assert_snapshot!(refused(&[("1_a.sql", "PRAGMA cache_size = 10;\nCREATE TABEL a (x);")]), @r#"bind `auth`: the schema failed at [folder]/1_a.sql:2: near "TABEL": syntax error"#);
    insta::assert_snapshot!(refused(&[("2024-01-01-000000_a/up.sql", "VACUUM;")]), @"bind `auth`: the schema failed at [folder]/2024-01-01-000000_a/up.sql:1: cannot VACUUM from within a transaction; Diesel runs it in a transaction: put a `metadata.toml` with `run_in_transaction = false` beside the file");
    insta::assert_snapshot!(refused(&[("V1__a.sql", "VACUUM;")]), @"bind `auth`: the schema failed at [folder]/V1__a.sql:1: cannot VACUUM from within a transaction; refinery runs it in a transaction: write `COMMIT;` before the statement and `BEGIN;` after it");
    insta::assert_snapshot!(refused(&[("1_a.sql", "CREATE TABLE a (x);\nCOMMIT;")]), @"bind `auth`: the schema failed at [folder]/1_a.sql: it ended the transaction that sqlx runs it in and began no other, so sqlx fails to commit: end it with `BEGIN;`, or begin the file with the line `-- no-transaction`");
    insta::assert_snapshot!(refused(&[("01-a/up.sql", "CREATE TABLE a (x);"), ("02-b/up.sql", "COMMIT;")]), @"bind `auth`: the schema failed at [folder]/02-b/up.sql: it ended the transaction that rusqlite_migration runs it in and began no other, so rusqlite_migration fails to commit: end it with `BEGIN;`");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- no-transaction\nBEGIN;\nCREATE TABLE a (x);")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: the transaction begun here is never committed: add a `COMMIT`");
}

/// What SQLite says of the statements on a file, each migration in a transaction as sqlx runs it.
fn on_a_file(first: &str, migrations: &[(&str, &str)]) -> rusqlite::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let conn = Connection::open(folder.path().join("app.db"))?;
    conn.execute_batch(first)?;
    for (_, sql) in migrations {
        if sql.starts_with("-- no-transaction") {
            conn.execute_batch(sql)?;
        } else {
            conn.execute_batch(&format!("BEGIN; {sql} COMMIT;"))?;
        }
    }
    Ok(())
}

#[rstest]
#[case::into_wal("delete", &[("1_a.sql", "CREATE TABLE a (x);"), ("2_b.sql", "PRAGMA journal_mode = WAL;")])]
#[case::any_spelling("delete", &[("1_a.sql", "PRAGMA main.Journal_Mode('Wal');")])]
#[case::wal_already("wal", &[("1_a.sql", "CREATE TABLE a (x);"), ("2_b.sql", "PRAGMA journal_mode = WAL;")])]
#[case::out_of_wal("wal", &[("1_a.sql", "PRAGMA journal_mode = DELETE;")])]
#[case::no_change("delete", &[("1_a.sql", "PRAGMA journal_mode = TRUNCATE; PRAGMA journal_mode;")])]
#[case::no_mode("delete", &[("1_a.sql", "PRAGMA journal_mode = walrus; PRAGMA temp.journal_mode = WAL;")])]
#[case::outside("delete", &[("1_a.sql", "-- no-transaction\nPRAGMA journal_mode = WAL;"), ("2_b.sql", "PRAGMA journal_mode = WAL;")])]
#[case::outside_and_back("delete", &[("1_a.sql", "-- no-transaction\nPRAGMA journal_mode = WAL;"), ("2_b.sql", "PRAGMA journal_mode = DELETE;")])]
#[case::own_transaction("delete", &[("1_a.sql", "-- no-transaction\nBEGIN; PRAGMA journal_mode = WAL; COMMIT;")])]
fn a_journal_mode_changes_where_it_would_on_a_file(#[case] mode: &str, #[case] files: &[(&'static str, &'static str)]) {
    let folder = Folder::with(files.iter().copied());
    let bind = || Bind::memory().pragma("journal_mode", mode);
    let ours = Harness::builder().bind("auth", bind().schema_path(folder.path())).start();
    match on_a_file(&format!("PRAGMA journal_mode = {mode}"), files) {
        Ok(()) => drop(ours.unwrap()),
        Err(error) => {
            let error = error.to_string();
            let error = error.split(" in ").next().unwrap();
            let said = ours.unwrap_err().to_string();
            assert!(said.contains(error), "{said}\nSQLite: {error}");
            // Without a word of the bind, a file is in no WAL mode.
            let plain = Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start();
            assert_eq!(plain.is_err(), mode == "delete");
        }
    }
}

#[rstest]
fn a_journal_mode_in_a_transaction_says_how_to_do_without() {
    let refused = |files: &[(&'static str, &'static str)]| {
        let folder = Folder::with(files.iter().copied());
        folder.refused(start(&folder))
    };
    let wal = "CREATE TABLE a (x);\nPRAGMA journal_mode = WAL;";
    insta::assert_snapshot!(refused(&[("1_a.sql", wal)]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: cannot change into wal mode from within a transaction; sqlx runs it in a transaction: begin the file with the line `-- no-transaction`");
    insta::assert_snapshot!(refused(&[("V1__a.sql", wal)]), @"bind `auth`: the schema failed at [folder]/V1__a.sql:2: cannot change into wal mode from within a transaction; refinery runs it in a transaction: write `COMMIT;` before the statement and `BEGIN;` after it");
    insta::assert_snapshot!(refused(&[("schema.sql", "BEGIN;\nPRAGMA journal_mode = WAL;\nCOMMIT;")]), @"bind `auth`: the schema failed at [folder]/schema.sql:2: cannot change into wal mode from within a transaction");
    let loose = Folder::with([("schema.sql", wal)]);
    assert_eq!(tables(&start(&loose).unwrap(), "auth"), ["a"]);

    let folder = Folder::with([("1_a.sql", "CREATE TABLE a (x);"), ("2_b.sql", wal)]);
    let bind = Bind::memory().schema_up_to(folder.path(), 1);
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    std::fs::write(folder.file("2_b.sql"), "PRAGMA journal_mode = WAL;").unwrap();
    insta::assert_snapshot!(folder.shown(&db.migrate_to("auth", 2).unwrap_err()), @"bind `auth`: the schema failed at [folder]/2_b.sql:1: cannot change into wal mode from within a transaction");
}

#[rstest]
fn a_broken_deferred_key_names_file_and_row() {
    let deferred = "CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED);";
    let folder = Folder::with([
        ("1_a.sql", deferred),
        ("2_b.sql", "INSERT INTO c VALUES (7, 1);"),
        ("3_c.sql", "INSERT INTO p VALUES (1);"),
    ]);
    insta::assert_snapshot!(folder.refused(start(&folder)), @"bind `auth`: the schema failed at [folder]/2_b.sql:1: FOREIGN KEY constraint failed when it commits: the row of `c` with rowid 7 (p = 1) has no match in `p`");
    let plain = Folder::with([("a.sql", deferred), ("b.sql", "INSERT INTO c VALUES (7, 1);"), ("c.sql", "SELECT 1;")]);
    insta::assert_snapshot!(plain.refused(start(&plain)), @"bind `auth`: the schema failed at [folder]/b.sql:1: FOREIGN KEY constraint failed when it commits: the row of `c` with rowid 7 (p = 1) has no match in `p`");
    let mended = Folder::with([
        ("01-a/up.sql", deferred),
        ("02-b/up.sql", "INSERT INTO c VALUES (7, 1);"),
        ("03-c/up.sql", "INSERT INTO p VALUES (1);"),
    ]);
    assert_eq!(tables(&start(&mended).unwrap(), "auth"), ["p", "c"]);
}
