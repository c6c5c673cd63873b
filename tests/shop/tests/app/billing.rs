use multibind::{changes, row, Harness};
use rstest::rstest;
use shop::{billing, orders, Result};

use crate::setup::{db, shop};

#[rstest]
fn a_payment_that_the_bank_reports_twice_counts_once(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 1)?;
    let before = db.snapshot()?;
    let report = format!("{id};500\n{id};500");
    billing::reconcile(&shop, &report)?;
    db.changes_since(&before)?.assert(changes! { "billing.payment" => +1 });
    Ok(())
}

#[rstest]
fn a_payment_after_the_close_counts_for_the_next_day(db: Harness) -> Result {
    let shop = shop(&db)?;
    let ann = orders::place(&shop, "ann", "tea", 1)?;
    let bob = orders::place(&shop, "bob", "cup", 1)?;
    billing::pay(&shop, ann, 500)?;
    let day = billing::close_day(&shop, "2026-05-01")?;
    billing::pay(&shop, bob, 1200)?;
    assert_eq!((day.cents, day.payments()?), (500, 2));
    db.assert_landed("billing", "closing", row! { day: "2026-05-01", cents: 500 });
    Ok(())
}

#[rstest]
fn a_correction_is_in_the_days_books(db: Harness) -> Result {
    let shop = shop(&db)?;
    let id = orders::place(&shop, "ann", "tea", 1)?;
    billing::pay(&shop, id, 300)?;
    billing::close_day(&shop, "2026-05-01")?;
    billing::correct(&shop, id, 500)?;
    db.assert_landed("billing", "closing", row! { day: "2026-05-01", cents: 500 });
    Ok(())
}
