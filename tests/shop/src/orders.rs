//! The purchases.

use rusqlite::{params, Connection, Transaction};

use crate::catalog::{self, price};
use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

/// Books a purchase, and returns its number.
pub fn place(databases: &Databases, customer: &str, sku: &str, quantity: i64) -> Result<i64> {
    let prices = if has(Slip::StaleRead) { &databases.replica } else { &databases.main };
    let total = price(prices, sku)? * quantity;
    let mut conn = databases.main.get()?;
    let transaction = conn.transaction()?;
    let id = book(&transaction, customer, sku, quantity, total)?;
    if !has(Slip::RolledBack) {
        transaction.commit()?;
    }
    Ok(id)
}

/// Writes a purchase into a transaction of the main database.
pub(crate) fn book(transaction: &Transaction, customer: &str, sku: &str, quantity: i64, total: i64) -> Result<i64> {
    transaction.execute("INSERT INTO purchase (customer, total_cents) VALUES (?1, ?2)", params![customer, total])?;
    let id = transaction.last_insert_rowid();
    transaction
        .execute("INSERT INTO line (purchase_id, sku, quantity) VALUES (?1, ?2, ?3)", params![id, sku, quantity])?;
    catalog::take(transaction, sku, quantity)?;
    Ok(id)
}

/// Gives a discount on a purchase.
pub fn discount(databases: &Databases, id: i64, cents: i64) -> Result {
    let sql = if has(Slip::Replaced) {
        "REPLACE INTO purchase (id, customer, total_cents)
            SELECT id, customer, total_cents - ?2 FROM purchase WHERE id = ?1"
    } else {
        "UPDATE purchase SET total_cents = total_cents - ?2 WHERE id = ?1"
    };
    databases.main.get()?.execute(sql, [id, cents])?;
    Ok(())
}

/// Removes a purchase that was not paid.
pub fn cancel(databases: &Databases, id: i64) -> Result {
    databases.main.get()?.execute("DELETE FROM purchase WHERE id = ?1", [id])?;
    if !has(Slip::Orphan) {
        databases.billing.get()?.execute("DELETE FROM payment WHERE purchase_id = ?1", [id])?;
    }
    Ok(())
}

/// Removes the purchases of a customer, as the night's job does.
pub fn forget(databases: &Databases, customer: &str) -> Result {
    let conn = Connection::open(&databases.addresses.main)?;
    conn.pragma_update(None, "foreign_keys", !has(Slip::ForeignKeysOff))?;
    conn.execute("DELETE FROM purchase WHERE customer = ?1", [customer])?;
    Ok(())
}
