//! One value that SQLite stores, from one of serde's.

use std::fmt;

use rusqlite::types::Value;
use serde_core::ser::{Impossible, Serialize, Serializer};

use super::unfit::{refused, Unfit};

/// A serializer that makes one value that SQLite stores.
pub(super) struct Stored;

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
