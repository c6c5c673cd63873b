//! The effects of a statement, as far as guards judge them.

/// The effects of a statement on the database of its connection, as SQLite reports them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deed {
    /// It begins or ends a transaction or a savepoint, and does nothing else.
    pub(super) transaction: bool,
    /// It may write to the connection's own database.
    pub(super) writes: bool,
    /// It may write to one that was attached.
    pub(super) writes_elsewhere: bool,
    /// It attaches a database, uses one that was attached or writes a copy to one, which may be any.
    pub(super) elsewhere: bool,
    /// It writes, and SQLite has asked about nothing: a `VACUUM`, which prepares statements of its own.
    pub(super) vacuums: bool,
    /// It uses a table, and so begins by comparing the schema with the one that it was prepared for.
    pub(super) uses_tables: bool,
    /// It uses no database at all: `SELECT 1`, by which a pool asks whether a connection works.
    pub(super) uses_nothing: bool,
    /// It is a pragma that SQLite does without asking whether the connection may write.
    pub(super) acts_at_once: bool,
}
