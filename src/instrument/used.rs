//! A database as a statement uses it.

use super::operation::Operation;
use crate::key::Keys;

/// A database that a statement uses.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// The keys that mean it, the first its own.
    pub(crate) names: Keys,
    /// Set if the statement may write to it.
    pub(crate) writes: bool,
}

/// The tables that a statement may change, their rows or what they are. All executions of a text share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Affected {
    /// The tables whose rows it may change, by itself or by a trigger.
    pub(crate) tables: Vec<WrittenTable>,
    /// The tables and views that it creates.
    pub(crate) created: Vec<SchemaTable>,
    /// The triggers that it creates.
    pub(crate) triggers: Vec<SchemaTable>,
    /// The tables and views that it alters or drops.
    pub(crate) altered: Vec<SchemaTable>,
    /// Set if it changes rows, and not the schema.
    pub(crate) changes_rows: bool,
}

/// A table whose rows a statement may change.
#[derive(Clone, Debug)]
pub(crate) struct WrittenTable {
    /// The keys that mean its database; `None` for one that is not the harness's.
    pub(crate) names: Option<Keys>,
    pub(crate) table: String,
    /// The change: an insert, an update or a delete.
    pub(crate) operation: Operation,
    /// The trigger that changes it, unless the statement does itself.
    pub(crate) by: Option<String>,
}

/// A table or view that a statement creates, alters or drops, or a trigger that it creates.
#[derive(Clone, Debug)]
pub(crate) struct SchemaTable {
    /// The keys that mean its database; `None` for one that is not the harness's.
    pub(crate) names: Option<Keys>,
    pub(crate) table: String,
}
