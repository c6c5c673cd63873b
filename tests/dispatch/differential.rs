//! A few hundred statements, whatever binds their tables are in, give what one plain SQLite database gives.

mod random;

use std::collections::BTreeMap;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::Connection;
use multibind::{Bind, Error, Harness, Session};
use rstest::rstest;

/// A dozen tables with the columns `id`, `name`, `n` and `ref`, of every kind that SQLite has.
const TABLES: [(&str, &str); 12] = [
    ("author", "CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, ref INTEGER)"),
    ("book", "CREATE TABLE book (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, n INTEGER DEFAULT 7, ref INTEGER)"),
    ("city", "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, n, ref, UNIQUE (name, n))"),
    ("dog", "CREATE TABLE dog (id INTEGER PRIMARY KEY, name TEXT, n INT, ref INT) WITHOUT ROWID"),
    ("event", "CREATE TABLE event (id INTEGER PRIMARY KEY, name TEXT, n INT CHECK (n < 1000), ref, twice AS (n * 2) STORED)"),
    ("flag", "CREATE TABLE flag (id INTEGER PRIMARY KEY, name TEXT NOT NULL, n INTEGER, ref INTEGER) STRICT"),
    (
        "game",
        "CREATE TABLE game (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, ref INTEGER REFERENCES game (id) ON DELETE SET NULL)",
    ),
    (
        "hat",
        "CREATE TABLE hat (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, ref INTEGER);
         CREATE TABLE hat_log (line);
         CREATE TRIGGER hat_made AFTER INSERT ON hat BEGIN INSERT INTO hat_log SELECT count(*) FROM hat; END",
    ),
    (
        "ice",
        "CREATE TABLE ice_base (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, ref INTEGER);
         CREATE VIEW ice AS SELECT id, name, n, ref FROM ice_base;
         CREATE TRIGGER ice_in INSTEAD OF INSERT ON ice BEGIN
             INSERT INTO ice_base VALUES (NEW.id, NEW.name, NEW.n, NEW.ref); END;
         CREATE TRIGGER ice_up INSTEAD OF UPDATE ON ice BEGIN
             UPDATE ice_base SET name = NEW.name, n = NEW.n, ref = NEW.ref WHERE id = OLD.id; END;
         CREATE TRIGGER ice_out INSTEAD OF DELETE ON ice BEGIN DELETE FROM ice_base WHERE id = OLD.id; END",
    ),
    ("jar", "CREATE VIRTUAL TABLE jar USING fts5 (id UNINDEXED, name, n UNINDEXED, ref UNINDEXED)"),
    ("the key", "CREATE TABLE \"the key\" (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, ref INTEGER)"),
    ("名前", "CREATE TABLE 名前 (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, ref INTEGER)"),
];

