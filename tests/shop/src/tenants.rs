//! The tenants, each with a database of its own.

use std::collections::HashMap;

use crate::databases::{pool, Pool};
use crate::slips::{has, Slip};
use crate::Result;

/// Gives the address of a tenant's database.
type Address = dyn Fn(&str) -> Result<String>;

/// The pools of the tenants that were met.
pub struct Tenants {
    address: Box<Address>,
    pools: HashMap<String, Pool>,
}

impl Tenants {
    pub fn new(address: impl Fn(&str) -> Result<String> + 'static) -> Tenants {
        Tenants { address: Box::new(address), pools: HashMap::new() }
    }

    pub fn invite(&mut self, tenant: &str, email: &str) -> Result {
        self.pool(tenant)?.get()?.execute("INSERT INTO member (email) VALUES (?1)", [email])?;
        Ok(())
    }

    fn pool(&mut self, tenant: &str) -> Result<Pool> {
        let name = if has(Slip::WrongTenant) { &tenant[..1] } else { tenant };
        if let Some(pool) = self.pools.get(name) {
            return Ok(pool.clone());
        }
        let pool = pool(&(self.address)(tenant)?)?;
        self.pools.insert(name.to_string(), pool.clone());
        Ok(pool)
    }
}
