//! The foreign keys and the replaced rows by which the statements that are named changed a table.

use super::clue::{Case, Clue};
use crate::observe::account::{key_actions, Account, Author};

/// Finds the chain by which each statement that is named came to write to its table, where that is not the one it names.
pub(super) fn keys(account: &Account, case: &Case<'_>, clues: &[Clue]) -> Vec<Clue> {
    let mut named = Vec::new();
    for clue in clues {
        match clue {
            Clue::Written { bind, table, author: Author::One(one), .. }
            | Clue::Nearest { bind, table, author: Author::One(one), .. } => named.push((bind, table, &**one)),
            Clue::Earlier { bind, table, last }
            | Clue::Changed { bind, table, last }
            | Clue::Removed { bind, table, by: last, .. }
            | Clue::Gone { bind, table, by: last } => {
                named.extend(last.statements.iter().map(|one| (bind, table, one)));
            }
            _ => {}
        }
    }
    let mut found = Vec::<Clue>::new();
    for (bind, table, statement) in named {
        let Some(sighting) = case.sightings.iter().find(|sighting| sighting.bind() == bind) else { continue };
        let actions = key_actions(&sighting.database, statement, table);
        let is_known = |clue: &Clue| matches!(clue, Clue::Key { actions: known, .. } if *known == actions);
        if !actions.is_empty() && !found.iter().any(is_known) {
            let replaced = account.replaced(&sighting.database, statement);
            found.push(Clue::Key { actions, replaced });
        }
    }
    found.extend(replaced(account, case, clues).filter(|_| found.is_empty()));
    found
}

/// Finds the rows that were replaced where a row was removed by an `INSERT` into its own table.
fn replaced(account: &Account, case: &Case<'_>, clues: &[Clue]) -> Option<Clue> {
    for clue in clues {
        let Clue::Removed { bind, table, put, by } = clue else { continue };
        let sighting = case.sightings.iter().find(|sighting| sighting.bind() == bind)?;
        let inserts = |one: &&crate::observe::Statement| {
            one.recorded().number != put.recorded().number && one.puts_rows_into(bind, table)
        };
        let replaced = account.replaced(&sighting.database, by.statements.iter().find(inserts)?)?;
        return Some(Clue::Key { actions: Vec::new(), replaced: Some(replaced) });
    }
    None
}
