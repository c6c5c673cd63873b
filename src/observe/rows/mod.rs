//! The rows that a table is to hold, compared with those that it holds.

mod compare;
mod expected;
mod held;
mod read;
mod stored;
mod verdict;

pub(super) use compare::{compare, fits};
pub(crate) use compare::{Difference, Different, Missing};
pub use expected::ExpectedRows;
pub(super) use held::Held;
pub(super) use read::{read, stored, Of};
pub(crate) use verdict::{verdict_on_rows, Extent, OtherRows, WrongRows};
