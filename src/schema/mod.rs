//! A bind's tables: where their SQL comes from, what SQLite made of it, making them again, dropping them.

mod affinity;
mod confined;
mod create;
mod dialect;
mod drop;
pub(crate) mod folder;
mod marked;
mod metadata;
mod migrations;
mod references;
mod reflect;
mod source;
mod version;

pub(crate) use affinity::affinities;
pub(crate) use confined::Confined;
pub(crate) use create::create_all;
pub(crate) use dialect::{explained, uncounted_column};
pub(crate) use drop::drop_all;
pub(crate) use metadata::ObjectKind;
pub use metadata::{ColumnInfo, ForeignKey, Generated, IndexInfo, IndexOrigin, Metadata};
pub use metadata::{TableInfo, TableKind, TriggerInfo, ViewInfo};
pub(crate) use references::{enforced, missing_parents, parents_first, unresolved_foreign_keys};
pub(crate) use reflect::unreadable_name;
pub(crate) use source::{execute, read, Part};
