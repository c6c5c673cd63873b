use multibind::fixture::harness;
use multibind::{row, Harness, TestResult};
use rstest::rstest;
use signups::{sign_up, Accounts};
use sqlx::SqlitePool;

#[rstest]
#[tokio::test]
async fn an_account_lands_in_accounts_and_its_event_in_audit(harness: Harness) -> TestResult {
    let accounts = SqlitePool::connect(&harness.sqlx_url("accounts")?).await?;
    let audit = SqlitePool::connect(&harness.sqlx_url("audit")?).await?;
    accounts.migrate().await?;

    let id = sign_up(&accounts, &audit, "ann").await?;
    harness.assert_landed("accounts", "account", row! { id, name: "ann" });
    harness.assert_landed("audit", "log", row! { event: "sign-up of ann" });
    Ok(())
}

#[rstest]
#[tokio::test]
async fn two_sign_ups_of_one_name_change_nothing_the_second_time(harness: Harness) -> TestResult {
    let accounts = SqlitePool::connect(&harness.sqlx_url("accounts")?).await?;
    let audit = SqlitePool::connect(&harness.sqlx_url("audit")?).await?;
    accounts.migrate().await?;
    sign_up(&accounts, &audit, "ann").await?;

    let before = harness.snapshot()?;
    assert!(sign_up(&accounts, &audit, "ann").await.is_err());
    harness.changes_since(&before)?.assert_none();
    Ok(())
}
