//! Looking at every bind: where rows landed, what changed.

mod binds;
mod careful;
mod changes;
mod failure;
mod fault;
mod glance;
mod guard;
mod keep;
mod landing;
mod look;
mod picture;
mod report;
mod snapshot;
mod statements;

pub use changes::{ChangeKind, ChangeSet, Counts, ExpectedChanges, ExpectedTable, RowUpdate, TableChange};
pub use fault::{Fault, FaultBuilder};
pub use guard::{Guard, Refusal};
pub use landing::Landing;
pub use picture::Description;
pub use snapshot::Snapshot;
pub use statements::{Statement, StatementKind, StatementLog};
