//! The rows that were found: who wrote them, on which connection, into which table.

use super::clue::{Case, Clue};
use crate::observe::account::{trigger_text, Account, Author, Fate};
use crate::observe::look::Found;
use crate::observe::reason::Expected;
use crate::observe::statements::Statement;

/// The most rows of a bind, and the most rows in all, whose authors are named.
const ROWS: usize = 2;
const ALL_ROWS: usize = 3;

/// Finds the authors of the rows that match.
pub(super) fn written(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let (mut written, mut all) = (Vec::<Clue>::new(), 0);
    for sighting in case.sightings {
        let Found::Rows { table, rows, view } = &sighting.found else { continue };
        let is_meant = case.expected != Expected::NotLanded || sighting.bind() == case.target;
        if !is_meant || sighting.database.lags() {
            continue;
        }
        for row in rows.iter().take(ROWS) {
            let author = account.author(&sighting.database, *view, table, row);
            if let Some(Clue::Written { bind, author: of_last, rows, .. }) = written.last_mut()
                && bind == sighting.bind()
                && of_last.is_same(&author)
            {
                *rows += 1;
                continue;
            }
            all += 1;
            if all <= ALL_ROWS && !matches!(author, Author::Unknown) {
                let (bind, table) = (sighting.bind().clone(), table.clone());
                written.push(Clue::Written { bind, table, author, rows: 1 });
            }
        }
    }
    written
}

/// Finds the statements that created the table where it is.
pub(super) fn created(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let mut created = Vec::new();
    for sighting in case.sightings.iter().filter(|sighting| sighting.has_table()) {
        if let Some(statement) = account.creations(sighting.bind(), case.table).pop() {
            created.push(Clue::Created { bind: sighting.bind().clone(), statement: Box::new(statement.clone()) });
        }
    }
    created
}

/// Finds how the connection came about that wrote the row where it was not meant.
pub(super) fn came(account: &Account, written: &[Clue]) -> Option<Clue> {
    let mut one = None;
    for clue in written {
        if let Clue::Written { bind, author: Author::One(author), .. } = clue {
            one = Some((bind, author));
        }
    }
    let (bind, author) = one?;
    Some(Clue::Came { came: account.connection_of(author, bind)? })
}

/// Finds the triggers that the clues name: their texts, and who created them.
pub(super) fn triggers(account: &Account, case: &Case<'_>, clues: &[Clue]) -> Vec<Clue> {
    let mut named = Vec::new();
    for clue in clues {
        match clue {
            Clue::Written { bind, table, author: Author::One(one), .. }
            | Clue::Nearest { bind, table, author: Author::One(one), .. } => named.push((bind, one.trigger_on(table))),
            Clue::Earlier { bind, table, last } | Clue::Changed { bind, table, last } => {
                named.extend(last.statements.iter().map(|one| (bind, one.trigger_on(table))));
            }
            // A trigger may have refused the row, or let it go by.
            Clue::Lost { bind, last, .. } => {
                let is_refused = |one: &&Statement| matches!(one.fate(), Fate::Nothing | Fate::FailedItself);
                named.extend(last.statements.iter().filter(is_refused).map(|one| (bind, one.triggers().next())));
            }
            Clue::Removed { bind, table, by, .. } | Clue::Gone { bind, table, by } => {
                named.extend(by.statements.iter().map(|one| (bind, one.trigger_that_deletes(table))));
            }
            _ => {}
        }
    }
    let mut made = Vec::<Clue>::new();
    for (bind, trigger) in named {
        let Some(trigger) = trigger else { continue };
        let is_known = |clue: &Clue| matches!(clue, Clue::Trigger { trigger: known, .. } if known == trigger);
        if made.iter().any(is_known) {
            continue;
        }
        let sighting = case.sightings.iter().find(|sighting| sighting.bind() == bind);
        let text = sighting.and_then(|sighting| trigger_text(&sighting.database, trigger));
        let statement = account.trigger_creation(bind, trigger).map(|one| Box::new(one.clone()));
        if text.is_some() || statement.is_some() {
            made.push(Clue::Trigger { bind: bind.clone(), trigger: trigger.to_string(), text, statement });
        }
    }
    made
}
