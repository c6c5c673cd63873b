//! The rows that a test expects in a table: written in the test, or in a data file.

use std::path::{Path, PathBuf};

use crate::row::Row;

/// The rows that a table is to hold: a list of [`row!`](crate::row!)s, or the path of a CSV or JSON file; for
/// [`Harness::assert_rows`](crate::Harness::assert_rows).
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
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it asserts nothing by itself: give it to `Harness::assert_rows`"]
pub struct ExpectedRows(pub(super) Source);

/// The place where expected rows are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Rows(Vec<Row>),
    File(PathBuf),
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

impl From<&[Row]> for ExpectedRows {
    fn from(rows: &[Row]) -> Self {
        ExpectedRows(Source::Rows(rows.to_vec()))
    }
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
