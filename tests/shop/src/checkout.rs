//! A purchase and its payment, which are in two databases.

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;
use crate::{billing, catalog, orders};

/// Books a purchase and takes the money for it.
pub fn buy(databases: &Databases, customer: &str, sku: &str) -> Result<i64> {
    let cents = catalog::price(&databases.main, sku)?;
    let (mut shop, mut bills) = (databases.main.get()?, databases.billing.get()?);
    let (purchase, payment) = (shop.transaction()?, bills.transaction()?);
    let id = orders::book(&purchase, customer, sku, 1, cents)?;
    billing::enter(&payment, id, cents)?;
    if has(Slip::HalfCommitted) {
        purchase.commit()?;
        payment.commit()?;
    } else {
        payment.commit()?;
        purchase.commit()?;
    }
    Ok(id)
}
