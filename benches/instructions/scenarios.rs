//! Does one thing a number of times, for `benches/instructions/run` to count what the processor does for it.
#![allow(clippy::unwrap_used, reason = "what does not go on here ends the benchmark")]

use multibind::{row, Bind, Harness};

const FIRST_ROW: &str = "INSERT INTO user_0 (username, email) VALUES ('ann', 'ann@example.org')";

/// Starts three binds of ten tables, which differ from those of each other `set`.
fn start(set: usize, bind: fn() -> Bind) -> Harness {
    let ddl = |name: &str| {
        let table = |number: usize| {
            format!(
                "CREATE TABLE {name}_{number} (id INTEGER PRIMARY KEY, username TEXT UNIQUE, email TEXT NOT NULL, \
                 age INTEGER, created TEXT DEFAULT ''); CREATE INDEX {name}_{number}_email ON {name}_{number} (email); "
            )
        };
        let set = format!("CREATE TABLE {name}_set_{set} (id INTEGER PRIMARY KEY);");
        set + &(0..10).map(table).collect::<String>()
    };
    Harness::builder()
        .default_bind(bind().schema(ddl("post")))
        .bind("auth", bind().schema(ddl("user")))
        .bind("meta", bind().schema(ddl("setting")))
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

fn main() {
    let [what, times] = std::env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let times = times.parse::<usize>().unwrap();
    match what.as_str() {
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
                let sql = "INSERT INTO user_1 (username, email) VALUES (?1, 'x')";
                session.execute(sql, [number.to_string()]).unwrap();
            }
            session.commit().unwrap();
        }
        "new_statement" => {
            let db = started(0, Bind::memory);
            let mut session = db.session();
            for number in 0..times {
                session.execute(&format!("INSERT INTO user_1 (username, email) VALUES ('{number}', 'x')"), []).unwrap();
            }
            session.commit().unwrap();
        }
        "unit_of_work" => {
            let db = started(0, Bind::memory);
            for number in 0..times {
                let mut session = db.session();
                let sql = "INSERT INTO user_1 (username, email) VALUES (?1, 'x')";
                session.execute(sql, [number.to_string()]).unwrap();
                session.commit().unwrap();
            }
        }
        "pooled_insert" => {
            let db = started(0, Bind::memory);
            let pool = db.pool("auth").unwrap();
            for number in 0..times {
                let sql = "INSERT INTO user_1 (username, email) VALUES (?1, 'x')";
                pool.get().unwrap().execute(sql, [number.to_string()]).unwrap();
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
                let sql = "INSERT INTO user_1 (username, email) VALUES (?1, 'x')";
                conn.execute(sql, [number.to_string()]).unwrap();
                drop(conn);
                db.reset().unwrap();
            }
        }
        unknown => panic!("no scenario `{unknown}`"),
    }
}
