//! An application that keeps its users in one database and its audit log in another.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PoolError};

diesel::table! {
    user (id) {
        id -> Integer,
        username -> Text,
    }
}

diesel::table! {
    log (id) {
        id -> Integer,
        event -> Text,
    }
}

/// Diesel waits for no lock unless SQLite is told to.
pub fn connect(database: &str) -> ConnectionResult<SqliteConnection> {
    let mut conn = SqliteConnection::establish(database)?;
    conn.batch_execute("PRAGMA busy_timeout = 5000").map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

pub fn pool(database: &str) -> Result<Pool<ConnectionManager<SqliteConnection>>, PoolError> {
    Pool::builder().max_size(2).build(ConnectionManager::new(database))
}

pub fn sign_up(auth: &mut SqliteConnection, name: &str) -> QueryResult<usize> {
    diesel::insert_into(user::table).values(user::username.eq(name)).execute(auth)
}

pub fn audit(meta: &mut SqliteConnection, event: &str) -> QueryResult<usize> {
    diesel::insert_into(log::table).values(log::event.eq(event)).execute(meta)
}

pub fn users(auth: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    user::table.select(user::username).order(user::username).load(auth)
}
