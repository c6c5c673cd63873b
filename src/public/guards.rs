//! Binds that a part of a test must not use or not write to, from [`Harness::allow_only`](crate::Harness::allow_only),
//! [`Harness::deny`](crate::Harness::deny) and [`Harness::deny_writes`](crate::Harness::deny_writes), and databases that are no
//! bind, from [`Harness::deny_outside`](crate::Harness::deny_outside).

pub use crate::instrument::Stray;
pub use crate::observe::{Guard, OutsideGuard, Refusal};
