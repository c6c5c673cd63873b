//! Putting a hook on a connection, in every version of rusqlite.

use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::Connection;

/// A callback that SQLite asks before it prepares a statement. One type for all of them, since rusqlite's part of an
/// authorizer is compiled anew for each type.
pub(crate) type Authorizer = Box<dyn FnMut(AuthContext<'_>) -> Authorization + Send>;

/// Sets a connection's authorizer, or removes the one that it has.
pub(crate) fn authorize(conn: &Connection, authorizer: Option<Authorizer>) -> rusqlite::Result<()> {
    conn.authorizer(authorizer).hooked()
}

/// The answer of rusqlite to setting a hook: nothing in 0.37, and from 0.38 on an error for a connection that somebody
/// else owns.
pub(crate) trait Hooked {
    /// Returns whether the hook is on the connection.
    fn hooked(self) -> rusqlite::Result<()>;
}

impl Hooked for () {
    fn hooked(self) -> rusqlite::Result<()> {
        Ok(())
    }
}

impl Hooked for rusqlite::Result<()> {
    fn hooked(self) -> rusqlite::Result<()> {
        self
    }
}
