use multibind::{row, Harness};
use rstest::rstest;
use shop::{catalog, orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_purchase_has_the_new_price(db: Harness) -> Result {
    let shop = shop(&db)?;
    catalog::reprice(&shop, "tea", 650)?;
    orders::place(&shop, "ann", "tea", 2)?;
    db.assert_landed(None, "purchase", row! { customer: "ann", total_cents: 1300 });
    Ok(())
}

#[rstest]
fn weights_come_from_the_suppliers_list(db: Harness) -> Result {
    let shop = shop(&db)?;
    catalog::import_weights(&shop, "tea;250\ncup;310")?;
    db.assert_landed(None, "product", row! { sku: "tea", weight: 250 });
    db.assert_landed(None, "product", row! { sku: "cup", weight: 310 });
    Ok(())
}
