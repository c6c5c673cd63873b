//! Folders with every hazard that is known, run by dbmate, sql-migrate and Flask-Migrate and by multibind.
//!
//! Needs what `.ci/run` installs: a Python with the packages of `tests/flask/requirements.txt`, which `MULTIBIND_FLASK_PYTHON`
//! names, with dbmate beside it, and sql-migrate. Without the variable the tests are skipped, and say so.

#[path = "../../compare.rs"]
mod compare;
mod flask;

use std::path::{Path, PathBuf};
use std::process::Command;

use compare::{compare, contents, folder, here, Files, Outcome, FAMILY, REBUILD, REBUILD_OUTSIDE, TRICKY};
use multibind::rusqlite::Connection;

const BOOKKEEPING: [&str; 2] = ["schema_migrations", "gorp_migrations"];

/// The programs, where they are installed.
fn programs() -> Option<PathBuf> {
    let python = std::env::var_os("MULTIBIND_FLASK_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: MULTIBIND_FLASK_PYTHON names no Python with dbmate beside it");
    }
    python
}

/// A program that migrates.
#[derive(Clone, Copy)]
enum Program {
    Dbmate,
    SqlMigrate,
}

/// What the program makes of the folder, in a file.
fn by_program(program: Program, folder: &Path) -> Option<Result<Vec<String>, String>> {
    let python = programs()?;
    let database = tempfile::tempdir().unwrap();
    let file = database.path().join("migrated.db");
    let mut command = match program {
        Program::Dbmate => {
            let mut command = Command::new(python.with_file_name("dbmate"));
            command.arg("--url").arg(format!("sqlite:{}", file.display())).arg("--migrations-dir").arg(folder);
            command.args(["--no-dump-schema", "up"]);
            command
        }
        Program::SqlMigrate => {
            let config = database.path().join("dbconfig.yml");
            let (datasource, dir) = (file.display(), folder.display());
            let yaml = format!("development:\n  dialect: sqlite3\n  datasource: {datasource}\n  dir: {dir}\n");
            std::fs::write(&config, yaml).unwrap();
            let mut command = Command::new("sql-migrate");
            command.arg("up").arg(format!("-config={}", config.display()));
            command
        }
    };
    let output = command.output().unwrap();
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()));
    }
    Some(Ok(contents(&Connection::open(&file).unwrap(), &BOOKKEEPING)))
}

fn check(program: Program, case: &str, files: &Files, expected: Outcome) {
    let folder = folder(files);
    if let Some(there) = by_program(program, folder.path()) {
        compare(case, there, here(folder.path(), &BOOKKEEPING), &expected);
    }
}

/// A text for each direction, with dbmate's lines.
macro_rules! dbmate {
    ($up:expr) => {
        &*format!("-- migrate:up\n{}\n-- migrate:down\nDROP TABLE nowhere;\n", $up).leak()
    };
}

const LOG: &str = "CREATE TABLE IF NOT EXISTS log (what TEXT); INSERT INTO log VALUES ('a');";
const NEXT: &str = "CREATE TABLE IF NOT EXISTS log (what TEXT); INSERT INTO log VALUES ('b');";

