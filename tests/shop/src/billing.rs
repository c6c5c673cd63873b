//! The payments, on connections of its own.

use std::time::Duration;

use rusqlite::{params, Connection};

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

/// The sum of a day, and the connection that reads more about it.
pub struct Day {
    pub cents: i64,
    conn: Connection,
}

fn connect(databases: &Databases) -> Result<Connection> {
    let conn = Connection::open(&databases.addresses.billing)?;
    conn.busy_timeout(Duration::from_millis(100))?;
    Ok(conn)
}

/// Enters a payment on a connection.
pub(crate) fn enter(conn: &Connection, purchase: i64, cents: i64) -> Result {
    conn.execute("INSERT INTO payment (purchase_id, cents) VALUES (?1, ?2)", params![purchase, cents])?;
    Ok(())
}

pub fn pay(databases: &Databases, purchase: i64, cents: i64) -> Result {
    enter(&connect(databases)?, purchase, cents)
}

/// Enters what the bank reports, `purchase;cents` a line. The bank repeats itself.
pub fn reconcile(databases: &Databases, report: &str) -> Result {
    let conn = connect(databases)?;
    for line in report.lines() {
        let (purchase, cents) = line.split_once(';').ok_or("a line without `;`")?;
        let (purchase, cents): (i64, i64) = (purchase.parse()?, cents.parse()?);
        let mut known = conn.prepare("SELECT 1 FROM payment WHERE purchase_id = ?1 AND cents = ?2")?;
        if has(Slip::Duplicate) || !known.exists(params![purchase, cents])? {
            enter(&conn, purchase, cents)?;
        }
    }
    Ok(())
}

/// Closes a day's books.
pub fn close_day(databases: &Databases, day: &str) -> Result<Day> {
    let conn = connect(databases)?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let cents = conn.query_row("SELECT coalesce(sum(cents), 0) FROM payment", [], |row| row.get(0))?;
    conn.execute("INSERT INTO closing (day, cents) VALUES (?1, ?2)", params![day, cents])?;
    if !has(Slip::Lock) {
        conn.execute_batch("COMMIT")?;
    }
    Ok(Day { cents, conn })
}

/// Corrects the payment of a purchase, in the last day's books too.
pub fn correct(databases: &Databases, purchase: i64, cents: i64) -> Result {
    let mut conn = connect(databases)?;
    let transaction = conn.transaction()?;
    let sum = "SELECT sum(cents) FROM payment WHERE purchase_id = ?1";
    let missing = cents - transaction.query_row(sum, [purchase], |row| row.get::<_, i64>(0))?;
    if has(Slip::OldSnapshot) {
        pay(databases, purchase, missing)?;
    } else {
        enter(&transaction, purchase, missing)?;
    }
    transaction
        .execute("UPDATE closing SET cents = cents + ?1 WHERE day = (SELECT max(day) FROM closing)", [missing])?;
    Ok(transaction.commit()?)
}

impl Day {
    /// Returns how many payments the day has.
    pub fn payments(&self) -> Result<i64> {
        Ok(self.conn.query_row("SELECT count(*) FROM payment", [], |row| row.get(0))?)
    }
}

impl Drop for Day {
    fn drop(&mut self) {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("COMMIT");
        }
    }
}
