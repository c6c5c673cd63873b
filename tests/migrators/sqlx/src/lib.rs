//! The application: its binds and their migrations, which it runs whenever it starts.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::SqliteConnection;

pub static AUTH: Migrator = sqlx::migrate!("migrations/auth");
pub static DEFAULT: Migrator = sqlx::migrate!("migrations/default");

pub async fn migrate(conn: &mut SqliteConnection, which: &Migrator) -> Result<(), MigrateError> {
    which.run(conn).await
}

pub async fn sign_up(conn: &mut SqliteConnection, name: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO user (username) VALUES (?)").bind(name).execute(conn).await.map(drop)
}