/// What is asked of each table `{a}`, with the next ones as `{b}` and `{c}`.
const QUERIES: [&str; 26] = [
    "SELECT id, name, n, ref FROM {a} ORDER BY id",
    "SELECT count(*) FROM {a}",
    "SELECT count(*), (SELECT count(*) FROM {b}) FROM {a}",
    "SELECT 1 FROM {a}, {b} LIMIT 3",
    "SELECT x.name, y.name FROM {a} x JOIN {b} y ON x.id = y.ref ORDER BY x.id, y.id",
    "SELECT x.id, y.id, z.id FROM {a} x, {b} y, {c} z WHERE x.id = y.id AND y.id = z.ref",
    "SELECT x.id, y.n FROM {a} x LEFT JOIN {b} y ON x.n = y.n ORDER BY 1, 2",
    "SELECT {b}.name FROM {a} AS {b}",
    "SELECT name FROM {a} WHERE id IN (SELECT ref FROM {b}) ORDER BY name",
    "SELECT name FROM {a} x WHERE EXISTS (SELECT 1 FROM {b} WHERE ref = x.id) ORDER BY id",
    "SELECT name FROM {a} x WHERE NOT EXISTS (SELECT * FROM {b}, {c} WHERE {b}.id = x.id AND {c}.id = x.ref)",
    "SELECT name, (SELECT max(n) FROM {b} WHERE ref = x.id) FROM {a} x ORDER BY id",
    "SELECT name FROM {a} UNION SELECT name FROM {b} ORDER BY 1",
    "SELECT n FROM {a} EXCEPT SELECT n FROM {b} INTERSECT SELECT n FROM {c}",
    "SELECT name FROM (SELECT name, n FROM {a} UNION ALL SELECT name, n FROM {b}) GROUP BY name HAVING sum(n) > 3 ORDER BY name",
    "WITH {b} AS (SELECT id, name FROM {a}) SELECT id, name FROM {b} ORDER BY id",
    "WITH {b} AS (SELECT * FROM {a}) SELECT count(*) FROM {b}",
    "WITH {b} (x) AS (VALUES (1), (2)) SELECT count(*) FROM {b}, {a}",
    "WITH t AS (SELECT ref FROM {a}), u AS (SELECT id FROM {b}) SELECT count(*) FROM t JOIN u ON t.ref = u.id",
    "WITH RECURSIVE up (id, depth) AS (SELECT max(id), 0 FROM {a} UNION ALL SELECT y.ref, depth + 1 FROM up JOIN {b} y ON y.id = up.id WHERE depth < 5) SELECT id, depth FROM up ORDER BY depth",
    "SELECT name, rank() OVER (ORDER BY n), sum(n) OVER (PARTITION BY ref) FROM {a} ORDER BY id",
    "SELECT x.name, value FROM {a} x, json_each('[1, 2]') WHERE value = x.id ORDER BY x.id",
    "SELECT 'FROM {b}' AS \"{b}\", id /* {c} */ FROM {a} -- {b}\n ORDER BY id",
    "SELECT no_such_column FROM {a}",
    "SELECT name FROM {a} JOIN nowhere",
    "EXPLAIN QUERY PLAN SELECT count(*) FROM {a} WHERE n = 1",
];

/// What is done to each of them; the second is whether it reads `{b}` too.
const WRITES: [(&str, bool); 20] = [
    ("INSERT INTO {a} (id, name, n, ref) VALUES ({i} + 100, 'new', {i}, 1)", false),
    ("INSERT INTO {a} (id, name, n, ref) SELECT id + 200, name || '+', n + 50, id FROM {a} WHERE id < 3", false),
    ("INSERT INTO {a} (id, name, n, ref) SELECT id + 300, name, n + 70, ref FROM {b} WHERE id < 3", true),
    ("INSERT INTO {a} (id, name) VALUES ({i} + 400, (SELECT name FROM {b} WHERE id = 1))", true),
    ("INSERT INTO {a} (id, name, n, ref) VALUES ({i} + 500, 'back', 3, 2) RETURNING id, name", false),
    ("INSERT OR IGNORE INTO {a} (id, name, n) VALUES (1, 'one', 1), ({i} + 600, 'six', 6)", false),
    ("REPLACE INTO {a} (id, name, n, ref) VALUES (2, 'replaced', 22, 1)", false),
    (
        "INSERT INTO {a} (id, name, n, ref) VALUES (3, 'up', 33, 1) ON CONFLICT (id) DO UPDATE SET n = excluded.n + 1",
        false,
    ),
    ("UPDATE {a} SET n = n + 1 WHERE id = 2", false),
    ("UPDATE {a} SET name = (SELECT name FROM {b} WHERE {b}.id = {a}.ref) WHERE id = 4", true),
    ("UPDATE {a} SET n = y.n + 10 FROM {b} AS y WHERE y.id = {a}.id AND {a}.id = 3", true),
    ("UPDATE {a} SET (name, n) = ('both', 44 + id) WHERE id IN (SELECT id FROM {a} WHERE id BETWEEN 4 AND 5)", false),
    ("WITH old AS (SELECT min(id) AS id FROM {a}) DELETE FROM {a} WHERE id IN (SELECT id FROM old)", false),
    ("WITH {b} AS (SELECT 6 AS id) DELETE FROM {a} WHERE id IN (SELECT id FROM {b})", false),
    ("DELETE FROM {a} WHERE id IN (SELECT ref FROM {b} WHERE n = 4)", true),
    ("DELETE FROM {a} WHERE n > 300", false),
    ("INSERT INTO {a} (id, name) VALUES (7, NULL), (7, 'twice')", false),
    ("UPDATE {a} SET no_such_column = 1", false),
    ("DELETE FROM {a} WHERE id = 5 AND EXISTS (SELECT 1 FROM {b}, {c})", true),
    ("UPDATE {a} SET n = n + (SELECT count(*) FROM {a} AS other)", false),
];

