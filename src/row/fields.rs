//! A struct's fields as a row, and a row as a struct, by serde.

use std::fmt;

use rusqlite::types::Value;
use serde_core::de::value::{Error as ReadError, MapDeserializer, StringDeserializer};
use serde_core::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_core::forward_to_deserialize_any;
use serde_core::ser::{self, Error as _, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Row;
use crate::error::{Error, Result};

impl Row {
    /// Makes a row of a struct's fields, or of a map's entries, as serde names and writes them.
    ///
    /// A field is a number, a `bool` (stored as 0 or 1), text, a `char`, bytes as serde has them, a newtype of one of
    /// these, an enum's variant without fields (its name), or an `Option` of them. `#[serde(skip)]`, `rename` and
    /// `flatten` do what they say.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a value that has no fields, and for a field that SQLite stores no value for: a list, a struct, an
    /// integer of more than 64 bits.
    ///
    /// ```
    /// use multibind::{row, Row};
    ///
    /// #[derive(serde::Serialize)]
    /// struct User<'u> {
    ///     username: &'u str,
    ///     email: Option<String>,
    ///     admin: bool,
    /// }
    ///
    /// let ann = User { username: "ann", email: None, admin: true };
    /// assert_eq!(Row::from_fields(&ann)?, row! { username: "ann", email: None, admin: 1 });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn from_fields<T: Serialize + ?Sized>(value: &T) -> Result<Row> {
        value.serialize(Fields).map_err(|Unfit(problem)| Error::Row { problem })
    }

    /// Reads a struct, or whatever serde makes of named values, from the row's columns.
    ///
    /// A `bool` is read from 0 and 1, a float from an integer too; a column that the struct has no field for is passed
    /// over, unless serde is told to deny it.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a column that is missing, or not what the field takes.
    ///
    /// ```
    /// use multibind::row;
    ///
    /// #[derive(serde::Deserialize, Debug, PartialEq)]
    /// struct User {
    ///     username: String,
    ///     email: Option<String>,
    /// }
    ///
    /// let user: User = row! { id: 1, username: "ann", email: None }.to_fields()?;
    /// assert_eq!(user, User { username: "ann".to_string(), email: None });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn to_fields<T: DeserializeOwned>(&self) -> Result<T> {
        let mut columns = Vec::with_capacity(self.cells().len());
        for (name, value) in self.checked()?.cells() {
            columns.push((name.clone(), Cell { column: name.clone(), value: value.clone() }));
        }
        let read = T::deserialize(MapDeserializer::<_, ReadError>::new(columns.into_iter()));
        read.map_err(|error| Error::Row { problem: format!("the row ({self}) cannot be read: {error}") })
    }
}

/// Why something is no row, or no value of one.
#[derive(Debug)]
struct Unfit(String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(problem: T) -> Unfit {
        Unfit(problem.to_string())
    }
}

/// Refuses forms of serde's in a serializer, each with what it is called.
macro_rules! refused {
    ($($method:ident($($type:ty),*) $(-> $given:ident)? = $what:literal;)*) => {
        $(fn $method(self, $(_: $type),*) -> std::result::Result<refused!(@ $($given)?), Unfit> {
            Err(Self::unfit($what))
        })*
    };
    (@) => { Self::Ok };
    (@ $given:ident) => { Self::$given };
}

/// Makes a row of what has fields.
struct Fields;

impl Fields {
    fn unfit(what: &str) -> Unfit {
        Unfit(format!("{what} has no named fields, which a row is made of: give it a struct or a map"))
    }
}

impl Serializer for Fields {
    type Ok = Row;
    type Error = Unfit;
    type SerializeSeq = Impossible<Row, Unfit>;
    type SerializeTuple = Impossible<Row, Unfit>;
    type SerializeTupleStruct = Impossible<Row, Unfit>;
    type SerializeTupleVariant = Impossible<Row, Unfit>;
    type SerializeMap = Columns;
    type SerializeStruct = Columns;
    type SerializeStructVariant = Impossible<Row, Unfit>;

