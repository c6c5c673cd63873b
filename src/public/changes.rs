//! Snapshots of every bind, the changes since one, and those that a test expects.

pub use crate::observe::{
    ChangeKind, ChangeSet, ExpectedChange, ExpectedChanges, ExpectedTable, RowUpdate, Snapshot, TableChange,
};
