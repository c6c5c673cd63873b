//! Records of a data file, whatever its format.

use std::rc::Rc;

use rusqlite::types::Value;

/// A format of data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Csv,
    Json,
    Sql,
}

/// The rows for one table, as a file has them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Records {
    /// The columns that every record has and the line that names them, for a format that does so.
    pub(super) header: Option<(Rc<[String]>, usize)>,
    pub(super) records: Vec<Record>,
}

/// One row, and the line that it starts on.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) columns: Rc<[String]>,
    pub(super) values: Vec<Value>,
}

/// A fault of a file, and its line.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed {
    pub(super) line: Option<usize>,
    pub(super) problem: String,
}
