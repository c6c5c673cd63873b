//! The messages of failed assertions.

use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::frame::unframed;

/// Returns the message of an assertion that must fail, as it is printed.
pub(crate) fn message<T>(assertion: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(assertion)) else { panic!("the assertion passed") };
    *panic.downcast::<String>().unwrap()
}

/// Returns the message of an assertion that must fail, with its tables unframed.
pub(crate) fn failure<T>(assertion: impl FnOnce() -> T) -> String {
    unframed(message(assertion))
}
