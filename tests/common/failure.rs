//! The messages of failed assertions.

use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::frame::unframed;

/// Returns the message of an assertion that must fail, as it is printed.
pub(crate) fn message<T>(assertion: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(assertion)) else { panic!("the assertion passed") };
    *panic.downcast::<String>().unwrap()
}

/// Returns the message of an assertion that must fail, with its tables unframed and its places without files.
pub(crate) fn failure<T>(assertion: impl FnOnce() -> T) -> String {
    unframed(unplaced(&message(assertion)))
}

/// Takes the file and the line out of each place in the code, which a program without debug information does not have.
fn unplaced(report: &str) -> String {
    /// The beginnings of the lines of a place.
    const PLACES: [&str; 2] = ["  at ", "  rolled back at "];
    let (mut lines, mut in_place) = (Vec::<String>::new(), false);
    for line in report.lines() {
        match lines.last_mut() {
            // The rest of a place that is wrapped.
            Some(last) if in_place && line.starts_with("      ") => last.push_str(line),
            _ => {
                in_place = PLACES.iter().any(|start| line.starts_with(start));
                lines.push(line.to_string());
            }
        }
    }
    for line in &mut lines {
        let Some(start) = PLACES.iter().find(|start| line.starts_with(**start)) else { continue };
        let place = line[start.len()..].replace(' ', "");
        let function = match place.split_once(',') {
            Some((file, function)) if file.contains(".rs:") => function,
            _ => &place,
        };
        *line = format!("{start}{function}");
    }
    lines.join("\n")
}
