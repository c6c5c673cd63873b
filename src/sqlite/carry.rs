//! Tables of one image carried into a copy of another: tables that stay as they are while the rest goes back.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use super::image::Image;
use super::private::open_in_memory;
use super::script::quote;
use crate::error::joined_by;

impl Image {
    /// Returns a copy of this image with these tables as another image has them: definition, rows, indexes, triggers and
    /// `AUTOINCREMENT` counter. A table that the other one does not have is not in the copy.
    pub(crate) fn with_tables_of(&self, other: &Image, tables: &[String]) -> rusqlite::Result<Image> {
        let mut conn = open_in_memory()?;
        self.copy_into(&mut conn, "main")?;
        self.connect(&conn)?;
        conn.execute_batch("ATTACH ':memory:' AS other")?;
        other.copy_into(&mut conn, "other")?;
        // The rows are there already: nobody checks them again, and nothing follows from them.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        conn.execute_batch("PRAGMA ignore_check_constraints = ON; BEGIN")?;
        for table in tables {
            carry(&conn, table)?;
        }
        conn.execute_batch("COMMIT; DETACH other; PRAGMA ignore_check_constraints = OFF")?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
        Ok(Image::of_copy(conn)?.connected(self.on_connect()))
    }
}

fn carry(conn: &Connection, table: &str) -> rusqlite::Result<()> {
    let name = quote(table);
    conn.execute_batch(&format!("DROP TABLE IF EXISTS main.{name}"))?;
    let made = "SELECT sql FROM other.sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND sql IS NOT NULL \
                ORDER BY type <> 'table', rowid";
    let mut made = conn.prepare(made)?;
    let mut objects = made.query([table])?;
    let mut is_there = false;
    while let Some(object) = objects.next()? {
        // The text names no schema, so it makes the object in `main`.
        conn.execute_batch(&object.get::<_, String>(0)?)?;
        is_there = true;
    }
    if !is_there {
        return Ok(());
    }
    let mut columns = of_table(conn, table, "name", "hidden = 0")?;
    if let Some(rowid) = free_rowid(conn, table)? {
        columns.insert(0, rowid);
    }
    let columns = joined_by(&columns, ", ", &|column| quote(column));
    conn.execute_batch(&format!("INSERT INTO main.{name} ({columns}) SELECT {columns} FROM other.{name}"))?;
    let has_counters = "SELECT count(*) FROM other.sqlite_schema WHERE name = 'sqlite_sequence'";
    if conn.query_row(has_counters, [], |row| row.get::<_, i64>(0))? > 0 {
        let kept = "SELECT seq FROM other.sqlite_sequence WHERE name = ?1 COLLATE NOCASE";
        if let Some(last) = conn.query_row(kept, [table], |row| row.get::<_, i64>(0)).optional()? {
            conn.execute("DELETE FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", [table])?;
            conn.execute("INSERT INTO main.sqlite_sequence VALUES (?1, ?2)", (table, last))?;
        }
    }
    Ok(())
}

/// Returns a property of the columns of the other image's table.
fn of_table(conn: &Connection, table: &str, property: &str, which: &str) -> rusqlite::Result<Vec<String>> {
    let mut columns =
        conn.prepare(&format!("SELECT {property} FROM pragma_table_xinfo(?1, 'other') WHERE {which} ORDER BY cid"))?;
    let mut rows = columns.query([table])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(row.get(0)?);
    }
    Ok(all)
}

/// Returns the name of a table's rowid, if it has one and no column of the table hides or is it.
fn free_rowid(conn: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let without = "SELECT wr FROM pragma_table_list WHERE schema = 'other' AND name = ?1 COLLATE NOCASE";
    if conn.query_row(without, [table], |row| row.get(0))? {
        return Ok(None);
    }
    if let [key] = of_table(conn, table, "type", "pk > 0")?.as_slice()
        && key.eq_ignore_ascii_case("INTEGER")
    {
        return Ok(None);
    }
    let columns = of_table(conn, table, "name", "true")?;
    let free = ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|name| !columns.iter().any(|known| known.eq_ignore_ascii_case(name)));
    Ok(free.map(ToString::to_string))
}
