//! A row of the fields of a struct, or of the entries of a map.

use rusqlite::types::{ToSqlOutput, Value};
use serde_core::ser::{Error as _, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::stored::Stored;
use super::unfit::{refused, Unfit};
use crate::row::Row;

/// A serializer that makes a row of what has fields.
pub(super) struct Fields;

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
pub(super) struct Columns {
    row: Row,
    /// The key of an entry whose value is still to come.
    key: Option<String>,
}

impl Columns {
    /// Adds a column, or the reason why its value cannot be stored.
    fn put(&mut self, column: String, stored: std::result::Result<Value, Unfit>) {
        if self.row.value(&column).is_some() {
            self.row.reject(&column, "two fields are this column");
            return;
        }
        match stored {
            Ok(value) => self.row.put(column, Ok(ToSqlOutput::Owned(value))),
            Err(Unfit(problem)) => {
                let null = self.row.reject(&column, &problem);
                self.row.columns.push((column, null));
            }
        }
    }

    fn add<T: Serialize + ?Sized>(&mut self, column: String, value: &T) -> std::result::Result<(), Unfit> {
        let stored = value.serialize(Stored);
        self.put(column, stored);
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
