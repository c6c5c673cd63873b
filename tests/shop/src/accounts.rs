//! The users, on sqlx: their names in the one database, and in another where bills are sent to.

use sqlx::SqlitePool;

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

pub struct Accounts {
    auth: SqlitePool,
    billing: SqlitePool,
}

impl Accounts {
    pub async fn open(databases: &Databases) -> Result<Accounts> {
        Ok(Accounts {
            auth: SqlitePool::connect(&databases.addresses.auth_url).await?,
            billing: SqlitePool::connect(&databases.addresses.billing_url).await?,
        })
    }

    /// Returns the user's number; nothing where the shop is full.
    pub async fn sign_up(&self, email: &str) -> Result<Option<i64>> {
        let mut transaction = self.auth.begin().await?;
        let user = sqlx::query("INSERT INTO user (email) VALUES (?)").bind(email).execute(&mut *transaction).await?;
        let users: i64 = sqlx::query_scalar("SELECT count(*) FROM user").fetch_one(&mut *transaction).await?;
        let most = if has(Slip::RolledBackBySqlx) { 0 } else { 1000 };
        if users > most {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(user.last_insert_rowid()))
    }

    /// Signs a user up whom a mail welcomes, if it can be sent before patience ends.
    pub async fn welcome(
        &self,
        email: &str,
        mail: impl Future<Output = ()>,
        patience: impl Future<Output = ()>,
    ) -> Result {
        if has(Slip::Cancelled) {
            tokio::select! {
                done = self.sign_up_after(email, mail) => done?,
                () = patience => {}
            }
            return Ok(());
        }
        let soon = async {
            tokio::select! {
                () = mail => {}
                () = patience => {}
            }
        };
        self.sign_up_after(email, soon).await
    }

    async fn sign_up_after(&self, email: &str, mail: impl Future<Output = ()>) -> Result {
        let mut transaction = self.auth.begin().await?;
        sqlx::query("INSERT INTO user (email) VALUES (?)").bind(email).execute(&mut *transaction).await?;
        mail.await;
        transaction.commit().await?;
        Ok(())
    }

    /// Sends a user's bills to an address.
    pub async fn bill_to(&self, email: &str) -> Result {
        let pool = if has(Slip::WrongPoolOfSqlx) { &self.auth } else { &self.billing };
        sqlx::query("INSERT INTO contact (email) VALUES (?)").bind(email).execute(pool).await?;
        Ok(())
    }
}
