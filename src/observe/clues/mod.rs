//! The clues of a landing's report: how the rows that were found came about, and what became of those that were not.

mod beside;
mod broken;
mod clue;
mod keys;
mod lost;
mod missing;
mod written;

pub(super) use broken::gone;
pub(super) use lost::lost;

pub(super) use clue::Case;
pub(crate) use clue::{Clue, Last};

use beside::beside;
use broken::broken;
use keys::keys;
use missing::{missing, open, untried};
use written::{came, created, triggers, written};

use super::account::Account;
use super::reason::Reason;
use crate::instrument::Triggered;
use crate::list::retain;

/// Collects what bears on a failed assertion.
pub(super) fn clues(case: &Case<'_>) -> Vec<Clue> {
    let account = Account::read(case.running);
    let mut clues = written(&account, case);
    if let Reason::NoTable(_) = case.reason {
        clues.append(&mut created(&account, case));
    }
    match case.reason {
        Reason::There => clues.extend(beside(&account, &clues)),
        Reason::Elsewhere(_) | Reason::NotIn(_) => {
            if let Reason::Elsewhere(_) = case.reason {
                clues.extend(came(&account, &clues));
            }
            for sighting in case.sightings.iter().filter(|sighting| sighting.bind() == case.target) {
                clues.append(&mut lost(&account, case.table, sighting.bind(), None));
            }
            clues.extend(untried(case));
        }
        Reason::NoTable(_) | Reason::NoColumn(_) | Reason::Nowhere => clues.append(&mut missing(&account, case)),
        Reason::Unreadable(_)
        | Reason::NotCommitted(_)
        | Reason::OtherUnsettled(_)
        | Reason::Unsettled
        | Reason::Unseen => {
            for sighting in case.sightings {
                clues.append(&mut open(&account, case.table, sighting.bind()));
            }
            // The authors are the same statements.
            if clues.iter().any(|clue| matches!(clue, Clue::Open { .. })) {
                retain(&mut clues, |clue| !matches!(clue, Clue::Written { author, .. } if author.is_open()));
            }
        }
        Reason::Also(_) => clues.extend(came(&account, &clues)),
        Reason::Several(_) | Reason::OtherUnreadable(_) => {}
    }
    clues.append(&mut broken(&account, case));
    let mut by_keys = keys(&account, case, &clues);
    clues.append(&mut by_keys);
    let mut made = triggers(&account, case, &clues);
    clues.append(&mut made);
    let mut faults = faults(case, &clues);
    clues.append(&mut faults);
    clues
}

/// Finds the faults of the test that bear on what was lost: those of the binds on which it was.
fn faults(case: &Case<'_>, clues: &[Clue]) -> Vec<Clue> {
    let mut binds = Vec::new();
    for clue in clues {
        match clue {
            Clue::Lost { bind, .. } => binds.push(bind.clone()),
            Clue::Beside { last, .. } => binds.extend(last.statements.iter().map(|statement| statement.bind().clone())),
            Clue::NothingWritten { .. } => binds.push(case.target.clone()),
            _ => {}
        }
    }
    let mut faults = Vec::new();
    for Triggered { database, fault, times, .. } in case.running.recorder().triggered() {
        if let Some(bind) = binds.iter().find(|bind| database.contains(bind)) {
            faults.push(Clue::Fault { bind: bind.clone(), fault, times });
        }
    }
    faults
}
