//! Binds of any number of tables: five columns each, one of them unique, and an index.

use multibind::{Bind, Config, Harness};

pub(crate) const KEYS: [&str; 3] = ["b0", "b1", "b2"];

/// A row in the second of three binds.
pub(crate) const FIRST_ROW: &str = "INSERT INTO b1_t0 (name, size) VALUES ('first', 1)";

/// Returns the DDL of one bind.
pub(crate) fn tables_of(key: &str, tables: usize) -> String {
    let table = |at| {
        format!(
            "CREATE TABLE {key}_t{at} (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER, share REAL, note TEXT);\
             CREATE INDEX {key}_i{at} ON {key}_t{at} (size);"
        )
    };
    (0..tables).map(table).collect()
}

/// Returns the DDL of each of three binds.
pub(crate) fn ddl(tables: usize) -> [String; 3] {
    KEYS.map(|key| tables_of(key, tables))
}

/// Returns a builder over them.
pub(crate) fn binds(tables: &[String; 3], bind: fn() -> Bind) -> Config {
    KEYS.iter()
        .zip(tables)
        .fold(Harness::builder(), |builder, (key, ddl)| builder.bind(*key, bind().schema(ddl.as_str())))
}
