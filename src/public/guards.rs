//! Binds that a part of a test must not use or not write to, from [`Harness::allow_only`](crate::Harness::allow_only) and
//! [`Harness::deny_writes`](crate::Harness::deny_writes).

pub use crate::observe::{Guard, Refusal};
