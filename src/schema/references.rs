//! Foreign keys as they bear on order: which are enforced, which table is whose parent, which parent is missing.

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::Connection;

use super::metadata::{Metadata, TableInfo};
use crate::row::Shown;
use crate::sqlite::number;
use crate::sqlite::script::quote;

/// Returns whether SQLite enforces foreign keys on this connection.
pub(crate) fn enforced(conn: &Connection) -> rusqlite::Result<bool> {
    conn.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY)
}

/// Switches enforcement on or off; SQLite ignores it within a transaction.
pub(crate) fn enforce(conn: &Connection, enforced: bool) -> rusqlite::Result<()> {
    conn.pragma_update(None, "foreign_keys", enforced)
}

/// Returns the tables, each after those it refers to. Where they refer to each other in a circle, none can be first and the
/// order given decides.
pub(crate) fn parents_first(metadata: &Metadata) -> Vec<&TableInfo> {
    let tables = metadata.tables();
    let mut visited = vec![false; tables.len()];
    let mut order = Vec::with_capacity(tables.len());
    // The way to the table at hand, each with its foreign keys not yet followed: on the heap, for a chain may be long.
    let mut way = Vec::new();
    for start in 0..tables.len() {
        way.push((start, None));
        while let Some((at, keys)) = way.last_mut() {
            let table = &tables[*at];
            let keys = match keys {
                Some(keys) => keys,
                None if std::mem::replace(&mut visited[*at], true) => {
                    way.pop();
                    continue;
                }
                none => none.insert(table.foreign_keys().iter()),
            };
            match keys.next() {
                Some(key) => {
                    if let Some(parent) = metadata.position(key.parent()) {
                        way.push((parent, None));
                    }
                }
                None => {
                    order.push(table);
                    way.pop();
                }
            }
        }
    }
    order
}

/// Returns the foreign keys whose parent table is not in the same bind: the table and the parent it names.
///
/// Asked of SQLite and not of metadata, which takes longer to read than a start may.
pub(crate) fn missing_parents(conn: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT t.name, k.\"table\" FROM main.sqlite_schema AS t \
        CROSS JOIN pragma_foreign_key_list(t.name, 'main') AS k \
        WHERE t.type = 'table' AND t.rootpage > 0 AND k.seq = 0 AND NOT EXISTS ( \
            SELECT * FROM main.sqlite_schema AS p WHERE p.type = 'table' AND p.name = k.\"table\" COLLATE NOCASE) \
        ORDER BY t.rowid, k.id DESC";
    // No foreign key is written without the word, so without it there is none to ask for.
    let any = "SELECT EXISTS (SELECT * FROM main.sqlite_schema WHERE sql LIKE '%references%')";
    if number(conn, any)? == 0 {
        return Ok(Vec::new());
    }
    let mut keys = conn.prepare(sql)?;
    let mut rows = keys.query([])?;
    let mut missing = Vec::new();
    while let Some(row) = rows.next()? {
        missing.push((row.get(0)?, row.get(1)?));
    }
    Ok(missing)
}

/// Returns the words for a row whose parent is not there, the first that SQLite finds.
pub(crate) fn orphan(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let mut check = conn.prepare("SELECT \"table\", rowid, parent, fkid FROM pragma_foreign_key_check")?;
    let mut rows = check.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (table, rowid): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
    let (parent, key): (String, i64) = (row.get(2)?, row.get(3)?);
    // SQLite does not identify a row of a table without rowids.
    let Some(rowid) = rowid else {
        return Ok(Some(format!("a row of `{table}` has no match in `{parent}`")));
    };
    let mut columns = conn.prepare("SELECT \"from\" FROM pragma_foreign_key_list(?1) WHERE id = ?2 ORDER BY seq")?;
    let mut names = columns.query((&table, key))?;
    let mut values = Vec::new();
    while let Some(name) = names.next()? {
        let name: String = name.get(0)?;
        let query = format!("SELECT t.{} FROM {} AS t WHERE t.rowid = ?1", quote(&name), quote(&table));
        let value: Value = conn.query_row(&query, [rowid], |row| row.get(0))?;
        values.push(format!("{name} = {}", Shown(&value)));
    }
    Ok(Some(format!("the row of `{table}` with rowid {rowid} ({}) has no match in `{parent}`", values.join(", "))))
}
