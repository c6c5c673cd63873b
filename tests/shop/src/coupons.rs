//! The coupons, a part of billing that makes its table when it is first installed.

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

pub fn install(databases: &Databases) -> Result {
    let pool = if has(Slip::TableInWrongBind) { &databases.main } else { &databases.billing };
    pool.get()?.execute_batch("CREATE TABLE IF NOT EXISTS coupon (code TEXT PRIMARY KEY, percent INTEGER NOT NULL)")?;
    Ok(())
}

/// Issues coupons, and returns the codes of those that could not be.
pub fn issue<'c>(databases: &Databases, codes: &[&'c str], percent: i64) -> Result<Vec<&'c str>> {
    let conn = databases.billing.get()?;
    let insert = |code: &&str| conn.execute("INSERT INTO coupon (code, percent) VALUES (?1, ?2)", (code, percent));
    Ok(codes.iter().filter(|code| insert(code).is_err()).copied().collect())
}
