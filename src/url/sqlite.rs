//! URLs of SQLite databases: files and memory.

use super::escape::percent_decoded;
use super::named::{DatabaseUrl, Named, Sharing};
use super::text::{normalised, pairs};

/// Reads a URL of `sqlite:`, as SQLAlchemy writes it (three slashes, then the path) and as sqlx does (two or none).
pub(super) fn parse_sqlite(scheme: &str, rest: &str) -> Result<DatabaseUrl, String> {
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

/// Reads the rest of an [SQLite URI](https://sqlite.org/uri.html), after `file:`.
pub(super) fn parse_file_uri(rest: &str) -> Result<DatabaseUrl, String> {
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

/// Returns a file by its path, or memory where the path or the parameters say so.
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

/// Returns the way of sharing that parameters ask for; the misspelt `cached` counts as `cache`.
pub(super) fn sharing(parameters: &[(&str, &str)]) -> Option<Sharing> {
    if parameters.contains(&("vfs", "memdb")) {
        return Some(Sharing::MemDb);
    }
    // Of one that is there twice, SQLite takes the last.
    let cache = parameters.iter().rev().find(|(name, _)| *name == "cache" || *name == "cached");
    cache.filter(|(_, kind)| *kind == "shared").map(|_| Sharing::Cache)
}
