//! The report of a guard whose refusals nobody has asked for.

use super::table::Table;
use super::words::cut;
use crate::observe::Unasked;

/// The number of characters of a statement that are shown.
const SHOWN: usize = 300;

/// Reports what a guard has refused.
pub(crate) fn unasked(unasked: &Unasked) -> String {
    let statements = match unasked.refusals.len() {
        1 => "1 statement".to_string(),
        count => format!("{count} statements"),
    };
    let mut table = Table::new(&["bind", "refused"]);
    for refusal in &unasked.refusals {
        table.row(&[&refusal.bind().to_string(), &cut(refusal.statement(), SHOWN)]);
    }
    format!(
        "{}\nrefused {statements}:\n\n{}\n\nIf the test expects this, call `refused()` on the guard before it is dropped. If not,\n\
         check which bind's connection the code under test uses there.",
        unasked.rule,
        table.drawn()
    )
}
