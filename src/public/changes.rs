//! Changes: the state of every bind, what changed since, and what a test expects to have changed.

pub use crate::observe::{
    ChangeKind, ChangeSet, ExpectedChange, ExpectedChanges, ExpectedTable, RowUpdate, Snapshot, TableChange,
};
