//! What a database URL names: memory, a file or a database of a server. Nothing here opens it: URLs are compared.

mod authority;
mod escape;

use std::fmt;

pub(crate) use authority::{read_hosts, read_ports, Authority};
pub(crate) use escape::percent_decoded;

use crate::nearest::nearest;
use escape::percent_encoded;

/// What a URL says of its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseUrl {
    /// What it has in common with every other URL of the same database; `None` for memory of its own.
    pub(crate) named: Option<Named>,
    /// The way that connections share it which it asks for.
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
}

/// Ways of SQLite in which connections of one process share a database in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// By a [shared cache](https://sqlite.org/sharedcache.html).
    Cache,
    /// By the VFS `memdb`, see <https://sqlite.org/inmemorydb.html>.
    MemDb,
}

/// Servers that are reached by URLs of the same schemes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Postgres,
    MySql,
    /// By its scheme.
    Other(String),
}

impl Family {
    fn scheme(&self) -> &str {
        match self {
            Family::Postgres => "postgresql",
            Family::MySql => "mysql",
            Family::Other(scheme) => scheme,
        }
    }

    /// The port of a URL that names none, if one is usual.
    fn port(&self) -> Option<u16> {
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

/// Schemes with a meaning here; all but `file` may have a driver, as in `mysql+pymysql`.
const SCHEMES: [&str; 9] =
    ["sqlite", "sqlite3", "file", "postgres", "postgresql", "mysql", "mysql2", "mysqldb", "mariadb"];

/// Schemes of other servers, which are no misspelling of one of those.
const OTHERS: [&str; 12] = [
    "bigquery",
    "clickhouse",
    "cockroachdb",
    "db2",
    "duckdb",
    "firebird",
    "libsql",
    "mssql",
    "oracle",
    "redshift",
    "snowflake",
    "sqlserver",
];

/// The URL of any form that names the same database, and every such URL gives the same text; `None` where it names none
/// that another URL could name, or is no URL.
pub(crate) fn canonical(text: &str) -> Option<String> {
    parse(text).ok()?.named.map(|named| named.to_string())
}

/// The scheme with a meaning that an unknown one is nearly, with the one that was written.
pub(crate) fn misspelt_scheme(text: &str) -> Option<(String, &'static str)> {
    let scheme = text.split_once("://")?.0.to_ascii_lowercase();
    let base = scheme.split('+').next().unwrap_or_default().to_string();
    let known = SCHEMES.contains(&base.as_str()) || OTHERS.contains(&base.as_str());
    let near = nearest(&base, &SCHEMES).filter(|_| !known)?;
    Some((base, near))
}

/// Whether a parameter of this name is written where SQLite's `cache` is meant, as people copy it from each other.
pub(crate) fn misspells_cache(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let local = scheme.is_empty() || scheme == "file" || scheme.starts_with("sqlite");
    let Some((_, query)) = text.split_once('?') else { return false };
    local && pairs(query).iter().any(|(name, _)| *name == "cached")
}

/// Whether a parameter or a pragma of this name is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = percent_decoded(name).to_ascii_lowercase();
    // ODBC's connection string has the password in it.
    name == "odbc_connect"
        || ["pass", "pwd", "secret", "token"].iter().any(|part| name.contains(part))
        || name.ends_with("key")
}

/// Reads a URL, or says what is wrong with it, in words that follow it.
pub(crate) fn parse(text: &str) -> Result<DatabaseUrl, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_string());
    }
    if let Some(query) = text.strip_prefix(":memory:")
        && (query.is_empty() || query.starts_with('?'))
    {
        return Ok(DatabaseUrl { named: None, sharing: sharing(&pairs(query.trim_start_matches('?'))) });
    }
    let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err("has no scheme".to_string());
    };
    let lower = scheme.to_ascii_lowercase();
    let base = lower.split('+').next().unwrap_or_default();
    let family = match base {
        "file" if base == lower => return parse_file_uri(rest),
        "sqlite" | "sqlite3" => return parse_sqlite(&lower, rest),
        "postgres" | "postgresql" => Family::Postgres,
        "mysql" | "mysql2" | "mysqldb" | "mariadb" => Family::MySql,
        "sqlserver" => Family::Other("mssql".to_string()),
        // `localhost:5432/db`, `C:\app.db`: what stands before the colon was not meant as a scheme.
        _ if !rest.starts_with("//") => {
            return Err(match nearest(base, &SCHEMES) {
                Some(known) => format!("has the unknown scheme `{scheme}`, the nearest known one is `{known}`"),
                None => "has no scheme that is known".to_string(),
            });
        }
        base => Family::Other(base.to_string()),
    };
    match rest.strip_prefix("//") {
        Some(rest) => parse_server(family, rest),
        None => Err(format!("has no `//` after `{scheme}:`")),
    }
}

