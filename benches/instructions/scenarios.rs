//! Does one thing a number of times, for `benches/instructions/run` to count what the processor does for it.
#![allow(clippy::unwrap_used, reason = "what does not go on here ends the benchmark")]

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};

const FIRST_ROW: &str = "INSERT INTO user_0 (username, email) VALUES ('ann', 'ann@example.org')";

const INSERT: &str = "INSERT INTO user_1 (username, email) VALUES (?1, 'x')";
const SELECT: &str = "SELECT id, username FROM user_1";

/// Ten tables, which differ from those of each other `set`.
fn ddl(name: &str, set: usize) -> String {
    let table = |number: usize| {
        format!(
            "CREATE TABLE {name}_{number} (id INTEGER PRIMARY KEY, username TEXT UNIQUE, email TEXT NOT NULL, \
             age INTEGER, created TEXT DEFAULT ''); CREATE INDEX {name}_{number}_email ON {name}_{number} (email); "
        )
    };
    let set = format!("CREATE TABLE {name}_set_{set} (id INTEGER PRIMARY KEY);");
    set + &(0..10).map(table).collect::<String>()
}

/// Starts three binds of ten tables.
fn start(set: usize, bind: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(bind().schema(ddl("post", set)))
        .bind("auth", bind().schema(ddl("user", set)))
        .bind("meta", bind().schema(ddl("setting", set)))
        .start()
        .unwrap()
}

/// Starts them, and writes a row by a session.
fn started(set: usize, bind: fn() -> Bind) -> Harness {
    let db = start(set, bind);
    let mut session = db.session();
    session.execute(FIRST_ROW, []).unwrap();
    session.commit().unwrap();
    drop(session);
    db
}

/// Opens a private database with the tables, by rusqlite alone.
fn by_hand() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    conn.execute_batch(&ddl("user", 0)).unwrap();
    conn
}

/// Opens three private databases with the tables and writes a row into one, by rusqlite alone.
fn started_by_hand(set: usize) -> [Connection; 3] {
    let databases = ["post", "user", "setting"].map(|name| {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        conn.execute_batch(&ddl(name, set)).unwrap();
        conn
    });
    databases[1].execute(FIRST_ROW, []).unwrap();
    databases
}

/// Returns a statement whose text is of its own.
fn new_select(number: usize) -> String {
    format!("SELECT id, username, {number} FROM user_1 WHERE age = {number}")
}

