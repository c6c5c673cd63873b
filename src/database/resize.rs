//! Copying an image over a database whose pages have another size, as `PRAGMA page_size` and `VACUUM` leave it.
//!
//! SQLite's backup API changes the size of the pages only of a file with a rollback journal.

use std::ffi::c_int;
use std::time::Duration;

use rusqlite::{ffi, Connection, ErrorCode, OpenFlags};

use super::connect::number;
use super::image::{copy_pages, Image};
use super::memory::Memory;
use crate::error::is_lock;

/// Copies an image over a connection's database, whatever that holds.
///
/// In WAL mode the pages get the image's size unless other connections are open; SQLite then keeps the size that the
/// database has.
pub(super) fn copy_over(image: &Image, conn: &mut Connection) -> rusqlite::Result<()> {
    let refused = match image.copy_into(conn, "main") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => error,
        copied => return copied,
    };
    let page_size = number(conn, "PRAGMA main.page_size")?;
    if page_size == image.with(|image| number(image, "PRAGMA main.page_size"))? {
        return Err(refused);
    }
    match journal_mode(conn, "PRAGMA main.journal_mode = DELETE") {
        Ok(mode) if mode == "delete" => {
            let copied = image.copy_into(conn, "main");
            back_to_wal(conn)?;
            copied
        }
        // In memory there is no such mode; in a file other connections hold it.
        Ok(_) => copy_pages(&resized(image, page_size)?, conn, "main"),
        Err(error) if is_lock(&error) => copy_pages(&resized(image, page_size)?, conn, "main"),
        Err(error) => Err(error),
    }
}

fn journal_mode(conn: &Connection, sql: &str) -> rusqlite::Result<String> {
    conn.query_row(sql, [], |row| row.get(0))
}

/// Turns WAL mode on again, which a connection that just opened can block for a moment.
fn back_to_wal(conn: &Connection) -> rusqlite::Result<()> {
    const TRIES: usize = 50;
    const PAUSE: Duration = Duration::from_millis(1);
    for _ in 0..TRIES {
        match journal_mode(conn, "PRAGMA main.journal_mode = WAL") {
            Err(error) if is_lock(&error) => std::thread::sleep(PAUSE),
            done => return done.map(drop),
        }
    }
    let problem =
        "the database was put back, but another connection blocks `PRAGMA journal_mode = WAL`: end its transaction";
    let code: c_int = ffi::SQLITE_ERROR;
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(problem.to_string())))
}

/// Opens a copy of an image with pages of that size; `VACUUM INTO` keeps every rowid.
fn resized(image: &Image, page_size: i64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Memory::with_journals(image.file()?, Vec::new())?;
    let to = Memory::with_journals([].into(), Vec::new())?;
    let original = Connection::open_with_flags(from.uri(), flags)?;
    original.pragma_update(None, "page_size", page_size)?;
    original.execute("VACUUM INTO ?1", [to.uri()])?;
    Connection::open_with_flags(to.uri(), flags)
}
