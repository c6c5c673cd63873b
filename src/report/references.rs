//! The report of rows that refer to what is not there.

use super::clues::{clue, unenforced};
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
    let verdict = match broken.len() {
        1 => "1 row refers to one that is not there:".to_string(),
        count => format!("{count} rows refer to ones that are not there:"),
    };
    let mut report = paragraph(&verdict, 0, 0) + "\n";
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

/// Reports why the references cannot be checked.
pub(crate) fn not_checked(error: &Error) -> String {
    format!("cannot check the references: {error}")
}
