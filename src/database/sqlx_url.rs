//! The URL by which sqlx opens an SQLite database.

/// Returns the URL of an [SQLite URI](https://sqlite.org/uri.html) for sqlx.
///
/// sqlx reads a URL of its own, with the parameters `mode`, `cache` and `vfs` of SQLite's, and gives SQLite a name and
/// flags.
pub(crate) fn sqlx_url(uri: &str) -> String {
    match uri.strip_prefix("file:") {
        // SQLite shares memory by a name only where that is a URI.
        Some(rest) if rest.contains("?mode=memory") => format!("sqlite:{uri}"),
        // The two slashes of an authority are those of sqlx's scheme.
        Some(rest) if rest.starts_with("//") => format!("sqlite:{rest}"),
        // The name follows the two slashes: a drive of Windows has none before it.
        Some(rest) => {
            let rest = if cfg!(windows) && !rest.contains('?') { rest.trim_start_matches('/') } else { rest };
            format!("sqlite://{rest}")
        }
        None => uri.to_string(),
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
    fn a_uri_becomes_a_url_of_sqlx(#[case] uri: &str, #[case] url: &str) {
        assert_eq!(sqlx_url(uri), url);
    }
}
