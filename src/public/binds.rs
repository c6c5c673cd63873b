//! The storage of a bind, the lag of a replica, the context of a dynamic bind; the engine and the description of what runs; a prepared state.

pub use crate::config::{Lag, Storage};
pub use crate::context::BindContext;
pub use crate::harness::{Engine, Prepared};
pub use crate::observe::Description;
