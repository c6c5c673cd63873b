//! A folder of migrations run by the tool itself and by multibind, and the two databases compared.

use std::path::Path;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::Connection;
use multibind::{Bind, Harness};
use tempfile::TempDir;

/// The files of a folder, each with its content.
pub type Files = [(&'static str, &'static str)];

/// What the two make of a folder.
pub enum Outcome {
    /// Equal databases.
    Same,
    /// Both refuse it.
    BothRefuse,
    /// The tool runs it, or passes over a file, and multibind refuses it with these words.
    RefusedHere(&'static str),
}

pub fn folder(files: &Files) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

/// Every table, index, view and trigger, and every row, but for what is the tool's own.
pub fn contents(conn: &Connection, bookkeeping: &[&str]) -> Vec<String> {
    let sql = "SELECT name, type, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name";
    let mut objects = conn.prepare(sql).unwrap();
    let objects = objects.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let pragmas = ["encoding", "auto_vacuum", "application_id"];
    let value = |pragma: &&str| conn.pragma_query_value(None, pragma, |row| row.get::<_, Value>(0)).unwrap();
    let mut lines = pragmas.iter().map(|pragma| format!("{pragma}: {:?}", value(pragma))).collect::<Vec<_>>();
    for object in objects {
        let (name, kind, sql): (String, String, String) = object.unwrap();
        if bookkeeping.contains(&name.as_str()) {
            continue;
        }
        lines.push(format!("{kind} {name}: {sql}"));
        if kind == "table" {
            let mut statement = conn.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values = (0..columns).map(|at| row.get::<_, Value>(at).unwrap()).collect::<Vec<_>>();
                lines.push(format!("  {values:?}"));
            }
        }
    }
    lines
}

/// What multibind makes of the folder.
pub fn here(folder: &Path, bookkeeping: &[&str]) -> Result<Vec<String>, String> {
    let started = Harness::builder().bind("auth", Bind::memory().schema_path(folder)).start();
    let db = started.map_err(|error| error.to_string())?;
    let contents = contents(&db.connection("auth").unwrap(), bookkeeping);
    Ok(contents)
}

/// Compares what the tool has made, or why it refused, with what multibind makes of the same folder.
pub fn compare(case: &str, there: Result<Vec<String>, String>, here: Result<Vec<String>, String>, expected: &Outcome) {
    match (expected, there, here) {
        (Outcome::Same, Ok(there), Ok(here)) => {
            assert!(here.len() > 3, "{case}: nothing was made");
            assert_eq!(here, there, "{case}");
        }
        (Outcome::BothRefuse, Err(_), Err(_)) => {}
        (Outcome::RefusedHere(words), Ok(_), Err(here)) => assert!(here.contains(words), "{case}: {here}"),
        (_, there, here) => panic!("{case}: the tool: {there:#?}; here: {here:#?}"),
    }
}

/// A parent and its children, which go when it goes.
pub const FAMILY: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent VALUES (1, 'ann'), (2, 'bea');
INSERT INTO child VALUES (1, 1), (2, 2);
";

/// A rebuild of the parent as SQLite's documentation has it, which must not be within a transaction.
pub const REBUILD: &str = "PRAGMA foreign_keys = OFF;
CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO new_parent SELECT * FROM parent;
DROP TABLE parent;
ALTER TABLE new_parent RENAME TO parent;
PRAGMA foreign_keys = ON;
";

/// The same, out of the transaction that the tool has begun and into another.
pub const REBUILD_OUTSIDE: &str = "COMMIT;
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO new_parent SELECT * FROM parent;
DROP TABLE parent;
ALTER TABLE new_parent RENAME TO parent;
COMMIT;
PRAGMA foreign_keys = ON;
BEGIN;
";

/// A trigger and strings with semicolons and lines that are no tool's.
pub const TRICKY: &str = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT DEFAULT 'a;
b; -- c');
CREATE TRIGGER tidy AFTER INSERT ON note BEGIN
    UPDATE note SET text = text || ';' WHERE id = new.id;
    SELECT 1;
END;
INSERT INTO note (id) VALUES (1);
";
