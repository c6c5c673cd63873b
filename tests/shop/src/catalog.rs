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

/// Takes new goods in, or the new price and more pieces of known ones.
pub fn take_in(databases: &Databases, sku: &str, cents: i64, pieces: i64) -> Result {
    let sku = if has(Slip::UpdatedInstead) { sku.get(..3).unwrap_or(sku) } else { sku };
    let sql = "INSERT INTO product (sku, price_cents, stock) VALUES (?1, ?2, ?3)
        ON CONFLICT (sku) DO UPDATE SET price_cents = excluded.price_cents, stock = stock + excluded.stock";
    databases.main.get()?.execute(sql, params![sku, cents, pieces])?;
    Ok(())
}

/// Takes over new prices, `sku;cents` a line, and leaves out what nobody sells.
pub fn import_prices(databases: &Databases, list: &str) -> Result {
    let mut conn = databases.main.get()?;
    let mut transaction = conn.transaction()?;
    for line in list.lines() {
        let (sku, cents) = line.split_once(';').ok_or("a line without `;`")?;
        let savepoint = transaction.savepoint()?;
        let known = savepoint
            .execute("UPDATE product SET price_cents = ?2 WHERE sku = ?1", params![sku, cents.parse::<i64>()?])?;
        if known == 1 && !has(Slip::SavepointRolledBack) {
            savepoint.commit()?;
        }
    }
    transaction.commit()?;
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
