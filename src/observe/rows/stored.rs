//! The values of a row as the columns of a table store them.

use rusqlite::{params_from_iter, Connection};

use crate::error::joined_by;
use crate::list::{has_name, mapped};
use crate::row::Row;
use crate::sqlite::script::quote;

/// Returns rows with the values that a table in `main` would have of them: an `INTEGER` column makes a number of a text that
/// is one. See <https://sqlite.org/datatype3.html#type_affinity>.
pub(in crate::observe) fn as_stored(conn: &Connection, table: &str, rows: &[Row]) -> rusqlite::Result<Vec<Row>> {
    let mut names = Vec::<&str>::new();
    for row in rows {
        for (name, _) in row.cells() {
            if !has_name(&names, name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return Ok(rows.to_vec());
    }
    // Whatever collation a column has, which only the application may know.
    let columns = joined_by(&names, ", ", &|name| format!("t.{0} COLLATE BINARY AS {0}", quote(name)));
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE multibind_expected AS SELECT {columns} FROM main.{} AS t LIMIT 0",
        quote(table)
    ))?;
    let stored = stored_in_copy(conn, rows);
    conn.execute_batch("DROP TABLE temp.multibind_expected")?;
    stored
}

fn stored_in_copy(conn: &Connection, rows: &[Row]) -> rusqlite::Result<Vec<Row>> {
    let mut stored = Vec::with_capacity(rows.len());
    for row in rows {
        if row.is_empty() {
            stored.push(row.clone());
            continue;
        }
        let names = mapped(row.cells(), |(name, _)| name.clone());
        let columns = joined_by(&names, ", ", &|name| quote(name));
        let places = vec!["?"; names.len()].join(", ");
        let insert = format!("INSERT INTO temp.multibind_expected ({columns}) VALUES ({places})");
        conn.prepare_cached(&insert)?.execute(params_from_iter(row.values()))?;
        // A column may have the name of the rowid, so one row at a time is there.
        let select = format!("SELECT {columns} FROM temp.multibind_expected");
        stored.push(conn.prepare_cached(&select)?.query_row([], |row| Row::from_sql(&names, row))?);
        conn.prepare_cached("DELETE FROM temp.multibind_expected")?.execute([])?;
    }
    Ok(stored)
}
