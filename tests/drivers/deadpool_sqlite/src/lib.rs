//! An application that keeps its users in one database and its audit log in another, each behind a pool.

use std::error::Error;

use deadpool_sqlite::{rusqlite, Config, Pool, Runtime};

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

pub async fn connect(database: &str) -> Result<Pool> {
    Ok(Config::new(database).create_pool(Runtime::Tokio1)?)
}

async fn with<T: Send + 'static>(
    pool: &Pool,
    work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T> {
    Ok(pool.get().await?.interact(|conn| work(conn)).await.map_err(|error| error.to_string())??)
}

pub async fn sign_up(auth: &Pool, name: &str) -> Result<usize> {
    let name = name.to_string();
    with(auth, move |conn| conn.execute("INSERT INTO user (username) VALUES (?1)", [name])).await
}

pub async fn audit(meta: &Pool, event: &str) -> Result<usize> {
    let event = event.to_string();
    with(meta, move |conn| conn.execute("INSERT INTO log (event) VALUES (?1)", [event])).await
}

pub async fn users(auth: &Pool) -> Result<Vec<String>> {
    with(auth, |conn| {
        conn.prepare("SELECT username FROM user ORDER BY username")?.query_map([], |row| row.get(0))?.collect()
    })
    .await
}
