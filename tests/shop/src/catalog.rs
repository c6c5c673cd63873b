//! The goods.

use rusqlite::{params, Connection};

use crate::databases::{Databases, Pool};
use crate::slips::{has, Slip};
use crate::Result;

/// Reads a price from a database that has the goods.
pub fn price(pool: &Pool, sku: &str) -> Result<i64> {
    Ok(pool.get()?.query_row("SELECT price_cents FROM product WHERE sku = ?1", [sku], |row| row.get(0))?)
}

pub fn reprice(databases: &Databases, sku: &str, cents: i64) -> Result {
    databases.main.get()?.execute("UPDATE product SET price_cents = ?2 WHERE sku = ?1", params![sku, cents])?;
    Ok(())
}

/// Takes over the weights of a supplier's list, `sku;grams` a line.
pub fn import_weights(databases: &Databases, list: &str) -> Result {
    let mut conn = databases.main.get()?;
    let transaction = conn.transaction()?;
    for line in list.lines() {
        let (sku, grams) = line.split_once(';').ok_or("a line without `;`")?;
        if has(Slip::WrongType) {
            transaction.execute("UPDATE product SET weight = ?2 WHERE sku = ?1", params![sku, grams])?;
        } else {
            let grams: i64 = grams.parse()?;
            transaction.execute("UPDATE product SET weight = ?2 WHERE sku = ?1", params![sku, grams])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Takes goods of a purchase out of the stock.
pub(crate) fn take(conn: &Connection, sku: &str, quantity: i64) -> Result {
    conn.execute("UPDATE product SET stock = stock - ?2 WHERE sku = ?1", params![sku, quantity])?;
    Ok(())
}
