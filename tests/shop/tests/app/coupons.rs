use multibind::{row, Harness};
use rstest::rstest;
use shop::{coupons, Result};

use crate::setup::{db, shop};

#[rstest]
fn coupons_are_issued_by_billing(db: Harness) -> Result {
    let shop = shop(&db)?;
    coupons::install(&shop)?;
    coupons::issue(&shop, &["SPRING", "MAY"], 10)?;
    db.assert_landed("billing", "coupon", row! { code: "SPRING", percent: 10 });
    Ok(())
}
