//! Comments that stand between the statements of a script, on lines of their own.

use crate::sqlite::script::Statement;

/// A comment, without the signs that make it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comment<'s> {
    pub(super) text: &'s str,
    /// The text, signs included.
    pub(super) written: &'s str,
    /// The start of the line that it begins on.
    pub(super) start: usize,
    /// Set where it is one line that begins with `--`.
    pub(super) is_line: bool,
}

/// Returns the comments before, between and after the statements of a text, but for those on the line of a statement.
pub(super) fn between<'s>(text: &'s str, statements: &[Statement<'s>]) -> Vec<Comment<'s>> {
    let mut comments = Vec::new();
    let mut end = 0;
    for statement in statements {
        within(text, end, statement.offset, &mut comments);
        end = statement.offset + statement.text.len();
    }
    within(text, end, text.len(), &mut comments);
    comments
}

/// Adds the comments of what is between two statements.
fn within<'s>(text: &'s str, from: usize, to: usize, comments: &mut Vec<Comment<'s>>) {
    let mut at = from;
    while let Some(next) = text[at..to].chars().next() {
        let rest = &text[at..to];
        let (length, comment) = if rest.starts_with("/*") {
            let length = rest.find("*/").map_or(rest.len(), |end| end + 2);
            (length, Some((rest[2..length].trim_end_matches("*/"), false)))
        } else if rest.starts_with("--") {
            let line = rest.lines().next().unwrap_or(rest);
            (line.len(), Some((&line[2..], true)))
        } else {
            (next.len_utf8(), None)
        };
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        // After a statement on the same line it is a remark on that.
        if let Some((inner, is_line)) = comment.filter(|_| text[start..at].trim().is_empty()) {
            comments.push(Comment { text: inner.trim(), written: rest[..length].trim_end(), start, is_line });
        }
        at += length;
    }
}
