//! The report of a guard whose refusals nobody has asked for.

use super::displaced::displaced;
use super::table::{paragraph, Table};
use super::words::{cut, enumerated};
use crate::list::mapped;
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
    if !unasked.unstopped.is_empty() {
        let binds = enumerated(&mapped(&unasked.unstopped, |bind| format!("`{bind}`")));
        let are = if unasked.unstopped.len() == 1 { "was" } else { "were" };
        let said_of = format!(
            "could not stop what no statement wrote: {binds} {are} written to by a backup into a connection, or by a \
             `VACUUM INTO`. In a shared cache SQLite reports neither before it is done. Assert on what changed, \
             `db.changes_since(&before)`, or keep the bind in memory: `Bind::memory()`."
        );
        said.push(paragraph(&said_of, 0, 0));
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
