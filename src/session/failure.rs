//! Errors of a statement that a session does not run or that fails.

use rusqlite::ffi;

use crate::error::Error;
use crate::instrument::Rule;
use crate::key::BindKey;

/// Returns the error for a statement that a session does not run, with what to do.
pub(super) fn not_run(sql: &str, problem: impl ToString) -> Error {
    Error::Statement { sql: sql.to_string(), problem: problem.to_string(), at: None }
}

/// Returns the error for a statement that a guard refuses.
pub(super) fn guarded(key: &BindKey, rule: &Rule, sql: &str) -> Error {
    Error::Guarded { bind: key.clone(), guard: rule.to_string(), sql: sql.to_string(), at: None }
}

/// Returns SQLite's error with its bind, and with a way out where there is one.
pub(super) fn failed(key: &BindKey, sql: &str, source: rusqlite::Error) -> Error {
    match source {
        rusqlite::Error::ExecuteReturnedResults => not_run(sql, "it returns rows: give it to `query` or `query_row`"),
        source => stale_or(key, Some(sql), source),
    }
}

/// Makes an error of SQLite's answer where no statement has run yet.
pub(super) fn failed_before(key: &BindKey, source: rusqlite::Error) -> Error {
    stale_or(key, None, source)
}

fn stale_or(key: &BindKey, sql: Option<&str>, source: rusqlite::Error) -> Error {
    match &source {
        rusqlite::Error::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => {
            Error::Stale { bind: key.clone(), sql: sql.map(str::to_string), source, at: None }
        }
        _ => Error::sqlite(key, sql, source),
    }
}