#[test]
fn what_leads_up_runs_as_dbmate_runs_it() {
    let check = |case: &str, files: &Files, expected: Outcome| check(Program::Dbmate, case, files, expected);
    check("two", &[("20240101_a.sql", dbmate!(LOG)), ("20240102_b.sql", dbmate!(NEXT))], Outcome::Same);
    check("text is compared", &[("9_a.sql", dbmate!(NEXT)), ("10_b.sql", dbmate!(LOG))], Outcome::Same);
    check(
        "no underscore",
        &[("1a.sql", dbmate!(LOG)), ("2-b c.sql", dbmate!(NEXT)), ("3.sql", dbmate!(NEXT))],
        Outcome::Same,
    );
    check("one version", &[("1_a.sql", dbmate!(LOG)), ("1_b.sql", dbmate!(NEXT))], Outcome::BothRefuse);
    check("zeros", &[("01_a.sql", dbmate!(LOG)), ("1_b.sql", dbmate!(NEXT))], Outcome::Same);
    check(
        "a name that dbmate passes over",
        &[("1_a.sql", dbmate!(LOG)), ("seed.sql", dbmate!(NEXT))],
        Outcome::RefusedHere("seed.sql"),
    );
    check("a file without lines", &[("1_a.sql", dbmate!(LOG)), ("2_b.sql", NEXT)], Outcome::BothRefuse);
    check("no way back", &[("1_a.sql", "-- migrate:up\nCREATE TABLE a (x);\n")], Outcome::BothRefuse);
    check(
        "the way back first",
        &[("1_a.sql", "-- migrate:down\nSELECT 1;\n-- migrate:up\nCREATE TABLE a (x);\n")],
        Outcome::BothRefuse,
    );
    check(
        "before the first line",
        &[("1_a.sql", "CREATE TABLE b (x);\n-- migrate:up\nCREATE TABLE a (x);\n-- migrate:down\n")],
        Outcome::BothRefuse,
    );
    check(
        "a remark before it",
        &[("1_a.sql", "-- why\n\n  -- so\n--migrate:up\nCREATE TABLE a (x);\n--   migrate:down")],
        Outcome::Same,
    );
    check("several parts", &[("1_a.sql", "-- migrate:up\nCREATE TABLE a (x);\n-- migrate:down\nDROP TABLE a;\n-- migrate:up transaction:false\nVACUUM; CREATE TABLE b (x);\n-- migrate:down\nDROP TABLE b;\n")], Outcome::RefusedHere("1_a.sql"));
    check(
        "a blank before it",
        &[("1_a.sql", "-- migrate:up\nCREATE TABLE a (x);\n -- migrate:down\nDROP TABLE a;")],
        Outcome::BothRefuse,
    );
    check(
        "another spelling",
        &[("1_a.sql", "-- Migrate:Up\nCREATE TABLE a (x);\n-- Migrate:Down\nDROP TABLE a;")],
        Outcome::BothRefuse,
    );
    check(
        "lines in a string",
        &[("1_a.sql", "-- migrate:up\nCREATE TABLE a (x DEFAULT '\n-- migrate:downwards\n');\n-- migrate:down\n")],
        Outcome::Same,
    );
    check(
        "the ends of lines of Windows",
        &[("1_a.sql", "-- migrate:up\r\nCREATE TABLE a (x);\r\n-- migrate:down\r\nDROP TABLE a;\r\n")],
        Outcome::Same,
    );
    check(
        "a byte order mark",
        &[("1_a.sql", "\u{feff}-- migrate:up\nCREATE TABLE a (x);\n-- migrate:down\n")],
        Outcome::BothRefuse,
    );
    check("a trigger", &[("1_a.sql", dbmate!(TRICKY))], Outcome::Same);
}

#[test]
fn each_part_runs_in_the_transaction_of_dbmate() {
    let after_family = |case: &str, up: &'static str, expected: Outcome| {
        check(Program::Dbmate, case, &[("1_a.sql", dbmate!(FAMILY)), ("2_b.sql", up)], expected);
    };
    after_family("a rebuild", dbmate!(REBUILD), Outcome::Same);
    after_family("a rebuild outside", dbmate!(REBUILD_OUTSIDE), Outcome::Same);
    after_family("a parent goes", dbmate!("DELETE FROM parent;"), Outcome::Same);
    after_family(
        "with keys enforced",
        "-- migrate:up transaction:false\nPRAGMA foreign_keys = ON; DELETE FROM parent;\n-- migrate:down",
        Outcome::Same,
    );
    after_family("VACUUM", dbmate!("VACUUM;"), Outcome::BothRefuse);
    after_family(
        "VACUUM outside",
        "-- migrate:up transaction:false\nVACUUM; CREATE TABLE a (x);\n-- migrate:down",
        Outcome::Same,
    );
    let file = dbmate!("PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = FULL; CREATE TABLE a (x);");
    check(Program::Dbmate, "what is for an empty file", &[("1_a.sql", file)], Outcome::Same);
    after_family("another option", "-- migrate:up transaction:no\nVACUUM;\n-- migrate:down", Outcome::BothRefuse);
    after_family("BEGIN", dbmate!("BEGIN; COMMIT;"), Outcome::BothRefuse);
    after_family("COMMIT alone", dbmate!("CREATE TABLE a (x); COMMIT;"), Outcome::BothRefuse);
}

