//! A row for a snapshot file.

use rusqlite::types::Value;
use serde_core::ser::{Error as _, Serialize, SerializeMap, Serializer};

use super::{Hex, Row};

/// A map from column names to values, in the row's order. What no format has is a map of its own, which no text can be
/// taken for: a blob `{ blob: "00ff" }`, an infinite number `{ real: "inf" }`.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.checked().map_err(S::Error::custom)?;
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
            // JSON would have `null`.
            Value::Real(number) if number.is_infinite() => {
                let mut real = serializer.serialize_map(Some(1))?;
                real.serialize_entry("real", &format_args!("{number}"))?;
                real.end()
            }
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
