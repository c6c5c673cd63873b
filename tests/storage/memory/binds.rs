//! Binds with a few rows, their connections, and what those say.

use std::ffi::c_int;
use std::fmt::Write as _;
use std::time::Duration;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, ffi, Connection};
use multibind::{Bind, Harness};

pub(crate) const TABLES: &str = "
    CREATE TABLE t (id INTEGER PRIMARY KEY, x);
    INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
    CREATE INDEX t_x ON t (x);
";

pub(crate) fn start(bind: Bind) -> Harness {
    Harness::builder().bind("auth", bind.schema(TABLES).busy_timeout(Duration::ZERO)).start().unwrap()
}

pub(crate) fn memory() -> Harness {
    start(Bind::memory())
}

pub(crate) fn plain(db: &Harness) -> Connection {
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.busy_timeout(Duration::ZERO).unwrap();
    conn
}

/// What a script of statements gives: rows, or SQLite's error with its full code.
pub(crate) fn ran(conn: &Connection, sql: &str) -> String {
    let mut said = String::new();
    match rows(conn, sql) {
        Ok(rows) => rows.iter().for_each(|row| writeln!(said, "{row:?}").unwrap()),
        Err(rusqlite::Error::SqliteFailure(code, message)) => {
            write!(said, "{} {}", code.extended_code, message.unwrap_or_default()).unwrap();
        }
        Err(error) => write!(said, "{error}").unwrap(),
    }
    said
}

pub(crate) fn rows(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = conn.prepare_cached(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    rows.collect()
}

pub(crate) fn text(conn: &Connection, sql: &str) -> String {
    rows(conn, sql).unwrap().concat().iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
}

pub(crate) fn is_whole(conn: &Connection) {
    assert_eq!(text(conn, "PRAGMA integrity_check"), "Text(\"ok\")");
}

/// The code of `sqlite3_file_control` and the number that it leaves.
pub(crate) fn control(conn: &Connection, operation: c_int, argument: i64) -> String {
    // More room than any of the operations writes to.
    let mut place = [argument, 0, 0, 0];
    // SAFETY: the handle is open, and the operations that a schedule asks for take the address of a number.
    let code =
        unsafe { ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), operation, place.as_mut_ptr().cast()) };
    format!("{code} {place:?}")
}
