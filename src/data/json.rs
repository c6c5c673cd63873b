//! JSON: a list of objects.

use std::fmt;
use std::sync::Arc;

use rusqlite::types::Value;
use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fit::beyond_integers;
use super::records::{Malformed, Record, Records};
use crate::sorted::Sorted;
use crate::sqlite::script::line_at;

pub(super) fn records(text: &str) -> Result<Records, Malformed> {
    let List(objects) = serde_json::from_str(text).map_err(|error| malformed(text, text, &error))?;
    let mut records = Vec::with_capacity(objects.len());
    let mut lines = Lines { text, offset: 0, line: 1 };
    let mut last: Option<Arc<[String]>> = None;
    for raw in objects {
        let line = lines.of(raw);
        let Object(pairs) = serde_json::from_str(raw.get()).map_err(|error| malformed(text, raw.get(), &error))?;
        // Most objects have the keys of the one before.
        let columns = match last.take() {
            Some(last) if last.iter().eq(pairs.iter().map(|(name, _)| name)) => last,
            _ => columns(text, &pairs)?,
        };
        let values = pairs.iter().map(|(name, raw)| value(text, name, raw)).collect::<Result<_, _>>()?;
        last = Some(Arc::clone(&columns));
        records.push(Record { line, columns, values, name: None });
    }
    Ok(Records { header: None, records })
}

fn columns(text: &str, pairs: &[(String, &RawValue)]) -> Result<Arc<[String]>, Malformed> {
    let mut seen = Sorted::default();
    for (name, raw) in pairs {
        if seen.insert(name.to_ascii_lowercase(), ()).is_some() {
            let problem = format!("the object names column `{name}` twice");
            return Err(Malformed { line: Some(line_of(text, raw.get())), problem });
        }
    }
    Ok(pairs.iter().map(|(name, _)| name.clone()).collect())
}

fn value(text: &str, name: &str, raw: &RawValue) -> Result<Value, Malformed> {
    if let Ok(integer) = raw.get().parse::<i64>() {
        return Ok(Value::Integer(integer));
    }
    let parsed: serde_json::Value =
        serde_json::from_str(raw.get()).map_err(|error| malformed(text, raw.get(), &error))?;
    match parsed {
        serde_json::Value::Null => Ok(Value::Null),
        serde_json::Value::Bool(truth) => Ok(Value::Integer(truth.into())),
        serde_json::Value::String(text) => Ok(Value::Text(text)),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => Ok(Value::Text(raw.get().to_string())),
        serde_json::Value::Number(number) => match number.as_f64() {
            Some(real) if raw.get().contains(['.', 'e', 'E']) => Ok(Value::Real(real)),
            _ => {
                let problem =
                    format!("column `{name}`: {}; write it as a string or a real", beyond_integers(raw.get()));
                Err(Malformed { line: Some(line_of(text, raw.get())), problem })
            }
        },
    }
}

/// Returns the error of parsing `part`, which is a piece of `text`; the parser counts lines from the start of the part, and says
/// so in its message, which the error's place already does.
fn malformed(text: &str, part: &str, error: &serde_json::Error) -> Malformed {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let problem = format!("malformed JSON: {}", message.strip_suffix(&place).unwrap_or(&message));
    Malformed { line: Some(line_of(text, part) + error.line().saturating_sub(1)), problem }
}

/// Returns the line that `part`, a piece of `text`, starts on.
fn line_of(text: &str, part: &str) -> usize {
    line_at(text, offset_of(text, part))
}

fn offset_of(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Counts lines once for all objects.
struct Lines<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, raw: &RawValue) -> usize {
        let start = offset_of(self.text, raw.get());
        self.line += line_at(&self.text[self.offset..start], usize::MAX) - 1;
        self.offset = start;
        self.line
    }
}

/// A list of objects, each still as it is written.
struct List<'t>(Vec<&'t RawValue>);

/// The keys and values of an object in order, a key that is written twice included.
struct Object<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for List<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = List<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<'de>, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    list.push(element);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

impl<'de: 't, 't> Deserialize<'de> for Object<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of columns and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Object<'de>, A::Error> {
                let mut object = Vec::new();
                while let Some(pair) = pairs.next_entry()? {
                    object.push(pair);
                }
                Ok(Object(object))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
