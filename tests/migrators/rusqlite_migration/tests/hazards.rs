//! Folders with every hazard that is known, run by rusqlite_migration and by multibind.

#[path = "../../compare.rs"]
mod compare;

use std::path::Path;

use compare::{compare, contents, folder, here, Files, Outcome, FAMILY, REBUILD, REBUILD_OUTSIDE, TRICKY};
use include_dir::{Dir, DirEntry, File};
use multibind::{Bind, Harness};
use rusqlite::Connection;
use rusqlite_migration::Migrations;

/// The folder as `include_dir!` has it, which lives as long as the program.
fn included(folder: &Path, root: &Path) -> Dir<'static> {
    let mut paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    paths.sort();
    let relative = |path: &Path| &*path.strip_prefix(root).unwrap().to_str().unwrap().to_string().leak();
    let entries = paths.iter().map(|path| match path.is_dir() {
        true => DirEntry::Dir(included(path, root)),
        false => DirEntry::File(File::new(relative(path), std::fs::read(path).unwrap().leak())),
    });
    Dir::new(relative(folder), entries.collect::<Vec<_>>().leak())
}

/// What rusqlite_migration makes of the folder.
fn by_rusqlite_migration(folder: &Path) -> Result<Vec<String>, String> {
    let folder = Box::leak(Box::new(included(folder, folder)));
    let mut conn = Connection::open_in_memory().unwrap();
    let migrations = Migrations::from_directory(folder).map_err(|error| error.to_string())?;
    migrations.to_latest(&mut conn).map_err(|error| error.to_string())?;
    Ok(contents(&conn, &[]))
}

fn check(case: &str, files: &Files, expected: Outcome) {
    let folder = folder(files);
    compare(case, by_rusqlite_migration(folder.path()), here(folder.path(), &[]), &expected);
}

const LOG: &str = "CREATE TABLE log (what TEXT); INSERT INTO log VALUES ('first');";
const NEXT: &str = "INSERT INTO log VALUES ('next');";
const LAST: &str = "INSERT INTO log VALUES ('last');";

#[test]
fn folders_run_in_the_order_of_their_numbers() {
    let ten: &Files = &[
        ("1-a/up.sql", LOG),
        ("2-b/up.sql", NEXT),
        ("3-c/up.sql", NEXT),
        ("4-d/up.sql", NEXT),
        ("5-e/up.sql", NEXT),
        ("6-f/up.sql", NEXT),
        ("7-g/up.sql", NEXT),
        ("8-h/up.sql", NEXT),
        ("9-i/up.sql", NEXT),
        ("10-j/up.sql", LAST),
    ];
    check("numbers", ten, Outcome::Same);
    let padded: &Files = &[("01-a_b/up.sql", LOG), ("01-a_b/down.sql", "DROP TABLE log;"), ("002-c/up.sql", NEXT)];
    check("padded", padded, Outcome::Same);
    check("other files", &[("01-a/up.sql", LOG), ("01-a/notes.sql", "no SQL"), ("README.md", "")], Outcome::Same);
}

#[test]
fn numbers_that_are_missing_or_there_twice_are_refused() {
    check("a gap", &[("01-a/up.sql", LOG), ("03-b/up.sql", NEXT)], Outcome::BothRefuse);
    check("twice", &[("01-a/up.sql", LOG), ("1-b/up.sql", NEXT)], Outcome::BothRefuse);
    check("zero", &[("0-a/up.sql", LOG), ("1-b/up.sql", NEXT)], Outcome::BothRefuse);
    check("not from one", &[("2-a/up.sql", LOG)], Outcome::BothRefuse);
    let beside: &Files = &[("01-a/up.sql", LOG), ("seed.sql", NEXT)];
    check("a file that the tool passes over", beside, Outcome::RefusedHere("seed.sql"));
    check("no up.sql", &[("01-a/up.sql", LOG), ("02-b/down.sql", NEXT)], Outcome::BothRefuse);
}

#[test]
fn all_migrations_run_in_one_transaction() {
    let after_family = |case: &str, sql: &'static str, expected: Outcome| {
        check(case, &[("01-a/up.sql", FAMILY), ("02-b/up.sql", sql)], expected);
    };
    after_family("a rebuild", REBUILD, Outcome::Same);
    after_family("a rebuild outside", REBUILD_OUTSIDE, Outcome::Same);
    let file = "PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = FULL; CREATE TABLE a (x);";
    check("what is for an empty file", &[("01-a/up.sql", file)], Outcome::Same);
    after_family("VACUUM", "VACUUM;", Outcome::BothRefuse);
    after_family("COMMIT alone", "CREATE TABLE a (x); COMMIT;", Outcome::BothRefuse);
    let broken = "PRAGMA defer_foreign_keys = ON; UPDATE child SET parent = 9;";
    after_family("a broken key", broken, Outcome::BothRefuse);
    let mended: &Files =
        &[("01-a/up.sql", FAMILY), ("02-b/up.sql", broken), ("03-c/up.sql", "INSERT INTO parent VALUES (9, 'i');")];
    check("a key that a later one mends", mended, Outcome::Same);
    let in_turn: &Files =
        &[("01-a/up.sql", "CREATE TABLE a (x); COMMIT;"), ("02-b/up.sql", "BEGIN; CREATE TABLE b (x);")];
    check("one that ends the transaction, and one that begins another", in_turn, Outcome::Same);
}

#[test]
fn what_leads_back_runs_in_one_transaction_too() {
    let files: &Files = &[
        ("01-a/up.sql", FAMILY),
        ("02-b/up.sql", "CREATE TABLE role (x);"),
        ("02-b/down.sql", "DROP TABLE role; INSERT INTO parent VALUES (9, 'i');"),
        ("03-c/up.sql", "ALTER TABLE child ADD COLUMN note TEXT;"),
        (
            "03-c/down.sql",
            "ALTER TABLE child DROP COLUMN note; PRAGMA defer_foreign_keys = ON; UPDATE child SET parent = 9;",
        ),
    ];
    let folder = folder(files);
    let included = Box::leak(Box::new(included(folder.path(), folder.path())));
    let mut conn = Connection::open_in_memory().unwrap();
    let migrations = Migrations::from_directory(included).unwrap();
    migrations.to_latest(&mut conn).unwrap();
    migrations.to_version(&mut conn, 1).unwrap();
    let db = Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start().unwrap();
    db.migrate_to("auth", 1).unwrap();
    assert_eq!(contents(&db.connection("auth").unwrap(), &[]), contents(&conn, &[]));
}

#[test]
fn semicolons_that_end_no_statement_end_none() {
    check("a trigger", &[("01-a/up.sql", TRICKY)], Outcome::Same);
    check("nothing", &[("01-a/up.sql", LOG), ("02-b/up.sql", ""), ("03-c/up.sql", "-- nothing")], Outcome::Same);
}
