//! An application that keeps its users in one database and its audit log in another, each behind a pool.

use async_sqlite::{rusqlite, Error, Pool, PoolBuilder};

pub type Result<T = ()> = std::result::Result<T, Error>;

pub async fn connect(database: &str) -> Result<Pool> {
    PoolBuilder::new().path(database).num_conns(2).open().await
}

pub async fn sign_up(auth: &Pool, name: &str) -> Result<usize> {
    let name = name.to_string();
    auth.conn(move |conn| conn.execute("INSERT INTO user (username) VALUES (?1)", [name])).await
}

pub async fn audit(meta: &Pool, event: &str) -> Result<usize> {
    let event = event.to_string();
    meta.conn(move |conn| conn.execute("INSERT INTO log (event) VALUES (?1)", [event])).await
}

pub async fn users(auth: &Pool) -> Result<Vec<String>> {
    auth.conn(|conn| {
        let mut statement = conn.prepare("SELECT username FROM user ORDER BY username")?;
        let names = statement.query_map([], |row| row.get(0))?;
        names.collect::<rusqlite::Result<_>>()
    })
    .await
}
