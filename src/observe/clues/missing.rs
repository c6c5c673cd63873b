//! A row that is not there: what was rolled back, what failed, what is still open, what was deleted, what was written elsewhere.

use super::clue::{Case, Clue, Last};
use super::lost::lost;
use std::sync::Arc;

use crate::instrument::{displaced, reads_log, Unprepared, Way};
use crate::key::BindKey;
use crate::list::{has_name, retain};
use crate::observe::account::{has_row, rowid_of, unique_keys, Account, Author, Fate, Given, StillOpen};
use crate::observe::evidence::Finding;
use crate::observe::glance::View;
use crate::observe::look::{Found, Sighting};
use crate::observe::nearest::Near;
use crate::observe::outside::written_outside;
use crate::observe::statements::{read, Statement};

/// The most statements whose rows are looked for, and the most rows of each.
const PUTS: usize = 8;
const ROWS: usize = 2;
/// The most statements that SQLite refused which are named.
const REFUSED: usize = 2;

/// Finds why a row is in no bind: in the target first, then elsewhere.
pub(super) fn missing(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    let near = nearest_row(case)
        .and_then(|(sighting, view, table, near)| rowid_of(&sighting.database, view, table, &near.row));
    let mut places = Vec::new();
    places.extend(case.sightings.iter().filter(|sighting| sighting.bind() == case.target));
    places.extend(case.sightings.iter().filter(|sighting| sighting.bind() != case.target));
    for sighting in &places {
        let mut open = open(account, case.table, sighting.bind());
        let nearest = near.filter(|_| sighting.bind() == case.target);
        let mut lost = lost(account, case.table, sighting.bind(), nearest);
        // One that failed in a transaction which is open is named with that.
        retain(&mut lost, |lost| !open.iter().any(|open| is_failure_in(open, lost)));
        clues.append(&mut lost);
        clues.append(&mut open);
    }
    clues.append(&mut refused(account.unprepared_on(case.table)));
    clues.append(&mut removed(account, case));
    // A row that was on its way is another than the nearest.
    if !clues.iter().any(Clue::is_of_another_row) {
        let is_lost = clues.iter().any(|clue| matches!(clue, Clue::Lost { .. }));
        clues.append(&mut nearest(account, case, is_lost));
    }
    clues.append(&mut outside(case));
    let has_named = clues.iter().any(|clue| !matches!(clue, Clue::Nearest { author: Author::Start, .. }));
    // Who deleted a row has changed the table last, or has been overwritten since.
    let is_told = |clue: &Clue| matches!(clue, Clue::Removed { .. });
    for sighting in places.iter().filter(|_| !clues.iter().any(is_told)) {
        let mut changes = account.writes(sighting.bind(), case.table);
        retain(&mut changes, |statement| statement.fate() == Fate::Committed);
        // What a DELETE took away is named by nothing else.
        retain(&mut changes, |statement| !has_named || !statement.puts_rows_into(sighting.bind(), case.table));
        let changes = changes.into_iter().cloned().collect();
        if let Some(last) = Last::of(changes) {
            clues.push(Clue::Changed { bind: sighting.bind().clone(), table: case.table.to_string(), last });
            break;
        }
    }
    let is_silent = !clues.iter().any(|clue| !matches!(clue, Clue::Nearest { author: Author::Start, .. }));
    let recorder = case.running.recorder();
    // A connection whose trace the application has replaced may have written anything.
    let is_seen = || recorder.keeps_writes() && displaced(recorder, 0).is_empty();
    if is_silent && !account.has_written_to(case.table) && is_seen() {
        let (table, is_partial) = (case.table.to_string(), account.is_partial());
        let (anything, reads_log) = (account.has_writes(), reads_log());
        clues.push(Clue::NothingWritten { table, is_partial, anything, reads_log });
        clues.append(&mut refused(account.unprepared()));
        clues.extend(untried(case));
    }
    clues.extend(dropped(account, &clues));
    clues
}

/// Finds the sessions that were dropped without a commit, of which no other clue has a statement.
fn dropped(account: &Account, clues: &[Clue]) -> Option<Clue> {
    let mut dropped = account.dropped_sessions();
    for clue in clues {
        if let Clue::Lost { last, .. } = clue {
            retain(&mut dropped, |one| !last.statements.iter().any(|lost| lost.transaction() == one.transaction()));
        }
    }
    Last::of(dropped).map(|last| Clue::DroppedSession { last })
}

/// Returns the row in the target that comes nearest, with where it is.
fn nearest_row<'c>(case: &Case<'c>) -> Option<(&'c Sighting, View, &'c str, &'c Near)> {
    let exhibit = case.exhibits.iter().find(|exhibit| exhibit.bind == *case.target)?;
    let sighting = case.sightings.iter().find(|sighting| sighting.bind() == case.target)?;
    match (&exhibit.found, &sighting.found) {
        (Finding::Near(Some(near)), Found::Rows { table, view, .. }) => Some((sighting, *view, table, near.first()?)),
        _ => None,
    }
}

