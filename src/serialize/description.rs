//! A description for a snapshot file.

use serde_core::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::observe::{Described, Description, RowCount};

/// A list with an entry for each database: `bind`, `storage`, and `tables`, a map from names to their number of rows, which
/// is null for a view, and text where it is no settled number.
impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.binds)
    }
}

impl Serialize for Described {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bind = serializer.serialize_struct("Described", 3)?;
        bind.serialize_field("bind", &self.label)?;
        bind.serialize_field("storage", &format_args!("{}", self.storage))?;
        bind.serialize_field("tables", &Tables(&self.tables))?;
        bind.end()
    }
}

struct Tables<'t>(&'t [(String, RowCount)]);

impl Serialize for Tables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tables = serializer.serialize_map(Some(self.0.len()))?;
        for (name, rows) in self.0 {
            tables.serialize_entry(name, rows)?;
        }
        tables.end()
    }
}

impl Serialize for RowCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RowCount::None => serializer.serialize_unit(),
            RowCount::Count(count) => serializer.serialize_i64(*count),
            rows => serializer.collect_str(rows),
        }
    }
}
