//! The end of a message about an unknown name.

use crate::nearest::nearest;

/// Returns the end of a message about an unknown name: the nearest known one, or else the listed ones.
///
/// `unlisted` are known as well, but too many or too odd to be listed.
pub(crate) fn suggest(asked: &str, listed: &[&str], unlisted: &[&str]) -> String {
    let known = [listed, unlisted].concat();
    match nearest(asked, &known) {
        Some(name) => format!("the nearest known one is `{name}`"),
        None => format!("known are `{}`", listed.join("`, `")),
    }
}
