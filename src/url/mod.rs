//! The database that a URL names: memory, a file or one of a server. Nothing here opens it: URLs are compared.

mod authority;
mod escape;
mod named;
mod redact;
mod server;
mod sqlite;
mod text;

pub(crate) use named::{DatabaseUrl, Named, Sharing, WrittenUrl};
pub(crate) use redact::{redacted, redacted_file};
pub(crate) use text::is_secret;

use crate::nearest::nearest;
use named::Family;
use server::parse_server;
use sqlite::{parse_file_uri, parse_sqlite, sharing};
use text::{is_scheme, pairs};

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

/// Returns one form for every URL of a database; `None` where the text names none that another URL could name, or is no URL.
pub(crate) fn canonical(text: &str) -> Option<String> {
    parse(text).ok()?.named.map(|named| named.to_string())
}

/// Returns whether a text is a URL of a database by its scheme, which other URLs than those of databases do not have.
pub(crate) fn is_of_a_database(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let base = scheme.split('+').next().unwrap_or_default();
    let known = scheme.is_empty() || SCHEMES.contains(&base) || OTHERS.contains(&base);
    known && parse(text).is_ok()
}

/// Returns an unknown scheme and the known one that it is nearly.
pub(crate) fn misspelt_scheme(text: &str) -> Option<(String, &'static str)> {
    let scheme = text.split_once("://")?.0.to_ascii_lowercase();
    let base = scheme.split('+').next().unwrap_or_default().to_string();
    let known = SCHEMES.contains(&base.as_str()) || OTHERS.contains(&base.as_str());
    let near = nearest(&base, &SCHEMES).filter(|_| !known)?;
    Some((base, near))
}

/// Returns whether `cached` is written where SQLite's `cache` is meant, as people copy it from each other.
pub(crate) fn misspells_cache(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let local = scheme.is_empty() || scheme == "file" || scheme.starts_with("sqlite");
    let Some((_, query)) = text.split_once('?') else { return false };
    local && pairs(query).iter().any(|(name, _)| *name == "cached")
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