/// `sqlite:`, as SQLAlchemy writes it (three slashes, then the path) and as sqlx does (two or none).
fn parse_sqlite(scheme: &str, rest: &str) -> Result<DatabaseUrl, String> {
    let name = match rest.strip_prefix("//") {
        Some(rest) => {
            // SQLCipher's driver has the passphrase where a server's has the password.
            let rest = match rest.rfind('@').filter(|_| scheme.contains("cipher")) {
                Some(at) => &rest[at + 1..],
                None => rest,
            };
            rest.strip_prefix('/').unwrap_or(rest)
        }
        None => rest,
    };
    if let Some(uri) = name.strip_prefix("file:") {
        return parse_file_uri(uri);
    }
    let (path, query) = name.split_once('?').unwrap_or((name, ""));
    let mut read = named_file(path, query);
    // A driver keeps memory without a name to each of its connections, or to each of its pools.
    if percent_decoded(path) == ":memory:" {
        read.named = None;
    }
    Ok(read)
}

/// What follows `file:` in an [SQLite URI](https://sqlite.org/uri.html).
fn parse_file_uri(rest: &str) -> Result<DatabaseUrl, String> {
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match path.strip_prefix("//") {
        Some(authority) => {
            let (host, _) = authority.split_at(authority.find('/').unwrap_or(authority.len()));
            if !host.is_empty() && host != "localhost" {
                return Err("has a host between `file://` and the path, which SQLite does not take: write `file:` \
                            before a relative path, `file://` before an absolute one"
                    .to_string());
            }
            &authority[host.len()..]
        }
        None => path,
    };
    Ok(named_file(path, query))
}

/// A file by its path, or memory where the path or the parameters say so.
fn named_file(path: &str, query: &str) -> DatabaseUrl {
    let parameters = pairs(query);
    let is_set = |name: &str, to: &str| parameters.contains(&(name, to));
    let sharing = sharing(&parameters);
    let path = percent_decoded(path);
    let is_memory = path == ":memory:" || is_set("mode", "memory") || is_set("vfs", "memdb");
    let named = match (path.as_ref(), sharing) {
        // SQLite keeps a database without a name in memory, and in a temporary file where it grows large.
        ("", _) => None,
        // A name that begins otherwise is of one connection alone.
        (name, Some(Sharing::MemDb)) if !name.starts_with('/') => None,
        (name, Some(sharing)) if is_memory => Some(Named::Memory { name: name.to_string(), sharing }),
        (_, None) if is_memory => None,
        (path, _) => Some(Named::File { path: normalised(path) }),
    };
    DatabaseUrl { named, sharing }
}

/// The way of sharing that parameters ask for. The misspelt `cached` is taken for what it means.
fn sharing(parameters: &[(&str, &str)]) -> Option<Sharing> {
    if parameters.contains(&("vfs", "memdb")) {
        return Some(Sharing::MemDb);
    }
    // Of one that is there twice, SQLite takes the last.
    let cache = parameters.iter().rev().find(|(name, _)| *name == "cache" || *name == "cached");
    cache.filter(|(_, kind)| *kind == "shared").map(|_| Sharing::Cache)
}

