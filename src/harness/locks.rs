//! The transaction behind an error that is about a lock. It is found and worded above the harness.

use std::panic::Location;
use std::time::Instant;

use super::running::{Running, Transactions};
use crate::error::{is_lock, Error};

impl Running {
    /// Returns the application's waits for a lock that ended without it, any of which may be why the test failed.
    pub(super) fn given_up(&self) -> Vec<String> {
        let mut waits = Vec::new();
        for database in self.databases() {
            for wait in database.given_up() {
                waits.push((self.transactions.waited)(self, &database, wait));
            }
        }
        waits
    }

    /// Describes the transaction that is behind an error, if it is about a lock; the unit of work that met it began here.
    pub(super) fn behind(&self, error: &Error, began: Option<&Location<'_>>) -> Option<String> {
        let Transactions { holder, last_commit, .. } = self.transactions;
        match error {
            Error::Locked { bind, .. } | Error::InUse { bind, .. } => holder(self, bind, Instant::now()),
            Error::Commit { failed, source, .. } | Error::Restore { failed, source, .. } if is_lock(source) => {
                holder(self, failed, Instant::now())
            }
            Error::Stale { bind, .. } => last_commit(self, bind, began),
            _ => None,
        }
    }
}
