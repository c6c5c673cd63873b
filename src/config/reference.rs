//! References from a column in one bind to a column in another, as the user wrote them.

use super::origin::Origin;

/// A reference that SQLite cannot enforce, for its two ends are in different databases.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceText {
    /// `bind.table.column`.
    pub(crate) from: String,
    /// `bind.table.column`, with `default` or `main` for the default bind.
    pub(crate) to: String,
    pub(crate) origin: Origin,
}
