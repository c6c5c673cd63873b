//! Private copies of what one connection alone sees: `main` with what its own open transaction wrote.
//!
//! They are made with `sqlite3_deserialize`, which copies each page once and replaces the schema that SQLite keeps of the
//! target. A table-valued function's table points at that of `main` as long as its connection is open, and so do the
//! statements of an earlier copy. So only a connection that is being opened, or a database that is being attached, is
//! given one.

use std::ptr::NonNull;

use rusqlite::serialize::OwnedData;
use rusqlite::{ffi, Connection};

use super::attach::attach;
use super::code::failure;
use super::image::clear_wal_mark;
use super::private::open_in_memory;
use super::values::number;

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
    if number(from, "PRAGMA main.page_count")? == 0 {
        // There is no page to copy yet, and an empty database has no schema.
        return Ok(());
    }
    let mut size = 0;
    // SAFETY: the handle is open, the name ends with a NUL, and the operation writes one number to `size`.
    let pages = unsafe { ffi::sqlite3_serialize(from.handle(), c"main".as_ptr(), &mut size, 0) };
    let (Some(pages), Ok(size)) = (NonNull::new(pages), usize::try_from(size)) else {
        return Err(failure(ffi::SQLITE_NOMEM, "out of memory"));
    };
    // SAFETY: SQLite gave so many bytes, which nobody else has, and they live until they are given to `to`.
    clear_wal_mark(unsafe { std::slice::from_raw_parts_mut(pages.as_ptr(), size) });
    // SAFETY: the bytes are SQLite's own allocation.
    to.deserialize(schema, unsafe { OwnedData::from_raw_nonnull(pages, size) }, false)
}
