//! Folders with every hazard that is known, run by sqlx's migrator and by multibind.

#[path = "../../compare.rs"]
mod compare;

use std::path::Path;

use compare::{compare, contents, folder, here, Files, Outcome, FAMILY, REBUILD, REBUILD_OUTSIDE, TRICKY};
use multibind::{rusqlite, Bind, Harness};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

const BOOKKEEPING: [&str; 1] = ["_sqlx_migrations"];

/// What sqlx makes of the folder, in a file.
fn by_sqlx(folder: &Path) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = tempfile::tempdir().unwrap();
    let file = database.path().join("migrated.db");
    runtime.block_on(async {
        let migrator = Migrator::new(folder).await.map_err(|error| error.to_string())?;
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        let migrated = migrator.run(&mut conn).await.map_err(|error| error.to_string());
        conn.close().await.unwrap();
        migrated
    })?;
    Ok(contents(&rusqlite::Connection::open(&file).unwrap(), &BOOKKEEPING))
}

fn check(case: &str, files: &Files, expected: Outcome) {
    let folder = folder(files);
    compare(case, by_sqlx(folder.path()), here(folder.path(), &BOOKKEEPING), &expected);
}

const LOG: &str = "CREATE TABLE log (what TEXT); INSERT INTO log VALUES ('first');";
const NEXT: &str = "INSERT INTO log VALUES ('next');";
const LAST: &str = "INSERT INTO log VALUES ('last');";

#[test]
fn files_run_in_the_order_of_sqlx() {
    check("numbers", &[("1_a.sql", LOG), ("2_b.sql", NEXT), ("10_c.sql", LAST)], Outcome::RefusedHere("are missing"));
    check("dates", &[("20240101_a.sql", LOG), ("20240201_b.sql", NEXT), ("20240301_c.sql", LAST)], Outcome::Same);
    check("padded", &[("001_a.sql", LOG), ("2_b.sql", NEXT), ("0003_c.sql", LAST)], Outcome::Same);
    check(
        "a number after the version",
        &[("1_2024_a.sql", LOG), ("2_1_b.sql", NEXT), ("3_2fa.sql", LAST)],
        Outcome::Same,
    );
    check("from below zero", &[("-1_a.sql", LOG), ("0_b.sql", NEXT), ("+1_c.sql", LAST)], Outcome::Same);
    check("no name", &[("1_.sql", LOG), ("2_b.sql.sql", NEXT)], Outcome::Same);
}

#[test]
fn simple_files_and_reversible_ones_run_in_one_folder() {
    let files: &Files =
        &[("1_a.sql", LOG), ("2_b.up.sql", NEXT), ("2_b.down.sql", "DROP TABLE log;"), ("3_c.sql", LAST)];
    check("mixed", files, Outcome::Same);
    check("a way back from a simple file", &[("1_a.sql", LOG), ("1_a.down.sql", "DROP TABLE log;")], Outcome::Same);
    check("no way back", &[("1_a.up.sql", LOG), ("2_b.up.sql", NEXT)], Outcome::Same);
    check(
        "a way back alone",
        &[("1_a.sql", LOG), ("2_b.down.sql", "DROP TABLE log;")],
        Outcome::RefusedHere("2_b.down.sql"),
    );
    check(
        "a direction in upper case",
        &[("1_a.sql", LOG), ("2_b.DOWN.sql", NEXT)],
        Outcome::RefusedHere("2_b.DOWN.sql"),
    );
}

#[test]
fn two_files_of_one_version_are_refused() {
    check("names", &[("017_a.sql", LOG), ("017_b.sql", NEXT)], Outcome::BothRefuse);
    check("zeros", &[("1_a.sql", LOG), ("01_b.sql", NEXT)], Outcome::BothRefuse);
    check("a number after the version", &[("1_a.sql", LOG), ("1_2024_b.sql", NEXT)], Outcome::BothRefuse);
    check(
        "simple and reversible",
        &[("1_a.sql", LOG), ("1_a.up.sql", NEXT), ("1_a.down.sql", "")],
        Outcome::BothRefuse,
    );
}

#[test]
fn a_file_that_sqlx_passes_over_or_cannot_name_is_refused() {
    check("no underscore", &[("1_a.sql", LOG), ("seed.sql", NEXT)], Outcome::RefusedHere("seed.sql"));
    check("upper case", &[("1_a.sql", LOG), ("2_b.SQL", NEXT)], Outcome::RefusedHere("2_b.SQL"));
    check("no number", &[("1_a.sql", LOG), ("seed_b.sql", NEXT)], Outcome::BothRefuse);
    check("too large", &[("1_a.sql", LOG), ("99999999999999999999_b.sql", NEXT)], Outcome::BothRefuse);
    check("folders within", &[("1_a.sql", LOG), ("old/0_b.sql", "no SQL")], Outcome::Same);
}

