//! Folders with every hazard that is known, run by Diesel's migrator and by multibind.

#[path = "../../compare.rs"]
mod compare;

use std::path::Path;

use compare::{compare, contents, folder, here, Files, Outcome, FAMILY, REBUILD, REBUILD_OUTSIDE, TRICKY};
use diesel::{Connection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use multibind::rusqlite;

const BOOKKEEPING: [&str; 1] = ["__diesel_schema_migrations"];

/// What Diesel makes of the folder, in a file.
fn by_diesel(folder: &Path) -> Result<Vec<String>, String> {
    let database = tempfile::tempdir().unwrap();
    let file = database.path().join("migrated.db");
    let migrations = FileBasedMigrations::from_path(folder).map_err(|error| error.to_string())?;
    let mut conn = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
    conn.run_pending_migrations(migrations).map_err(|error| error.to_string())?;
    Ok(contents(&rusqlite::Connection::open(&file).unwrap(), &BOOKKEEPING))
}

fn check(case: &str, files: &Files, expected: Outcome) {
    let folder = folder(files);
    compare(case, by_diesel(folder.path()), here(folder.path(), &BOOKKEEPING), &expected);
}

const LOG: &str = "CREATE TABLE IF NOT EXISTS log (what TEXT); INSERT INTO log VALUES ('a');";
const NEXT: &str = "CREATE TABLE IF NOT EXISTS log (what TEXT); INSERT INTO log VALUES ('b');";
const LAST: &str = "CREATE TABLE IF NOT EXISTS log (what TEXT); INSERT INTO log VALUES ('c');";

#[test]
fn folders_run_in_the_order_of_diesel() {
    let old_and_new: &Files = &[("20160811093015_old/up.sql", LOG), ("2017-12-01-101112_tidy/up.sql", NEXT)];
    check("with hyphens and without", old_and_new, Outcome::Same);
    let new_and_old: &Files = &[("2016-08-11-093015_old/up.sql", NEXT), ("20151201101112_tidy/up.sql", LOG)];
    check("the other way round", new_and_old, Outcome::Same);
    let setup: &Files = &[("00000000000000_setup/up.sql", "SELECT 1;"), ("2024-01-01-000000_a/up.sql", LOG)];
    check("the first one", setup, Outcome::Same);
    let numbers: &Files = &[
        ("1_a/up.sql", LOG),
        ("2_b/up.sql", NEXT),
        ("3_c/up.sql", NEXT),
        ("4_d/up.sql", NEXT),
        ("5_e/up.sql", NEXT),
        ("6_f/up.sql", NEXT),
        ("7_g/up.sql", NEXT),
        ("8_h/up.sql", NEXT),
        ("9_i/up.sql", NEXT),
        ("10_j/up.sql", LAST),
    ];
    check("text is compared", numbers, Outcome::Same);
    check("no version", &[("initial/up.sql", LOG), ("second/up.sql", NEXT)], Outcome::Same);
    check("a version and none", &[("2024-01-01-000000_a/up.sql", NEXT), ("initial/up.sql", LAST)], Outcome::Same);
    check("no underscore", &[("2024-01-02/up.sql", NEXT), ("20240101_a/up.sql", LOG)], Outcome::Same);
}

#[test]
fn duplicate_and_empty_migrations_are_refused() {
    let same: &Files = &[("20240101000000_a/up.sql", LOG), ("2024-01-01-000000_b/up.sql", NEXT)];
    check("one version, of which Diesel runs either", same, Outcome::RefusedHere("the same version, 20240101000000"));
    let without: &Files = &[("2024-01-01-000000_a/up.sql", LOG), ("2024-01-02-000000_b/down.sql", NEXT)];
    check("no up.sql", without, Outcome::BothRefuse);
    let beside: &Files = &[("2024-01-01-000000_a/up.sql", LOG), ("seed.sql", NEXT)];
    check("a file beside them, which Diesel passes over", beside, Outcome::RefusedHere("seed.sql"));
    check("other files", &[("2024-01-01-000000_a/up.sql", LOG), ("README.md", ""), (".keep/x", "")], Outcome::Same);
}

#[test]
fn each_migration_runs_in_the_transaction_of_diesel() {
    let after_family = |case: &str, sql: &'static str, expected: Outcome| {
        check(case, &[("2024-01-01-000000_a/up.sql", FAMILY), ("2024-01-02-000000_b/up.sql", sql)], expected);
    };
    after_family("a rebuild", REBUILD, Outcome::Same);
    after_family("a rebuild outside", REBUILD_OUTSIDE, Outcome::Same);
    let with_metadata = |case: &str, metadata: &'static str, sql: &'static str, expected: Outcome| {
        let metadata = ("2024-01-02-000000_b/metadata.toml", metadata);
        check(case, &[("2024-01-01-000000_a/up.sql", FAMILY), metadata, ("2024-01-02-000000_b/up.sql", sql)], expected);
    };
    with_metadata("without a transaction", "run_in_transaction = false\n", REBUILD, Outcome::Same);
    with_metadata("in a transaction", "run_in_transaction = true\n", REBUILD, Outcome::Same);
    with_metadata("a file that does not say", "# nothing\n", REBUILD, Outcome::Same);
    with_metadata("a file that Diesel cannot read", "run_in_transaction = flase\n", REBUILD, Outcome::Same);
    with_metadata("a value of another type", "run_in_transaction = \"false\"\n", REBUILD, Outcome::Same);
    with_metadata("VACUUM outside", "run_in_transaction = false\n", "VACUUM;", Outcome::Same);
    after_family("VACUUM", "VACUUM;", Outcome::BothRefuse);
    after_family("BEGIN", "BEGIN; COMMIT;", Outcome::BothRefuse);
    after_family("COMMIT alone", "CREATE TABLE a (x); COMMIT;", Outcome::BothRefuse);
    let file = "PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = FULL; CREATE TABLE a (x);";
    check("what is for an empty file", &[("2024-01-01-000000_a/up.sql", file)], Outcome::Same);
    after_family("the mark of sqlx", "-- no-transaction\nVACUUM;", Outcome::BothRefuse);
    after_family(
        "a deferred pragma",
        "PRAGMA defer_foreign_keys = ON; UPDATE child SET parent = 9; INSERT INTO parent VALUES (9, 'i');",
        Outcome::Same,
    );
    after_family("a broken key", "PRAGMA defer_foreign_keys = ON; UPDATE child SET parent = 9;", Outcome::BothRefuse);
}

#[test]
fn semicolons_that_end_no_statement_end_none() {
    check("a trigger", &[("2024-01-01-000000_a/up.sql", TRICKY)], Outcome::Same);
    check(
        "a comment alone",
        &[("2024-01-01-000000_a/up.sql", LOG), ("2024-01-02-000000_b/up.sql", "-- nothing")],
        Outcome::Same,
    );
    check("nothing", &[("2024-01-01-000000_a/up.sql", LOG), ("2024-01-02-000000_b/up.sql", "")], Outcome::BothRefuse);
}
