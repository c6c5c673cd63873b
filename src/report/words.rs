//! Names, lists and sentences that several reports have.

/// The advice where nothing was written.
pub(super) const NOTHING_WRITTEN: &str =
    "Does the code under test take its connections from this harness, and does it commit?";

/// Names joined by commas and an "and".
pub(super) fn enumerated(names: &[String]) -> String {
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Cuts a text to a number of characters, with a mark where it was.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
