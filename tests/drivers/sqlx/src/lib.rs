//! An application that keeps its users in one database and its audit log in another, each behind a pool.

use sqlx::sqlite::SqliteQueryResult;
use sqlx::{Result, SqlitePool};

/// What it runs on the database of its settings whenever it starts.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../sqlx/migrations");

pub async fn sign_up(auth: &SqlitePool, name: &str) -> Result<SqliteQueryResult> {
    sqlx::query("INSERT INTO user (username) VALUES (?)").bind(name).execute(auth).await
}

pub async fn audit(meta: &SqlitePool, event: &str) -> Result<SqliteQueryResult> {
    sqlx::query("INSERT INTO log (event) VALUES (?)").bind(event).execute(meta).await
}

pub async fn users(auth: &SqlitePool) -> Result<Vec<String>> {
    sqlx::query_scalar("SELECT username FROM user ORDER BY username").fetch_all(auth).await
}
