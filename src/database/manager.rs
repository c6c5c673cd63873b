//! The manager of a bind's `r2d2` pool: `r2d2_sqlite`'s, whose type applications name, or this crate's own without that feature.

#[cfg(feature = "r2d2_sqlite")]
pub use foreign::Manager;
#[cfg(not(feature = "r2d2_sqlite"))]
pub use own::Manager;

#[cfg(feature = "r2d2_sqlite")]
pub(super) use foreign::manage;
#[cfg(not(feature = "r2d2_sqlite"))]
pub(super) use own::manage;

#[cfg(feature = "r2d2_sqlite")]
mod foreign {
    use r2d2_sqlite::SqliteConnectionManager;

    use crate::database::opening::{placeholder, Opening};
    use crate::sqlite::find_slots_on;

    /// The manager of a [`Pool`](crate::pools::Pool): with the feature `r2d2_sqlite` its `SqliteConnectionManager`, without it a
    /// type of this crate that opens the same connections.
    ///
    /// ```
    /// use multibind::pools::Manager;
    /// use multibind::r2d2;
    ///
    /// fn idle(pool: &r2d2::Pool<Manager>) -> u32 {
    ///     pool.state().idle_connections
    /// }
    ///
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// assert_eq!(idle(&db.pool("auth")?), 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub type Manager = SqliteConnectionManager;

    /// Returns a manager of the pool's connections.
    pub(in crate::database) fn manage(name: String, opening: Opening) -> Manager {
        // It shows the name, and opens a connection to nothing, which the bind's replaces.
        SqliteConnectionManager::file(name).with_flags(placeholder()).with_init(move |conn| {
            find_slots_on(conn);
            *conn = opening.connect()?;
            Ok(())
        })
    }
}

#[cfg(not(feature = "r2d2_sqlite"))]
mod own {
    use std::fmt;

    use r2d2::ManageConnection;
    use rusqlite::Connection;

    use crate::database::opening::Opening;

    /// The manager of a [`Pool`](crate::pools::Pool): with the feature `r2d2_sqlite` its `SqliteConnectionManager`, without it
    /// this type, which opens the same connections.
    ///
    /// ```
    /// use multibind::pools::Manager;
    /// use multibind::r2d2;
    ///
    /// fn idle(pool: &r2d2::Pool<Manager>) -> u32 {
    ///     pool.state().idle_connections
    /// }
    ///
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// assert_eq!(idle(&db.pool("auth")?), 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub struct Manager {
        name: String,
        opening: Opening,
    }

    /// Shows the bind and its URI.
    impl fmt::Debug for Manager {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("Manager").field(&self.name).finish()
        }
    }

    impl ManageConnection for Manager {
        type Connection = Connection;
        type Error = rusqlite::Error;

        fn connect(&self) -> rusqlite::Result<Connection> {
            self.opening.connect()
        }

        /// Succeeds: a database of this process cannot go away.
        fn is_valid(&self, _: &mut Connection) -> rusqlite::Result<()> {
            Ok(())
        }

        fn has_broken(&self, _: &mut Connection) -> bool {
            false
        }
    }

    /// Returns a manager of the pool's connections.
    pub(in crate::database) fn manage(name: String, opening: Opening) -> Manager {
        Manager { name, opening }
    }
}
