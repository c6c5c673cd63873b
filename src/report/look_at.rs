//! The line to look at first: the one that the facts of a failed assertion accuse.

use super::values::{differing, in_short};
use super::words::{quoted, times};
use crate::instrument::{OpenedBy, Place};
use crate::key::BindKey;
use crate::observe::{
    Author, Broken, Came, ChangeSet, Clue, Failure, Fate, Given, Late, Misplaced, Reason, Statement, TableChange,
    Unenforced,
};

/// A line, and what it did.
struct Accused {
    place: String,
    did: String,
}

/// Returns the line to look at first; `None` where no line is known that does more than others.
pub(super) fn look_at(failure: &Failure<'_>) -> Option<String> {
    let accused = match &failure.reason {
        Reason::There => there(failure),
        Reason::Elsewhere(_) | Reason::NotIn(_) | Reason::Also(_) => elsewhere(failure),
        _ => absent(failure),
    };
    accused.map(in_words)
}

/// Accuses a place by its line alone, for its function stands beside the statement.
fn of(place: Option<&str>, did: String) -> Option<Accused> {
    let place = place?;
    let line = place.split_once(", ").map_or(place, |(line, _)| line);
    Some(Accused { place: line.to_string(), did })
}

fn text(place: Option<&Place>) -> Option<&str> {
    place.and_then(Place::text)
}

/// Finds what wrote a row that was not to be there, or left it.
fn there(failure: &Failure<'_>) -> Option<Accused> {
    let mut written = None;
    for clue in &failure.clues {
        match clue {
            Clue::Broken { why: Some(Unenforced::SwitchedOff(place)), .. } => {
                return of(text(place.as_deref()), "switched foreign keys off on its connection".to_string());
            }
            Clue::Written { bind, table, author: Author::One(one), .. } => written = Some((bind, table, one)),
            _ => {}
        }
    }
    let (bind, table, one) = written?;
    let lost = failure.clues.iter().find_map(|clue| match clue {
        Clue::Beside { last, after: Some(_) } => last.statements.last(),
        _ => None,
    });
    if let Some(lost) = lost {
        let committed = one.ended_at();
        let did = format!("committed `{bind}`, and what was written to `{}` was lost", lost.bind());
        return of(committed.as_deref().or(one.place()), did);
    }
    let did = match one.trigger_on(table) {
        Some(trigger) => format!("fired the trigger `{trigger}`, which wrote the row"),
        None => "wrote the row".to_string(),
    };
    of(one.place(), did)
}

/// Finds what took a row to another bind than was meant.
fn elsewhere(failure: &Failure<'_>) -> Option<Accused> {
    // Nobody can have mixed up what nobody has asked for.
    let is_asked = !failure.clues.iter().any(|clue| matches!(clue, Clue::Unopened { is_asked: false, .. }));
    for clue in &failure.clues {
        if let Clue::Came { came } = clue
            && let Some(accused) = by_connection(came).or_else(|| given_by(came, is_asked))
        {
            return Some(accused);
        }
    }
    let meant = quoted(&failure.keys, "and");
    failure.clues.iter().find_map(|clue| match clue {
        Clue::Written { bind, author: Author::One(one), .. } if !failure.keys.contains(bind) => {
            by_statement(one, bind, &meant)
        }
        _ => None,
    })
}

/// Finds the line that used a connection to another bind than was meant.
fn by_statement(one: &Statement, bind: &BindKey, meant: &str) -> Option<Accused> {
    if one.is_from_session() {
        return of(one.place(), format!("wrote to `{bind}`, not to {meant}"));
    }
    of(
        one.place(),
        format!(
            "used a connection to `{bind}`, not to {meant}{}",
            or_caller(one.recorded().place.as_deref(), "that connection")
        ),
    )
}

/// Names the caller that may have handed `it` over, which a line used.
fn or_caller(place: Option<&Place>, it: &str) -> String {
    match place.and_then(Place::application_caller) {
        Some(caller) => format!(". {caller} called that line, and may have chosen {it}"),
        None => String::new(),
    }
}

