use multibind::{row, Harness};
use rstest::rstest;
use shop::{letters, orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_bill_has_an_address(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 1)?;
    letters::bill_to(&shop, id, "ann@example.org")?;
    db.assert_landed(None, "purchase", row! { id: id, status: "billed" });
    db.assert_landed("billing", "contact", row! { email: "ann@example.org" });
    Ok(())
}
