use multibind::{changes, row, Harness};
use rstest::rstest;
use shop::{accounts, Result};

use crate::setup::{db, shop};

#[rstest]
#[tokio::test]
async fn a_user_who_signs_up_can_be_written_to(db: Harness) -> Result {
    let auth = accounts::connect(&shop(&db)?).await?;
    let before = db.snapshot()?;
    accounts::sign_up(&auth, "ann@example.org").await?;
    assert!(accounts::is_known(&auth, "ann@example.org").await?);
    db.assert_landed("auth", "user", row! { email: "ann@example.org" });
    db.changes_since(&before)?.assert(changes! { "auth.user" => +1, "auth.contact" => +1 });
    Ok(())
}

#[rstest]
#[tokio::test]
async fn an_address_signs_up_once(db: Harness) -> Result {
    let auth = accounts::connect(&shop(&db)?).await?;
    accounts::sign_up(&auth, "ann@example.org").await?;
    let before = db.snapshot()?;
    assert!(accounts::sign_up(&auth, "ann@example.org").await.is_err());
    db.changes_since(&before)?.assert_none();
    Ok(())
}
