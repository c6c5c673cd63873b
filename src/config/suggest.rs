//! How a message goes on after an unknown name.

use crate::nearest::nearest;

/// How a message goes on after an unknown name: the nearest known one, or else the listed ones.
///
/// `unlisted` are known as well, but too many or too odd to be listed.
pub(crate) fn suggest<'a>(
    asked: &str,
    listed: impl IntoIterator<Item = &'a str> + Clone,
    unlisted: impl IntoIterator<Item = &'a str>,
) -> String {
    match nearest(asked, listed.clone().into_iter().chain(unlisted)) {
        Some(name) => format!("the nearest known one is `{name}`"),
        None => {
            let listed = listed.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            format!("known are {}", listed.join(", "))
        }
    }
}
