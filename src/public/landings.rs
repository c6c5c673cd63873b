//! Landings: where a row was found, and rows whose reference to another bind leads nowhere.

pub use crate::error::Orphan;
pub use crate::observe::Landing;
