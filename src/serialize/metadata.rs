//! A bind's tables, as SQLite reports them. What is not declared is left out.

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::object;
use crate::schema::{
    ColumnInfo, ForeignKey, GeneratedKind, IndexInfo, IndexOrigin, Metadata, TableInfo, TableKind, TriggerInfo,
    ViewInfo,
};

/// `tables`, `views` and `triggers`.
impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "Metadata";
            "tables": self.tables();
            "views": self.views(), if !self.views().is_empty();
            "triggers": self.triggers(), if !self.triggers().is_empty())
    }
}

/// `name`; `kind` where it is no ordinary table; `strict` and `without_rowid` where it is; `columns`, `foreign_keys`,
/// `indexes` and `sql`.
impl Serialize for TableInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "TableInfo";
            "name": self.name();
            "kind": self.kind(), if self.kind() != TableKind::Ordinary;
            "strict": true, if self.is_strict();
            "without_rowid": true, if self.is_without_rowid();
            "columns": self.columns();
            "foreign_keys": self.foreign_keys(), if !self.foreign_keys().is_empty();
            "indexes": self.indexes(), if !self.indexes().is_empty();
            "sql": self.sql())
    }
}

/// `ordinary` or `virtual`.
impl Serialize for TableKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            TableKind::Ordinary => "ordinary",
            TableKind::Virtual => "virtual",
        })
    }
}

/// `name` and `type`; `not_null`, `default`, `primary_key` (its place in it), `generated` and `hidden` where it is.
impl Serialize for ColumnInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "ColumnInfo";
            "name": self.name();
            "type": self.declared_type();
            "not_null": true, if self.is_not_null();
            "default": self.default(), if self.default().is_some();
            "primary_key": self.primary_key(), if self.primary_key().is_some();
            "generated": self.generated(), if self.generated().is_some();
            "hidden": true, if self.is_hidden())
    }
}

/// `virtual` or `stored`.
impl Serialize for GeneratedKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            GeneratedKind::Virtual => "virtual",
            GeneratedKind::Stored => "stored",
        })
    }
}

/// `columns`, `parent`, `parent_columns`; `on_update` and `on_delete` where they are not `NO ACTION`.
impl Serialize for ForeignKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "ForeignKey";
            "columns": self.columns();
            "parent": self.parent();
            "parent_columns": self.parent_columns();
            "on_update": self.on_update(), if self.on_update() != "NO ACTION";
            "on_delete": self.on_delete(), if self.on_delete() != "NO ACTION")
    }
}

/// `name`, `origin`, `columns` (an expression is null); `unique` and `partial` where it is.
impl Serialize for IndexInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "IndexInfo";
            "name": self.name();
            "origin": self.origin();
            "unique": true, if self.is_unique();
            "partial": true, if self.is_partial();
            "columns": self.columns().collect::<Vec<_>>())
    }
}

/// `created`, `unique` or `primary_key`.
impl Serialize for IndexOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            IndexOrigin::Created => "created",
            IndexOrigin::Unique => "unique",
            IndexOrigin::PrimaryKey => "primary_key",
        })
    }
}

/// `name` and `sql`.
impl Serialize for ViewInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "ViewInfo"; "name": self.name(); "sql": self.sql())
    }
}

/// `name`, `table` and `sql`.
impl Serialize for TriggerInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "TriggerInfo"; "name": self.name(); "table": self.table(); "sql": self.sql())
    }
}
