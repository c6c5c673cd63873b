//! Locks: which connection holds one and which waits for it, in an [`Error`](crate::Error).

pub use crate::error::Conflict;
