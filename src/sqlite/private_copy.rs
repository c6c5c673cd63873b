//! Private copies of what one connection alone sees: `main` with what its own open transaction wrote.
//!
//! They are made with `sqlite3_deserialize`, which copies each page once and replaces the schema that SQLite keeps of the
//! target. A table-valued function's table points at that of `main` as long as its connection is open, and so do the
//! statements of an earlier copy. So only a connection that is being opened, or a database that is being attached, is
//! given one.

use rusqlite::Connection;

use super::attach::attach;
use super::image::clear_wal_mark;
use super::pages::Pages;
use super::private::open_in_memory;

/// Opens a connection to a copy of what another has in `main`.
pub(crate) fn open_copy(from: &Connection) -> rusqlite::Result<Connection> {
    let mut copy = open_in_memory()?;
    fill(from, &mut copy, "main")?;
    Ok(copy)
}

/// Attaches a copy of what another connection has in `main`.
pub(crate) fn attach_copy(from: &Connection, to: &mut Connection, name: &str) -> rusqlite::Result<()> {
    attach(to, ":memory:", name)?;
    fill(from, to, name)
}

fn fill(from: &Connection, to: &mut Connection, schema: &str) -> rusqlite::Result<()> {
    // Without a page there is nothing to copy: an empty database has no schema.
    let Some(mut pages) = Pages::of(from)? else { return Ok(()) };
    clear_wal_mark(&mut pages);
    pages.fill(to, schema)
}
