//! Binds that fail as a test says, from [`Harness::fault`](crate::Harness::fault).

pub use crate::instrument::Operation;
pub use crate::observe::{Fault, FaultBuilder};
