//! A row for a snapshot file.

use rusqlite::types::Value;
use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::{Hex, Row};

/// A map from column names to values, in the row's order; a blob is `{ blob: "00ff" }`, which no text can be taken for.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.columns.iter().map(|(name, value)| (name, Plain(value))))
    }
}

/// A value as a format that knows no SQLite has it.
struct Plain<'v>(&'v Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Real(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Blob(bytes) => {
                let mut blob = serializer.serialize_map(Some(1))?;
                blob.serialize_entry("blob", &format_args!("{}", Hex(bytes)))?;
                blob.end()
            }
        }
    }
}