/// What changes the schema around each of them. Whatever does is committed at once: the next query may join.
const CHANGES: [&str; 6] = [
    "CREATE INDEX {x} ON {a} (name)",
    "ALTER TABLE {a} ADD COLUMN extra DEFAULT 'x'",
    "SELECT name, extra FROM {a} ORDER BY id",
    "ANALYZE {a}",
    "DROP INDEX {x}",
    "REINDEX {a}",
];

const KEYS: [&str; 12] = ["", "auth", "me ta", "日本", "a.b", "x';--", "k6", "k7", "k8", "k9", "k10", "k11"];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A dozen rows or so for each table.
fn data(at: usize, table: &str) -> String {
    let table = quoted(table);
    let row =
        |id: usize| format!("({id}, 'name {}', {}, {})", (id * 5 + at) % 7, (id * 3 + at) % 10, (id + at) % 8 + 1);
    let rows = (1..=8).map(row).collect::<Vec<_>>().join(", ");
    format!("INSERT INTO {table} (id, name, n, ref) VALUES {rows};")
}

/// A statement, the tables it uses, the one it writes first, and whether its rows come in order.
struct Case {
    sql: String,
    write: Option<usize>,
    others: Vec<usize>,
    changes_schema: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for at in 0..TABLES.len() {
        let tables = [at, (at + 1) % TABLES.len(), (at + 5) % TABLES.len()];
        let fill = |template: &str| {
            let names = tables.map(|table| quoted(TABLES[table].0));
            let sql = template.replace("{a}", &names[0]).replace("{b}", &names[1]).replace("{c}", &names[2]);
            sql.replace("{x}", &quoted(&format!("index of {at}"))).replace("{i}", &at.to_string())
        };
        let query =
            |template: &&str| Case { sql: fill(template), write: None, others: Vec::new(), changes_schema: false };
        let write = |(template, reads): &(&str, bool)| {
            let others = if !reads {
                &[][..]
            } else if template.contains("{c}") {
                &tables[1..]
            } else {
                &tables[1..2]
            };
            Case { sql: fill(template), write: Some(at), others: others.to_vec(), changes_schema: false }
        };
        cases.extend(QUERIES.iter().map(query));
        // Some queries between the writes see what those have done.
        for (after, template) in WRITES.iter().enumerate() {
            cases.push(write(template));
            cases.push(query(&QUERIES[(after * 3) % QUERIES.len()]));
        }
        cases.extend(CHANGES.iter().map(|template| Case { changes_schema: true, ..query(template) }));
    }
    cases
}

/// The rows, in their order where the statement gives one, or that it failed.
type Answer = Result<Vec<Vec<Value>>, String>;

fn in_order(sql: &str, mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    if !sql.contains("ORDER BY") || sql.contains("LIMIT") {
        rows.sort_by_key(|row| format!("{row:?}"));
    }
    rows
}

fn values(row: &multibind::rusqlite::Row<'_>) -> multibind::rusqlite::Result<Vec<Value>> {
    (0..row.as_ref().column_count()).map(|at| row.get(at)).collect()
}

