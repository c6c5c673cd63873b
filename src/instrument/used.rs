//! A database as a statement uses it.

use crate::key::Keys;

/// A database that a statement uses.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// The keys that mean it, the first its own.
    pub(crate) names: Keys,
    /// Set if the statement may write to it.
    pub(crate) writes: bool,
}
