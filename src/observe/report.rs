//! Tables for people to read in a terminal.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use rusqlite::types::Value;

use crate::row::{Row, Shown};

/// How wide a report may be.
const WIDTH: usize = 100;
/// What stands between two columns of a table, and at its edges.
const BETWEEN: usize = 3;
const EDGES: usize = 2;

/// Rows under headings, without colour; the last column is wrapped where the table would be too wide, and keeps the
/// indentation of its lines.
pub(super) fn table<R>(headings: &[&str], rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = String>,
{
    let mut rows = rows.into_iter().map(|row| row.into_iter().collect::<Vec<_>>()).collect::<Vec<_>>();
    let columns = headings.len().saturating_sub(1);
    let widest = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(String::as_str).chain(headings.get(at).copied());
        cells.flat_map(str::lines).map(|line| line.chars().count()).max().unwrap_or_default()
    };
    let others = (0..columns).map(|at| widest(at) + BETWEEN).sum::<usize>() + EDGES;
    for last in rows.iter_mut().filter_map(|row| row.get_mut(columns)) {
        *last = wrapped(last, WIDTH.saturating_sub(others).max(WIDTH / 2));
    }
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    table.add_rows(rows);
    table.trim_fmt()
}

/// Lines broken between words where they are too long, further indented after the break.
fn wrapped(text: &str, width: usize) -> String {
    let wrap = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        hanging(line.trim_start(), indent, indent + 4, width)
    };
    text.lines().map(wrap).collect::<Vec<_>>().join("\n")
}

/// A text that starts `first` columns from the left, and goes on at `rest` in lines as wide as a report may be.
pub(super) fn paragraph(text: &str, first: usize, rest: usize) -> String {
    hanging(text, first, rest, WIDTH).trim_start().to_string()
}

fn hanging(text: &str, first: usize, rest: usize, width: usize) -> String {
    let mut lines = vec![" ".repeat(first)];
    let mut at = first;
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && at + 1 + length > width {
            lines.push(" ".repeat(rest));
            at = rest;
        } else if let (true, Some(line)) = (number > 0, lines.last_mut()) {
            line.push(' ');
            at += 1;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
        at += length;
    }
    lines.join("\n")
}

/// Names joined by commas and an "and".
pub(super) fn quoted(names: impl Iterator<Item = String>) -> String {
    let names = names.collect::<Vec<_>>();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A text cut to a number of characters, with a mark where it was.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// How much of a row is shown, in characters.
const ROW_SHOWN: usize = 600;
/// How much of a text is shown, in characters, and of a blob, in bytes.
const TEXT_SHOWN: usize = 80;
const BLOB_SHOWN: usize = 32;

/// A row on one line, long values cut.
pub(super) fn row_in_short(row: &Row) -> String {
    let columns = row.columns().map(|(name, value)| format!("{name} = {}", in_short(value)));
    cut(&columns.collect::<Vec<_>>().join(", "), ROW_SHOWN)
}

/// A value, cut where it is long.
fn in_short(value: &Value) -> String {
    match value {
        Value::Text(text) if text.chars().count() > TEXT_SHOWN => {
            format!("{} ({} characters)", part(value, 0), text.chars().count())
        }
        Value::Blob(bytes) if bytes.len() > BLOB_SHOWN => format!("{} ({} bytes)", part(value, 0), bytes.len()),
        value => Shown(value).to_string(),
    }
}

/// As much of a long value as is shown, from some place on.
fn part(value: &Value, from: usize) -> String {
    let (part, ends) = match value {
        Value::Text(text) => {
            let part = Value::Text(text.chars().skip(from).take(TEXT_SHOWN).collect());
            (part, text.chars().nth(from + TEXT_SHOWN).is_none())
        }
        Value::Blob(bytes) => {
            let part = Value::Blob(bytes.iter().skip(from).take(BLOB_SHOWN).copied().collect());
            (part, bytes.len() <= from + BLOB_SHOWN)
        }
        value => (value.clone(), true),
    };
    let (start, end) = (if from == 0 { "" } else { "…" }, if ends { "" } else { "…" });
    format!("{start}{}{end}", Shown(&part))
}

/// How a value is not what was asked for, where that is not plain to see.
pub(super) fn difference(found: &Value, asked: &Value) -> Option<String> {
    /// How much is shown before the place.
    const BEFORE: usize = 10;
    let (same, shown, what) = match (found, asked) {
        (Value::Text(found), Value::Text(asked)) => {
            (found.chars().zip(asked.chars()).take_while(|(a, b)| a == b).count(), TEXT_SHOWN, "character")
        }
        (Value::Blob(found), Value::Blob(asked)) => {
            (found.iter().zip(asked).take_while(|(a, b)| a == b).count(), BLOB_SHOWN, "byte")
        }
        (Value::Null, _) | (_, Value::Null) => return None,
        (found, asked) if found.data_type() == asked.data_type() => return None,
        (found, asked) => return Some(format!("{}, not {}", kind(found), kind(asked))),
    };
    (same >= shown).then(|| {
        let from = same - BEFORE;
        format!("from {what} {} on: {}, not {}", same + 1, part(found, from), part(asked, from))
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(_) => "text",
        Value::Blob(_) => "a blob",
    }
}
