//! Fitting the values of a data file to the columns they go into, so that none becomes another in silence.

use std::borrow::Cow;

use rusqlite::types::Value;
use rusqlite::Connection;

use super::records::Format;
use crate::list::mapped;
use crate::schema::{affinities, TableInfo};

/// A table's columns as far as values have to fit them.
pub(super) struct Columns<'t> {
    conn: &'t Connection,
    table: &'t str,
    names: &'t [String],
    /// Set for each column declared for truth values, which SQLite has none of.
    truths: Vec<bool>,
    /// Set for each column that turns text into numbers; read when a value makes it matter.
    numbers: Option<Vec<bool>>,
}

impl<'t> Columns<'t> {
    pub(super) fn new(conn: &'t Connection, table: &'t str, info: Option<&TableInfo>, names: &'t [String]) -> Self {
        let truths = mapped(names, |name| {
            let declared = info.and_then(|info| info.column(name)).map_or("", |column| column.declared_type());
            declared.eq_ignore_ascii_case("boolean") || declared.eq_ignore_ascii_case("bool")
        });
        Columns { conn, table, names, truths, numbers: None }
    }

    /// Returns whether they have these names.
    pub(super) fn are(&self, names: &[String]) -> bool {
        self.names == names
    }

    /// Returns the value as the column at this place is to have it, or why it has none such.
    ///
    /// SQLite makes a number of text in a numeric column, and keeps text that is not a number.
    pub(super) fn fit<'v>(
        &mut self,
        at: usize,
        value: &'v Value,
        format: Format,
    ) -> rusqlite::Result<Result<Cow<'v, Value>, String>> {
        let Value::Text(text) = value else { return Ok(Ok(Cow::Borrowed(value))) };
        let kind = FieldKind::of(text);
        let is_truth = self.truths.get(at).copied().unwrap_or(false);
        // What is text stays text, and what is a number is one, whatever the column is.
        let settled = kind == FieldKind::Number || kind == FieldKind::Word && !is_truth;
        if settled || !self.is_numeric(at)? {
            return Ok(Ok(Cow::Borrowed(value)));
        }
        let name = self.names.get(at).map_or("", String::as_str);
        Ok(match (kind, format) {
            (FieldKind::BeyondIntegers, _) => {
                let problem = beyond_integers(trimmed(text));
                Err(format!("column `{name}`: {problem}; write it as a real, or give the column the type TEXT"))
            }
            (FieldKind::BeyondReals, _) => Err(format!("column `{name}`: {text} is beyond the numbers of SQLite")),
            // JSON and TOML have values of their own for these.
            (_, Format::Json | Format::Sql | Format::Toml) => Ok(Cow::Borrowed(value)),
            (FieldKind::Empty, Format::Csv) => Ok(Cow::Owned(Value::Null)),
            (FieldKind::Truth(truth), Format::Csv) => Ok(Cow::Owned(Value::Integer(truth.into()))),
            (FieldKind::Word | FieldKind::Number, Format::Csv) => match text.as_str() {
                "t" | "T" => Ok(Cow::Owned(Value::Integer(1))),
                "f" | "F" => Ok(Cow::Owned(Value::Integer(0))),
                _ => Err(format!("column `{name}`: `{text}` is no truth value: write true or false, 1 or 0")),
            },
        })
    }

    fn is_numeric(&mut self, at: usize) -> rusqlite::Result<bool> {
        let numbers = match self.numbers.take() {
            Some(numbers) => numbers,
            None => {
                let affinities = affinities(self.conn, self.table, &mapped(self.names, String::as_str))?;
                mapped(&affinities, |affinity| matches!(affinity.as_str(), "INT" | "NUM" | "REAL"))
            }
        };
        let is_numeric = numbers.get(at).copied().unwrap_or(false);
        self.numbers = Some(numbers);
        Ok(is_numeric)
    }
}

/// A text as a numeric column would read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldKind {
    Number,
    BeyondIntegers,
    BeyondReals,
    Empty,
    Truth(bool),
    Word,
}

impl FieldKind {
    fn of(text: &str) -> FieldKind {
        let trimmed = trimmed(text);
        let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
        if text.is_empty() {
            FieldKind::Empty
        } else if text.eq_ignore_ascii_case("true") {
            FieldKind::Truth(true)
        } else if text.eq_ignore_ascii_case("false") {
            FieldKind::Truth(false)
        } else if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            FieldKind::Word
        } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if trimmed.parse::<i64>().is_ok() {
                FieldKind::Number
            } else {
                FieldKind::BeyondIntegers
            }
        } else {
            match trimmed.parse::<f64>() {
                Ok(number) if number.is_infinite() => FieldKind::BeyondReals,
                Ok(_) => FieldKind::Number,
                Err(_) => FieldKind::Word,
            }
        }
    }
}

/// Returns the text without what SQLite passes over around a number.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

/// Returns the problem of an integer that SQLite would turn into the nearest real.
pub(in crate::data) fn beyond_integers(text: &str) -> String {
    format!("{text} is beyond the integers of SQLite, {} to {}", i64::MIN, i64::MAX)
}
