//! Errors for the files of a folder that contradict each other.

use super::super::migration::Problem;

/// The advice for a folder that is meant as it is.
pub(super) const LIST_THEM: &str = "list the files one by one in the order in which they run";

/// Returns the error for a folder of two layouts, each shown by one of its files.
pub(super) fn two_ways(first: (&str, &str), second: (&str, &str)) -> Problem {
    let ((name, layout), (other, its_layout)) = if first.0 < second.0 { (first, second) } else { (second, first) };
    Problem::from(format!(
        "its files are laid out in two ways: `{name}` {layout}, `{other}` {its_layout}. Keep to one, or {LIST_THEM}"
    ))
}

/// Returns the error for two migrations that their tool cannot tell apart.
pub(super) fn same_version(first: &str, second: &str, version: &str) -> Problem {
    Problem::from(format!(
        "`{first}` and `{second}` have the same version, {version}: give each a version of its own, or {LIST_THEM}"
    ))
}
