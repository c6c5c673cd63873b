//! The body of a function that SQLite calls.
//!
//! A panic that reaches C ends the process. So the body of each `extern "C"` function of this crate is one call of
//! [`without_panic`], or begins with a comment that says why nothing in it panics. `.ci/run house` checks this.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// Does something for SQLite; where it panics, `otherwise` is the answer.
pub(crate) fn without_panic<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}
