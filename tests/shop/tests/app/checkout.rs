use multibind::{row, Harness};
use rstest::rstest;
use shop::{checkout, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_purchase_is_paid(db: Harness) -> Result {
    let id = checkout::buy(&shop(&db)?, "ann", "tea")?;
    db.assert_landed(None, "purchase", row! { id: id, customer: "ann" });
    db.assert_landed("billing", "payment", row! { purchase_id: id, cents: 500 });
    Ok(())
}

#[rstest]
fn a_purchase_that_cannot_be_paid_is_not_booked(db: Harness) -> Result {
    let shop = shop(&db)?;
    let fault = db.fault("billing").fail_commit()?;
    assert!(checkout::buy(&shop, "ann", "tea").is_err());
    drop(fault);
    db.assert_not_landed("billing", "payment", row! {});
    db.assert_not_landed(None, "purchase", row! { customer: "ann" });
    Ok(())
}
