//! The clues of a landing's report in words.

use super::account::statement;
use super::table::paragraph;
use super::words::{quoted, times};
use crate::error::capitalized;
use crate::instrument::Stray;
use crate::key::BindKey;
use crate::observe::{Author, Clue, Fate, Last, Statement};

/// The number of statements that may have written a row which are shown.
const WRITERS_SHOWN: usize = 3;

/// Writes a clue in one paragraph.
pub(super) fn clue(clue: &Clue) -> String {
    match clue {
        Clue::Written { bind, table, author, rows } => {
            let (row, was) = if *rows == 1 { ("The row", "was") } else { ("The rows", "were") };
            authored(&format!("{row} in `{bind}` {was}"), table, author)
        }
        Clue::Nearest { bind, table, author } => authored(&format!("The nearest row in `{bind}` was"), table, author),
        Clue::Earlier { bind, table, last } => {
            listed(&format!("Before that, the same row in `{bind}` was written by"), Some(table), last)
        }
        Clue::Created { bind, statement } => {
            under(&format!("The table in `{bind}` was created by"), None, &[statement])
        }
        Clue::Lost { bind, table, last } => listed(&lost(bind, table, last), Some(table), last),
        Clue::Open { bind, table, last } => {
            let is_session = last.statements.iter().any(Statement::is_from_session);
            let first = if is_session { ": `session.commit()` first?" } else { ":" };
            let is = format!("A transaction that wrote to `{table}` in `{bind}` is still open{first}");
            listed(&is, Some(table), last)
        }
        Clue::Beside { last } => listed("The same thread wrote to other binds, and this is not there:", None, last),
        Clue::Half { binds } => say(&format!(
            "The unit of work is half committed: what it wrote to {} was committed.",
            quoted(binds, "and")
        )),
        Clue::Changed { bind, table, last } => {
            let what = if last.statements.len() == 1 { "statement" } else { "statements" };
            listed(&format!("The last {what} that changed rows of `{table}` in `{bind}`:"), Some(table), last)
        }
        Clue::Broken { bind, table, parent, last } => {
            let breaks = format!("The row of `{table}` in `{bind}` refers to a row of `{parent}` that is not there.");
            match last {
                Some(last) => {
                    listed(&format!("{breaks} Foreign keys were off on the connection of:"), Some(table), last)
                }
                None => say(&breaks),
            }
        }
        Clue::Fault { bind, fault, times: count } => say(&format!(
            "A fault of the test triggered on `{bind}` {}: {fault}.",
            times(usize::try_from(*count).unwrap_or(usize::MAX))
        )),
        Clue::Outside { stray, is_open, table, last } => outside(stray, *is_open, table, last),
        Clue::NothingWritten { table, is_partial, anything } => say(&nothing_written(table, *is_partial, *anything)),
    }
}

/// Says what became of writes that are not there.
fn lost(bind: &BindKey, table: &str, last: &Last) -> String {
    let all = |is: &dyn Fn(Fate) -> bool| last.statements.iter().all(|statement| is(statement.fate()));
    let (a, s) = if last.statements.len() == 1 { ("A ", "") } else { ("", "s") };
    let were = if s.is_empty() { "was" } else { "were" };
    let sentence = if all(&|fate| fate == Fate::FailedItself) {
        format!("{a}write{s} to `{table}` in `{bind}` failed:")
    } else if all(&|fate| fate == Fate::Nothing) {
        format!("{a}write{s} to `{table}` in `{bind}` changed no row:")
    } else if all(&|fate| !matches!(fate, Fate::FailedItself | Fate::Nothing)) {
        format!("{a}write{s} to `{table}` in `{bind}` {were} rolled back:")
    } else {
        format!("Writes to `{table}` in `{bind}` of which nothing is there:")
    };
    capitalized(&sentence)
}

/// Names a database that is no harness's, and what wrote to it.
fn outside(stray: &Stray, is_open: bool, table: &str, last: &Last) -> String {
    let is = format!("{} has a table `{table}`, which was written to, and is no bind:", capitalized(&stray.database()));
    let written = listed(&is, Some(table), last);
    let opened = match stray.place() {
        Some(place) => format!("the database was opened at {place}"),
        None => format!("the database was {}", stray.opening()),
    };
    let still = if is_open { "" } else { "\n  and is closed" };
    format!("{written}\n  {}{still}", paragraph(&opened, 2, 6))
}

fn nothing_written(table: &str, is_partial: bool, anything: bool) -> String {
    match (is_partial, anything) {
        (true, _) => format!("None of the last statements wrote to a table `{table}`, in any bind."),
        (false, true) => format!(
            "No statement wrote to a table `{table}`, in any bind. Others did write: was the code that writes this row reached?"
        ),
        (false, false) => "Nothing was written to any bind of this harness. Does the code under test take its connections \
             from it?"
            .to_string(),
    }
}

/// Says by what a row was written.
fn authored(row: &str, table: &str, author: &Author) -> String {
    match author {
        Author::One(one) => under(&format!("{row} written by"), Some(table), &[one]),
        Author::OneOf(several) => {
            let last = several[several.len().saturating_sub(WRITERS_SHOWN)..].iter().collect::<Vec<_>>();
            under(&format!("{row} written by one of these:"), Some(table), &last)
        }
        Author::Start => say(&format!("{row} there at the start.")),
        Author::Unknown => say(&format!("{row} written by no statement that was recorded.")),
    }
}

/// Writes statements under a line.
fn listed(line: &str, table: Option<&str>, last: &Last) -> String {
    let shown = last.statements.iter().collect::<Vec<_>>();
    match last.before {
        0 => under(line, table, &shown),
        1 => format!("{}\n  1 more before these.", under(line, table, &shown)),
        more => format!("{}\n  {more} more before these.", under(line, table, &shown)),
    }
}

fn under(line: &str, table: Option<&str>, statements: &[&Statement]) -> String {
    let mut written = say(line);
    for one in statements {
        written.push('\n');
        written.push_str(&statement(one, table, 2));
    }
    written
}

fn say(sentence: &str) -> String {
    paragraph(sentence, 0, 0)
}
