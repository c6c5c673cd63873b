//! The connections that this crate opens for itself, to databases that are nobody's bind.

use std::cell::Cell;

use rusqlite::Connection;

thread_local! {
    /// Set while this thread opens one.
    static OPENS: Cell<bool> = const { Cell::new(false) };
}

/// Opens a database in memory that nobody else sees.
pub(crate) fn open_in_memory() -> rusqlite::Result<Connection> {
    opening(Connection::open_in_memory)
}

/// Opens connections of this crate's own.
pub(crate) fn opening<T>(open: impl FnOnce() -> T) -> T {
    /// Sets it back, also after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            OPENS.set(self.0);
        }
    }
    let _before = Before(OPENS.replace(true));
    open()
}

/// Returns whether this thread opens a connection of this crate's own.
pub(crate) fn is_opening() -> bool {
    OPENS.try_with(Cell::get).unwrap_or(false)
}