/// Finds the one line that gave the way to a bind.
fn given_by(came: &Came, is_asked: bool) -> Option<Accused> {
    let is_of_call = came.opening.by == OpenedBy::Pool && came.is_of_one_call;
    let Given::Lines(lines) = &came.given else { return None };
    let [asked] = lines.as_slice() else { return None };
    if is_asked && !is_of_call {
        return None;
    }
    let line = format!("{}:{}", asked.line.file(), asked.line.line());
    of(
        Some(&line).filter(|_| !asked.again).map(String::as_str),
        format!("gave `{}`, with `db.{}`", asked.database, asked.method),
    )
}

/// Finds the line that attached the bind, or that kept the connection of an earlier call.
fn by_connection(came: &Came) -> Option<Accused> {
    match &came.attached {
        Some((bind, Some(attached))) => {
            let did = format!("attached `{bind}` as `{}`, and the row was written to that", attached.schema);
            of(text(attached.place.as_deref()), did)
        }
        Some(_) => None,
        // A line that opens it for the statement that follows has chosen its address.
        None if came.is_of_one_call && came.opening.by == OpenedBy::Application => {
            let own = came.opening.names.first();
            of(text(came.opening.place.as_deref()), format!("opened a connection to `{own}`"))
        }
        None if came.opening.by == OpenedBy::Application && came.first.is_some() => match &came.given {
            Given::Lines(lines) if lines.len() == 1 => {
                let (at, _) = lines[0].place.as_ref().filter(|_| !lines[0].again)?.calls_a_test()?;
                of(Some(at), "used, for this row, a connection that it had opened for another statement".to_string())
            }
            _ => None,
        },
        None => None,
    }
}

/// Finds what lost a row, or never wrote it.
fn absent(failure: &Failure<'_>) -> Option<Accused> {
    let clues = &failure.clues;
    for clue in clues {
        let accused = match clue {
            Clue::Lost { last, .. } => last.statements.last().and_then(|one| lost(one, clues)),
            Clue::Open { last, .. } => last
                .statements
                .last()
                .and_then(|one| of(one.place(), "wrote the row, and no COMMIT has followed".to_string())),
            Clue::Removed { put, by, table, .. } => {
                let itself = by.statements.iter().all(|one| one.recorded().number == put.recorded().number);
                match clues.iter().find_map(trigger).filter(|_| itself) {
                    Some((name, at)) => {
                        of(Some(at), format!("created the trigger `{name}`, which deletes from `{table}`"))
                    }
                    None => by.statements.last().and_then(|one| of(one.place(), deleted(clues))),
                }
            }
            Clue::Created { bind, statement } => {
                let table = failure.table;
                of(statement.place(), format!("created `{table}` in `{bind}`, not in {}", quoted(&failure.keys, "and")))
            }
            Clue::Outside { stray, .. } => {
                of(stray.place(), format!("opened {}, where the row was written", stray.database()))
            }
            Clue::Unprepared { one, .. } => {
                of(text(one.place.as_deref()), "ran a statement that SQLite refused".to_string())
            }
            _ => None,
        };
        if accused.is_some() {
            return accused;
        }
    }
    nearest(failure)
}

/// Says by what a row was deleted that no statement named.
fn deleted(clues: &[Clue]) -> String {
    match clues.iter().find(|clue| matches!(clue, Clue::Key { .. })) {
        Some(Clue::Key { replaced: Some(replaced), .. }) => {
            format!("replaced a row of `{}`, which deleted the row looked for", replaced.table)
        }
        Some(_) => "deleted the row, by a foreign key".to_string(),
        None => "deleted the row".to_string(),
    }
}

