//! Databases that URLs name, each with one canonical URL.

use std::fmt;

use super::escape::percent_encoded;
use super::redact::redacted;

/// A URL, as far as it names a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseUrl {
    /// The database, the same for each of its URLs; `None` for memory of its own.
    pub(crate) named: Option<Named>,
    /// The way in which it asks connections to share it.
    pub(crate) sharing: Option<Sharing>,
}

/// A database that more than one URL can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Memory, by the name and the sharing by which SQLite finds it.
    Memory { name: String, sharing: Sharing },
    /// A file, by its path as written, without `.` and `..`.
    File { path: String },
    /// A database of a server; `more` has the parameters of a server of which it is not known what they mean.
    Server { family: Family, hosts: Vec<String>, database: String, more: String },
    /// A database of whose URL only the text is known, as it names variables that are not set.
    Written(WrittenUrl),
}

/// The text of a URL, shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WrittenUrl(pub(crate) String);

impl fmt::Debug for WrittenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

/// Ways of SQLite in which connections of one process share a database in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// A [shared cache](https://sqlite.org/sharedcache.html).
    Cache,
    /// The VFS `memdb`, see <https://sqlite.org/inmemorydb.html>.
    MemDb,
}

/// Servers that are reached by URLs of the same schemes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Postgres,
    MySql,
    /// Another server, with its scheme.
    Other(String),
}

impl Family {
    pub(super) fn scheme(&self) -> &str {
        match self {
            Family::Postgres => "postgresql",
            Family::MySql => "mysql",
            Family::Other(scheme) => scheme,
        }
    }

    /// Returns the port of a URL that names none, if one is usual.
    pub(super) fn port(&self) -> Option<u16> {
        match self.scheme() {
            "postgresql" => Some(5432),
            "mysql" => Some(3306),
            "mssql" => Some(1433),
            "oracle" => Some(1521),
            "cockroachdb" => Some(26257),
            _ => None,
        }
    }
}

/// A URL of the database, the same for every URL that names it.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Memory { name, sharing: Sharing::Cache } => {
                write!(f, "file:{}?mode=memory&cache=shared", percent_encoded(name, b"?#"))
            }
            Named::Memory { name, sharing: Sharing::MemDb } => {
                write!(f, "file:{}?vfs=memdb", percent_encoded(name, b"?#"))
            }
            Named::File { path } => write!(f, "sqlite:///{}", percent_encoded(path, b"?#")),
            Named::Written(text) => write!(f, "{text:?}"),
            Named::Server { family, hosts, database, more } => {
                let database = percent_encoded(database, b"?#");
                write!(f, "{}://", family.scheme())?;
                // A socket of MySQL has no port after it.
                if let (Family::MySql, [socket]) = (family, hosts.as_slice())
                    && socket.starts_with('/')
                {
                    return write!(f, "/{database}?unix_socket={}", percent_encoded(socket, b"&#"));
                }
                for (at, host) in hosts.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma}{}", percent_encoded(host, b"/?#,@"))?;
                }
                write!(f, "/{database}")?;
                if !more.is_empty() {
                    write!(f, "?{more}")?;
                }
                Ok(())
            }
        }
    }
}
