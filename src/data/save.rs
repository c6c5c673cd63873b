//! Rows written as a data file that reads back to the same values.

use std::fmt::Write;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::Connection;

use crate::error::{joined_by, sqlite_message};
use crate::schema::{parents_first, IndexOrigin, Metadata, TableInfo, TableKind};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::script::quote;
use crate::sqlite::Image;

/// A table whose rows cannot be written so that they read back, and why not.
pub(crate) struct Unwritten {
    pub(crate) table: String,
    pub(crate) problem: String,
}

/// Returns the rows of the tables as SQL, parents before children; no text where there are none. Reads them back, into a copy
/// of the image, for what a trigger or the like makes of them.
pub(crate) fn as_sql(
    image: &Image,
    metadata: &Metadata,
    takes: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<Result<String, Unwritten>> {
    let mut written = Vec::new();
    for table in parents_first(metadata) {
        if !takes(table.name()) {
            continue;
        }
        if table.kind() == TableKind::Virtual {
            let any = format!("SELECT EXISTS (SELECT 1 FROM main.{})", quote(table.name()));
            if image.with(|conn| conn.query_row(&any, [], |row| row.get(0)))?.unwrap_or(true) {
                let problem = "is a virtual table, whose module alone knows what its rows are made of".to_string();
                return Ok(Err(Unwritten { table: table.name().to_string(), problem }));
            }
            continue;
        }
        written.push((table, image.with(|conn| rows(conn, table))??));
    }
    if let Some(unwritten) = read_back(image, &written)? {
        return Ok(Err(unwritten));
    }
    Ok(Ok(written.into_iter().map(|(_, sql)| sql).collect()))
}

/// Returns the first table that does not become what it is when its rows are inserted into a copy without any.
fn read_back(image: &Image, written: &[(&TableInfo, String)]) -> rusqlite::Result<Option<Unwritten>> {
    let mut copy = open_in_memory()?;
    image.copy_into(&mut copy, "main")?;
    image.connect(&copy)?;
    copy.pragma_update(None, "foreign_keys", false)?;
    copy.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    for (table, _) in written {
        copy.execute(&format!("DELETE FROM main.{}", quote(table.name())), [])?;
    }
    copy.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    let unwritten = |table: &TableInfo, problem: String| Some(Unwritten { table: table.name().to_string(), problem });
    for (table, sql) in written {
        if let Err(error) = copy.execute_batch(sql) {
            return Ok(unwritten(table, format!("refuses its own rows: {}", sqlite_message(&error))));
        }
    }
    for (table, sql) in written {
        if rows(&copy, table)? != *sql {
            let problem = "has other rows once those of all tables are inserted, as a trigger makes them".to_string();
            return Ok(unwritten(table, problem));
        }
    }
    Ok(None)
}

fn rows(conn: &Connection, table: &TableInfo) -> rusqlite::Result<String> {
    let mut sql = String::new();
    let mut columns = Vec::with_capacity(table.columns().len());
    if let Some(rowid) = rowid_to_write(conn, table)? {
        columns.push(rowid);
    }
    for column in table.columns() {
        if column.generated().is_none() && !column.is_hidden() {
            columns.push(column.name());
        }
    }
    let (name, count) = (quote(table.name()), columns.len());
    let columns = joined_by(&columns, ", ", &|column| quote(column));
    let mut select = conn.prepare(&format!("SELECT {columns} FROM main.{name}"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let _ = write!(sql, "INSERT INTO {name} ({columns}) VALUES (");
        for at in 0..count {
            if at > 0 {
                sql.push_str(", ");
            }
            literal(conn, row.get_ref(at)?, &mut sql)?;
        }
        sql.push_str(");\n");
    }
    Ok(sql)
}

/// Returns the name of a table's rowid, where it is no column and not what inserting the rows one by one gives.
fn rowid_to_write(conn: &Connection, table: &TableInfo) -> rusqlite::Result<Option<&'static str>> {
    // The key of a table is its rowid, or has an index.
    let is_key = table.primary_key().next().is_some()
        && !table.indexes().iter().any(|index| index.origin() == IndexOrigin::PrimaryKey);
    if table.is_without_rowid() || is_key {
        return Ok(None);
    }
    let free = |name: &&&str| table.column(name).is_none();
    // Where columns have all three names, nothing refers to it.
    let Some(rowid) = ["rowid", "_rowid_", "oid"].iter().find(free) else { return Ok(None) };
    let counted = format!(
        "SELECT count(*) = 0 OR (min({rowid}) = 1 AND max({rowid}) = count(*)) FROM main.{}",
        quote(table.name())
    );
    let is_counted: bool = conn.query_row(&counted, [], |row| row.get(0))?;
    Ok((!is_counted).then_some(rowid))
}

/// Writes a value as an expression that SQLite reads as the same value.
fn literal(conn: &Connection, value: ValueRef<'_>, sql: &mut String) -> rusqlite::Result<()> {
    match value {
        ValueRef::Null => sql.push_str("NULL"),
        ValueRef::Integer(number) => {
            let _ = write!(sql, "{number}");
        }
        ValueRef::Real(number) => sql.push_str(&real(conn, number)?),
        ValueRef::Blob(bytes) => hex(bytes, sql),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => {
                // SQL ends at a NUL.
                for (at, part) in text.split('\0').enumerate() {
                    sql.push_str(if at > 0 { " || char(0) || '" } else { "'" });
                    sql.push_str(&part.replace('\'', "''"));
                    sql.push('\'');
                }
            }
            Err(_) => {
                sql.push_str("CAST(");
                hex(bytes, sql);
                sql.push_str(" AS TEXT)");
            }
        },
    }
    Ok(())
}

fn hex(bytes: &[u8], sql: &mut String) {
    sql.push_str("x'");
    for byte in bytes {
        let _ = write!(sql, "{byte:02x}");
    }
    sql.push('\'');
}

/// Returns the shortest text that SQLite reads as this number: not every SQLite reads each text as the nearest one.
fn real(conn: &Connection, number: f64) -> rusqlite::Result<String> {
    if number.is_infinite() {
        return Ok(if number > 0.0 { "9e999" } else { "-9e999" }.to_string());
    }
    let mut text = format!("{number:?}");
    for digits in 16..40 {
        let read: f64 = conn.query_row(&format!("SELECT {text}"), [], |row| row.get(0))?;
        if read.to_bits() == number.to_bits() {
            return Ok(text);
        }
        text = format!("{number:.digits$e}");
    }
    let problem = format!("SQLite reads no text as the real {number:?}");
    Err(rusqlite::Error::ToSqlConversionFailure(problem.into()))
}
