//! What a database URL names: memory, a file or a database of a server.

use super::authority::{read_hosts, read_ports, Authority};
use super::origin::Origin;
use super::redact::{has_letters_of_a_scheme, percent_decoded, UrlText};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::nearest::nearest;

/// What a URL names. Nothing here is ever opened: it serves to tell whether two URLs name the same database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A database in memory, which is never the same as another.
    Memory,
    /// A file, by its path as written, without `.` and `..`.
    File { path: String },
    /// A database of a server.
    Server { family: Family, hosts: Vec<String>, database: String },
}

/// Servers that are reached by URLs of the same schemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Postgres,
    MySql,
}

/// Known schemes; all but `file` may have a driver, as in `mysql+pymysql`.
const SCHEMES: [&str; 7] = ["sqlite", "file", "postgres", "postgresql", "mysql", "mysqldb", "mariadb"];

/// For the errors; the documentation of `Bind::url` has them all.
const FORMS: &str = "`sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, \
                     `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver \
                     may follow, as in `postgresql+psycopg2://`";

impl DatabaseUrl {
    /// Reads the URL of a bind.
    pub(crate) fn parse(bind: &BindKey, url: &UrlText) -> Result<DatabaseUrl> {
        let text = url.text();
        parse(text).map_err(|problem| {
            let (file, line) = url.origin().place();
            let from = match url.origin() {
                Origin::Variable(name) => format!(" from `{name}`"),
                Origin::Code | Origin::Toml { .. } => String::new(),
            };
            let shown = url.to_string();
            let shown = if shown.trim().is_empty() { String::new() } else { format!(" `{shown}`") };
            let problem = format!("the URL{shown}{from} {problem}\n  forms that work: {FORMS}");
            Error::Url { file, line, bind: bind.clone(), problem }
        })
    }

    /// What two URLs of the same database have in common, `None` for memory.
    pub(crate) fn identity(&self) -> Option<&DatabaseUrl> {
        match self {
            DatabaseUrl::Memory => None,
            named => Some(named),
        }
    }
}

/// The parameter name that people copy from each other in place of SQLite's `cache`.
pub(crate) fn misspells_cache(url: &UrlText) -> bool {
    let scheme = url.text().split(':').next().unwrap_or_default().to_ascii_lowercase();
    let local = scheme.is_empty() || scheme == "file" || scheme.starts_with("sqlite");
    let Some((_, query)) = url.text().split_once('?') else { return false };
    local && pairs(query).iter().any(|(name, _)| *name == "cached")
}

fn parse(text: &str) -> std::result::Result<DatabaseUrl, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_string());
    }
    if text == ":memory:" || text.starts_with(":memory:?") {
        return Ok(DatabaseUrl::Memory);
    }
    let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err("has no scheme".to_string());
    };
    let lower = scheme.to_ascii_lowercase();
    let base = lower.split('+').next().unwrap_or_default();
    let family = match base {
        "file" if base == lower => return parse_file_uri(rest),
        "sqlite" => return parse_sqlite(&lower, rest),
        "postgres" | "postgresql" => Family::Postgres,
        "mysql" | "mysqldb" | "mariadb" => Family::MySql,
        _ => {
            return Err(match nearest(base, &SCHEMES) {
                Some(known) => format!("has the unknown scheme `{scheme}`, the nearest known one is `{known}`"),
                None if rest.starts_with("//") => format!("has the unknown scheme `{scheme}`"),
                // `localhost:5432/db`, `C:\app.db`: what stands before the colon was not meant as one.
                None => "has no scheme that is known".to_string(),
            });
        }
    };
    match rest.strip_prefix("//") {
        Some(rest) => parse_server(family, rest),
        None => Err(format!("has no `//` after `{scheme}:`")),
    }
}

/// `sqlite:`, as SQLAlchemy writes it (three slashes, then the path) and as sqlx does (two or none).
fn parse_sqlite(scheme: &str, rest: &str) -> std::result::Result<DatabaseUrl, String> {
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
    Ok(named_file(path, query))
}

/// What follows `file:` in an [SQLite URI](https://sqlite.org/uri.html).
fn parse_file_uri(rest: &str) -> std::result::Result<DatabaseUrl, String> {
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
    let memory = [("mode", "memory"), ("vfs", "memdb")];
    let memory_parameter = pairs(query).iter().any(|pair| memory.contains(pair));
    match percent_decoded(path).as_ref() {
        // SQLite keeps a database without a name in memory, and in a temporary file where it grows large.
        "" | ":memory:" => DatabaseUrl::Memory,
        _ if memory_parameter => DatabaseUrl::Memory,
        path => DatabaseUrl::File { path: normalised(path) },
    }
}

/// What follows `//` in the URL of a server.
fn parse_server(family: Family, text: &str) -> std::result::Result<DatabaseUrl, String> {
    let default_port = match family {
        Family::Postgres => 5432,
        Family::MySql => 3306,
    };
    let no_port = || "has a port that is not a number from 0 to 65535".to_string();
    let Authority { user, hosts, rest } = Authority::read(text);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));

    let mut database = percent_decoded(path.strip_prefix('/').unwrap_or(path)).into_owned();
    let mut hosts = read_hosts(hosts).ok_or_else(no_port)?;
    let mut host_parameters = Vec::new();
    let mut ports = Vec::new();
    let mut socket = None;
    for (name, value) in pairs(query) {
        match (name, family) {
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
    if database.is_empty() && family == Family::Postgres {
        // PostgreSQL's database is then the one with the user's name.
        database = percent_decoded(user).into_owned();
    }
    if let Some(socket) = socket {
        return Ok(DatabaseUrl::Server { family, hosts: vec![normalised(&socket)], database });
    }
    if !host_parameters.is_empty() {
        hosts.clear();
        for host in host_parameters {
            match host.starts_with('/') {
                // A folder with a socket in it; its name may have a colon.
                true => hosts.push((host, None)),
                false => hosts.extend(read_hosts(host).ok_or_else(no_port)?),
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
        named.push(format!("{host}:{}", port.or(parameter).unwrap_or(default_port)));
    }
    Ok(DatabaseUrl::Server { family, hosts: named, database })
}

/// Whether what stands before a colon is a scheme.
fn is_scheme(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && has_letters_of_a_scheme(text)
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
