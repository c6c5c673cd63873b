//! Rows written as a data file that reads back to the same values.

use std::fmt::Write;

use rusqlite::types::ValueRef;
use rusqlite::Connection;

use crate::error::joined_by;
use crate::schema::{parents_first, Metadata, TableInfo};
use crate::sqlite::script::quote;

/// Returns the rows of the tables as SQL, parents before children; no text where there are none.
pub(crate) fn as_sql(conn: &Connection, metadata: &Metadata, takes: &dyn Fn(&str) -> bool) -> rusqlite::Result<String> {
    let mut sql = String::new();
    for table in parents_first(metadata) {
        if takes(table.name()) {
            rows(conn, table, &mut sql)?;
        }
    }
    Ok(sql)
}

fn rows(conn: &Connection, table: &TableInfo, sql: &mut String) -> rusqlite::Result<()> {
    let mut columns = Vec::with_capacity(table.columns().len());
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
            literal(conn, row.get_ref(at)?, sql)?;
        }
        sql.push_str(");\n");
    }
    Ok(())
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
