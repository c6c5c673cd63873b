//! A row for programmers: as a test writes it.

use std::fmt::{self, Formatter};

use rusqlite::types::Value;

use super::Row;
use crate::error::is_identifier;

/// Prints the row as [`row!`](crate::row!) takes it, on one line; `{:#?}` prints a column a line.
///
/// ```
/// let row = multibind::row! { id: 1, "first name": "Ann", email: None, key: [0_u8, 255] };
/// assert_eq!(format!("{row:?}"), r#"row! { id: 1, "first name": "Ann", email: None, key: b"\x00\xff" }"#);
/// ```
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (first, next, end) = if f.alternate() { ("\n    ", ",\n    ", ",\n}") } else { (" ", ", ", " }") };
        f.write_str("row! {")?;
        let mut between = first;
        for (name, value) in self.cells() {
            f.write_str(between)?;
            if is_identifier(name) {
                f.write_str(name)?;
            } else {
                fmt::Debug::fmt(&Text(name), f)?;
            }
            f.write_str(": ")?;
            match self.unstorable(name) {
                Some(problem) => write!(f, "? /* {problem} */")?,
                None => written(value, f)?,
            }
            between = next;
        }
        if let Some((None, problem)) = self.invalid.iter().find(|(column, _)| column.is_none()) {
            write!(f, "{between}/* {problem} */")?;
            between = next;
        }
        f.write_str(if between == first { "}" } else { end })
    }
}

/// Writes a value as Rust has it.
fn written(value: &Value, f: &mut Formatter<'_>) -> fmt::Result {
    match value {
        Value::Null => f.write_str("None"),
        Value::Integer(number) => write!(f, "{number}"),
        Value::Real(number) if number.is_infinite() => {
            f.write_str(if *number < 0.0 { "f64::NEG_INFINITY" } else { "f64::INFINITY" })
        }
        Value::Real(number) => write!(f, "{number:?}"),
        Value::Text(text) => fmt::Debug::fmt(&Text(text), f),
        Value::Blob(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
    }
}

/// A text as a literal of Rust, whatever the flags of the formatter are.
struct Text<'t>(&'t str);

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
