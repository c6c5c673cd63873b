//! Tables and paragraphs as a terminal shows them: plain text without colour, no line longer than 80 columns.

use std::mem::replace;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::list::mapped;

/// The width of a report, in columns of a terminal.
const WIDTH: usize = 80;
/// The left edge of a table; the right edge is as wide.
const EDGE: &str = " ";
const BETWEEN: &str = "   ";
/// The width that the last column keeps, if it needs as much, before the others are made narrower.
const LAST: usize = 24;
/// The further indentation of a line that continues the one above.
const HANGING: usize = 4;

/// Rows under headings. Where the table would be too wide, cells are wrapped, those of the last column first; their lines
/// keep their indentation.
pub(super) struct Table<'h> {
    headings: &'h [&'h str],
    rows: Vec<TableRow>,
}

struct TableRow {
    /// The lines of each cell.
    cells: Vec<Vec<String>>,
    /// Set if there is a line between it and the row above.
    is_apart: bool,
}

impl<'h> Table<'h> {
    pub(super) fn new(headings: &'h [&'h str]) -> Table<'h> {
        Table { headings, rows: Vec::new() }
    }

    /// Adds a row, with a line between it and the one above.
    pub(super) fn row(&mut self, cells: &[&str]) {
        self.add(cells, true);
    }

    /// Adds a row that belongs to the one above.
    pub(super) fn next_row(&mut self, cells: &[&str]) {
        self.add(cells, false);
    }

    fn add(&mut self, cells: &[&str], is_apart: bool) {
        let mut row = TableRow { cells: Vec::with_capacity(cells.len()), is_apart };
        for cell in cells {
            let mut lines = Vec::new();
            for line in cell.lines() {
                lines.push(printable(line));
            }
            row.cells.push(lines);
        }
        self.rows.push(row);
    }

    pub(super) fn drawn(mut self) -> String {
        self.fit();
        let widths = self.widths();
        let across = widths.iter().sum::<usize>() + outside(widths.len());
        let (thin, thick) = ("─".repeat(across), "═".repeat(across));
        let mut drawn = vec![thin.clone(), across_columns(&widths, self.headings), thick];
        for (number, row) in self.rows.iter().enumerate() {
            if row.is_apart && number > 0 {
                drawn.push(thin.clone());
            }
            let mut height = 0;
            for cell in &row.cells {
                height = height.max(cell.len());
            }
            for at in 0..height {
                let mut cells = Vec::with_capacity(row.cells.len());
                for cell in &row.cells {
                    cells.push(cell.get(at).map_or("", String::as_str));
                }
                drawn.push(across_columns(&widths, &cells));
            }
        }
        if !self.rows.is_empty() {
            drawn.push(thin);
        }
        drawn.join("\n")
    }

    /// Wraps what is too wide.
    fn fit(&mut self) {
        let room = fitting(&self.widths());
        for row in &mut self.rows {
            for (cell, room) in row.cells.iter_mut().zip(&room) {
                let mut lines = Vec::with_capacity(cell.len());
                for line in &*cell {
                    lines.append(&mut wrapped(line, *room));
                }
                *cell = lines;
            }
        }
    }

    /// Returns the width of each column.
    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::with_capacity(self.headings.len());
        for (at, heading) in self.headings.iter().enumerate() {
            let mut width = heading.width();
            for row in &self.rows {
                let Some(cell) = row.cells.get(at) else { continue };
                for line in cell {
                    width = width.max(line.width());
                }
            }
            widths.push(width);
        }
        widths
    }
}

/// Writes a sentence, wrapped.
pub(super) fn say(sentence: &str) -> String {
    paragraph(sentence, 0, 0)
}

/// Breaks a text into lines as wide as a report may be: the first starts `first` columns from the left, the others
/// `rest`.
pub(super) fn paragraph(text: &str, first: usize, rest: usize) -> String {
    hanging(&printable(text), first, rest, WIDTH).join("\n").trim_start().to_string()
}

/// Writes code, each with its purpose beside it, or below it where that would be too wide.
pub(super) fn explained(steps: &[(&str, &str)]) -> String {
    let (mut code_width, mut what_width) = (0, 0);
    for (code, what) in steps {
        code_width = code_width.max(code.width());
        what_width = what_width.max(what.width());
    }
    let beside = 4 + code_width + what_width <= WIDTH;
    let mut lines = Vec::with_capacity(steps.len());
    for (code, what) in steps {
        lines.push(if beside {
            format!("  {code}{}  {what}", " ".repeat(code_width - code.width()))
        } else {
            format!("  {code}\n    {}", paragraph(what, 4, 4))
        });
    }
    lines.join("\n")
}

/// Returns the columns of a terminal that a table of so many columns takes beside its cells.
fn outside(columns: usize) -> usize {
    2 * EDGE.len() + BETWEEN.len() * columns.saturating_sub(1)
}

/// Writes one line of each cell, side by side.
fn across_columns(widths: &[usize], cells: &[&str]) -> String {
    let mut line = String::new();
    for (at, cell) in cells.iter().enumerate() {
        line.push_str(if at == 0 { EDGE } else { BETWEEN });
        line.push_str(cell);
        line.push_str(&" ".repeat(widths[at].saturating_sub(cell.width())));
    }
    line.truncate(line.trim_end().len());
    line
}

/// Returns widths with which all columns fit: the last is made narrower, then the widest of the others.
fn fitting(widths: &[usize]) -> Vec<usize> {
    let Some((last, others)) = widths.split_last() else { return Vec::new() };
    let room = WIDTH.saturating_sub(outside(widths.len()));
    let for_others = room.saturating_sub(LAST.min(*last));
    let mut most = for_others.max(1);
    let mut fitting = limited(others, most);
    while most > 1 && fitting.iter().sum::<usize>() > for_others {
        most -= 1;
        fitting = limited(others, most);
    }
    let for_last = room.saturating_sub(fitting.iter().sum());
    fitting.push(for_last.max(1));
    fitting
}

fn limited(widths: &[usize], most: usize) -> Vec<usize> {
    mapped(widths, |width| most.min(*width))
}

/// Breaks a line where it is too long.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    hanging(text, indent, indent + HANGING, width)
}

/// Lines broken between words, and within a word that has no room on a line of its own.
fn hanging(text: &str, first: usize, rest: usize, width: usize) -> Vec<String> {
    let rest = rest.min(width / 2);
    let (mut lines, mut line, mut at) = (Vec::new(), " ".repeat(first), first);
    for (number, word) in words(text).iter().enumerate() {
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

/// Splits a text into what stays on one line where it can: words, and `name = value`; an arrow stays with what follows
/// it.
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

/// Removes what a terminal would take for a command, as in the name of a table.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            printable.push_str(&letter.escape_debug().to_string())
        } else {
            printable.push(letter)
        }
    }
    printable
}
