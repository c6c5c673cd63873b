use multibind::{row, Harness};
use rstest::rstest;
use shop::{billing, orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_purchase_is_booked_with_its_total(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 2)?;
    db.assert_landed(None, "purchase", row! { id: id, customer: "ann", total_cents: 1000 });
    Ok(())
}

#[rstest]
fn no_payment_is_left_of_a_cancelled_purchase(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 2)?;
    billing::pay(&shop, id, 1000)?;
    orders::cancel(&shop, id)?;
    db.assert_references();
    Ok(())
}

#[rstest]
fn a_customer_who_is_forgotten_leaves_no_lines(db: Harness) -> Result {
    let shop = shop(&db)?;
    orders::place(&shop, "ann", "tea", 2)?;
    orders::place(&shop, "bob", "cup", 1)?;
    orders::forget(&shop, "ann")?;
    db.assert_landed(None, "line", row! { sku: "cup" });
    db.assert_not_landed(None, "line", row! { sku: "tea" });
    Ok(())
}

#[rstest]
fn a_discount_leaves_the_lines_of_a_purchase(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 2)?;
    orders::discount(&shop, id, 100)?;
    db.assert_landed(None, "purchase", row! { id: id, total_cents: 900 });
    db.assert_landed(None, "line", row! { purchase_id: id, sku: "tea" });
    Ok(())
}
