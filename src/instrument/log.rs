//! Messages to the user's logger from within SQLite's callbacks.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// Writes a message to the user's logger. A panic in there stops no statement.
pub(super) fn log(write: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(write));
}
