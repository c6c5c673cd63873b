//! The counts of the visits, in the meta database.

use rusqlite::Connection;

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

pub struct Visits {
    conn: Connection,
}

impl Visits {
    pub fn open(databases: &Databases) -> Result<Visits> {
        let address = if has(Slip::PrivateDatabase) { ":memory:" } else { &databases.addresses.meta };
        let conn = Connection::open(address)?;
        conn.execute_batch(
            "CREATE TABLE IF NOT EXISTS visit (page TEXT PRIMARY KEY, hits INTEGER NOT NULL DEFAULT 1)",
        )?;
        Ok(Visits { conn })
    }

    pub fn count(&self, page: &str) -> Result {
        let sql = "INSERT INTO visit (page) VALUES (?1) ON CONFLICT (page) DO UPDATE SET hits = hits + 1";
        self.conn.execute(sql, [page])?;
        Ok(())
    }
}
