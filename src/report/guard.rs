//! The report of a guard whose refusals nobody has asked for.

use super::account;
use super::displaced::displaced;
use super::table::paragraph;
use super::words::enumerated;
use crate::key::BindKey;
use crate::list::mapped;
use crate::observe::{Refusal, Unasked};

/// The number of refusals that are shown, where they differ.
const SHOWN: usize = 20;

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
    let mut rows = Vec::<(&BindKey, String, usize)>::new();
    for refusal in refusals {
        let (bind, account) = (refusal.bind(), account::refused(refusal));
        match rows.iter_mut().find(|(known, said, _)| *known == bind && *said == account) {
            Some((_, _, times)) => *times += 1,
            None => rows.push((bind, account, 1)),
        }
    }
    let mut said = format!("refused {statements}:\n");
    for (bind, account, times) in rows.iter().take(SHOWN) {
        let times = if *times == 1 { String::new() } else { format!(", {times} times") };
        said.push_str(&format!("\nOn `{bind}`{times}:\n{account}"));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(SHOWN) {
        said.push_str(&format!("\nand {more} more, which differ from these."));
    }
    said.push_str(
        "\n\nIf the test expects this, call `refused()` on the guard before it is dropped. If not,\n\
         check which bind's connection the code under test uses there.",
    );
    said
}