/// Finds the line that lost a write, or what made it do so.
fn lost(one: &Statement, clues: &[Clue]) -> Option<Accused> {
    match one.fate() {
        Fate::Nothing => return of(one.place(), "ran a statement that changed no row, without an error".to_string()),
        Fate::FailedItself => return of(one.place(), "ran a statement that failed".to_string()),
        _ => {}
    }
    for clue in clues {
        match clue {
            Clue::Failed { statement } => {
                return of(statement.place(), "ran a statement that failed before the rollback".to_string());
            }
            Clue::UnpreparedBefore { one } => {
                return of(
                    text(one.place.as_deref()),
                    "ran a statement that SQLite refused before the rollback".to_string(),
                );
            }
            _ => {}
        }
    }
    if let Some(refused) = one.refused_commit() {
        return of(text(refused.place.as_deref()), "ran the COMMIT that failed".to_string());
    }
    let did = match one.dropped_future() {
        Some(function) => format!("dropped the future of `{function}`, which rolled the write back"),
        None if one.is_dropped() => match one.fate() {
            Fate::Undone => "dropped the savepoint without a commit, which rolled the write back".to_string(),
            _ => "dropped the transaction without a commit, which rolled the write back".to_string(),
        },
        None => "asked for the rollback".to_string(),
    };
    of(one.ended_at().as_deref(), did)
}

/// Finds what gave the nearest row the values that differ.
fn nearest(failure: &Failure<'_>) -> Option<Accused> {
    if let Some(Late { replica, source, reads, .. }) = failure.late.first() {
        let read = reads.last()?;
        let caller = or_caller(read.place.as_deref(), &format!("`{replica}`"));
        return of(text(read.place.as_deref()), format!("read `{replica}` while that was behind `{source}`{caller}"));
    }
    if let Some((name, at)) = failure.clues.iter().find_map(trigger) {
        return of(Some(at), format!("created the trigger `{name}`, which writes to `{}` too", failure.table));
    }
    failure.clues.iter().find_map(|clue| match clue {
        Clue::Nearest { table, author: Author::One(one), met_by, .. } if one.has_updated_instead(table) => {
            let met = met_by.first().map(|(column, value)| format!(" (`{column}` = {})", in_short(value)));
            let met = met.unwrap_or_default();
            of(one.place(), format!("updated the row that has the key it was given{met}, and inserted none"))
        }
        Clue::Nearest { author: Author::One(one), .. } => of(one.place(), wrote(failure)),
        _ => None,
    })
}

/// Says which other value the nearest row was given.
fn wrote(failure: &Failure<'_>) -> String {
    match differing(failure).as_slice() {
        [one] => format!("wrote {one}"),
        _ => "wrote the nearest row".to_string(),
    }
}

/// Finds the line to look at first of changes that are not those expected.
pub(super) fn of_changes(changes: &ChangeSet, unexpected: &[TableChange], misplaced: &[Misplaced]) -> Option<String> {
    let change = unexpected.first()?;
    let makers = changes.makers(change);
    let last = makers.last()?;
    let accused = match misplaced.iter().find(|one| one.is(change)) {
        Some(one) => changes
            .came(change, last)
            .and_then(|came| by_connection(&came).or_else(|| given_by(&came, true)))
            .or_else(|| by_statement(last, &change.bind, &format!("`{}`", one.expected_in))),
        None if makers.len() > 1 && makers.iter().all(|one| one.place() == last.place()) => {
            let caller = last.recorded().place.as_deref().and_then(Place::application_caller);
            let from = caller.map_or(String::new(), |caller| format!(", called from {caller}"));
            of(last.place(), format!("changed `{}` {}{from}", change.table, times(makers.len())))
        }
        None => of(last.place(), format!("changed `{}`", change.table)),
    };
    accused.map(in_words)
}

/// Finds the line to look at first of rows that refer to nothing.
pub(super) fn of_broken(broken: &[Broken]) -> Option<String> {
    let first = broken.first()?;
    let gone = first.gone.iter().find_map(|clue| match clue {
        Clue::Gone { table, by, .. } => Some((table, by.statements.last()?)),
        _ => None,
    });
    let (table, statement) = gone?;
    let kept = first.orphan.table();
    of(statement.place(), format!("deleted the row of `{table}`, and not that of `{kept}` which refers to it"))
        .map(in_words)
}

fn in_words(accused: Accused) -> String {
    format!("{}: it {}", accused.place, accused.did)
}

/// Returns the trigger of a clue, with the place at which it was created.
fn trigger(clue: &Clue) -> Option<(&str, &str)> {
    match clue {
        Clue::Trigger { trigger, statement: Some(statement), .. } => Some((trigger, statement.place()?)),
        _ => None,
    }
}
