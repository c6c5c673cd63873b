//! Records of a data file, whatever its format.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rusqlite::types::Value;

/// A format of data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Csv,
    Json,
    Sql,
    /// Of a scenario.
    Toml,
}

/// The content of a data file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    /// The text, not yet looked at.
    Text(String),
    /// The rows that a scenario has for a table.
    Rows(Arc<Records>),
}

/// The rows for one table, as a file has them.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(crate) struct Records {
    /// The columns that every record has and the line that names them, for a format that does so.
    pub(super) header: Option<(Arc<[String]>, usize)>,
    pub(super) records: Vec<Record>,
}

/// No value is a NaN, which SQLite stores none of.
impl Eq for Records {}

/// One row, and the line that it starts on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(super) line: usize,
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Value>,
    /// Its name, `auth.user.bob`, where it has a label.
    pub(super) name: Option<Arc<str>>,
}

/// Values have no hash of their own, for the sake of the reals.
impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Record { line, columns, values, name } = self;
        (line, columns, name, values.len()).hash(state);
        for value in values {
            match value {
                Value::Null => 0.hash(state),
                Value::Integer(number) => (1, number).hash(state),
                Value::Real(number) => (2, number.to_bits()).hash(state),
                Value::Text(text) => (3, text).hash(state),
                Value::Blob(bytes) => (4, bytes).hash(state),
            }
        }
    }
}

/// A fault of a file, and its line.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed {
    pub(super) line: Option<usize>,
    pub(super) problem: String,
}
