//! Whose connection writes to a database.

/// Whose a connection is that writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Writer {
    /// One of the harness's pools or sessions.
    Ours,
    /// Of this crate's own looks and repairs.
    Harness,
    /// Somebody's who has opened it by the bind's URI.
    #[default]
    Others,
}
