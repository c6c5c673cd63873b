//! The answers of SQLite, a pool and the system that errors are made of.

use std::path::PathBuf;

use super::words::{is_lock, list};
use super::{Conflict, Error};
use crate::key::BindKey;

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Sql { source, .. }
            | Error::Locked { source, .. }
            | Error::Stale { source, .. }
            | Error::Prepare { source, .. }
            | Error::Commit { source, .. }
            | Error::InUse { source, .. }
            | Error::Restore { source, .. } => Some(source),
            Error::Pool { source, .. } => Some(source),
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Error {
    /// Makes an error of SQLite's answer to something on a bind that is no statement of the user's; for `map_err`.
    pub(crate) fn sql(bind: &BindKey) -> impl FnOnce(rusqlite::Error) -> Error + '_ {
        move |source| Error::sqlite(bind, None, source)
    }

    /// Makes an error of SQLite's answer to a statement on a bind; for `map_err`.
    pub(crate) fn sql_in<'a>(bind: &'a BindKey, sql: &'a str) -> impl FnOnce(rusqlite::Error) -> Error + 'a {
        move |source| Error::sqlite(bind, Some(sql), source)
    }

    /// Makes an error of SQLite's answer.
    pub(crate) fn sqlite(bind: &BindKey, sql: Option<&str>, source: rusqlite::Error) -> Error {
        let (bind, sql) = (bind.clone(), sql.map(str::to_string));
        if is_lock(&source) {
            Error::Locked { bind, sql, conflict: None, source, at: None }
        } else {
            Error::Sql { bind, sql, source, at: None }
        }
    }

    /// Adds the holder of the lock, where one is held.
    pub(crate) fn held_by(mut self, find: impl FnOnce() -> Option<Box<Conflict>>) -> Error {
        if let Error::Locked { conflict, .. } = &mut self {
            *conflict = find();
        }
        self
    }

    /// Adds the statement that it kept from running, where it has none.
    pub(crate) fn before(mut self, statement: &str) -> Error {
        if let Error::Sql { sql, .. } | Error::Locked { sql, .. } | Error::Stale { sql, .. } = &mut self {
            sql.get_or_insert_with(|| statement.to_string());
        }
        self
    }

    /// Returns the error for a row with a column that a table does not have.
    pub(crate) fn no_column(bind: &BindKey, table: &str, column: &str, columns: &[String]) -> Error {
        let columns = list(columns);
        let problem = format!("no column `{column}` in table `{table}` of bind `{bind}`, whose columns are {columns}");
        Error::Row { bind: Some(bind.clone()), problem, at: None }
    }

    /// Returns the error for a row that cannot be used as it is.
    pub(crate) fn row(problem: String) -> Error {
        Error::Row { bind: None, problem, at: None }
    }

    /// Adds the bind and the table that a row was for or from; for `map_err`.
    pub(crate) fn in_table<'a>(bind: &'a BindKey, table: &'a str) -> impl FnOnce(Error) -> Error + 'a {
        move |error| match error {
            Error::Row { bind: None, problem, at } => {
                let problem = format!("table `{table}` of bind `{bind}`: {problem}");
                Error::Row { bind: Some(bind.clone()), problem, at }
            }
            error => error,
        }
    }

    /// Makes an error of the system's answer to an operation on a path; for `map_err`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { bind: None, action, path: path.into(), source, at: None }
    }

    /// Adds the bind whose database is in a file or folder; for `map_err`.
    pub(crate) fn of_bind(key: &BindKey) -> impl FnOnce(Error) -> Error + '_ {
        move |error| match error {
            Error::Io { bind: None, action, path, source, .. } => {
                Error::Io { bind: Some(key.clone()), action, path, source, at: None }
            }
            error => error,
        }
    }
}
