//! Connections that were refused a lock and have not got it since.

use super::who::Refusal;
use crate::list::retain;

/// The number of refusals that are remembered: more than a test has threads.
pub(super) const REFUSALS: usize = 64;

/// Refusals, one of each connection, the last one last.
#[derive(Debug, Default)]
pub(super) struct Refusals(Vec<Refusal>);

impl Refusals {
    /// Adds one in place of the connection's earlier one; the oldest makes room.
    pub(super) fn add(&mut self, refusal: Refusal) {
        self.forget(refusal.id);
        if self.0.len() == REFUSALS {
            self.0.remove(0);
        }
        self.0.push(refusal);
    }

    /// Forgets that a connection was refused a lock, which it has now got.
    pub(super) fn forget(&mut self, id: u64) {
        retain(&mut self.0, |refusal| refusal.id != id);
    }

    /// Returns them, the last one last.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Refusal> {
        self.0.iter()
    }
}
