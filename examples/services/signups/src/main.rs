use signups::{sign_up, Accounts};
use sqlx::PgPool;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("usage: signups NAME")?;
    let accounts = PgPool::connect(&std::env::var("ACCOUNTS_URL")?).await?;
    let audit = PgPool::connect(&std::env::var("AUDIT_URL")?).await?;
    accounts.migrate().await?;
    println!("account {}", sign_up(&accounts, &audit, &name).await?);
    Ok(())
}
