//! The users, on sqlx.

use sqlx::SqlitePool;

use crate::databases::Databases;
use crate::Result;

pub async fn connect(databases: &Databases) -> Result<SqlitePool> {
    Ok(SqlitePool::connect(&databases.addresses.auth_url).await?)
}

pub async fn sign_up(auth: &SqlitePool, email: &str) -> Result<i64> {
    let mut transaction = auth.begin().await?;
    let user = sqlx::query("INSERT INTO user (email) VALUES (?)").bind(email).execute(&mut *transaction).await?;
    sqlx::query("INSERT INTO contact (email) VALUES (?)").bind(email).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(user.last_insert_rowid())
}

pub async fn is_known(auth: &SqlitePool, email: &str) -> Result<bool> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM user WHERE email = ?").bind(email).fetch_one(auth).await?;
    Ok(count > 0)
}
