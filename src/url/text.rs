//! Parts of a URL's text: schemes, parameters, paths.

use super::escape::percent_decoded;

/// Returns whether a text before a colon is a scheme.
pub(super) fn is_scheme(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && has_letters_of_a_scheme(text)
}

/// Returns whether a text has only the letters of a scheme by RFC 3986, and `_`, which SQLAlchemy's drivers have in
/// their names.
pub(crate) fn has_letters_of_a_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

/// Returns the parameters of a query.
pub(super) fn pairs(query: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    for pair in query.split('&') {
        pairs.push(pair.split_once('=').unwrap_or((pair, "")));
    }
    pairs
}

/// Returns the path without empty parts, `.` and `..`, by its text alone: the disk is not read.
pub(super) fn normalised(path: &str) -> String {
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

/// Returns whether a parameter or a pragma of this name is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = percent_decoded(name).to_ascii_lowercase();
    // ODBC's connection string has the password in it.
    name == "odbc_connect"
        || ["pass", "pwd", "secret", "token"].iter().any(|part| name.contains(part))
        || name.ends_with("key")
}
