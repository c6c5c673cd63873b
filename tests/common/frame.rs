//! The tables of reports as snapshots hold them: without the lines that frame them. `tests/landing/reports.rs` has a table
//! whole.

use std::fmt::Display;

use unicode_width::UnicodeWidthStr;

/// Takes the frames off the tables of a report, and asserts that they were there and as wide as the table: the frame follows
/// from what is left. Of a line between two rows `─` is left.
pub(crate) fn unframed(report: impl Display) -> String {
    let report = report.to_string();
    let lines = report.lines().collect::<Vec<_>>();
    let (mut unframed, mut at) = (Vec::new(), 0);
    while let Some(line) = lines.get(at) {
        if !line.starts_with('─') {
            unframed.push(*line);
            at += 1;
            continue;
        }
        let table =
            lines[at..].iter().take_while(|line| line.starts_with([' ', '─', '═'])).copied().collect::<Vec<_>>();
        at += table.len();
        let width = table.iter().filter(|line| line.starts_with(' ')).map(|line| line.width() + 1).max().unwrap();
        let (thin, thick) = ("─".repeat(width), "═".repeat(width));
        let [top, heading, below, rows @ ..] = table.as_slice() else { panic!("no table:\n{report}") };
        assert_eq!([*top, *below], [&thin, &thick], "{report}");
        unframed.push(*heading);
        let Some((bottom, rows)) = rows.split_last() else { continue };
        assert_eq!(*bottom, thin, "{report}");
        for row in rows {
            assert!(row.starts_with(' ') || *row == thin, "{report}");
            unframed.push(if row.starts_with(' ') { *row } else { "─" });
        }
    }
    unframed.join("\n")
}
