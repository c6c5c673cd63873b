use multibind::{row, Harness};
use rstest::rstest;
use shop::{audit, orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_purchase_is_noted_in_the_audit_log(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 2)?;
    let event = format!("purchase {id} of ann");
    audit::note(&shop, &event)?;
    db.assert_landed("meta", "log", row! { event: "purchase 1 of ann" });
    Ok(())
}
