//! Names, lists and sentences that several reports have.

use crate::key::BindKey;
use crate::list::mapped;

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

/// Names binds, the last after this word.
pub(super) fn quoted(binds: &[BindKey], before_last: &str) -> String {
    let names = mapped(binds, |bind| format!("`{bind}`"));
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {before_last} {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// Returns how often something is.
pub(super) fn times(count: usize) -> String {
    match count {
        0 => "never".to_string(),
        1 => "once".to_string(),
        2 => "twice".to_string(),
        count => format!("{count} times"),
    }
}

/// Cuts a text to a number of characters, with a mark where it was.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
