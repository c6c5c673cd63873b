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
fn new_goods_are_taken_in(db: Harness) -> Result {
    let shop = shop(&db)?;
    catalog::take_in(&shop, "teapot", 2500, 3)?;
    db.assert_landed(None, "product", row! { sku: "teapot", price_cents: 2500, stock: 3 });
    Ok(())
}

#[rstest]
fn prices_come_from_a_list(db: Harness) -> Result {
    let shop = shop(&db)?;
    catalog::import_prices(&shop, "tea;550\ncoffee;900\ncup;1300")?;
    db.assert_landed(None, "product", row! { sku: "tea", price_cents: 550 });
    db.assert_landed(None, "product", row! { sku: "cup", price_cents: 1300 });
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
