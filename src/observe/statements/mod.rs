//! The statements that ran, and verdicts on them.

mod log;
mod places;
mod statement;
mod transaction;
mod verdict;
mod writers;

pub use log::StatementLog;
pub(crate) use statement::read;
pub use statement::{Statement, StatementKind};
pub use transaction::RecordedTransaction;
pub(crate) use verdict::{Miscount, Tally, Unrecorded, Written};