/// Inserts rows in a transaction, by a statement that is prepared once.
fn insert_prepared(conn: &Connection, times: usize) {
    conn.execute_batch("BEGIN").unwrap();
    for number in 0..times {
        conn.prepare_cached(INSERT).unwrap().execute([i64::try_from(number).unwrap()]).unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
}

/// Reads rows again and again.
fn read(conn: &Connection, times: usize) {
    for _ in 0..times {
        let mut statement = conn.prepare_cached(SELECT).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(rows.collect::<Result<Vec<(i64, String)>, _>>().unwrap().len(), 1_000);
    }
}

/// Opens connections to a database in a file, and reads its schema.
fn open(uri: &str, times: usize) {
    for _ in 0..times {
        let conn = Connection::open(uri).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = ON; SELECT 1 FROM user_1").unwrap();
    }
}

fn main() {
    let [what, times] = std::env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let times = times.parse::<usize>().unwrap();
    match what.as_str() {
        "cold_first_row" => (0..times).for_each(|set| drop(started(set, Bind::memory))),
        "cold_first_row_by_hand" => (0..times).for_each(|set| drop(started_by_hand(set))),
        "cold_start" => (0..times).for_each(|set| drop(start(set, Bind::memory))),
        "warm_start" => (0..times).for_each(|_| drop(start(0, Bind::memory))),
        "warm_start_files" => (0..times).for_each(|_| drop(start(0, Bind::temp_file))),
        "first_statement" => (0..times).for_each(|_| drop(started(0, Bind::memory))),
        "assert_landed" => {
            let db = started(0, Bind::memory);
            for _ in 0..times {
                db.assert_landed("auth", "user_0", row! { username: "ann" });
            }
        }
        "locate_file" => {
            let db = started(0, Bind::temp_file);
            (0..times).for_each(|_| assert_eq!(db.locate("user_0", row! { username: "ann" }).unwrap().len(), 1));
        }
        "execute" => {
            let db = started(0, Bind::memory);
            let mut session = db.session();
            for number in 0..times {
                session.execute(INSERT, [i64::try_from(number).unwrap()]).unwrap();
            }
            session.commit().unwrap();
        }
        "execute_by_hand" | "prepared_insert_by_hand" => insert_prepared(&by_hand(), times),
        "prepared_insert" => {
            let db = started(0, Bind::memory);
            insert_prepared(&db.pool("auth").unwrap().get().unwrap(), times);
        }
        "insert_alone" => {
            let db = started(0, Bind::memory);
            let conn = db.connection("auth").unwrap();
            for number in 0..times {
                conn.prepare_cached(INSERT).unwrap().execute([i64::try_from(number).unwrap()]).unwrap();
            }
        }
        "insert_alone_by_hand" => {
            let conn = by_hand();
            for number in 0..times {
                conn.prepare_cached(INSERT).unwrap().execute([i64::try_from(number).unwrap()]).unwrap();
            }
        }
        "rows" => {
            let db = started(0, Bind::memory);
            let conn = db.connection("auth").unwrap();
            insert_prepared(&conn, 1_000);
            read(&conn, times);
        }
        "rows_by_hand" => {
            let conn = by_hand();
            insert_prepared(&conn, 1_000);
            read(&conn, times);
        }
        "open" => {
            let db = started(0, Bind::temp_file);
            open(&db.uri("auth").unwrap(), times);
        }
        "open_by_hand" => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("copy.db");
            let path = path.to_str().unwrap();
            by_hand().execute("VACUUM INTO ?1", [path]).unwrap();
            // One stays open, as a pool's does.
            let conn = Connection::open(path).unwrap();
            conn.execute_batch("PRAGMA journal_mode = WAL; SELECT 1 FROM user_1").unwrap();
            open(path, times);
        }
        "new_statement" => {
            let db = started(0, Bind::memory);
            let mut session = db.session();
            for number in 0..times {
                session.execute(&format!("INSERT INTO user_1 (username, email) VALUES ('{number}', 'x')"), []).unwrap();
            }
            session.commit().unwrap();
        }
        "route" => {
            let session = started(0, Bind::memory).session();
            session.route(SELECT).unwrap();
            (0..times).for_each(|number| drop(session.route(&new_select(number)).unwrap()));
        }
        "route_by_hand" => {
            let conn = by_hand();
            (0..times).for_each(|number| drop(conn.prepare(&new_select(number)).unwrap()));
        }
        "unit_of_work" => {
            let db = started(0, Bind::memory);
            for number in 0..times {
                let mut session = db.session();
                session.execute(INSERT, [number.to_string()]).unwrap();
                session.commit().unwrap();
            }
        }
        "pooled_insert" => {
            let db = started(0, Bind::memory);
            let pool = db.pool("auth").unwrap();
            for number in 0..times {
                pool.get().unwrap().execute(INSERT, [number.to_string()]).unwrap();
            }
        }
        "changes_since" => {
            let db = started(0, Bind::memory);
            let conn = db.connection("auth").unwrap();
            for number in 0..times {
                let before = db.snapshot().unwrap();
                let sql = "INSERT OR REPLACE INTO user_1 (id, username, email) VALUES (1, ?1, 'x')";
                conn.execute(sql, [number.to_string()]).unwrap();
                db.changes_since(&before).unwrap().assert_only("auth");
            }
        }
        "reset" => {
            let db = started(0, Bind::memory);
            for number in 0..times {
                let conn = db.connection("auth").unwrap();
                conn.execute(INSERT, [number.to_string()]).unwrap();
                drop(conn);
                db.reset().unwrap();
            }
        }
        unknown => panic!("no scenario `{unknown}`"),
    }
}
