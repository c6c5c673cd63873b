//! The SQL functions that every connection has.

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Result};

pub fn register(conn: &Connection) -> Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("slug", 1, pure, |call| Ok(slug(&call.get::<String>(0)?)))?;
    conn.create_scalar_function("word_count", 1, pure, |call| {
        Ok(call.get::<String>(0)?.split_whitespace().count() as i64)
    })
}

/// Returns a title as it stands in an address.
fn slug(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
