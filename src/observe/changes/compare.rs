//! Comparing two states of one database.

use std::cell::OnceCell;
use std::sync::Arc;

use rusqlite::Connection;

use super::change::{ChangeKind, RowChanges, TableChange};
use super::definition::{definitions, differences, Definition};
use super::rows::{self, Copies, AFTER, BEFORE};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::observe::binds::DatabaseIndex;
use crate::schema::{Metadata, TableInfo, TableKind};
use crate::sorted::Sorted;
use crate::sqlite::attach;
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{stand_in_for_collations, Image};

/// Compares two images of a database.
pub(super) fn compare(
    database: DatabaseIndex,
    key: &BindKey,
    before: &Image,
    after: &Image,
) -> Result<Vec<TableChange>> {
    if before.has_bytes_of(after).map_err(Error::sql(key))? {
        return Ok(Vec::new());
    }
    let (was, is) = (Metadata::of(before, key)?, Metadata::of(after, key)?);
    let (was, is) = (definitions(&was), definitions(&is));
    let conn = both(before, after).map_err(Error::sql(key))?;
    // Made for the first table that stands in the order of a collation that only the application has.
    let careful = OnceCell::new();
    let carefully = || match careful.get() {
        Some(conn) => Ok(conn),
        None => {
            let conn = both(before, after)?;
            stand_in_for_collations(&conn)?;
            Ok(careful.get_or_init(|| conn))
        }
    };

    let mut names = Sorted::default();
    for (name, _) in was.entries() {
        names.insert(name, ());
    }
    for (name, _) in is.entries() {
        names.insert(name, ());
    }
    let mut changes = Vec::new();
    for (name, ()) in names.entries() {
        let change = of_one((database, key), &conn, &carefully, was.get(*name), is.get(*name));
        changes.extend(change.map_err(Error::sql(key))?);
    }
    Ok(changes)
}

/// Opens a private connection with a copy of both.
fn both(before: &Image, after: &Image) -> rusqlite::Result<Connection> {
    let mut conn = open_in_memory()?;
    // A view or a trigger may name the schema it was made in, `main.user`, which is not that of the copy. SQLite would
    // not read the tables beside it either, but for this.
    conn.pragma_update(None, "writable_schema", true)?;
    let own = if before.on_connect().is_empty() { after } else { before };
    own.connect(&conn)?;
    for (image, schema) in [(before, BEFORE), (after, AFTER)] {
        attach(&conn, ":memory:", schema)?;
        image.copy_into(&mut conn, schema)?;
    }
    Ok(conn)
}

/// Compares one table or view; `None` where nothing changed.
fn of_one<'c>(
    (database, bind): (DatabaseIndex, &BindKey),
    conn: &'c Connection,
    carefully: &dyn Fn() -> rusqlite::Result<&'c Connection>,
    before: Option<&Definition<'_>>,
    after: Option<&Definition<'_>>,
) -> rusqlite::Result<Option<TableChange>> {
    let Some(named) = after.or(before) else { return Ok(None) };
    let table = |definition: Option<&Definition<'_>>| definition.and_then(|definition| definition.table.cloned());
    let (was, is) = (table(before), table(after));
    let details = match (before, after) {
        (Some(before), Some(after)) => differences(before, after),
        _ => Vec::new(),
    };
    let kind = match (before, after) {
        (None, _) => ChangeKind::Created,
        (_, None) => ChangeKind::Dropped,
        _ if details.is_empty() => ChangeKind::Rows,
        _ => ChangeKind::Altered,
    };
    let rows = match rows_of(Copies::plain(conn), was.as_ref(), is.as_ref()) {
        Err(_) => rows_of(Copies::careful(carefully()?), was.as_ref(), is.as_ref())?,
        rows => rows?,
    };
    if kind == ChangeKind::Rows && rows.is_empty() {
        return Ok(None);
    }
    let key = rows::key(was.as_ref().or(is.as_ref()), is.as_ref().or(was.as_ref()));
    let (bind, table, is_view) = (bind.clone(), named.name.to_string(), named.table.is_none());
    Ok(Some(TableChange { database, bind, table, is_view, kind, details, key, rows: Arc::new(rows) }))
}

fn rows_of(copies: Copies<'_>, before: Option<&TableInfo>, after: Option<&TableInfo>) -> rusqlite::Result<RowChanges> {
    let rows = match (before, after) {
        (Some(before), Some(after)) => rows::compare(copies, before, after),
        (None, Some(after)) => {
            rows::all(copies, AFTER, after).map(|inserted| RowChanges { inserted, ..RowChanges::default() })
        }
        (Some(before), None) => {
            rows::all(copies, BEFORE, before).map(|deleted| RowChanges { deleted, ..RowChanges::default() })
        }
        (None, None) => Ok(RowChanges::default()),
    };
    let is_virtual = |table: Option<&TableInfo>| table.is_some_and(|table| table.kind() == TableKind::Virtual);
    match rows {
        // Only the application may know its module, or have what it reads from. Then SQLite takes the tables that it
        // keeps its rows in for ordinary ones, and they are compared.
        Err(_) if is_virtual(before) || is_virtual(after) => Ok(RowChanges::default()),
        rows => rows,
    }
}
