//! Sign-ups, with their accounts in one database and an audit log in another: PostgreSQL in production, SQLite in tests.

use std::future::Future;

use sqlx::{PgPool, Result, SqlitePool};

/// The database of the accounts.
pub trait Accounts {
    fn migrate(&self) -> impl Future<Output = Result<()>> + Send;
    fn add(&self, name: &str) -> impl Future<Output = Result<i64>> + Send;
}

/// The database of the audit log.
pub trait Audit {
    fn note(&self, event: &str) -> impl Future<Output = Result<()>> + Send;
}

// One text, compiled for each kind of pool. Both databases read `$1` and `RETURNING`.
macro_rules! databases_on {
    ($pool:ty, $migrations:literal) => {
        impl Accounts for $pool {
            async fn migrate(&self) -> Result<()> {
                Ok(sqlx::migrate!($migrations).run(self).await?)
            }

            async fn add(&self, name: &str) -> Result<i64> {
                let insert = "INSERT INTO account (name) VALUES ($1) RETURNING id";
                sqlx::query_scalar(insert).bind(name).fetch_one(self).await
            }
        }

        impl Audit for $pool {
            async fn note(&self, event: &str) -> Result<()> {
                sqlx::query("INSERT INTO log (event) VALUES ($1)").bind(event).execute(self).await.map(drop)
            }
        }
    };
}

databases_on!(PgPool, "migrations/postgres");
databases_on!(SqlitePool, "migrations/sqlite");

/// The service itself: in `main` on two `PgPool`s, in tests on two `SqlitePool`s.
pub async fn sign_up(accounts: &impl Accounts, audit: &impl Audit, name: &str) -> Result<i64> {
    let id = accounts.add(name).await?;
    audit.note(&format!("sign-up of {name}")).await?;
    Ok(id)
}
