//! One connection with every bind attached, over files of its own.

use std::ffi::CString;
use std::time::Duration;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, ffi, Connection};
use tempfile::TempDir;

use super::world::{quoted, World};

/// A table, a view or a virtual table as statements may name it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) place: usize,
    pub(crate) name: String,
    /// None where it is a view that cannot be read.
    pub(crate) columns: Vec<String>,
    /// Those that can be written.
    pub(crate) writable: Vec<String>,
    pub(crate) is_view: bool,
    pub(crate) is_virtual: bool,
}

/// Rows, or what SQLite says is wrong.
pub(crate) type Answer = Result<Vec<Vec<Value>>, String>;

/// The connection that everything is attached to, and one to each bind alone for what others do.
pub(crate) struct One {
    conn: Connection,
    names: Vec<&'static str>,
    sides: Vec<Connection>,
    /// Whether somebody else has changed a schema since it was last read anew.
    stale: bool,
    _folder: TempDir,
}

impl One {
    pub(crate) fn of(world: &World) -> One {
        let folder = tempfile::tempdir().unwrap();
        let path = |place: usize| folder.path().join(format!("{place}.db"));
        let mut sides = Vec::new();
        for place in 0..world.places.len() {
            let side = Connection::open(path(place)).unwrap();
            side.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON")
                .unwrap();
            world.fill(place, &side);
            side.busy_timeout(Duration::ZERO).unwrap();
            sides.push(side);
        }
        let names = world.places.iter().map(|place| place.name()).collect::<Vec<_>>();
        let conn = match names.iter().position(|name| *name == "main") {
            Some(place) => Connection::open(path(place)).unwrap(),
            None => Connection::open_in_memory().unwrap(),
        };
        for (place, name) in names.iter().enumerate().filter(|(_, name)| **name != "main") {
            conn.execute(&format!("ATTACH ?1 AS {}", quoted(name)), [path(place).to_str().unwrap()]).unwrap();
        }
        for name in &names {
            conn.execute_batch(&format!("PRAGMA {}.synchronous = OFF", quoted(name))).unwrap();
        }
        conn.execute_batch("PRAGMA foreign_keys = ON; BEGIN").unwrap();
        conn.busy_timeout(Duration::ZERO).unwrap();
        One { conn, names, sides, stale: false, _folder: folder }
    }

    /// Runs a statement in the unit of work.
    pub(crate) fn run(&mut self, sql: &str) -> Answer {
        self.refresh();
        run(&self.conn, sql)
    }

    /// Begins to read a bind in the unit of work.
    pub(crate) fn read(&mut self, place: usize) {
        self.run(&format!("SELECT 1 FROM {}.sqlite_schema LIMIT 1", quoted(self.names[place]))).unwrap();
    }

    /// Runs a statement of somebody else on one bind, committed at once.
    pub(crate) fn other(&mut self, place: usize, sql: &str) -> Answer {
        self.stale = true;
        run(&self.sides[place], sql)
    }

    /// Ends the unit of work and begins the next one. A commit that fails has rolled back.
    pub(crate) fn end(&mut self, how: &str) -> Result<(), String> {
        let ended = self.control(how);
        assert!(self.conn.is_autocommit(), "{how} left the transaction open: {ended:?}");
        self.stale = true;
        self.control("BEGIN")?;
        ended
    }

    pub(crate) fn control(&mut self, sql: &str) -> Result<(), String> {
        self.stale |= sql.starts_with("ROLLBACK");
        if sql.starts_with("ROLLBACK TO") {
            self.write_down();
        }
        self.conn.execute_batch(sql).map_err(|error| format!("one connection: {sql}: {error}"))
    }

    /// Whether the unit of work has read or written a bind.
    pub(crate) fn is_in(&self, place: usize) -> bool {
        let name = CString::new(self.names[place]).unwrap();
        // SAFETY: the handle is open, and the name ends with a NUL.
        unsafe { ffi::sqlite3_txn_state(self.conn.handle(), name.as_ptr()) > ffi::SQLITE_TXN_NONE }
    }

