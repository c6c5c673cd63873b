//! The rows that a table is to hold, compared with those that it holds.

mod compare;
mod expected;
mod stored;
mod verdict;

pub(crate) use compare::{Difference, Different, Missing};
pub use expected::ExpectedRows;
pub(crate) use verdict::{verdict_on_rows, OtherRows, WrongRows};
