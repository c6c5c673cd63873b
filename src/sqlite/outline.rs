//! Tables without their rows: all that a statement is prepared with.

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection};

use super::script::quote;
use crate::sqlite::private::open_in_memory;

/// The size of a page, the least there is: each table and each index takes one.
const PAGE: i64 = 512;

/// The number of rows of a virtual table's own tables that are copied: those that its module reads on connecting, as
/// its configuration or its root, is among the first.
const OWN_ROWS: usize = 16;

/// The most bytes that a page can have.
const LONGEST_PAGE: usize = 65536;

/// One row of `sqlite_schema`.
struct Object {
    kind: String,
    name: String,
    table: String,
    root: i64,
    sql: Value,
}

impl Object {
    fn is_table(&self) -> bool {
        self.kind == "table"
    }

    /// Returns whether SQLite reads the table's rows when it prepares a statement: one of its own, or one that a
    /// virtual table keeps.
    fn is_read(&self, virtuals: &[String]) -> bool {
        let name = self.name.to_ascii_lowercase();
        let belongs = |of: &String| name.strip_prefix(of.as_str()).is_some_and(|rest| rest.starts_with('_'));
        self.is_table() && self.root > 0 && (name.starts_with("sqlite_") || virtuals.iter().any(belongs))
    }
}

/// Returns a private database with the tables of a connection's `main` schema, as its own open transaction left them.
/// It holds no rows, and where its tables begin there is nothing: statements are prepared on it and never run.
pub(super) fn outline(from: &Connection) -> rusqlite::Result<Connection> {
    let encoding: String = from.query_row("PRAGMA main.encoding", [], |row| row.get(0))?;
    outline_in(from, &encoding)
}

/// Returns the same with that text encoding.
pub(super) fn outline_in(from: &Connection, encoding: &str) -> rusqlite::Result<Connection> {
    let objects = objects(from)?;
    let mut virtuals = Vec::new();
    for object in objects.iter().filter(|object| object.is_table() && object.root == 0) {
        virtuals.push(object.name.to_ascii_lowercase());
    }
    let conn = open_in_memory()?;
    // The user's system may have SQLite refuse it by default.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    conn.execute_batch(&format!("PRAGMA page_size = {PAGE}; PRAGMA encoding = '{encoding}'; BEGIN"))?;
    conn.execute_batch("PRAGMA writable_schema = ON; CREATE TABLE multibind_pages (page)")?;
    let mut rest = Vec::new();
    for object in objects {
        match &object.sql {
            Value::Text(sql) if object.is_read(&virtuals) && conn.execute_batch(sql).is_ok() => {
                if !object.name.starts_with("sqlite_") {
                    copy_first_rows(from, &conn, &object.name)?;
                }
            }
            _ => rest.push(object),
        }
    }
    write_down(&conn, &rest)?;
    // What changed behind SQLite's back is read anew, and the schema's number with it.
    conn.execute_batch("COMMIT; PRAGMA writable_schema = RESET; PRAGMA writable_schema = OFF")?;
    Ok(conn)
}

fn objects(from: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut select = from.prepare("SELECT type, name, tbl_name, rootpage, sql FROM main.sqlite_schema")?;
    let mut rows = select.query([])?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next()? {
        let root = row.get::<_, Option<i64>>(3)?.unwrap_or_default();
        objects.push(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, root, sql: row.get(4)? });
    }
    Ok(objects)
}

fn copy_first_rows(from: &Connection, to: &Connection, table: &str) -> rusqlite::Result<()> {
    let mut select = from.prepare(&format!("SELECT * FROM main.{} LIMIT {OWN_ROWS}", quote(table)))?;
    let columns = select.column_count();
    let marks = vec!["?"; columns].join(", ");
    let mut insert = to.prepare(&format!("INSERT INTO main.{} VALUES ({marks})", quote(table)))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(row.get::<_, Value>(column)?);
        }
        // No root is longer than a page can be; a long text is a row of the user's.
        let is_long = |value: &Value| match value {
            Value::Text(text) => text.len() > LONGEST_PAGE,
            Value::Blob(bytes) => bytes.len() > LONGEST_PAGE,
            _ => false,
        };
        if !values.iter().any(is_long) {
            insert.execute(params_from_iter(values))?;
        }
    }
    Ok(())
}

