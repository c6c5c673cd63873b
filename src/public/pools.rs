//! Types of what [`Harness::pool`](crate::Harness::pool) and [`Harness::connection`](crate::Harness::connection) return.

pub use crate::database::{Manager, Pool, PooledConnection};
