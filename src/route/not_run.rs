//! The refusal of a statement that a session does not run.

use crate::error::Error;

/// Returns the error for a statement that is not run, with the reason and the way out.
pub(super) fn not_run(sql: &str, problem: impl Into<String>) -> Error {
    Error::Statement { sql: sql.to_string(), problem: problem.into(), at: None }
}

/// Why a statement is not run that uses `temp`.
pub(super) const USES_TEMPORARY: &str =
    "a temporary table lives on one connection: create and use it with `session.on(key)`";
