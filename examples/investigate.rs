//! A sign-up that writes its audit line to the wrong database, found in five ways: by what changed, by what ran, by a
//! guard, in the databases and the page that a failed test leaves, and in the picture of all binds.
//!
//! `cargo run --example investigate`, in the folder of this crate.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe};

use multibind::rusqlite::{self, Connection};
use multibind::{changes, Harness};

/// The application. The audit log is the table `log` in `meta`; the blog's own database has a table `log` too, so this goes
/// through.
fn sign_up(db: &Harness, name: &str) -> Result<(), Box<dyn Error>> {
    db.connection("auth")?.execute("INSERT INTO user (username) VALUES (?1)", [name])?;
    db.connection(None)?.execute("INSERT INTO log (event) VALUES ('sign-up of ' || ?1)", [name])?;
    Ok(())
}

/// What an assertion says that fails.
fn failure<T>(assertion: impl FnOnce() -> T) -> Result<String, &'static str> {
    // The message goes into the story, not to stderr.
    set_hook(Box::new(|_| {}));
    let asserted = catch_unwind(AssertUnwindSafe(assertion));
    drop(take_hook());
    let panic = asserted.err().ok_or("the row in the wrong database went unnoticed")?;
    panic.downcast::<String>().map(|message| *message).map_err(|_| "the panic has no message")
}

fn title(text: &str) {
    println!("\n== {text}\n");
}

fn main() -> Result<(), Box<dyn Error>> {
    let db = Harness::from_file("fixtures/binds.toml")?;
    println!("A sign-up is to write a user to auth and a line to the audit log in meta.");

    title("What changed, by a snapshot and a change set");
    let before = db.snapshot()?;
    sign_up(&db, "ann")?;
    let expected = changes! { "auth.user" => +1, "meta.log" => +1 };
    let changes = db.changes_since(&before)?;
    println!("{}", failure(|| changes.assert(expected))?);
    println!("\nThat is the bug: the bind, the row, and the statement with its line. What follows shows more of it.");

    title("Which statement did it, by a record of the statements");
    db.restore(&before)?;
    let log = db.record();
    sign_up(&db, "ann")?;
    println!("{}", failure(|| log.assert_count("meta", 1))?);

    title("Where in the code, by a guard: now the statement fails as it runs");
    db.restore(&before)?;
    let guard = db.allow_only(["auth", "meta"]);
    let error = sign_up(&db, "ann").err().ok_or("the guard let the row through")?;
    println!("the sign-up fails: {error}\n");
    println!("{}", failure(|| drop(guard))?);
    db.assert_not_landed(None, "log", multibind::row! { event: "sign-up of ann" });

    title("The databases themselves, as a failed test keeps them");
    db.restore(&before)?;
    sign_up(&db, "ann")?;
    let folder = tempfile::tempdir()?;
    let files = db.save_to(folder.path())?;
    for file in &files {
        let lines = lines_of_log(&Connection::open(file)?)?;
        println!("{:10}  {lines}", file.file_name().unwrap_or_default().display());
    }
    println!("beside them: changes.txt and, of what was recorded, statements.txt");

    title("When it ran, and beside what: the page");
    assert!(std::fs::read_to_string(folder.path().join("report.html"))?.contains("INSERT INTO log (event)"));
    println!("report.html, beside them too, is for a browser: a lane for each bind, with its statements");
    println!("and transactions in time. The INSERT into `log` is in the lane of `default`.");

    title("The picture: how many rows are where");
    println!("{}", db.describe());
    println!("\nOf db.diagram(), the tables that have the name:");
    for table in db.diagram()?.lines().filter(|line| line.contains(".log\" {")) {
        println!("{}", table.trim_end_matches(" {"));
    }
    Ok(())
}

/// What a look into a saved database finds.
fn lines_of_log(conn: &Connection) -> rusqlite::Result<String> {
    let is_there = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'log'";
    if !conn.query_row(is_there, [], |row| row.get::<_, bool>(0))? {
        return Ok("no table log".to_string());
    }
    let lines = conn.query_row("SELECT group_concat(event) FROM log", [], |row| row.get::<_, Option<String>>(0))?;
    Ok(lines.map_or("log is empty".to_string(), |lines| format!("log: {lines}")))
}
