//! A bind's tables: where their SQL comes from, what SQLite made of it, making them again, dropping them.

mod affinity;
mod comments;
mod confined;
mod create;
mod dialect;
mod drop;
pub(crate) mod folder;
mod journal;
mod marked;
mod metadata;
mod migrate;
mod migration;
mod migrations;
mod references;
mod reflect;
mod run;
mod source;
mod texts;
mod tool;
mod whole;

pub(crate) use affinity::affinities;
pub(crate) use confined::Confined;
pub(crate) use create::create_all;
pub(crate) use dialect::{explained, uncounted_column};
pub(crate) use drop::drop_all;
pub(crate) use metadata::ObjectKind;
pub use metadata::{ColumnInfo, ForeignKey, GeneratedKind, IndexInfo, IndexOrigin, Metadata};
pub use metadata::{TableInfo, TableKind, TriggerInfo, ViewInfo};
pub(crate) use migrate::migrate_to;
pub(crate) use references::{enforced, missing_parents, parents_first};
pub(crate) use reflect::unreadable_name;
pub(crate) use run::{execute, Ground};
pub(crate) use source::{read, Applied, Read, SchemaPart, Whose};
pub(crate) use texts::SchemaTexts;
pub(crate) use whole::check_whole;
