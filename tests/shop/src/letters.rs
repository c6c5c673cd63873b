//! The letters to customers, whose addresses billing has.

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

/// Enters where the bill of a purchase is sent to, in one transaction with the purchase.
pub fn bill_to(databases: &Databases, purchase: i64, email: &str) -> Result {
    let addresses = &databases.addresses;
    let mut conn = databases.main.get()?;
    let bills = if has(Slip::WrongAttached) { &addresses.auth } else { &addresses.billing };
    conn.execute("ATTACH ?1 AS bills", [bills])?;
    let transaction = conn.transaction()?;
    transaction.execute("UPDATE purchase SET status = 'billed' WHERE id = ?1", [purchase])?;
    transaction.execute("INSERT INTO bills.contact (email) VALUES (?1)", [email])?;
    transaction.commit()?;
    conn.execute_batch("DETACH bills")?;
    Ok(())
}