/// Finds the author of the row in the target that comes nearest, and who wrote it before.
fn nearest(account: &Account, case: &Case<'_>, is_lost: bool) -> Vec<Clue> {
    let Some((sighting, view, table, Near { row, different, .. })) = nearest_row(case) else { return Vec::new() };
    let author = account.author(&sighting.database, view, table, row);
    let (bind, name) = (sighting.bind().clone(), table.to_string());
    let mut clues = Vec::new();
    if matches!(author, Author::One(_))
        && let Some(last) = Last::of(account.earlier(&sighting.database, view, table, row))
    {
        clues.push(Clue::Earlier { bind: bind.clone(), table: name.clone(), last });
    }
    // Beside an update of it that was lost, a row of the start says no more.
    let is_plain = matches!(author, Author::Unknown) || matches!(author, Author::Start) && is_lost;
    if !is_plain {
        let mut at_start = Vec::new();
        if let Some(before) = account.before(&sighting.database, view, table, row) {
            for column in different {
                let was = before.value(column).filter(|was| row.value(column) != Some(was));
                at_start.extend(was.map(|was| (column.clone(), was.clone())));
            }
        }
        let mut met_by = Vec::new();
        if let Author::One(one) = &author
            && one.has_updated_instead(table)
        {
            let keys = unique_keys(&sighting.database, table);
            for column in different.iter().filter(|column| keys.iter().any(|key| has_name(key, column))) {
                met_by.extend(row.value(column).map(|value| (column.clone(), value.clone())));
            }
        }
        clues.insert(0, Clue::Nearest { bind, table: name, author, at_start, met_by });
    }
    clues
}

/// Finds the statements that changed rows of a bind's table in transactions that are open.
pub(super) fn open(account: &Account, table: &str, bind: &BindKey) -> Vec<Clue> {
    let mut open = account.writes(bind, table);
    retain(&mut open, |statement| statement.fate() == Fate::Open);
    let Some(last) = Last::of(open.into_iter().cloned().collect()) else { return Vec::new() };
    let Some(of_last) = last.statements.last() else { return Vec::new() };
    let failed = account.failed_after(of_last);
    let is_named = |one: &Statement| {
        let number = one.recorded().number;
        number == of_last.recorded().number || failed.as_ref().is_some_and(|failed| failed.recorded().number == number)
    };
    let latest = account.last_of_unit(of_last).filter(|latest| !is_named(latest));
    let open = StillOpen::of(of_last, latest);
    let mut clues = vec![Clue::Open { bind: bind.clone(), table: table.to_string(), last, open }];
    clues.extend(failed.map(|failed| Clue::FailedIn { statement: Box::new(failed) }));
    clues
}

/// Returns whether a clue names the one lost statement as the failure in a transaction.
fn is_failure_in(clue: &Clue, lost: &Clue) -> bool {
    match (clue, lost) {
        (Clue::FailedIn { statement }, Clue::Lost { last, .. }) => {
            last.before == 0 && last.statements.iter().all(|one| one.recorded().number == statement.recorded().number)
        }
        _ => false,
    }
}

/// Finds what wrote to a table of that name in databases that are no harness's.
fn outside(case: &Case<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for outside in written_outside(case.running, case.table) {
        let Some(last) = Last::of(read(outside.statements)) else { continue };
        clues.push(Clue::Outside {
            stray: outside.stray,
            is_open: outside.is_open,
            table: case.table.to_string(),
            last,
        });
    }
    clues
}

/// Lists the last of the statements that SQLite refused to prepare, each once.
fn refused(unprepared: Vec<Arc<Unprepared>>) -> Vec<Clue> {
    let mut clues = Vec::<Clue>::new();
    for one in unprepared {
        let is_same = |other: &Unprepared| {
            let place = |one: &Unprepared| one.place.as_ref().and_then(|place| place.text().map(str::to_string));
            (&other.sql, &other.message) == (&one.sql, &one.message) && place(other) == place(&one)
        };
        match clues.last_mut() {
            Some(Clue::Unprepared { one: other, times }) if is_same(other) => *times += 1,
            _ => clues.push(Clue::Unprepared { one, times: 1 }),
        }
    }
    clues.split_off(clues.len().saturating_sub(REFUSED))
}

/// Finds whether nobody had a connection to the bind that was meant.
pub(super) fn untried(case: &Case<'_>) -> Option<Clue> {
    // The source is written to, and a replica that lags is not.
    let lags = case.sightings.iter().any(|sighting| sighting.database.key() == case.target && sighting.database.lags());
    let recorder = case.running.recorder();
    if lags || !recorder.is_unopened(case.target) {
        return None;
    }
    let (mut given, mut is_asked) = (Given::Lines(Vec::new()), false);
    for sighting in case.sightings.iter().filter(|sighting| sighting.bind() == case.target) {
        let keys = sighting.database.keys();
        given = Given::of(recorder, keys, Way::Address);
        is_asked |= [Way::Address, Way::Pool].iter().any(|way| !recorder.given(keys, *way).is_empty());
    }
    Some(Clue::Unopened { bind: case.target.clone(), given, is_asked })
}

/// Finds the last row that was written to the target and deleted again.
fn removed(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let sighting = case.sightings.iter().find(|sighting| sighting.bind() == case.target);
    let Some((sighting, Found::Rows { table, view, .. })) = sighting.map(|sighting| (sighting, &sighting.found)) else {
        return Vec::new();
    };
    for put in account.puts(sighting.bind(), table).into_iter().rev().take(PUTS) {
        let Some(ended) = put.recorded().ended.as_ref().filter(|_| put.fate() == Fate::Committed) else { continue };
        for rowid in ended.touched.put(table, ROWS) {
            if has_row(&sighting.database, *view, table, rowid) {
                continue;
            }
            let mut removals = account.removals(sighting.bind(), table, Some(rowid));
            retain(&mut removals, |removal| removal.recorded().number >= put.recorded().number);
            if removals.is_empty() {
                removals.extend(account.replacer(&sighting.database, put, table));
            }
            if let Some(by) = Last::of(removals) {
                let (bind, table) = (sighting.bind().clone(), table.clone());
                return vec![Clue::Removed { bind, table, put: Box::new(put.clone()), by }];
            }
        }
    }
    Vec::new()
}