/// What follows `//` in the URL of a server.
fn parse_server(family: Family, text: &str) -> Result<DatabaseUrl, String> {
    let no_port = || "has a port that is not a number from 0 to 65535".to_string();
    let Authority { user, hosts, rest } = Authority::read(text);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));

    let mut database = percent_decoded(path.strip_prefix('/').unwrap_or(path)).into_owned();
    let mut hosts = read_hosts(hosts).ok_or_else(no_port)?;
    let mut host_parameters = Vec::new();
    let mut ports = Vec::new();
    let mut socket = None;
    let mut more = Vec::new();
    for (name, value) in pairs(query) {
        match (name, &family) {
            (name, Family::Other(_)) if !name.is_empty() && !is_secret(name) => more.push(format!("{name}={value}")),
            (_, Family::Other(_)) => {}
            // SQLAlchemy repeats the parameter for several hosts, libpq has a list.
            ("host", _) => {
                for host in value.split(',') {
                    host_parameters.push(host);
                }
            }
            ("port", _) => ports = read_ports(value).ok_or_else(no_port)?,
            ("dbname", Family::Postgres) => database = percent_decoded(value).into_owned(),
            ("unix_socket" | "socket", Family::MySql) => socket = Some(percent_decoded(value).into_owned()),
            _ => {}
        }
    }
    more.sort_unstable();
    let more = more.join("&");
    if database.is_empty() && family == Family::Postgres {
        // PostgreSQL's database is then the one with the user's name.
        database = percent_decoded(user).into_owned();
    }
    let of = |hosts: Vec<String>, database: String| {
        let named = Named::Server { family: family.clone(), hosts, database, more: more.clone() };
        DatabaseUrl { named: Some(named), sharing: None }
    };
    if let Some(socket) = socket {
        return Ok(of(vec![normalised(&socket)], database));
    }
    if !host_parameters.is_empty() {
        hosts.clear();
        for host in host_parameters {
            if host.starts_with('/') {
                // A folder with a socket in it; its name may have a colon.
                hosts.push((host, None));
            } else {
                hosts.extend(read_hosts(host).ok_or_else(no_port)?);
            }
        }
    }
    let mut named = Vec::with_capacity(hosts.len());
    for (at, (host, port)) in hosts.into_iter().enumerate() {
        let host = match percent_decoded(host).as_ref() {
            "" => "localhost".to_string(),
            folder if folder.starts_with('/') => normalised(folder),
            host => host.to_lowercase(),
        };
        let parameter = if let [one] = ports[..] { one } else { ports.get(at).copied().flatten() };
        named.push(match port.or(parameter).or_else(|| family.port()) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        });
    }
    Ok(of(named, database))
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

/// Whether what stands before a colon is a scheme.
fn is_scheme(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && has_letters_of_a_scheme(text)
}

/// Whether it has only letters as RFC 3986 has them in a scheme, and `_`, since SQLAlchemy's drivers
/// have it in their names.
pub(crate) fn has_letters_of_a_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

/// The parameters of a query.
fn pairs(query: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    for pair in query.split('&') {
        pairs.push(pair.split_once('=').unwrap_or((pair, "")));
    }
    pairs
}

/// The path without empty parts, `.` and `..`, going by its text alone: what is on the disk is not looked at.
fn normalised(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            // Above the root is the root.
            ("..", None) if !root.is_empty() => {}
            _ => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::canonical;

    #[rstest]
    #[case::file("sqlite:./a//b/../app.db?timeout=3", "sqlite:///a/app.db")]
    #[case::absolute_file("file:///var/a%3Fb.db", "sqlite:////var/a%3Fb.db")]
    #[case::beyond_ascii("sqlite:///日%E6%9C%AC%25.db", "sqlite:///日本%25.db")]
    #[case::cache("file:a b?mode=memory&cached=shared", "file:a b?mode=memory&cache=shared")]
    #[case::memdb("file:/x?vfs=memdb", "file:/x?vfs=memdb")]
    #[case::postgres("postgres://ann@DB.example/app", "postgresql://db.example:5432/app")]
    #[case::postgres_hosts("postgres:///app?host=a&host=/run/pg", "postgresql://a:5432,%2Frun%2Fpg:5432/app")]
    #[case::mysql("mysqldb://localhost/t1", "mysql://localhost:3306/t1")]
    #[case::mysql_driver("mysql+pymysql://root@localhost:3306/t1?charset=utf8", "mysql://localhost:3306/t1")]
    #[case::socket("mysql:///my%23db?unix_socket=/run/my.sock", "mysql:///my%23db?unix_socket=/run/my.sock")]
    #[case::ipv6("postgres://[::1]/db", "postgresql://[::1]:5432/db")]
    #[case::mssql("mssql+pyodbc://sa@DB/x?driver=b&app=a", "mssql://db:1433/x?app=a&driver=b")]
    #[case::without_a_usual_port("libsql://db.example", "libsql://db.example/")]
    fn every_url_of_a_database_has_one_canonical_form(#[case] url: &str, #[case] form: &str) {
        assert_eq!(canonical(url).as_deref(), Some(form));
        assert_eq!(canonical(form).as_deref(), Some(form));
    }

    #[rstest]
    #[case(":memory:")]
    #[case("sqlite:///:memory:?cache=shared")]
    #[case("file:x?mode=memory")]
    #[case("acme")]
    #[case("acme:1")]
    fn what_no_other_url_names_has_none(#[case] text: &str) {
        assert_eq!(canonical(text), None);
    }
}
