use multibind::{changes, row, Harness};
use rstest::rstest;
use shop::worker::Worker;
use shop::{migrations, orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn bills_have_room_for_a_tax_number(db: Harness) -> Result {
    let shop = shop(&db)?;
    let before = db.snapshot()?;
    migrations::add_tax_number(&shop)?;
    db.changes_since(&before)?.assert(changes! { "billing.contact" => altered });
    Ok(())
}

#[rstest]
fn the_stock_falls_by_what_is_bought(db: Harness) -> Result {
    let shop = shop(&db)?;
    migrations::add_count(&shop)?;
    orders::place(&shop, "ann", "tea", 3)?;
    db.assert_landed(None, "product", row! { sku: "tea", stock: 7 });
    Ok(())
}

#[rstest]
fn a_carrier_with_a_contract_ships(db: Harness) -> Result {
    let shop = shop(&db)?;
    migrations::add_carriers(&shop)?;
    let worker = Worker::start(&shop)?;
    let id = orders::place(&shop, "ann", "tea", 1)?;
    worker.ship(id, "dhl")?;
    worker.flush()?;
    db.assert_landed(None, "shipment", row! { purchase_id: id, carrier: "dhl" });
    Ok(())
}
