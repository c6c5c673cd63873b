use multibind::{row, Harness};
use rstest::rstest;
use shop::worker::Worker;
use shop::{orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_purchase_is_shipped(db: Harness) -> Result {
    let shop = shop(&db)?;
    let worker = Worker::start(&shop)?;
    let id = orders::place(&shop, "ann", "tea", 1)?;
    worker.ship(id, "dhl")?;
    worker.flush()?;
    db.assert_landed(None, "shipment", row! { purchase_id: id, carrier: "dhl" });
    Ok(())
}