#[test]
fn each_file_runs_in_the_transaction_of_sqlx() {
    check("a rebuild", &[("1_a.sql", FAMILY), ("2_b.sql", REBUILD)], Outcome::Same);
    check("a rebuild outside", &[("1_a.sql", FAMILY), ("2_b.sql", REBUILD_OUTSIDE)], Outcome::Same);
    let marked = "-- no-transaction\nPRAGMA foreign_keys = OFF; DROP TABLE parent; CREATE TABLE parent (id); PRAGMA foreign_keys = ON;";
    check("without a transaction", &[("1_a.sql", FAMILY), ("2_b.sql", marked)], Outcome::Same);
    let stays = "-- no-transaction\nPRAGMA foreign_keys = OFF;";
    check(
        "a pragma that stays",
        &[("1_a.sql", FAMILY), ("2_b.sql", stays), ("3_c.sql", "DELETE FROM parent;")],
        Outcome::Same,
    );
    check("a mark further down", &[("1_a.sql", "\n-- no-transaction\nVACUUM;")], Outcome::BothRefuse);
    check("after a byte order mark", &[("1_a.sql", "\u{feff}-- no-transaction\nVACUUM;")], Outcome::BothRefuse);
    check("a byte order mark", &[("1_a.sql", "\u{feff}CREATE TABLE a (x);")], Outcome::Same);
    check("VACUUM", &[("1_a.sql", "CREATE TABLE a (x); VACUUM;")], Outcome::BothRefuse);
    check("VACUUM outside", &[("1_a.sql", "-- no-transaction\nCREATE TABLE a (x); VACUUM;")], Outcome::Same);
    check("BEGIN", &[("1_a.sql", "BEGIN; CREATE TABLE a (x); COMMIT;")], Outcome::BothRefuse);
    check("BEGIN outside", &[("1_a.sql", "-- no-transaction\nBEGIN; CREATE TABLE a (x); COMMIT;")], Outcome::Same);
    check("COMMIT alone", &[("1_a.sql", "CREATE TABLE a (x); COMMIT;")], Outcome::BothRefuse);
    check("ROLLBACK alone", &[("1_a.sql", "CREATE TABLE a (x); ROLLBACK;")], Outcome::BothRefuse);
    let file =
        "PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = FULL; PRAGMA application_id = 7; CREATE TABLE a (x);";
    check("what is for an empty file", &[("1_a.sql", file)], Outcome::Same);
    check("a savepoint", &[("1_a.sql", "SAVEPOINT s; CREATE TABLE a (x); RELEASE s;")], Outcome::Same);
    let deferred =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED);";
    check(
        "a deferred key",
        &[("1_a.sql", deferred), ("2_b.sql", "INSERT INTO c VALUES (1); INSERT INTO p VALUES (1);")],
        Outcome::Same,
    );
    check(
        "a broken key",
        &[("1_a.sql", deferred), ("2_b.sql", "INSERT INTO c VALUES (1);"), ("3_c.sql", "INSERT INTO p VALUES (1);")],
        Outcome::BothRefuse,
    );
    check(
        "a deferred pragma",
        &[("1_a.sql", FAMILY), ("2_b.sql", "PRAGMA defer_foreign_keys = ON; DELETE FROM parent WHERE id = 1;")],
        Outcome::Same,
    );
}

#[test]
fn what_leads_back_runs_as_sqlx_runs_it() {
    let files: &Files = &[
        ("1_a.sql", FAMILY),
        ("2_b.up.sql", "ALTER TABLE child ADD COLUMN note TEXT DEFAULT 'n';"),
        (
            "2_b.down.sql",
            "PRAGMA foreign_keys = OFF; DELETE FROM parent WHERE id = 1; ALTER TABLE child DROP COLUMN note;",
        ),
        ("3_c.up.sql", "CREATE TABLE role (x);"),
        ("3_c.down.sql", "-- no-transaction\nDROP TABLE role; VACUUM;"),
    ];
    let folder = folder(files);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = tempfile::tempdir().unwrap();
    let file = database.path().join("migrated.db");
    runtime.block_on(async {
        let migrator = Migrator::new(folder.path()).await.unwrap();
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        migrator.run(&mut conn).await.unwrap();
        migrator.undo(&mut conn, 1).await.unwrap();
        conn.close().await.unwrap();
    });
    let db = Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start().unwrap();
    db.migrate_to("auth", 1).unwrap();
    let there = contents(&rusqlite::Connection::open(&file).unwrap(), &BOOKKEEPING);
    assert_eq!(contents(&db.connection("auth").unwrap(), &BOOKKEEPING), there);
    assert_eq!(there.len(), 7);
}

#[test]
fn semicolons_that_end_no_statement_end_none() {
    check("a trigger", &[("1_a.sql", TRICKY)], Outcome::Same);
    check("no last semicolon", &[("1_a.sql", "CREATE TABLE a (x); INSERT INTO a VALUES (1)")], Outcome::Same);
    check("nothing", &[("1_a.sql", LOG), ("2_b.sql", ""), ("3_c.sql", "-- nothing")], Outcome::Same);
}
