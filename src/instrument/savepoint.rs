//! A savepoint within a transaction of one connection.

use std::sync::Arc;

use super::place::Place;

/// A savepoint that is open.
#[derive(Clone, Debug)]
pub(super) struct Savepoint {
    pub(super) name: String,
    /// Set if it has begun the transaction, so that its release commits.
    pub(super) begins: bool,
    /// The number of the first statement in it.
    pub(super) from: u64,
    /// The place of the statement that opened it.
    pub(super) opened: Option<Arc<Place>>,
}
