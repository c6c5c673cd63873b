//! The state of a connection's transaction, through SQLite's C interface: rusqlite's way to name a schema differs by version.

use rusqlite::{ffi, Connection};

/// The state of a connection's transaction in `main`, see <https://sqlite.org/c3ref/txn_state.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionState {
    /// None, or one in which nothing was read.
    None,
    Read,
    Write,
}

impl TransactionState {
    pub(crate) fn of(conn: &Connection) -> TransactionState {
        // SAFETY: the handle is open, and the name ends with a NUL.
        match unsafe { ffi::sqlite3_txn_state(conn.handle(), c"main".as_ptr()) } {
            ffi::SQLITE_TXN_WRITE => TransactionState::Write,
            ffi::SQLITE_TXN_READ => TransactionState::Read,
            _ => TransactionState::None,
        }
    }
}
