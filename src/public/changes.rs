//! Snapshots of every bind, the changes since one, and those that a test expects; parts of the binds, to put back.

pub use crate::observe::{
    ChangeKind, ChangeSet, ExpectedChange, ExpectedChanges, ExpectedTable, Part, RowUpdate, Snapshot, TableChange,
};
