//! The statements that ran, and verdicts on them.

mod log;
mod statement;
mod verdict;

pub use log::StatementLog;
pub(crate) use statement::read;
pub use statement::{Statement, StatementKind};
pub(crate) use verdict::{Miscount, Unrecorded, Written};
