//! The audit log, in the meta database. The main database has a log too, of the shop's own running.

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

pub fn note(databases: &Databases, event: &str) -> Result {
    let pool = if has(Slip::WrongPool) { &databases.main } else { &databases.meta };
    pool.get()?.execute("INSERT INTO log (event) VALUES (?1)", [event])?;
    Ok(())
}
