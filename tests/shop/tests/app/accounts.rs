use std::future::pending;

use multibind::{changes, row, Harness};
use rstest::rstest;
use shop::accounts::Accounts;
use shop::Result;
use tokio::sync::Notify;

use crate::setup::{db, shop};

#[rstest]
#[tokio::test]
async fn a_user_signs_up(db: Harness) -> Result {
    let accounts = Accounts::open(&shop(&db)?).await?;
    accounts.sign_up("ann@example.org").await?;
    db.assert_landed("auth", "user", row! { email: "ann@example.org" });
    Ok(())
}

#[rstest]
#[tokio::test]
async fn an_address_signs_up_once(db: Harness) -> Result {
    let accounts = Accounts::open(&shop(&db)?).await?;
    accounts.sign_up("ann@example.org").await?;
    let before = db.snapshot()?;
    assert!(accounts.sign_up("ann@example.org").await.is_err());
    db.changes_since(&before)?.assert_none();
    Ok(())
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bills_go_to_a_users_address(db: Harness) -> Result {
    let accounts = Accounts::open(&shop(&db)?).await?;
    let before = db.snapshot()?;
    accounts.bill_to("ann@example.org").await?;
    db.changes_since(&before)?.assert(changes! { "billing.contact" => +1 });
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_user_is_welcomed(db: Harness) -> Result {
    let accounts = Accounts::open(&shop(&db)?).await?;
    let begun = Notify::new();
    // A mail that begins, and is never sent.
    let mail = async {
        begun.notify_one();
        pending::<()>().await;
    };
    accounts.welcome("ann@example.org", mail, begun.notified()).await?;
    accounts.sign_up("bob@example.org").await?;
    db.assert_landed("auth", "user", row! { email: "ann@example.org" });
    Ok(())
}
