//! Rows and values in short, and their differences.

use rusqlite::types::Value;

use super::words::cut;
use crate::error::joined_by;
use crate::observe::{Failure, Finding, Near};
use crate::row::{Row, Shown};

/// The shown length of a row, in characters.
const ROW_SHOWN: usize = 600;
/// The shown length of a text, in characters, and of a blob, in bytes.
const TEXT_SHOWN: usize = 80;
const BLOB_SHOWN: usize = 32;
/// The shown length of each value of a column that differs, in characters.
const VALUE: usize = 40;

/// Writes a row on one line, long values cut.
pub(super) fn row_in_short(row: &Row) -> String {
    let columns = joined_by(row.cells(), ", ", &|(name, value)| format!("{name} = {}", in_short(value)));
    cut(&columns, ROW_SHOWN)
}

/// Writes a value, cut where it is long.
pub(super) fn in_short(value: &Value) -> String {
    match value {
        Value::Text(text) if text.chars().count() > TEXT_SHOWN => {
            format!("{} ({} characters)", part(value, 0), text.chars().count())
        }
        Value::Blob(bytes) if bytes.len() > BLOB_SHOWN => format!("{} ({} bytes)", part(value, 0), bytes.len()),
        value => Shown(value).to_string(),
    }
}

/// Returns the shown part of a long value, from some place on.
fn part(value: &Value, from: usize) -> String {
    let (part, ends) = match value {
        Value::Text(text) => {
            let rest = text.char_indices().nth(from).map_or("", |(start, _)| &text[start..]);
            let end = rest.char_indices().nth(TEXT_SHOWN).map(|(end, _)| end);
            (Value::Text(rest[..end.unwrap_or(rest.len())].to_string()), end.is_none())
        }
        Value::Blob(bytes) => {
            let rest = bytes.get(from..).unwrap_or_default();
            (Value::Blob(rest[..rest.len().min(BLOB_SHOWN)].to_vec()), rest.len() <= BLOB_SHOWN)
        }
        value => (value.clone(), true),
    };
    let (start, end) = (if from == 0 { "" } else { "…" }, if ends { "" } else { "…" });
    format!("{start}{}{end}", Shown(&part))
}

/// Describes the difference of two values, where it is not plain to see.
pub(super) fn difference(found: &Value, asked: &Value) -> Option<String> {
    /// The shown length before the place.
    const BEFORE: usize = 10;
    let (same, shown, what) = match (found, asked) {
        (Value::Text(found), Value::Text(asked)) => {
            let mut same = same(found.as_bytes(), asked.as_bytes());
            while !found.is_char_boundary(same) {
                same -= 1;
            }
            (found[..same].chars().count(), TEXT_SHOWN, "character")
        }
        (Value::Blob(found), Value::Blob(asked)) => (same(found, asked), BLOB_SHOWN, "byte"),
        (Value::Null, _) | (_, Value::Null) => return None,
        (found, asked) if found.data_type() == asked.data_type() => return None,
        (found, asked) => return Some(format!("{}, not {}", kind(found), kind(asked))),
    };
    if let (Value::Text(found), Value::Text(asked)) = (found, asked)
        && same < shown
    {
        return unseen(found, asked);
    }
    (same >= shown).then(|| {
        let from = same - BEFORE;
        format!("from {what} {} on: {}, not {}", same + 1, part(found, from), part(asked, from))
    })
}

/// Describes the difference of two texts that look alike.
fn unseen(found: &str, asked: &str) -> Option<String> {
    if found.trim() == asked.trim() {
        return Some("in the white space around it".to_string());
    }
    if found.to_lowercase() == asked.to_lowercase() {
        return Some("in upper and lower case".to_string());
    }
    let (mut found, mut asked) = (found.chars(), asked.chars());
    let at_first = loop {
        match (found.next(), asked.next()) {
            (one, other) if one != other => break [one, other],
            (None, _) => return None,
            _ => {}
        }
    };
    let is_plain = |letter: &Option<char>| letter.is_none_or(|letter| letter.is_ascii());
    let named =
        |letter: Option<char>| letter.map_or("its end".to_string(), |letter| format!("U+{:04X}", u32::from(letter)));
    let [one, other] = at_first;
    (!at_first.iter().all(is_plain)).then(|| format!("{} where {} was asked for", named(one), named(other)))
}

/// Counts the equal bytes from the beginning on.
fn same(found: &[u8], asked: &[u8]) -> usize {
    let mut same = 0;
    while same < found.len() && found.get(same) == asked.get(same) {
        same += 1;
    }
    same
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(_) => "text",
        Value::Blob(_) => "a blob",
    }
}

/// Names the columns in which the nearest row of the bind that was meant differs, each with both values.
pub(super) fn differing(failure: &Failure<'_>) -> Vec<String> {
    let target = failure.exhibits.iter().find(|exhibit| exhibit.is_target);
    let Some(Finding::Near(Some(near))) = target.map(|target| &target.found) else { return Vec::new() };
    let Some(Near { row, different, .. }) = near.first() else { return Vec::new() };
    let mut columns = Vec::new();
    for name in different {
        let (Some(found), Some(asked)) = (row.value(name), failure.row.value(name)) else { continue };
        let (found, asked) = (cut(&Shown(found).to_string(), VALUE), cut(&Shown(asked).to_string(), VALUE));
        columns.push(format!("`{name}` = {found}, not {asked}"));
    }
    columns
}
