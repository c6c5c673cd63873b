//! The holder of a lock and the connection that waits for it, in an [`Error`](crate::Error).

pub use crate::error::Conflict;