fn plain(conn: &Connection, sql: &str) -> Answer {
    let rows = conn.prepare(sql).and_then(|mut statement| statement.query_map([], values)?.collect());
    rows.map(|rows| in_order(sql, rows)).map_err(|error| error.to_string())
}

fn dispatched(session: &mut Session, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
    session.query(sql, [], values).map(|rows| in_order(sql, rows))
}

#[rstest]
#[case::all_in_the_default_bind(|_| 0)]
#[case::all_in_one_named_bind(|_| 1)]
#[case::two_halves(|at| at / 6)]
#[case::two_by_turns(|at| at % 2)]
#[case::one_away(|at| usize::from(at == 8))]
#[case::three_by_turns(|at| at % 3)]
#[case::three_blocks(|at| at / 4)]
#[case::none_in_the_default_bind(|at| 1 + at % 2)]
#[case::twelve(|at| at)]
#[case::twelve_backwards(|at| 11 - at)]
fn every_statement_gives_what_one_database_gives(#[case] place: fn(usize) -> usize) {
    let one = Connection::open_in_memory().unwrap();
    let mut schemas = BTreeMap::<usize, String>::new();
    for (at, (table, schema)) in TABLES.iter().enumerate() {
        let sql = format!("{schema};\n{}", data(at, table));
        one.execute_batch(&sql).unwrap();
        *schemas.entry(place(at)).or_default() += &format!("{sql}\n");
    }
    let mut builder = Harness::builder().default_bind(Bind::memory().schema(schemas.remove(&0).unwrap_or_default()));
    for (at, schema) in schemas {
        builder = builder.bind(KEYS[at], Bind::memory().schema(schema));
    }
    let db = builder.start().unwrap();

    let mut session = db.session();
    let (mut answered, mut refused) = (0, 0);
    for (number, case) in cases().iter().enumerate() {
        let Case { sql, write, others, changes_schema } = case;
        let crosses = write.is_some_and(|write| others.iter().any(|other| place(*other) != place(write)));
        if *changes_schema {
            session.commit().unwrap();
        }
        match dispatched(&mut session, sql) {
            Err(Error::CrossBindWrite { .. }) if crosses => refused += 1,
            Err(error) if crosses => panic!("{sql}: not the documented error: {error}"),
            answer => {
                assert!(!crosses || answer.is_err(), "{sql}: writes one bind and reads another");
                // The text of a plan has the key in it, or the order that SQLite found best there.
                match (plain(&one, sql), answer) {
                    (Ok(expected), Ok(found)) if sql.starts_with("EXPLAIN") => {
                        assert_eq!(expected.len(), found.len(), "{sql}");
                    }
                    (Ok(expected), Ok(found)) if sql.contains("LIMIT") => {
                        assert_eq!(expected.len(), found.len(), "{sql}")
                    }
                    (Ok(expected), Ok(found)) => assert_eq!(expected, found, "{sql}"),
                    (Err(_), Err(Error::Sql { .. } | Error::Prepare { .. } | Error::UnknownTable { .. })) => {}
                    (expected, found) => panic!("{sql}: one database {expected:?}, dispatched {found:?}"),
                }
                answered += 1;
            }
        }
        if *changes_schema || number % 17 == 0 {
            session.commit().unwrap();
        }
    }
    session.commit().unwrap();
    assert!(answered > 600, "{answered} answered, {refused} refused");

    // And each table's rows are in its bind, as a plain connection sees.
    for (at, (table, _)) in TABLES.iter().enumerate() {
        let key = (place(at) != 0).then(|| KEYS[place(at)]);
        let sql = format!("SELECT * FROM {}", quoted(table));
        let bind = Connection::open(db.uri(key).unwrap()).unwrap();
        assert_eq!(plain(&bind, &sql), plain(&one, &sql), "{table}");
    }
}
