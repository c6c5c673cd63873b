//! A database's pool, lent to the application, and what becomes of it when the database ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::opening::Source;
use super::pool::{self, Pool, PooledConnection};
use super::Database;
use crate::error::{Error, Result};
use crate::instrument::is_lent;

impl Database {
    /// Returns a clone of the pool for the application.
    pub(crate) fn lent_pool(&self) -> Result<Pool> {
        self.check_process().and_then(|()| pool::check_process()).map_err(Error::sql(self.key()))?;
        Ok(self.pool_of_engine())
    }

    /// Returns the same, for whoever keeps the database open.
    pub(crate) fn pool_of_engine(&self) -> Pool {
        self.has_lent_pool.store(true, Ordering::Relaxed);
        self.pool().0.clone()
    }

    /// Returns the pool with the source of its connections, made when first asked for.
    fn pool(&self) -> &(Pool, Arc<Source>) {
        self.pool.get_or_init(|| {
            let source = Arc::new(Source {
                label: self.label(),
                store: Arc::clone(&self.store),
                setup: self.setup.clone(),
                read_only: self.uses.read_only,
                uncommitted: Arc::clone(&self.uncommitted),
                keeper: Arc::clone(&self.keeper),
                process: self.process,
                limit: pool::timeout(&self.options),
                wake: OnceLock::new(),
                ready: Mutex::default(),
                has_ended: AtomicBool::new(false),
            });
            (pool::build(&source, &self.options), source)
        })
    }

    /// Returns a connection of the pool.
    pub(crate) fn pooled(&self) -> Result<PooledConnection> {
        self.check_process().and_then(|()| pool::check_process()).map_err(Error::sql(self.key()))?;
        let (pool, source) = self.pool();
        let conn =
            pool::get(pool, source).map_err(|source| Error::Pool { bind: self.key().clone(), source, at: None })?;
        is_lent(&conn);
        Ok(conn)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((pool, source)) = self.pool.take() {
            // From here on the pool's connections have nothing to be opened from.
            source.has_ended.store(true, Ordering::Relaxed);
            if self.has_lent_pool.load(Ordering::Relaxed) && self.process.check().is_ok() {
                pool::close_idle(&pool, &self.label());
            }
        }
    }
}
