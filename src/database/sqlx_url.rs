//! The URL by which sqlx opens an SQLite database.

use crate::sqlite::platform::HAS_DRIVES;

/// Returns the URL of an [SQLite URI](https://sqlite.org/uri.html) for sqlx.
///
/// sqlx reads a URL of its own, with the parameters `mode`, `cache` and `vfs` of SQLite's, and gives SQLite a name and
/// flags.
pub(crate) fn sqlx_url(uri: &str) -> String {
    url(uri, HAS_DRIVES)
}

fn url(uri: &str, has_drives: bool) -> String {
    match uri.strip_prefix("file:") {
        // SQLite shares memory by a name only where that is a URI.
        Some(rest) if rest.contains("?mode=memory") => format!("sqlite:{uri}"),
        // The two slashes of an authority are those of sqlx's scheme.
        Some(rest) if rest.starts_with("//") => format!("sqlite:{rest}"),
        // The name follows the two slashes: a drive of Windows has none before it.
        Some(rest) => {
            let rest = if has_drives && !rest.contains('?') { rest.trim_start_matches('/') } else { rest };
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
    fn a_uri_becomes_a_url_of_sqlx(#[case] uri: &str, #[case] expected: &str) {
        assert_eq!([url(uri, false), url(uri, true)], [expected, expected]);
    }

    #[rstest]
    #[case::file("file:/tmp/a%3Fb.db", false, "sqlite:///tmp/a%3Fb.db")]
    #[case::two_slashes("file:////tmp/a.db", false, "sqlite:////tmp/a.db")]
    #[case::drive("file:/C:/tmp/a%3Fb.db", true, "sqlite://C:/tmp/a%3Fb.db")]
    #[case::verbatim_drive("file:%5C%5C%3F%5CC:%5Ctmp%5Ca.db", true, "sqlite://%5C%5C%3F%5CC:%5Ctmp%5Ca.db")]
    #[case::share("file:////server/share/0.db", true, "sqlite:////server/share/0.db")]
    fn a_file_becomes_a_url_of_sqlx(#[case] uri: &str, #[case] has_drives: bool, #[case] expected: &str) {
        assert_eq!(url(uri, has_drives), expected);
    }
}
