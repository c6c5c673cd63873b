//! One value of a row as a scenario writes it: a plain one, a label, or a form such as `{ ref = "auth.user.bob" }`.

use std::ops::Range;

use rusqlite::types::Value;
use toml::de::DeValue;

use crate::config::value::{boolean, entries, integer, string, Fit, Misfit, Placed};
use crate::data::fit::beyond_integers;
use crate::error::list;
use crate::nearest::nearest;

/// A value, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Value(Value),
    /// A text, or the label of the row that the column refers to.
    Text(String),
    /// A column of the row with this name, its key where none is said.
    Ref {
        name: String,
        column: Option<String>,
    },
    /// Any value: what a test expects where the application chooses one.
    Any,
}

/// A value, as far as it is known before a database is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Value(Value),
    Any,
    /// The column of an expected row, by its place among them, whose value the application chooses.
    Of {
        row: usize,
        column: String,
    },
}

/// The forms of a value.
const FORMS: [&str; 5] = ["ref", "null", "hex", "text", "any"];

/// The word that stands for a row's label in its texts.
const LABEL: &str = "$LABEL";

/// Reads one value. `text` is that of the file.
pub(super) fn read(name: &str, text: &str, value: &Placed<'_>) -> Fit<Cell> {
    let misfit = |problem: String| Err(Misfit::new(value.span(), format!("`{name}`: {problem}")));
    Ok(Cell::Value(match value.get_ref() {
        DeValue::String(text) => return Ok(Cell::Text(text.to_string())),
        DeValue::Boolean(truth) => Value::Integer(i64::from(*truth)),
        DeValue::Integer(number) => match integer(value) {
            Some(number) => Value::Integer(number),
            None => return misfit(format!("{}; write it as a text or a real", beyond_integers(&number.to_string()))),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(real) if real.is_nan() => return misfit(format!("SQLite stores no nan; write `{}`", null())),
            Ok(real) if real.is_infinite() && !number.as_str().ends_with("inf") => {
                return misfit(format!("{number} is beyond the numbers of SQLite"));
            }
            Ok(real) => Value::Real(real),
            Err(error) => return misfit(error.to_string()),
        },
        // As it is written: SQLite has texts for dates, and `2024-01-01 10:00:00` is another one than that with a `T`.
        DeValue::Datetime(_) => Value::Text(slice(text, value.span()).to_string()),
        DeValue::Array(_) => {
            return misfit("SQLite has no lists: write the JSON text, '[1, 2]' in quotes".to_string());
        }
        DeValue::Table(_) => return form(name, value),
    }))
}

/// Reads a table that is a value of a special kind.
fn form(name: &str, value: &Placed<'_>) -> Fit<Cell> {
    let mut settings = Vec::new();
    if let Some(table) = value.get_ref().as_table() {
        settings = entries(table);
    }
    let (mut cell, mut column) = (None, None);
    for (form, value) in &settings {
        let (form, span) = (form.get_ref().as_ref(), form.span());
        let read = match form {
            "column" => {
                column = Some(string(form, value)?.to_string());
                continue;
            }
            "ref" => Cell::Ref { name: string(form, value)?.to_string(), column: None },
            "text" => Cell::Value(Value::Text(string(form, value)?.to_string())),
            "hex" => match bytes(string(form, value)?) {
                Some(bytes) => Cell::Value(Value::Blob(bytes)),
                None => {
                    let problem = format!("`{name}`: `hex` is two digits of 0 to 9 and a to f for each byte");
                    return Err(Misfit::new(value.span(), problem));
                }
            },
            "null" if boolean(form, value)? => Cell::Value(Value::Null),
            "any" if boolean(form, value)? => Cell::Any,
            "null" | "any" => {
                return Err(Misfit::new(value.span(), format!("`{name}`: `{form}` can be true alone; leave it out")));
            }
            other => {
                let near = nearest(other, &FORMS).map(|near| format!("; the nearest is `{near}`")).unwrap_or_default();
                let problem = format!("`{name}`: unknown form `{other}` of a value{near}; {}", forms());
                return Err(Misfit::new(span, problem));
            }
        };
        if cell.is_some() {
            return Err(Misfit::new(span, format!("`{name}`: a value has one form; {}", forms())));
        }
        cell = Some(read);
    }
    match (cell, column) {
        (Some(Cell::Ref { name, .. }), column) => Ok(Cell::Ref { name, column }),
        (Some(cell), None) => Ok(cell),
        (_, Some(_)) => Err(Misfit::new(value.span(), format!("`{name}`: `column` stands beside `ref` alone"))),
        (None, None) => Err(Misfit::new(value.span(), format!("`{name}`: a table without a form; {}", forms()))),
    }
}

fn forms() -> String {
    format!(
        "the forms are {}",
        list(&[
            "`{ ref = \"bind.table.label\" }`",
            &format!("`{}`", null()),
            "`{ hex = \"00ff\" }`",
            "`{ text = \"…\" }`"
        ])
    )
}

fn null() -> String {
    "{ null = true }".to_string()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    for at in (0..hex.len()).step_by(2) {
        let pair = hex.get(at..at + 2)?;
        // `from_str_radix` takes a sign.
        if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
    }
    Some(bytes)
}

fn slice(text: &str, span: Range<usize>) -> &str {
    text.get(span).unwrap_or_default()
}

impl Cell {
    /// Returns the value with the row's label in its text, or why it has none.
    pub(super) fn of_row(&self, label: Option<&str>) -> Result<Cell, String> {
        match (self, label) {
            (Cell::Text(text), Some(label)) => Ok(Cell::Text(text.replace(LABEL, label))),
            (Cell::Ref { name, column }, Some(label)) => {
                Ok(Cell::Ref { name: name.replace(LABEL, label), column: column.clone() })
            }
            (Cell::Text(text) | Cell::Ref { name: text, .. }, None) if text.contains(LABEL) => Err(format!(
                "`{LABEL}` stands for the label of a row, and a row of `[[…]]` has none; write `{{ text = \"{LABEL}\" }}` for the word itself"
            )),
            (cell, _) => Ok(cell.clone()),
        }
    }
}
