//! The form in which each SQLite driver takes the address of a database.

/// A driver that code under test opens its databases with, for [`Harness::uri_for`](crate::Harness::uri_for).
///
/// The guide's chapter [Drivers](crate::guide::drivers) has what goes with which.
///
/// ```
/// use multibind::{Bind, Driver, Harness};
///
/// let db = Harness::builder().bind("auth", Bind::memory()).start()?;
/// assert!(db.uri_for(Driver::Diesel, "auth")?.starts_with("file:/"));
/// assert!(db.uri_for(Driver::Sqlx, "auth")?.starts_with("sqlite:///"));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Driver {
    /// `rusqlite::Connection::open`.
    Rusqlite,
    /// `r2d2_sqlite::SqliteConnectionManager::file`; a pool that is set up already is [`pool`](crate::Harness::pool).
    R2d2Sqlite,
    /// `deadpool_sqlite::Config::new`.
    DeadpoolSqlite,
    /// `tokio_rusqlite::Connection::open`.
    TokioRusqlite,
    /// `diesel::SqliteConnection::establish`.
    Diesel,
    /// `sqlx::SqlitePool::connect`, or `SqliteConnectOptions::from_str` for more options.
    Sqlx,
    /// `sea_orm::Database::connect`.
    SeaOrm,
}

impl Driver {
    /// Returns an [SQLite URI](https://sqlite.org/uri.html) as this driver takes it.
    pub(crate) fn form(self, uri: &str) -> String {
        match (self, uri.strip_prefix("file:")) {
            // sqlx reads a URL of its own, with the parameters `mode`, `cache` and `vfs` of SQLite's, and gives SQLite a name
            // and flags. SQLite shares memory by that name only where it is a URI.
            (Driver::Sqlx | Driver::SeaOrm, Some(rest)) if rest.contains("?mode=memory") => format!("sqlite:{uri}"),
            // The two slashes of an authority are those of sqlx's scheme.
            (Driver::Sqlx | Driver::SeaOrm, Some(rest)) if rest.starts_with("//") => format!("sqlite:{rest}"),
            // What follows the two slashes is the name: a drive of Windows has none before it.
            (Driver::Sqlx | Driver::SeaOrm, Some(rest)) => {
                let rest = if cfg!(windows) && !rest.contains('?') { rest.trim_start_matches('/') } else { rest };
                format!("sqlite://{rest}")
            }
            _ => uri.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::memory("file:/multibind/7-0.db?vfs=multibind-0.1.0", "sqlite:///multibind/7-0.db?vfs=multibind-0.1.0")]
    #[case::shared_cache("file:name?mode=memory&cache=shared", "sqlite:file:name?mode=memory&cache=shared")]
    #[case::memdb("file:/name?vfs=memdb", "sqlite:///name?vfs=memdb")]
    #[case::two_slashes("file:////tmp/a.db", "sqlite:////tmp/a.db")]
    #[cfg_attr(not(windows), case::file("file:/tmp/a%3Fb.db", "sqlite:///tmp/a%3Fb.db"))]
    #[cfg_attr(windows, case::file("file:/C:/tmp/a%3Fb.db", "sqlite://C:/tmp/a%3Fb.db"))]
    fn sqlx_has_a_scheme_of_its_own_and_the_rest_take_the_uri(#[case] uri: &str, #[case] url: &str) {
        for driver in [Driver::Sqlx, Driver::SeaOrm] {
            assert_eq!(driver.form(uri), url);
        }
        let rest =
            [Driver::Rusqlite, Driver::R2d2Sqlite, Driver::DeadpoolSqlite, Driver::TokioRusqlite, Driver::Diesel];
        for driver in rest {
            assert_eq!(driver.form(uri), uri);
        }
    }
}
