//! Tables and paragraphs as a terminal shows them: plain text without colour, no line longer than 80 columns.

use std::iter;
use std::mem::replace;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How wide a report may be, in columns of a terminal.
const WIDTH: usize = 80;
/// What stands at the left edge of a table, and between two of its columns; at the right edge is as much as at the left.
const EDGE: &str = " ";
const BETWEEN: &str = "   ";
/// What the last column has at least, if it wants as much, before the others are made narrower.
const LAST: usize = 24;
/// How much further than its line's beginning a line is indented that goes on with it.
const HANGING: usize = 4;

/// Rows under headings. Where the table would be too wide, cells are wrapped, those of the last column first; their lines
/// keep their indentation.
pub(in crate::observe) fn table<R>(headings: &[&str], rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = String>,
{
    grouped(headings, rows.into_iter().map(|row| [row]))
}

/// The same with lines between groups of rows only.
pub(in crate::observe) fn grouped<G, R>(headings: &[&str], groups: impl IntoIterator<Item = G>) -> String
where
    G: IntoIterator<Item = R>,
    R: IntoIterator<Item = String>,
{
    let row = |row: R| row.into_iter().map(|cell| cell.lines().map(printable).collect()).collect();
    draw(headings, groups.into_iter().map(|group| group.into_iter().map(row).collect()).collect())
}

/// The lines of each cell in a row.
type Row = Vec<Vec<String>>;

/// A text that starts `first` columns from the left, and goes on at `rest` in lines as wide as a report may be.
pub(in crate::observe) fn paragraph(text: &str, first: usize, rest: usize) -> String {
    hanging(&printable(text), first, rest, WIDTH).join("\n").trim_start().to_string()
}

/// Code, each with what it is for beside it, or below it where that would be too wide.
pub(in crate::observe) fn explained(steps: &[(String, String)]) -> String {
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or_default();
    let code_width = widest(&mut steps.iter().map(|(code, _)| code.width()));
    let what_width = widest(&mut steps.iter().map(|(_, what)| what.width()));
    let beside = 4 + code_width + what_width <= WIDTH;
    let line = |(code, what): &(String, String)| match beside {
        true => format!("  {code}{}  {what}", " ".repeat(code_width - code.width())),
        false => format!("  {code}\n    {}", paragraph(what, 4, 4)),
    };
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn draw(headings: &[&str], mut groups: Vec<Vec<Row>>) -> String {
    let room = fitting(&widths(headings, &groups));
    for (cell, room) in groups.iter_mut().flatten().flat_map(|row| row.iter_mut().zip(&room)) {
        *cell = cell.iter().flat_map(|line| wrapped(line, *room)).collect();
    }
    let widths = widths(headings, &groups);
    let across = widths.iter().sum::<usize>() + outside(widths.len());
    let (thin, thick) = ("─".repeat(across), "═".repeat(across));
    let heading = across_columns(&widths, headings.iter().copied());
    let mut drawn = vec![thin.clone(), heading, thick];
    for group in &groups {
        for row in group {
            let height = row.iter().map(Vec::len).max().unwrap_or_default();
            let cells = |at: usize| row.iter().map(move |cell| cell.get(at).map_or("", String::as_str));
            drawn.extend((0..height).map(|at| across_columns(&widths, cells(at))));
        }
        drawn.push(thin.clone());
    }
    drawn.join("\n")
}

/// The columns of a terminal that a table of so many columns takes beside its cells.
fn outside(columns: usize) -> usize {
    2 * EDGE.len() + BETWEEN.len() * columns.saturating_sub(1)
}

/// One line of each cell, side by side.
fn across_columns<'c>(widths: &[usize], cells: impl Iterator<Item = &'c str>) -> String {
    let mut line = String::new();
    for (at, (width, cell)) in widths.iter().zip(cells).enumerate() {
        line.push_str(if at == 0 { EDGE } else { BETWEEN });
        line.push_str(cell);
        line.extend(iter::repeat_n(' ', width.saturating_sub(cell.width())));
    }
    line.truncate(line.trim_end().len());
    line
}

/// How wide each column is.
fn widths(headings: &[&str], groups: &[Vec<Row>]) -> Vec<usize> {
    let of_column = |(at, heading): (usize, &&str)| {
        let cells = groups.iter().flatten().filter_map(|row| row.get(at)).flatten();
        cells.map(|line| line.width()).max().unwrap_or_default().max(heading.width())
    };
    headings.iter().enumerate().map(of_column).collect()
}

/// How wide each column may be for all to fit: the last is made narrower, then the widest of the others.
fn fitting(widths: &[usize]) -> Vec<usize> {
    let Some((last, others)) = widths.split_last() else { return Vec::new() };
    let room = WIDTH.saturating_sub(outside(widths.len()));
    let for_others = room.saturating_sub(LAST.min(*last));
    let limited_to = |most: usize| others.iter().map(move |width| *width.min(&most));
    let most = (1..=for_others).rev().find(|most| limited_to(*most).sum::<usize>() <= for_others).unwrap_or(1);
    let for_last = room.saturating_sub(limited_to(most).sum());
    limited_to(most).chain([for_last.max(1)]).collect()
}

/// A line broken where it is too long.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    hanging(text, indent, indent + HANGING, width)
}

/// Lines broken between words, and within a word that has no room on a line of its own.
fn hanging(text: &str, first: usize, rest: usize, width: usize) -> Vec<String> {
    let rest = rest.min(width / 2);
    let (mut lines, mut line, mut at) = (Vec::new(), " ".repeat(first), first);
    for (number, word) in words(text).into_iter().enumerate() {
        let length = word.width();
        if number > 0 && at + 1 + length > width && rest + length <= width {
            lines.push(replace(&mut line, " ".repeat(rest)));
            at = rest;
        } else if number > 0 {
            line.push(' ');
            at += 1;
        }
        if at + length <= width {
            line.push_str(word);
            at += length;
            continue;
        }
        for letter in word.chars() {
            let length = letter.width().unwrap_or_default();
            if at + length > width {
                lines.push(replace(&mut line, " ".repeat(rest)));
                at = rest;
            }
            line.push(letter);
            at += length;
        }
    }
    lines.push(line);
    lines
}

/// What stays on one line where it can: words, and `name = value`; an arrow stays with what follows it.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices(' ') {
        let (before, after) = (&text[start..at], &text[at + 1..]);
        if !(after.starts_with("= ") || before.ends_with(" =") || before.ends_with('→')) {
            words.push(before);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words
}

/// A text without what a terminal would take for a command, as in the name of a table.
fn printable(text: &str) -> String {
    let escaped = |letter: char| match letter.is_control() {
        true => letter.escape_debug().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(escaped).collect()
}
