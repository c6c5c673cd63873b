//! One database of each storage from each of two copies of multibind: neither sees what the other's has.

/// Starts a bind of each storage with one copy and gives their URIs, and what keeps them alive.
macro_rules! started {
    ($multibind:ident, $row:literal) => {{
        use $multibind::{Bind, Harness};
        let table = concat!(
            "CREATE TABLE ",
            stringify!($multibind),
            " (x); INSERT INTO ",
            stringify!($multibind),
            " VALUES (1)"
        );
        let db = Harness::builder()
            .bind("memory", Bind::memory().schema(table))
            .bind("shared", Bind::shared_cache().schema(table))
            .bind("memdb", Bind::memdb().schema(table))
            .bind("file", Bind::temp_file().schema(table))
            .start()
            .unwrap();
        // The pool's connections to a file go through a file system of the crate's own.
        for key in KEYS {
            db.connection(key)
                .unwrap()
                .execute(concat!("INSERT INTO ", stringify!($multibind), " VALUES (?1)"), [$row])
                .unwrap();
        }
        db
    }};
}

macro_rules! checked {
    ($db:ident, $multibind:ident, $row:literal) => {
        for key in KEYS {
            let tables = "SELECT group_concat(name) FROM sqlite_schema";
            let rows = concat!("SELECT group_concat(x) FROM ", stringify!($multibind));
            let conn = rusqlite::Connection::open($db.uri(key).unwrap()).unwrap();
            let text = |sql| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
            assert_eq!(
                (text(tables), text(rows)),
                (stringify!($multibind).to_string(), format!("1,{}", $row)),
                "{key}"
            );
        }
    };
}

const KEYS: [&str; 4] = ["memory", "shared", "memdb", "file"];

fn main() {
    let one = started!(multibind, "2");
    let two = started!(other, "3");
    for key in KEYS {
        assert_ne!(one.uri(key).unwrap(), two.uri(key).unwrap());
    }
    checked!(one, multibind, "2");
    checked!(two, other, "3");

    // A fault of a file is found by its number, of which each copy counts its own.
    let fault = two.fault("file").disk_full().unwrap();
    assert!(two.connection("file").unwrap().execute("INSERT INTO other VALUES (4)", []).is_err());
    one.connection("file").unwrap().execute("UPDATE multibind SET x = x", []).unwrap();
    drop(fault);

    two.reset().unwrap();
    checked!(one, multibind, "2");
    one.close().unwrap();
    for key in KEYS {
        assert_eq!(two.connection(key).unwrap().query_row("SELECT x FROM other", [], |row| row.get(0)), Ok(1), "{key}");
    }
    println!("two copies: no database is the other's");
}
