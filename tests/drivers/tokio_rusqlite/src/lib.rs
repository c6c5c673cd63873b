//! An application that keeps its users in one database and its audit log in another.

use tokio_rusqlite::rusqlite;
use tokio_rusqlite::{Connection, Error};

pub type Result<T = ()> = std::result::Result<T, Error<rusqlite::Error>>;

pub async fn sign_up(auth: &Connection, name: &str) -> Result<usize> {
    let name = name.to_string();
    auth.call(move |conn| conn.execute("INSERT INTO user (username) VALUES (?1)", [name])).await
}

pub async fn audit(meta: &Connection, event: &str) -> Result<usize> {
    let event = event.to_string();
    meta.call(move |conn| conn.execute("INSERT INTO log (event) VALUES (?1)", [event])).await
}

pub async fn users(auth: &Connection) -> Result<Vec<String>> {
    auth.call(|conn| {
        conn.prepare("SELECT username FROM user ORDER BY username")?.query_map([], |row| row.get(0))?.collect()
    })
    .await
}
