//! The report of rows that refer to what is not there.

use super::changes::with_line;
use super::clues::{clue, unenforced};
use super::look_at::of_broken;
use super::table::paragraph;
use crate::error::Error;
use crate::observe::{Broken, Clue};

/// The number of rows that are shown.
const SHOWN: usize = 10;

/// The reason why a reference between two binds can be broken.
const ACROSS: &str =
    "SQLite enforces no reference from one database to another: the code that deletes the one row has to delete \
    the other.";

/// Reports rows that refer to nothing.
pub(crate) fn broken(broken: &[Broken]) -> String {
    let mut report = with_line(&paragraph(&verdict(broken), 0, 0), of_broken(broken)) + "\n";
    for Broken { orphan, .. } in &broken[..broken.len().min(SHOWN)] {
        report.push_str(&format!("\n  {}", paragraph(&orphan.to_string(), 2, 6)));
    }
    if broken.len() > SHOWN {
        report.push_str(&format!("\n  … and {} more", broken.len() - SHOWN));
    }
    let mut told = Vec::new();
    for one in broken {
        for known in one.written.iter().chain(&one.gone) {
            let mut account = clue(known).trim_end().to_string();
            let deleted = one.gone.iter().rev().find(|clue| matches!(clue, Clue::Gone { .. }));
            let is_last = deleted.or(one.written.as_ref()).is_some_and(|last| std::ptr::eq(last, known));
            if let Some(why) = one.unenforced.as_ref().filter(|_| is_last) {
                account.push_str(&format!("\n{}", unenforced(why)));
            }
            if !told.contains(&account) {
                told.push(account);
            }
        }
    }
    for account in told {
        report.push_str(&format!("\n\n{account}"));
    }
    if broken.iter().any(|one| one.is_across) {
        report.push_str(&format!("\n\n{}", paragraph(ACROSS, 0, 0)));
    }
    report
}

/// Counts the rows, and names their table and the one that they refer to where they have these in common.
fn verdict(broken: &[Broken]) -> String {
    let ends = |one: &Broken| {
        let parent = one.orphan.parent();
        (one.orphan.bind().clone(), one.orphan.table().to_string(), parent.bind.clone(), parent.table.clone())
    };
    let common = broken.first().map(ends).filter(|first| broken.iter().all(|one| ends(one) == *first));
    match (common, broken.len()) {
        (Some((bind, table, of, parent)), 1) => {
            format!("1 row of `{table}` in `{bind}` refers to a row of `{parent}` that is not in `{of}`:")
        }
        (Some((bind, table, of, parent)), count) => {
            format!("{count} rows of `{table}` in `{bind}` refer to rows of `{parent}` that are not in `{of}`:")
        }
        (None, count) => format!("{count} rows refer to rows that are not there:"),
    }
}

/// Reports why the references cannot be checked.
pub(crate) fn not_checked(error: &Error) -> String {
    format!("cannot check the references: {error}")
}
