//! The messages of failed assertions, without what differs from run to run.

pub(crate) use crate::caught::message;
use crate::frame::unframed;

/// Returns the message of an assertion that must fail, with its tables unframed and its places without files.
pub(crate) fn failure<T>(assertion: impl FnOnce() -> T) -> String {
    in_short(&message(assertion))
}

/// Returns a message with its tables unframed and its places without files.
pub(crate) fn in_short(message: &str) -> String {
    unframed(unplaced(message))
}

/// Replaces a time, which is another in each run.
fn timeless(line: &str) -> String {
    let Some((before, after)) = line.split_once("open for ") else { return line.to_string() };
    let after = after.strip_prefix("less than ").unwrap_or(after);
    let number = after.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let unit = [" ms", " s"].into_iter().find(|known| number.starts_with(known)).unwrap_or_default();
    format!("{before}open for …{}", &number[unit.len()..])
}

/// Takes the file and the line out of each place in the code, which a program without debug information does not have.
fn unplaced(report: &str) -> String {
    /// The beginnings of the lines of a place.
    const PLACES: [&str; 13] = [
        "  at ",
        "  called from ",
        "  committed at ",
        "  rolled back at ",
        "  rolled back to a savepoint at ",
        "  rolled back to the savepoint `s` at ",
        "  the savepoint was opened at ",
        "  it began at ",
        "  its COMMIT failed at ",
        "  rolled back: its COMMIT failed at ",
        "  rolled back by an error at ",
        "  rolled back by the close of its connection at ",
        "  the database was opened at ",
    ];
    /// The beginning of the line to look at first.
    const LOOK_AT: &str = "  look at  ";
    let (mut lines, mut in_place) = (Vec::<String>::new(), false);
    for line in report.lines() {
        match lines.last_mut() {
            // The rest of the line to look at.
            Some(last) if last.starts_with(LOOK_AT) && line.starts_with("             ") => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            // The rest of a place that is wrapped.
            Some(last) if in_place && line.starts_with("      ") => last.push_str(line),
            _ => {
                // A long place begins on the next line.
                in_place = PLACES.iter().any(|start| line.starts_with(start) || line == start.trim_end());
                lines.push(line.to_string());
            }
        }
    }
    for line in &mut lines {
        *line = timeless(line);
        if let Some(did) = line.strip_prefix(LOOK_AT).and_then(|rest| rest.split_once(": it ")) {
            *line = format!("{LOOK_AT}… it {}", did.1);
        }
        let Some(start) = PLACES.iter().find(|start| line.starts_with(**start)) else { continue };
        let place = line[start.len()..].replace(' ', "");
        let function = match place.split_once(',') {
            Some((file, function)) if file.contains(".rs:") => function,
            _ => &place,
        };
        *line = format!("{start}{function}");
    }
    // The callers of a test's function are the test's affair.
    lines.retain(|line| !line.starts_with("  called from "));
    lines.join("\n")
}
