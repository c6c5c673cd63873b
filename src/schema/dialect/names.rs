//! Functions and collations that SQLite does not have, since a server's SQL means something else by them, or has its own.

use rusqlite::Connection;

use crate::list::has_name;

/// Returns what a name is that SQLite does not know, and what to do, where it is a server's.
pub(super) fn advice(conn: &Connection, message: &str) -> Option<String> {
    if let Some(name) = message.strip_prefix("no such function: ") {
        let is_column =
            "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema AS t CROSS JOIN pragma_table_xinfo(t.name, 'main') AS c
            WHERE t.type = 'table' AND c.name = ?1 COLLATE NOCASE)";
        let is_column = conn.query_row(is_column, [name], |row| row.get(0)).unwrap_or(false);
        let advice = format!(
            "`{name}` is a column, and an index of SQLite's has whole columns: write `{name}` without a length"
        );
        return is_column.then_some(advice);
    }
    let name = message.strip_prefix("no such collation sequence: ")?;
    if has_name(&["ci", "cs", "bin"], name.rsplit('_').next().filter(|end| *end != name)?) {
        return Some(format!(
            "`{name}` is MySQL's: take `COLLATE {name}` out, or write `COLLATE NOCASE` in place of one that ends in `_ci`"
        ));
    }
    None
}
