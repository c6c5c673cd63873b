//! Tables: declared in code and tied to a bind, made up to a migration, and read back from SQLite.

pub use crate::config::{MigrationVersion, Model, Table, TableGroup};
pub use crate::schema::{
    ColumnInfo, ForeignKey, GeneratedKind, IndexInfo, IndexOrigin, Metadata, TableInfo, TableKind, TriggerInfo,
    ViewInfo,
};
