//! The record of the statements that ran, from [`Harness::record`](crate::Harness::record).

pub use crate::instrument::TransactionEnd;
pub use crate::observe::{Statement, StatementKind, StatementLog};
