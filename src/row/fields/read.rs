//! A struct, read from the values of a row.

use rusqlite::types::Value;
pub(super) use serde_core::de::value::Error as ReadError;
use serde_core::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde_core::de::{Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde_core::forward_to_deserialize_any;

use crate::row::Row;

type Result<T> = std::result::Result<T, ReadError>;

/// A row to be read.
pub(super) struct Columns<'r>(pub(super) &'r Row);

impl Columns<'_> {
    /// Returns the columns by the names of fields: as SQL does, without case. Without a list, each by its own name.
    fn named(
        &self,
        fields: &[&'static str],
    ) -> MapDeserializer<'static, std::vec::IntoIter<(String, Cell)>, ReadError> {
        let cells = self.0.cells();
        let mut named = Vec::with_capacity(cells.len());
        for (column, value) in cells {
            let is_field =
                |field: &&&str| field.eq_ignore_ascii_case(column) && !cells.iter().any(|(other, _)| other == **field);
            let name = fields.iter().find(is_field).map_or(column.as_str(), |field| field);
            named.push((name.to_string(), Cell { column: column.clone(), value: value.clone() }));
        }
        MapDeserializer::new(named.into_iter())
    }
}

impl<'de> Deserializer<'de> for Columns<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.named(&[]).deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.named(fields).deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

/// A value to be read, with its column for errors.
struct Cell {
    column: String,
    value: Value,
}

impl IntoDeserializer<'_> for Cell {
    type Deserializer = Cell;

    fn into_deserializer(self) -> Cell {
        self
    }
}

impl Cell {
    fn at(column: &str) -> impl Fn(ReadError) -> ReadError + '_ {
        move |error| ReadError::custom(format_args!("column `{column}`: {error}"))
    }

    /// Reads a float of so many binary digits: no integer is rounded in silence.
    fn float<'de, V: Visitor<'de>>(self, digits: u32, visitor: V) -> Result<V::Value> {
        match self.value {
            Value::Integer(number) if number.unsigned_abs() > 1 << digits => {
                let error =
                    ReadError::invalid_value(Unexpected::Signed(number), &"a number that a float holds exactly");
                Err(Cell::at(&self.column)(error))
            }
            _ => self.deserialize_any(visitor),
        }
    }
}

impl<'de> Deserializer<'de> for Cell {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Real(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_string(text),
            Value::Blob(bytes) => visitor.visit_byte_buf(bytes),
        };
        read.map_err(Cell::at(&self.column))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            Value::Integer(0) => visitor.visit_bool(false),
            Value::Integer(1) => visitor.visit_bool(true),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.float(f32::MANTISSA_DIGITS, visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.float(f64::MANTISSA_DIGITS, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            Value::Blob(bytes) => {
                SeqDeserializer::new(bytes.into_iter()).deserialize_any(visitor).map_err(Cell::at(&self.column))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.value {
            Value::Text(text) => {
                let text: StringDeserializer<ReadError> = text.into_deserializer();
                text.deserialize_enum(name, variants, visitor).map_err(Cell::at(&self.column))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct tuple_struct
        map struct identifier ignored_any
    }
}
