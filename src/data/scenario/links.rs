//! References from one bind into another, as the configuration declares them: SQLite does not know them.

use crate::key::{BindKey, Keys};

/// A reference from a column in one bind to a column in another.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) from: LinkEnd,
    pub(crate) to: LinkEnd,
}

/// One end of it.
#[derive(Clone, Debug)]
pub(crate) struct LinkEnd {
    pub(crate) key: BindKey,
    pub(crate) table: String,
    pub(crate) column: String,
}

impl LinkEnd {
    /// Returns whether it is in a database of these keys.
    pub(super) fn is_in(&self, keys: &Keys) -> bool {
        keys.iter().any(|key| *key == self.key || key.is_of_database_of(&self.key))
    }

    /// Returns whether it is this column of a database of these keys.
    pub(super) fn is(&self, keys: &Keys, table: &str, column: &str) -> bool {
        self.table.eq_ignore_ascii_case(table) && self.column.eq_ignore_ascii_case(column) && self.is_in(keys)
    }
}
