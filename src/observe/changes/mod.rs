//! The changes in every bind since a snapshot.

mod change;
mod columns;
mod compare;
mod contents;
mod definition;
mod expected;
mod makers;
mod misplaced;
mod named;
mod ran;
mod rows;
mod set;
mod since;
mod values;
mod verdict;
mod written;

pub use change::{ChangeKind, RowUpdate, TableChange};
pub(crate) use contents::{contents, Contents, Listed};
pub(crate) use expected::RowKind;
pub use expected::{ExpectedChange, ExpectedChanges, ExpectedTable};
pub(crate) use misplaced::{Misplaced, What};
pub(super) use rows::every_row;
pub use set::ChangeSet;
pub(super) use since::compared;
pub(crate) use since::since_start;
pub(crate) use verdict::{Compared, NotOnly, OtherValues};
pub(crate) use written::{NotWritten, WrittenIn, WrittenReason};
