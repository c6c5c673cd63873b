//! The rows that a test expects: a number of them, or each by its values, written in the test or in a data file.

use std::path::{Path, PathBuf};

#[cfg(feature = "serde")]
use serde_core::Serialize;

use crate::list::mapped;
use crate::row::Row;

/// The rows that are to be in a table, or in a change: a number of them, a list of [`row!`](crate::row!)s, a reference to a list
/// of structs with the feature `serde`, or the path of a CSV or JSON file; for [`Harness::assert_rows`](crate::Harness::assert_rows) and
/// [`ExpectedChange`](crate::changes::ExpectedChange).
///
/// ```
/// use std::path::Path;
/// use multibind::landings::ExpectedRows;
/// use multibind::row;
///
/// let written = ExpectedRows::from([row! { name: "ann" }, row! { name: "bob" }]);
/// let in_a_file = ExpectedRows::from("fixtures/data/auth/user.csv");
/// assert_eq!(in_a_file, ExpectedRows::from(Path::new("fixtures/data/auth/user.csv")));
/// assert_ne!(in_a_file, written);
/// assert_ne!(ExpectedRows::from(2), written); // two rows, whatever they are
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it asserts nothing by itself: give it to `Harness::assert_rows`"]
pub struct ExpectedRows(pub(super) Source);

/// The place where expected rows are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// So many, whatever their values are.
    Count(usize),
    Rows(Vec<Row>),
    File(PathBuf),
}

impl Default for ExpectedRows {
    fn default() -> Self {
        ExpectedRows(Source::Count(0))
    }
}

impl ExpectedRows {
    /// Returns whether their values are expected, and not just a number.
    pub(crate) fn has_values(&self) -> bool {
        !matches!(self.0, Source::Count(_))
    }

    /// Returns the number of rows, `None` where a file has to be read for it.
    pub(crate) fn count(&self) -> Option<usize> {
        match &self.0 {
            Source::Count(count) => Some(*count),
            Source::Rows(rows) => Some(rows.len()),
            Source::File(_) => None,
        }
    }

    /// Returns them, where they are written in the test.
    pub(in crate::observe) fn rows(&self) -> Option<&[Row]> {
        match &self.0 {
            Source::Rows(rows) => Some(rows),
            Source::Count(_) | Source::File(_) => None,
        }
    }

    /// Returns the file that has them.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.0 {
            Source::File(path) => Some(path),
            Source::Count(_) | Source::Rows(_) => None,
        }
    }
}

impl From<usize> for ExpectedRows {
    fn from(count: usize) -> Self {
        ExpectedRows(Source::Count(count))
    }
}

impl<const N: usize> From<[Row; N]> for ExpectedRows {
    fn from(rows: [Row; N]) -> Self {
        ExpectedRows(Source::Rows(rows.into()))
    }
}

impl From<Vec<Row>> for ExpectedRows {
    fn from(rows: Vec<Row>) -> Self {
        ExpectedRows(Source::Rows(rows))
    }
}

/// Lists by reference: of rows and, with the feature `serde`, of what serde writes as one.
macro_rules! expected_from_list {
    ($([$($generics:tt)*] $list:ty;)*) => {$(
        impl<$($generics)*> From<$list> for ExpectedRows {
            fn from(rows: $list) -> Self {
                ExpectedRows(Source::Rows(mapped(rows, Row::from)))
            }
        }
    )*};
}
#[cfg(feature = "serde")]
expected_from_list! {
    [T: Serialize] &[T];
    [T: Serialize] &Vec<T>;
    [T: Serialize, const N: usize] &[T; N];
}
#[cfg(not(feature = "serde"))]
expected_from_list! {
    [] &[Row];
    [] &Vec<Row>;
    [const N: usize] &[Row; N];
}

/// A path is a file's.
macro_rules! expected_from_path {
    ($($path:ty),*) => {$(
        impl From<$path> for ExpectedRows {
            fn from(path: $path) -> Self {
                ExpectedRows(Source::File(path.into()))
            }
        }
    )*};
}
expected_from_path!(&str, String, &Path, PathBuf);
