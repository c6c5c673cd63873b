//! A database as a statement uses it.

use std::sync::Arc;

use crate::key::BindKey;

/// A database that a statement uses.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// The keys that mean it, the first its own.
    pub(crate) names: Arc<[BindKey]>,
    /// Whether the statement may write to it.
    pub(crate) writes: bool,
}
