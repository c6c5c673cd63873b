//! Binds: where each has its database, how far a replica lags, by what a dynamic bind chooses, and what runs in the end.

pub use crate::config::{Lag, Storage};
pub use crate::context::BindContext;
pub use crate::harness::Engine;
pub use crate::observe::Description;
