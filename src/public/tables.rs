//! Tables that are declared in code and tied to a bind, and the tables of a bind as SQLite has them.

pub use crate::config::{MigrationVersion, Model, Table, TableGroup};
pub use crate::schema::{
    ColumnInfo, ForeignKey, GeneratedKind, IndexInfo, IndexOrigin, Metadata, TableInfo, TableKind, TriggerInfo,
    ViewInfo,
};
