//! An array of bytes, which serde writes as a tuple of numbers.

use rusqlite::types::Value;
use serde_core::ser::{Impossible, Serialize, SerializeTuple, Serializer};

use super::unfit::{refused, Unfit};

/// The bytes of an array.
#[derive(Default)]
pub(super) struct Bytes(Vec<u8>);

impl SerializeTuple for Bytes {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.0.push(value.serialize(Byte)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(Value::Blob(self.0))
    }
}

/// A serializer that takes a byte and nothing else: numbers of other types are no bytes.
struct Byte;

impl Byte {
    fn unfit(_: &str) -> Unfit {
        Unfit::no_value_like("a tuple")
    }
}

impl Serializer for Byte {
    type Ok = u8;
    type Error = Unfit;
    type SerializeSeq = Impossible<u8, Unfit>;
    type SerializeTuple = Impossible<u8, Unfit>;
    type SerializeTupleStruct = Impossible<u8, Unfit>;
    type SerializeTupleVariant = Impossible<u8, Unfit>;
    type SerializeMap = Impossible<u8, Unfit>;
    type SerializeStruct = Impossible<u8, Unfit>;
    type SerializeStructVariant = Impossible<u8, Unfit>;

    fn serialize_u8(self, value: u8) -> Result<u8, Unfit> {
        Ok(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<u8, Unfit> {
        Err(Self::unfit("an option"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<u8, Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<u8, Unfit> {
        Err(Self::unfit("an enum"))
    }

    refused! {
        serialize_bool(bool) = "a `bool`";
        serialize_i8(i8) = "a number";
        serialize_i16(i16) = "a number";
        serialize_i32(i32) = "a number";
        serialize_i64(i64) = "a number";
        serialize_i128(i128) = "a number";
        serialize_u16(u16) = "a number";
        serialize_u32(u32) = "a number";
        serialize_u64(u64) = "a number";
        serialize_u128(u128) = "a number";
        serialize_f32(f32) = "a number";
        serialize_f64(f64) = "a number";
        serialize_char(char) = "a `char`";
        serialize_str(&str) = "a text";
        serialize_bytes(&[u8]) = "bytes";
        serialize_none() = "`None`";
        serialize_unit() = "`()`";
        serialize_unit_struct(&'static str) = "a struct";
        serialize_unit_variant(&'static str, u32, &'static str) = "an enum";
        serialize_seq(Option<usize>) -> SerializeSeq = "a list";
        serialize_tuple(usize) -> SerializeTuple = "a tuple";
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct = "a tuple";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant = "an enum";
        serialize_map(Option<usize>) -> SerializeMap = "a map";
        serialize_struct(&'static str, usize) -> SerializeStruct = "a struct";
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant = "an enum";
    }
}