#[test]
fn what_leads_up_runs_as_sql_migrate_runs_it() {
    let check = |case: &str, files: &Files, expected: Outcome| check(Program::SqlMigrate, case, files, expected);
    let (up, next) = ("-- +migrate Up\nCREATE TABLE log (what TEXT);\nINSERT INTO log VALUES ('a');\n-- +migrate Down\nDROP TABLE log;\n", "-- +migrate Up\nINSERT INTO log VALUES ('b');\n-- +migrate Down\nDELETE FROM log;\n");
    let last = "-- +migrate Up\nINSERT INTO log VALUES ('c');\n";
    check("numbers", &[("1_a.sql", up), ("2.sql", next), ("3x.sql", last)], Outcome::Same);
    check("numbers are compared", &[("9_a.sql", up), ("10_b.sql", next)], Outcome::Same);
    check("names", &[("1.sql", up), ("10 b.sql", next), ("later.sql", last)], Outcome::Same);
    check("one number", &[("1_a.sql", up), ("1_b.sql", next)], Outcome::Same);
    check(
        "Down first",
        &[("1.sql", "-- +migrate Down\nDROP TABLE a;\n-- +migrate Up\nCREATE TABLE a (x);\n")],
        Outcome::Same,
    );
    check("twice Up", &[("1.sql", "-- +migrate Up\nCREATE TABLE a (x);\n-- +migrate Down\nDROP TABLE a;\n-- +migrate Up\nCREATE TABLE b (x);\n")], Outcome::Same);
    check("a file without lines", &[("1.sql", up), ("2.sql", "CREATE TABLE b (x);")], Outcome::BothRefuse);
    check(
        "another spelling",
        &[("1.sql", "-- +migrate Up\nCREATE TABLE a (x);\n-- +migrate down\nCREATE TABLE b (x);\n")],
        Outcome::RefusedHere("1.sql:3"),
    );
    check(
        "before the first line",
        &[("1.sql", "CREATE TABLE b (x);\n-- +migrate Up\nCREATE TABLE a (x);\n")],
        Outcome::RefusedHere("1.sql:1"),
    );
    check(
        "no semicolon",
        &[("1.sql", "-- +migrate Up\nCREATE TABLE a (x)\n-- +migrate Down\nDROP TABLE a;\n")],
        Outcome::BothRefuse,
    );
    check(
        "two statements on a line",
        &[("1.sql", "-- +migrate Up\nCREATE TABLE a (x); CREATE TABLE b (x);\n")],
        Outcome::Same,
    );
    check(
        "a semicolon in a comment",
        &[("1.sql", "-- +migrate Up\nCREATE TABLE a ( -- one;\n x);\nCREATE TABLE b (x) -- two;\n;\n")],
        Outcome::Same,
    );
    check(
        "a trigger cut in pieces",
        &[(
            "1.sql",
            "-- +migrate Up\nCREATE TABLE a (x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\nEND;\n",
        )],
        Outcome::BothRefuse,
    );
    check("a trigger in a block", &[("1.sql", "-- +migrate Up\nCREATE TABLE a (x);\n-- +migrate StatementBegin\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\nEND;\n-- +migrate StatementEnd\n-- +migrate Down\n-- nothing\n")], Outcome::Same);
    check(
        "a block without an end",
        &[("1.sql", "-- +migrate Up\n-- +migrate StatementBegin\nCREATE TABLE a (x);\n")],
        Outcome::BothRefuse,
    );
    check("a blank at the end of the name", &[("1.sql", "-- +migrate Up   \nCREATE TABLE a (x);\n")], Outcome::Same);
}

#[test]
fn each_file_runs_in_the_transaction_of_sql_migrate() {
    let after_family = |case: &str, up: &'static str, expected: Outcome| {
        let family = &*format!("-- +migrate Up\n{FAMILY}").leak();
        check(Program::SqlMigrate, case, &[("1_a.sql", family), ("2_b.sql", up)], expected);
    };
    after_family("a rebuild", format!("-- +migrate Up\n{REBUILD}").leak(), Outcome::Same);
    after_family("a rebuild outside", format!("-- +migrate Up\n{REBUILD_OUTSIDE}").leak(), Outcome::Same);
    after_family("VACUUM", "-- +migrate Up\nVACUUM;\n", Outcome::BothRefuse);
    after_family("VACUUM outside", "-- +migrate Up notransaction\nVACUUM;\nCREATE TABLE a (x);\n", Outcome::Same);
    after_family("another option", "-- +migrate Up NOTRANSACTION\nVACUUM;\n", Outcome::BothRefuse);
    after_family("COMMIT alone", "-- +migrate Up\nCREATE TABLE a (x);\nCOMMIT;\n", Outcome::BothRefuse);
}
