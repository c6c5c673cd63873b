//! A part of the page, with its heading.

use super::html::Html;

/// Opens a part with its heading, and a sentence below it.
pub(super) fn part(html: &mut Html, id: &'static str, heading: &str, about: &str) {
    html.open("section", &[("id", id), ("aria-labelledby", heading)]);
    html.element("h2", &[("id", heading)], heading);
    if !about.is_empty() {
        html.element("p", &[("class", "about")], about);
    }
}