/// Writes objects into `sqlite_schema` as they are, each with a page of its own that nobody reads.
fn write_down(conn: &Connection, objects: &[Object]) -> rusqlite::Result<()> {
    let mut root: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let pages = i64::try_from(objects.len()).unwrap_or(i64::MAX);
    conn.execute("INSERT INTO multibind_pages VALUES (zeroblob(?1))", [pages.saturating_mul(PAGE)])?;
    conn.execute("DELETE FROM sqlite_schema WHERE name = 'multibind_pages'", [])?;
    let mut insert = conn.prepare(
        "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) \
        SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2)",
    )?;
    for Object { kind, name, table, root: page, sql } in objects {
        if *page > 0 {
            root += 1;
        }
        let page = if *page > 0 { root } else { 0 };
        insert.execute((kind, name, table, page, sql))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::outline;

    fn texts(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
        conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    }

    fn number(conn: &Connection, sql: &str) -> rusqlite::Result<i64> {
        conn.query_row(sql, [], |row| row.get(0))
    }

    const TABLES: &str = "
        CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, twice INT AS (id * 2) STORED) STRICT;
        CREATE TABLE role (user REFERENCES user ON DELETE CASCADE, name, PRIMARY KEY (user, name)) WITHOUT ROWID;
        CREATE INDEX by_name ON user (name) WHERE id > 3;
        CREATE VIEW named (n) AS SELECT name FROM user JOIN role USING (name);
        CREATE TRIGGER made AFTER INSERT ON user BEGIN INSERT INTO role VALUES (NEW.id, 'x'); END;
        CREATE VIRTUAL TABLE word USING fts5 (text, prefix = 2);
        CREATE VIRTUAL TABLE old_word USING fts4 (text);
        CREATE VIRTUAL TABLE area USING rtree (id, low, high);
        INSERT INTO word VALUES ('a fox'); INSERT INTO old_word VALUES ('a fox'); INSERT INTO area VALUES (1, 2, 3);
        INSERT INTO user (name) VALUES ('ann');
        ANALYZE";

    fn filled(tables: &str) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(tables).unwrap();
        conn
    }

    #[test]
    fn it_has_what_a_statement_can_name_and_no_rows() {
        let conn = filled(TABLES);
        let all = "SELECT type || '|' || name || '|' || tbl_name || '|' || coalesce(sql, '') || (rootpage > 0) FROM sqlite_schema ORDER BY type, name";
        let outline = outline(&conn).unwrap();
        assert_eq!(texts(&outline, all).unwrap(), texts(&conn, all).unwrap());
        assert_eq!(
            number(&outline, "SELECT count(DISTINCT rootpage) = count(*) FROM sqlite_schema WHERE rootpage > 0")
                .unwrap(),
            1
        );
        for sql in [
            "SELECT * FROM user JOIN role ON user.id = role.user NATURAL JOIN named",
            "SELECT twice FROM user INDEXED BY by_name WHERE name = 'a' AND id > 3",
            "INSERT INTO user (name) VALUES ('x') RETURNING id",
            "SELECT * FROM word WHERE word MATCH 'fox' ORDER BY rank",
            "SELECT * FROM old_word WHERE old_word MATCH 'fox'",
            "SELECT * FROM area WHERE low < 3",
            "INSERT INTO area VALUES (2, 3, 4)",
            "DELETE FROM word WHERE rowid = 1",
            "SELECT stat FROM sqlite_stat1",
        ] {
            assert!(conn.prepare(sql).is_ok(), "{sql}");
            outline.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    #[test]
    fn its_size_follows_tables_not_rows() {
        let conn = filled(TABLES);
        conn.execute_batch("INSERT INTO word SELECT hex(zeroblob(100000)); INSERT INTO word SELECT text FROM word")
            .unwrap();
        let size = |conn: &Connection| {
            number(conn, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").unwrap()
        };
        assert!(size(&conn) > 400_000);
        assert!(size(&outline(&conn).unwrap()) < 160_000);
    }

    #[test]
    fn it_is_of_what_the_connection_s_own_transaction_has_made() {
        let conn = filled("PRAGMA encoding = 'UTF-16le'; CREATE TABLE one (x)");
        conn.execute_batch("BEGIN; CREATE TABLE two (x); DROP TABLE one").unwrap();
        let outline = outline(&conn).unwrap();
        assert_eq!(texts(&outline, "SELECT name FROM sqlite_schema").unwrap(), ["two"]);
        assert_eq!(texts(&outline, "PRAGMA encoding").unwrap(), ["UTF-16le"]);
    }

    #[test]
    fn a_database_without_tables_has_an_outline_too() {
        assert_eq!(texts(&outline(&filled("")).unwrap(), "SELECT name FROM sqlite_schema").unwrap(), [""; 0]);
    }
}
