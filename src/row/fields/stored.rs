//! One value that SQLite stores, from one of serde's.

use std::fmt;

use rusqlite::types::Value;
use serde_core::ser::{Impossible, Serialize, SerializeMap, Serializer};

use super::bytes::Bytes;
use super::unfit::{refused, Unfit};

/// A serializer that makes one value that SQLite stores.
pub(super) struct Stored;

impl Stored {
    fn unfit(what: &str) -> Unfit {
        Unfit::no_value_like(what)
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
    type SerializeTuple = Bytes;
    type SerializeTupleStruct = Impossible<Value, Unfit>;
    type SerializeTupleVariant = Impossible<Value, Unfit>;
    type SerializeMap = Marked;
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

    fn serialize_tuple(self, _: usize) -> std::result::Result<Bytes, Unfit> {
        Ok(Bytes::default())
    }

    fn serialize_map(self, entries: Option<usize>) -> std::result::Result<Marked, Unfit> {
        match entries {
            Some(1) => Ok(Marked::default()),
            _ => Err(Self::unfit("a map")),
        }
    }

    refused! {
        serialize_unit_struct(&'static str) = "a struct without fields";
        serialize_seq(Option<usize>) -> SerializeSeq = "a list; bytes are stored with `#[serde(with = \"serde_bytes\")]`";
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct = "a tuple";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant = "an enum's variant with values";
        serialize_struct(&'static str, usize) -> SerializeStruct = "a struct";
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant = "an enum's variant with fields";
    }
}

/// A map of one entry, which is to be a value that serde has no form for, as a row's own `Serialize` writes it:
/// `{ blob: "00ff" }`, `{ real: "inf" }`.
#[derive(Default)]
pub(super) struct Marked {
    mark: Option<Value>,
    value: Option<Value>,
}

impl SerializeMap for Marked {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> std::result::Result<(), Unfit> {
        self.mark = Some(key.serialize(Stored)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.value = Some(value.serialize(Stored)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Unfit> {
        let (Some(Value::Text(mark)), Some(Value::Text(value))) = (self.mark, self.value) else {
            return Err(Stored::unfit("a map"));
        };
        let read = match mark.as_str() {
            "blob" => bytes(&value).map(Value::Blob),
            "real" => value.parse::<f64>().ok().filter(|real| real.is_infinite()).map(Value::Real),
            _ => None,
        };
        read.ok_or_else(|| Stored::unfit("a map"))
    }
}

/// Returns the bytes of two digits each.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        let [high, low] = [*high, *low].map(|digit| char::from(digit).to_digit(16));
        bytes.push(u8::try_from(high? * 16 + low?).ok()?);
    }
    Some(bytes)
}
