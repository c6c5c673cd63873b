//! The report of tables that do not hold what a file says.

use std::path::Path;

use super::rows::not_held;
use super::table::paragraph;
use crate::error::Error;
use crate::observe::{Unmatched, WrongData, WrongTable};

/// Reports a failed assertion on the tables of a file.
pub(crate) fn not_that_of(path: &Path, wrong: &WrongData) -> String {
    let mut report = String::new();
    if wrong.expected > 1 {
        let (count, expected) = (wrong.wrong.len(), wrong.expected);
        let differ = if count == 1 { "differs" } else { "differ" };
        let verdict = format!("{count} of the {expected} tables in {} {differ}", path.display());
        report.push_str(&format!("{}\n\n", paragraph(&verdict, 0, 0)));
    }
    for Unmatched { name, candidates } in &wrong.unmatched {
        let problem = match candidates {
            0 => format!("No row is `{name}`, which other rows of the file refer to."),
            many => format!("`{name}` may be {many} rows, so what refers to it is not known: give it more columns."),
        };
        report.push_str(&format!("{}\n\n", paragraph(&problem, 0, 0)));
    }
    for WrongTable { table, other, names } in &wrong.wrong {
        report.push_str(not_held(table, other, names).trim_end());
        report.push_str("\n\n");
    }
    report
}

/// Reports why it is not known what is expected.
pub(crate) fn not_compared(path: &Path, error: &Error) -> String {
    let (place, problem) = match error {
        Error::Data { file, line: Some(line), problem, .. } => (format!("{}:{line}", file.display()), problem.clone()),
        Error::Data { file, problem, .. } => (file.display().to_string(), problem.clone()),
        error => (path.display().to_string(), error.to_string()),
    };
    format!("cannot compare the data with {place}: {problem}")
}