    /// Has SQLite read every schema anew. By itself it does so only for some of the errors that an old one leads to.
    fn refresh(&mut self) {
        if std::mem::take(&mut self.stale) {
            self.write_down();
            self.conn.execute_batch("PRAGMA writable_schema = RESET").unwrap();
        }
    }

    /// Has virtual tables write down what they keep back. SQLite fails at the commit where the making of an FTS5 table is
    /// rolled back before its rows are written down, and a session never does.
    fn write_down(&self) {
        self.conn.execute_batch("SAVEPOINT flush; RELEASE flush").unwrap();
    }

    /// Every table that the unit of work sees in a bind.
    pub(crate) fn tables(&mut self, place: usize) -> Vec<Table> {
        self.refresh();
        let is_in = self.is_in(place);
        let (conn, schema) = if is_in { (&self.conn, self.names[place]) } else { (&self.sides[place], "main") };
        tables(conn, schema, place)
    }

    /// What is committed in a bind.
    pub(crate) fn contents(&self, place: usize) -> Vec<Answer> {
        contents(&self.sides[place])
    }
}

fn tables(conn: &Connection, schema: &str, place: usize) -> Vec<Table> {
    // It makes the connection read what has changed.
    run(conn, &format!("SELECT 1 FROM {}.sqlite_schema LIMIT 1", quoted(schema))).unwrap();
    let mut list = conn.prepare_cached(&format!("PRAGMA {}.table_list", quoted(schema))).unwrap();
    let list = list.query_map([], |row| Ok((row.get::<_, String>(1)?, row.get::<_, String>(2)?))).unwrap();
    let mut list = list.map(Result::unwrap).collect::<Vec<_>>();
    list.sort();
    // A name with a low line is that of a table of SQLite's own or of a virtual table's.
    list.retain(|(name, _)| !name.contains('_'));
    let mut tables = Vec::new();
    for (name, kind) in list {
        let columns = columns(conn, &name, schema).unwrap_or_default();
        let named = |with: &[i64]| {
            let with = columns.iter().filter(|(_, hidden)| with.contains(hidden));
            with.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let (all, writable) = (named(&[0, 2, 3]), named(&[0]));
        let (is_view, is_virtual) = (kind == "view", kind == "virtual");
        tables.push(Table { place, name, columns: all, writable, is_view, is_virtual });
    }
    tables
}

/// The columns of a table, each with how far it is hidden. By a table-valued function SQLite would read `main` too.
fn columns(conn: &Connection, table: &str, schema: &str) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut columns = conn.prepare(&format!("PRAGMA {}.table_xinfo({})", quoted(schema), quoted(table)))?;
    columns.query_map([], |row| Ok((row.get(1)?, row.get(6)?)))?.collect()
}

/// The schema and every row of a database, as a connection to it alone sees them.
pub(crate) fn contents(conn: &Connection) -> Vec<Answer> {
    let mut all = vec![run(
        conn,
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'",
    )];
    for table in tables(conn, "main", 0).iter().filter(|table| !table.columns.is_empty()) {
        all.push(run(
            conn,
            &format!("SELECT {}, * FROM {}", quoted(&table.name).replace('"', "'"), quoted(&table.name)),
        ));
    }
    all
}

/// The rows of a statement in no order.
pub(crate) fn run(conn: &Connection, sql: &str) -> Answer {
    let rows = conn.prepare(sql).and_then(|mut statement| statement.query_map([], values)?.collect());
    rows.map(sorted).map_err(|error: rusqlite::Error| error.to_string())
}

/// The values of a row. Which of two equal numbers a compound keeps, SQLite leaves open.
pub(crate) fn values(row: &rusqlite::Row<'_>) -> rusqlite::Result<Vec<Value>> {
    let value = |at| {
        Ok(match row.get(at)? {
            #[allow(clippy::cast_possible_truncation, reason = "it is a whole number")]
            Value::Real(real) if real.fract() == 0.0 => Value::Integer(real as i64),
            value => value,
        })
    };
    (0..row.as_ref().column_count()).map(value).collect()
}

pub(crate) fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by_cached_key(|row| format!("{row:?}"));
    rows
}
