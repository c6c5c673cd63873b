//! The message of a failed assertion.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// Returns the message of an assertion that must fail, as it is printed.
pub(crate) fn message<T>(assertion: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(assertion)) else { panic!("the assertion passed") };
    *panic.downcast::<String>().unwrap()
}