    fn serialize_map(self, _: Option<usize>) -> std::result::Result<Columns, Unfit> {
        Ok(Columns::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> std::result::Result<Columns, Unfit> {
        Ok(Columns::default())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> std::result::Result<Row, Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> std::result::Result<Row, Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> std::result::Result<Row, Unfit> {
        Err(Self::unfit("an enum"))
    }

    refused! {
        serialize_bool(bool) = "a `bool`";
        serialize_i8(i8) = "a number";
        serialize_i16(i16) = "a number";
        serialize_i32(i32) = "a number";
        serialize_i64(i64) = "a number";
        serialize_i128(i128) = "a number";
        serialize_u8(u8) = "a number";
        serialize_u16(u16) = "a number";
        serialize_u32(u32) = "a number";
        serialize_u64(u64) = "a number";
        serialize_u128(u128) = "a number";
        serialize_f32(f32) = "a number";
        serialize_f64(f64) = "a number";
        serialize_char(char) = "a `char`";
        serialize_str(&str) = "a text";
        serialize_bytes(&[u8]) = "a list of bytes";
        serialize_none() = "`None`";
        serialize_unit() = "`()`";
        serialize_unit_struct(&'static str) = "a struct without fields";
        serialize_unit_variant(&'static str, u32, &'static str) = "an enum";
        serialize_seq(Option<usize>) -> SerializeSeq = "a list";
        serialize_tuple(usize) -> SerializeTuple = "a tuple";
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct = "a tuple";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant = "an enum";
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant = "an enum";
    }
}

/// The columns as they come.
#[derive(Default)]
struct Columns {
    row: Row,
    /// The key of an entry whose value is still to come.
    key: Option<String>,
}

impl Columns {
    fn add<T: Serialize + ?Sized>(&mut self, column: String, value: &T) -> std::result::Result<(), Unfit> {
        let value = value.serialize(Stored).map_err(|Unfit(problem)| Unfit(format!("column `{column}`: {problem}")))?;
        self.row = std::mem::take(&mut self.row).set(column, value);
        Ok(())
    }
}

impl SerializeStruct for Columns {
    type Ok = Row;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> std::result::Result<(), Unfit> {
        self.add(name.to_string(), value)
    }

    fn end(self) -> std::result::Result<Row, Unfit> {
        Ok(self.row)
    }
}

impl SerializeMap for Columns {
    type Ok = Row;
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> std::result::Result<(), Unfit> {
        match key.serialize(Stored)? {
            Value::Text(key) => self.key = Some(key),
            _ => return Err(Unfit("a map whose keys are no text has no column names".to_string())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> std::result::Result<(), Unfit> {
        let key = self.key.take().ok_or_else(|| Unfit::custom("a map gave a value before its key"))?;
        self.add(key, value)
    }

    fn end(self) -> std::result::Result<Row, Unfit> {
        Ok(self.row)
    }
}

/// Makes one value that SQLite stores.
struct Stored;

impl Stored {
    fn unfit(what: &str) -> Unfit {
        Unfit(format!("SQLite stores no value like {what}"))
    }

    fn integer(value: impl TryInto<i64> + fmt::Display + Copy) -> std::result::Result<Value, Unfit> {
        let stored = value.try_into().map_err(|_| Unfit(format!("SQLite stores no integer of the size of {value}")));
        stored.map(Value::Integer)
    }
}

impl Serializer for Stored {
    type Ok = Value;
    type Error = Unfit;
    type SerializeSeq = Impossible<Value, Unfit>;
    type SerializeTuple = Impossible<Value, Unfit>;
    type SerializeTupleStruct = Impossible<Value, Unfit>;
    type SerializeTupleVariant = Impossible<Value, Unfit>;
    type SerializeMap = Impossible<Value, Unfit>;
    type SerializeStruct = Impossible<Value, Unfit>;
    type SerializeStructVariant = Impossible<Value, Unfit>;

    fn serialize_bool(self, value: bool) -> std::result::Result<Value, Unfit> {
        Ok(Value::Integer(value.into()))
    }

    fn serialize_i8(self, value: i8) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_i16(self, value: i16) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_i32(self, value: i32) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_i64(self, value: i64) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_i128(self, value: i128) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_u8(self, value: u8) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_u16(self, value: u16) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_u32(self, value: u32) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_u64(self, value: u64) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_u128(self, value: u128) -> std::result::Result<Value, Unfit> {
        Stored::integer(value)
    }

    fn serialize_f32(self, value: f32) -> std::result::Result<Value, Unfit> {
        Ok(Value::Real(value.into()))
    }

    fn serialize_f64(self, value: f64) -> std::result::Result<Value, Unfit> {
        Ok(Value::Real(value))
    }

    fn serialize_char(self, value: char) -> std::result::Result<Value, Unfit> {
        Ok(Value::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> std::result::Result<Value, Unfit> {
        Ok(Value::Text(value.to_string()))
    }

    fn serialize_bytes(self, value: &[u8]) -> std::result::Result<Value, Unfit> {
        Ok(Value::Blob(value.to_vec()))
    }

    fn serialize_none(self) -> std::result::Result<Value, Unfit> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> std::result::Result<Value, Unfit> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> std::result::Result<Value, Unfit> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> std::result::Result<Value, Unfit> {
        Ok(Value::Text(variant.to_string()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> std::result::Result<Value, Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> std::result::Result<Value, Unfit> {
        Err(Self::unfit("an enum's variant with a value"))
    }

    refused! {
        serialize_unit_struct(&'static str) = "a struct without fields";
        serialize_seq(Option<usize>) -> SerializeSeq = "a list; for bytes, have serde write them as bytes";
        serialize_tuple(usize) -> SerializeTuple = "a tuple";
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct = "a tuple";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant = "an enum's variant with values";
        serialize_map(Option<usize>) -> SerializeMap = "a map";
        serialize_struct(&'static str, usize) -> SerializeStruct = "a struct";
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant = "an enum's variant with fields";
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
        move |error| serde_core::de::Error::custom(format_args!("column `{column}`: {error}"))
    }
}

impl<'de> Deserializer<'de> for Cell {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, ReadError> {
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Real(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_string(text),
            Value::Blob(bytes) => visitor.visit_byte_buf(bytes),
        };
        read.map_err(Cell::at(&self.column))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, ReadError> {
        match self.value {
            Value::Integer(0) => visitor.visit_bool(false),
            Value::Integer(1) => visitor.visit_bool(true),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, ReadError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, ReadError> {
        match self.value {
            Value::Text(text) => {
                let text: StringDeserializer<ReadError> = text.into_deserializer();
                text.deserialize_enum(name, variants, visitor).map_err(Cell::at(&self.column))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
