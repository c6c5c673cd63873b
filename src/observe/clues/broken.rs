//! The foreign keys that rows break, and the rows that they refer to.

use super::clue::{Case, Clue, Last};
use super::lost::lost;
use crate::key::BindKey;
use crate::list::retain;
use crate::observe::account::{broken_by, key_to, Account, Fate};
use crate::observe::look::Found;
use crate::order::sort_by_key;

/// Finds the foreign keys that the rows which were found break, and the statements that ran without such keys being enforced.
pub(super) fn broken(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for sighting in case.sightings.iter().filter(|sighting| !sighting.database.lags()) {
        let Found::Rows { table, rows, view } = &sighting.found else { continue };
        let bind = sighting.bind();
        for parent in broken_by(&sighting.database, *view, table, rows) {
            let mut unchecked = account.writes(bind, &parent);
            unchecked.extend(account.puts(bind, table));
            retain(&mut unchecked, |statement| !statement.foreign_keys() && statement.fate() == Fate::Committed);
            sort_by_key(&mut unchecked, |statement| statement.recorded().number);
            // A table that refers to itself is its own parent.
            unchecked.dedup_by_key(|statement| statement.recorded().number);
            let key = key_to(&sighting.database, table, &parent);
            let why = unchecked.last().and_then(|last| last.unenforced());
            let last = Last::of(unchecked.into_iter().cloned().collect());
            clues.push(Clue::Broken { bind: bind.clone(), table: table.clone(), parent, last, why, key });
        }
    }
    clues
}

/// Finds what may have become of a row to which another refers: who deleted it, or who wrote one and lost it.
pub(in crate::observe) fn gone(account: &Account, bind: &BindKey, table: &str, rowid: Option<i64>) -> Vec<Clue> {
    if let Some(by) = Last::of(account.removals(bind, table, rowid)) {
        return vec![Clue::Gone { bind: bind.clone(), table: table.to_string(), by }];
    }
    lost(account, table, bind, None)
}
