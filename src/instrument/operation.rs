//! The operations on a table that a fault can be about.

/// An operation of a statement on a table, as SQLite's authorizer reports it.
///
/// The operations of a trigger, a view or a foreign key's action count.
///
/// ```
/// # use multibind::{faults::Operation, Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// let _fault = db.fault("auth").fail_statement("user", Operation::Insert)?;
/// let error = db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", []).unwrap_err();
/// assert_eq!(error.sqlite_error_code(), Some(multibind::rusqlite::ErrorCode::AuthorizationForStatementDenied));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Reads from the table, be it to find the rows that the statement changes.
    Read,
    /// Inserts rows.
    Insert,
    /// Updates rows.
    Update,
    /// Deletes rows.
    Delete,
}
