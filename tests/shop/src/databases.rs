//! The pools of the shop, one for each database.

use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;

use crate::Result;

pub type Pool = r2d2::Pool<SqliteConnectionManager>;

/// The addresses of the databases.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub main: String,
    /// The copy of the main database that follows it, for reads that may be late.
    pub replica: String,
    pub auth: String,
    /// The same for sqlx.
    pub auth_url: String,
    pub billing: String,
    pub billing_url: String,
    pub meta: String,
}

#[derive(Clone, Debug)]
pub struct Databases {
    pub addresses: Addresses,
    pub main: Pool,
    pub replica: Pool,
    pub billing: Pool,
    pub meta: Pool,
}

impl Databases {
    pub fn open(addresses: Addresses) -> Result<Databases> {
        Ok(Databases {
            main: pool(&addresses.main)?,
            replica: pool(&addresses.replica)?,
            billing: pool(&addresses.billing)?,
            meta: pool(&addresses.meta)?,
            addresses,
        })
    }
}

/// Opens a pool whose connections wait a moment for a lock.
pub fn pool(address: &str) -> Result<Pool> {
    let manager =
        SqliteConnectionManager::file(address).with_init(|conn| conn.busy_timeout(Duration::from_millis(100)));
    Ok(Pool::builder().max_size(4).min_idle(Some(0)).build(manager)?)
}
