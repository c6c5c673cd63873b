//! The report of a guard whose refusals nobody has asked for.

use super::displaced::displaced;
use super::table::Table;
use super::words::cut;
use crate::observe::{Refusal, Unasked};

/// The number of characters of a statement that are shown.
const SHOWN: usize = 300;

/// Reports what a guard has refused, and where it could not.
pub(crate) fn unasked(unasked: &Unasked) -> String {
    let mut said = vec![unasked.rule.clone()];
    if !unasked.refusals.is_empty() {
        said.push(refused(&unasked.refusals));
    }
    if !unasked.unguarded.is_empty() {
        let them = displaced(&unasked.unguarded);
        said.push(format!("could not guard every connection: statements may have got past it.\n\n{them}"));
    }
    said.join("\n")
}

fn refused(refusals: &[Refusal]) -> String {
    let statements = match refusals.len() {
        1 => "1 statement".to_string(),
        count => format!("{count} statements"),
    };
    let mut table = Table::new(&["bind", "refused"]);
    for refusal in refusals {
        table.row(&[&refusal.bind().to_string(), &cut(refusal.statement(), SHOWN)]);
    }
    format!(
        "refused {statements}:\n\n{}\n\nIf the test expects this, call `refused()` on the guard before it is dropped. If not,\n\
         check which bind's connection the code under test uses there.",
        table.drawn()
    )
}
