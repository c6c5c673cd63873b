//! An application that keeps its users in one database and its audit log in another, each behind a pool.

use std::error::Error;

use r2d2_sqlite::SqliteConnectionManager;

pub type Pool = r2d2::Pool<SqliteConnectionManager>;
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

pub fn connect(database: &str) -> Result<Pool> {
    Ok(Pool::builder().max_size(4).test_on_check_out(false).build(SqliteConnectionManager::file(database))?)
}

pub fn sign_up(auth: &Pool, name: &str) -> Result<usize> {
    Ok(auth.get()?.execute("INSERT INTO user (username) VALUES (?1)", [name])?)
}

pub fn audit(meta: &Pool, event: &str) -> Result<usize> {
    Ok(meta.get()?.execute("INSERT INTO log (event) VALUES (?1)", [event])?)
}

pub fn users(auth: &Pool) -> Result<Vec<String>> {
    let conn = auth.get()?;
    let mut statement = conn.prepare("SELECT username FROM user ORDER BY username")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<std::result::Result<_, _>>()?)
}
