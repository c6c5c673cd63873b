//! Putting a hook on a connection, in every version of rusqlite.

/// What rusqlite gives back where a hook is set: nothing in 0.37, and from 0.38 on an error for a connection that somebody
/// else owns.
pub(crate) trait Hooked {
    /// Whether the hook is on the connection.
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
