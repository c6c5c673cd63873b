//! The objects of a schema, and a number that equal schemas have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use rusqlite::Connection;

use super::counters::schema_version;
use super::texts;
use crate::sync::lock;

/// The tables, views, indexes and triggers of a database.
#[derive(Debug)]
pub(crate) struct Objects {
    id: u64,
    /// SQLite's number for the schema.
    version: i64,
    all: Vec<Object>,
    encoding: String,
}

/// One table, view, index or trigger.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: NameKind,
    pub(crate) name: String,
    pub(crate) is_virtual: bool,
    /// The table that it is or belongs to.
    pub(crate) table: String,
    /// The page that it begins on; 0 where it has none.
    pub(crate) root: i64,
}

/// The kinds of objects whose names SQLite keeps apart: a table and an index may share a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum NameKind {
    /// Tables and views.
    Table,
    Index,
    Trigger,
}

impl Objects {
    /// Reads the objects of a connection's `main` schema. Unless it is `shareable`, the schema gets a number of its own.
    pub(crate) fn of(conn: &Connection, shareable: bool) -> rusqlite::Result<Objects> {
        let version = schema_version(conn)?;
        let encoding = texts(conn, "PRAGMA encoding")?.concat();
        let mut described = format!("{encoding}\0").into_bytes();
        let mut all = Vec::new();
        let mut select = conn.prepare("SELECT type, name, tbl_name, rootpage, sql FROM main.sqlite_schema")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (of, name) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            let root = row.get::<_, Option<i64>>(3)?.unwrap_or_default();
            let kind = match of {
                "index" => NameKind::Index,
                "trigger" => NameKind::Trigger,
                _ => NameKind::Table,
            };
            let (table, sql) = (row.get_ref(2)?.as_str()?, row.get_ref(4)?.as_str_or_null()?.unwrap_or_default());
            // Neither a name nor SQL has a NUL character.
            for text in [of, name, table, sql] {
                described.extend_from_slice(text.as_bytes());
                described.push(0);
            }
            described.extend_from_slice(&root.to_le_bytes());
            let is_virtual = of == "table" && root == 0;
            all.push(Object { kind, name: name.to_string(), is_virtual, table: table.to_string(), root });
        }
        let id = if shareable { known(described) } else { next() };
        Ok(Objects { id, version, all, encoding })
    }

    /// Returns a number that only schemas have that are the same to the letter.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns SQLite's number for the schema when it was read.
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// Returns the objects, in the order made.
    pub(crate) fn all(&self) -> &[Object] {
        &self.all
    }

    /// Returns the names of virtual tables.
    pub(crate) fn virtual_tables(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter(|object| object.is_virtual).map(|object| object.name.as_str())
    }

    /// Returns the database's encoding, as `PRAGMA encoding` names it.
    pub(crate) fn encoding(&self) -> &str {
        &self.encoding
    }
}

/// The most schemas that are known again.
const MOST_KNOWN: usize = 64;

/// Returns the number of a schema, the same as before where it is known.
fn known(described: Vec<u8>) -> u64 {
    static KNOWN: Mutex<Vec<(Vec<u8>, u64)>> = Mutex::new(Vec::new());
    let mut known = lock(&KNOWN);
    if let Some((_, id)) = known.iter().find(|(text, _)| *text == described) {
        return *id;
    }
    let id = next();
    if known.len() >= MOST_KNOWN {
        known.remove(0);
    }
    known.push((described, id));
    id
}

fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(sql: &str, shareable: bool) -> Objects {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(sql).unwrap();
        Objects::of(&conn, shareable).unwrap()
    }

    #[test]
    fn the_same_schema_has_the_same_number_and_another_has_another() {
        let sql = "CREATE TABLE a (x); CREATE INDEX i ON a (x)";
        let id = objects(sql, true).id();
        assert_eq!(objects(&format!("{sql}; INSERT INTO a VALUES (1)"), true).id(), id);
        for other in [
            "CREATE TABLE a (y); CREATE INDEX i ON a (y)",
            "CREATE TABLE a (x)",
            "CREATE TABLE b (x); CREATE TABLE a (x); DROP TABLE b; CREATE INDEX i ON a (x); CREATE TABLE c (x)",
            "PRAGMA encoding = 'UTF-16'; CREATE TABLE a (x); CREATE INDEX i ON a (x)",
        ] {
            assert_ne!(objects(other, true).id(), id, "{other}");
        }
        assert_ne!(objects(sql, false).id(), id);
    }

    #[test]
    fn objects_are_told_apart_by_kind() {
        let objects = objects(
            "CREATE TABLE a (x UNIQUE); CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE w USING rtree (id, low, high);
             CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END",
            true,
        );
        let of = |name: &str| {
            let object = objects.all().iter().find(|object| object.name == name).unwrap();
            (object.kind, object.is_virtual)
        };
        assert_eq!(of("a"), (NameKind::Table, false));
        assert_eq!(of("sqlite_autoindex_a_1"), (NameKind::Index, false));
        assert_eq!(of("v"), (NameKind::Table, false));
        assert_eq!(of("w"), (NameKind::Table, true));
        assert_eq!(of("t"), (NameKind::Trigger, false));
    }
}
