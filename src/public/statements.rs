//! Statements: the record of those that ran, from [`Harness::record`](crate::Harness::record).

pub use crate::instrument::TransactionEnd;
pub use crate::observe::{Statement, StatementKind, StatementLog};
