//! The binds of these tests, and looking at all of them from outside.

use multibind::rusqlite::types::Value;
use multibind::rusqlite::Connection;
use multibind::{Bind, Harness, Session};

/// A blog: posts in the default bind, users in `auth`, words and places in `me ta`. All have a `log`.
pub(crate) fn blog() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(POSTS))
        .bind("auth", Bind::memory().schema(USERS))
        .bind("me ta", Bind::memory().schema(WORDS))
        .start()
        .unwrap()
}

const POSTS: &str = "
    CREATE TABLE post (id INTEGER PRIMARY KEY AUTOINCREMENT, author TEXT, title TEXT, doc TEXT DEFAULT '[1, 2]');
    CREATE TABLE log (line TEXT, post INTEGER);
    CREATE INDEX by_line ON log (line);
    INSERT INTO post (author, title) VALUES ('ann', 'one'), ('bob', 'two');
";

const USERS: &str = "
    CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, boss INTEGER REFERENCES user (id));
    CREATE TABLE role (user INTEGER REFERENCES user (id) ON DELETE CASCADE, name TEXT, PRIMARY KEY (user, name)) WITHOUT ROWID;
    CREATE TABLE log (line TEXT, user INTEGER);
    CREATE INDEX by_line ON log (line);
    CREATE TABLE event (line TEXT, size INTEGER GENERATED ALWAYS AS (length(line)) STORED);
    CREATE VIEW boss AS SELECT name FROM user WHERE id IN (SELECT boss FROM user);
    CREATE VIEW boss_of_boss AS SELECT name FROM boss;
    CREATE VIEW answer AS SELECT 42 AS value;
    CREATE VIEW writable AS SELECT name FROM user;
    CREATE TRIGGER written INSTEAD OF INSERT ON writable BEGIN INSERT INTO user (name) VALUES (NEW.name); END;
    CREATE TRIGGER joined AFTER INSERT ON user BEGIN
        INSERT INTO event (line) SELECT 'joined ' || NEW.name || ' of ' || count(*) FROM boss;
    END;
    INSERT INTO user (name, boss) VALUES ('ann', NULL), ('bob', 1);
    INSERT INTO role VALUES (1, 'admin');
";

const WORDS: &str = "
    CREATE TABLE log (line TEXT);
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE \"odd name\" (\"a column\" TEXT);
    CREATE TABLE 日本 (名 TEXT);
    CREATE TABLE \"select\" (\"from\" TEXT);
    CREATE VIRTUAL TABLE word USING fts5 (text);
    CREATE VIRTUAL TABLE area USING rtree (id, low, high);
    INSERT INTO setting VALUES ('theme', 'dark');
    INSERT INTO word VALUES ('the quick brown fox');
    INSERT INTO area VALUES (1, 0.0, 5.0);
";

/// Everything that a plain connection to each bind sees.
pub(crate) fn contents(db: &Harness) -> Vec<(String, Vec<Vec<Value>>)> {
    let of = |key: &multibind::BindKey| {
        let conn = Connection::open(db.uri(key).unwrap()).unwrap();
        let mut all = rows(&conn, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name");
        let tables = rows(&conn, "SELECT name FROM pragma_table_list WHERE schema = 'main' ORDER BY name");
        for table in tables {
            let [Value::Text(table)] = table.as_slice() else { panic!("{table:?}") };
            let select = format!("SELECT '{table}', * FROM \"{}\"", table.replace('"', "\"\""));
            // A view cannot be read whose table is gone.
            if conn.prepare(&select).is_ok() {
                all.extend(rows(&conn, &select));
            }
        }
        all
    };
    db.binds().iter().map(|key| (key.to_string(), of(key))).collect()
}

pub(crate) fn rows(conn: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The binds in which a statement, run and committed, changed something.
pub(crate) fn changed_by(db: &Harness, work: impl FnOnce(&mut Session)) -> Vec<String> {
    let before = contents(db);
    let mut session = db.session();
    work(&mut session);
    session.commit().unwrap();
    let changed = before.into_iter().zip(contents(db)).filter(|(before, after)| before != after);
    changed.map(|((bind, _), _)| bind).collect()
}

/// The rows of a query, each as `a|b`.
pub(crate) fn read(session: &mut Session, sql: &str) -> Vec<String> {
    session
        .query(sql, [], |row| {
            let values = (0..row.as_ref().column_count()).map(|at| match row.get::<_, Value>(at)? {
                Value::Null => Ok("NULL".to_string()),
                Value::Integer(number) => Ok(number.to_string()),
                Value::Real(number) => Ok(format!("{number:?}")),
                Value::Text(text) => Ok(text),
                Value::Blob(bytes) => Ok(format!("{bytes:?}")),
            });
            Ok(values.collect::<multibind::rusqlite::Result<Vec<_>>>()?.join("|"))
        })
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}
