//! Folders with every hazard that is known, run by refinery's runner and by multibind.

#[path = "../../compare.rs"]
mod compare;

use std::path::Path;

use compare::{compare, contents, folder, here, Files, Outcome, FAMILY, REBUILD, REBUILD_OUTSIDE, TRICKY};
use refinery::Runner;
use rusqlite::Connection;

const BOOKKEEPING: [&str; 1] = ["refinery_schema_history"];

/// What refinery makes of the folder.
fn by_refinery(folder: &Path) -> Result<Vec<String>, String> {
    let mut conn = Connection::open_in_memory().unwrap();
    let migrations = refinery::load_sql_migrations(folder).map_err(|error| error.to_string())?;
    Runner::new(&migrations).run(&mut conn).map_err(|error| error.to_string())?;
    Ok(contents(&conn, &BOOKKEEPING))
}

fn check(case: &str, files: &Files, expected: Outcome) {
    let folder = folder(files);
    compare(case, by_refinery(folder.path()), here(folder.path(), &BOOKKEEPING), &expected);
}

const LOG: &str = "CREATE TABLE log (what TEXT); INSERT INTO log VALUES ('first');";
const NEXT: &str = "INSERT INTO log VALUES ('next');";
const LAST: &str = "INSERT INTO log VALUES ('last');";

#[test]
fn files_run_in_the_order_of_refinery() {
    check("numbers", &[("V1__a.sql", LOG), ("V2__b.sql", NEXT), ("V3__c.sql", LAST)], Outcome::Same);
    check("unversioned ones too", &[("V1__a.sql", LOG), ("U2__b.sql", NEXT), ("V3__c.sql", LAST)], Outcome::Same);
    check("padded", &[("V01__a.sql", LOG), ("V2__b.sql", NEXT), ("V003__c.sql", LAST)], Outcome::Same);
    check("from zero", &[("V0__a.sql", LOG), ("V1__b.sql", NEXT)], Outcome::Same);
    check("folders within", &[("old/V1__a.sql", LOG), ("V2__b.sql", NEXT), (".new/V3__c.sql", LAST)], Outcome::Same);
    check("other files within", &[("V1__a.sql", LOG), ("old/seed.sql", "no SQL"), ("README.md", "")], Outcome::Same);
    check("letters of all kinds", &[("V1__größe.sql", LOG), ("V2____b.sql", NEXT)], Outcome::Same);
}

#[test]
fn two_files_of_one_version_are_refused() {
    check("names", &[("V1__a.sql", LOG), ("V1__b.sql", NEXT)], Outcome::BothRefuse);
    check("kinds", &[("V1__a.sql", LOG), ("U1__b.sql", NEXT)], Outcome::BothRefuse);
    check("zeros", &[("V1__a.sql", LOG), ("V01__b.sql", NEXT)], Outcome::BothRefuse);
    check("folders", &[("V1__a.sql", LOG), ("more/V1__a.sql", LOG)], Outcome::BothRefuse);
}

#[test]
fn a_file_that_refinery_passes_over_is_refused() {
    let passed_over = |name: &'static str| {
        check(name, &[("V1__a.sql", LOG), (name, NEXT)], Outcome::RefusedHere(name));
    };
    passed_over("V2__b-c.sql");
    passed_over("V2__b c.sql");
    passed_over("V2_b.sql");
    passed_over("v2__b.sql");
    passed_over("V2__b.SQL");
    passed_over("more/V2__b.c.sql");
    passed_over("R__b.sql");
    passed_over("seed.sql");
    check("V1.2", &[("V1__a.sql", LOG), ("V1.2__b.sql", NEXT)], Outcome::BothRefuse);
}

#[test]
fn each_file_runs_in_the_transaction_of_refinery() {
    let after_family = |case: &str, sql: &'static str, expected: Outcome| {
        check(case, &[("V1__a.sql", FAMILY), ("V2__b.sql", sql)], expected);
    };
    after_family("a rebuild", REBUILD, Outcome::Same);
    after_family("a rebuild outside", REBUILD_OUTSIDE, Outcome::Same);
    after_family("VACUUM", "VACUUM;", Outcome::BothRefuse);
    after_family("BEGIN", "BEGIN; COMMIT;", Outcome::BothRefuse);
    after_family("COMMIT alone", "CREATE TABLE a (x); COMMIT;", Outcome::BothRefuse);
    let file = "PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = FULL; CREATE TABLE a (x);";
    check("what is for an empty file", &[("V1__a.sql", file)], Outcome::Same);
    after_family("the mark of sqlx", "-- no-transaction\nVACUUM;", Outcome::BothRefuse);
    after_family("a broken key", "PRAGMA defer_foreign_keys = ON; UPDATE child SET parent = 9;", Outcome::BothRefuse);
    after_family(
        "a deferred pragma",
        "PRAGMA defer_foreign_keys = ON; UPDATE child SET parent = 9; INSERT INTO parent VALUES (9, 'i');",
        Outcome::Same,
    );
}

#[test]
fn semicolons_that_end_no_statement_end_none() {
    check("a trigger", &[("V1__a.sql", TRICKY)], Outcome::Same);
    check("nothing", &[("V1__a.sql", LOG), ("V2__b.sql", ""), ("V3__c.sql", "-- nothing")], Outcome::Same);
}
