//! Lines and sections of a file with both directions.

use std::ops::Range;

/// A direction of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// A part of a file that leads in one direction.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Section {
    /// All of it, comments included.
    pub(in super::super) range: Range<usize>,
    /// The texts that the tool hands to SQLite, one after the other.
    pub(in super::super) pieces: Vec<Range<usize>>,
    pub(in super::super) in_transaction: bool,
}

/// A line of a text, without its end.
#[derive(Clone, Copy)]
pub(super) struct Line<'s> {
    pub(super) text: &'s str,
    /// The start of it and of the next one.
    pub(super) start: usize,
    pub(super) next: usize,
}

/// Returns the lines of a text, as Go's scanner cuts them.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let next = start + line.len();
        let line = Line { text: line.trim_end_matches('\n').trim_end_matches('\r'), start, next };
        start = next;
        line
    })
}

/// Returns true if a line ends a statement for goose and sql-migrate: its last word before a comment ends in a semicolon.
pub(super) fn ends_statement(line: &str) -> bool {
    let mut last = "";
    for word in line.split_whitespace() {
        if word.starts_with("--") {
            break;
        }
        last = word;
    }
    last.ends_with(';')
}
