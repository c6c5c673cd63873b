//! The verdict on a landing: whether a row is where a test asserts it, and if not, all that its report shows.

use std::sync::Arc;

use super::clues::{clues, Case, Clue};
use super::evidence::{exhibits, open_transactions, Exhibit, LeftOut, OpenTransaction};
use super::glance::View;
use super::late::{late, Late};
use super::look::{look, Effort, Found, Sighting};
use super::reason::{Expected, Reason, Times, Whereabouts};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::harness::{Bound, Running};
use crate::key::{BindKey, Selection};
use crate::list::mapped;
use crate::row::Row;

/// A failed assertion on a landing.
pub(crate) struct Failure<'t> {
    pub(crate) expected: Expected,
    /// The binds that are asserted on.
    pub(crate) keys: Vec<BindKey>,
    /// The one of them that the reason is about.
    pub(crate) key: BindKey,
    pub(crate) table: &'t str,
    pub(crate) row: &'t Row,
    pub(crate) reason: Reason,
    pub(crate) clues: Vec<Clue>,
    pub(crate) exhibits: Vec<Exhibit>,
    pub(crate) left_out: Option<LeftOut>,
    pub(crate) open: Vec<OpenTransaction>,
    /// The source of the lagging replica that was asked, if that has the row.
    pub(crate) behind: Option<BindKey>,
    /// The replicas that were behind when they were read.
    pub(crate) late: Vec<Late>,
    /// The bind to look into: one that has the row, else the one asserted on.
    pub(crate) look_into: BindKey,
}

/// The most rows of a bind that are read; a report shows all but the last.
const READ: usize = 4;

/// A database in which a row is to be, and the key that the assertion names it by.
struct Target {
    key: BindKey,
    database: Arc<Bound>,
}

/// Looks for a row in every bind, once, and judges what it finds; `None` where all is as expected.
pub(crate) fn verdict_on<'t>(
    running: &Running,
    expected: Expected,
    selection: &Selection,
    table: &'t str,
    row: &'t Row,
) -> Result<Option<Failure<'t>>> {
    let targets = targets(running, selection)?;
    // What is elsewhere decides only whether a row is in the binds alone.
    let effort = |database: &Database| match expected {
        Expected::Landed | Expected::Once => Effort::Settled,
        Expected::NotLanded if is_target(&targets, database.key()) => Effort::Final,
        Expected::NotLanded => Effort::Once,
    };
    let sightings = look(running, table, row.checked()?, Some(READ), &effort)?;
    let reason = match expected {
        Expected::Landed => landed(&targets, &sightings, false),
        Expected::Once => landed(&targets, &sightings, true),
        Expected::NotLanded => not_landed(&targets, &sightings),
    };
    let Some((target, mut reason)) = reason else { return Ok(None) };

    let (key, database) = (target.key.clone(), &target.database);
    let open = open_transactions(&sightings);
    let has_row = |bind: &BindKey| sightings.iter().any(|sighting| sighting.bind() == bind && sighting.has_row());
    let behind =
        database.source().filter(|source| expected != Expected::NotLanded && database.lags() && has_row(source));
    if let Reason::NoTable(having) = &mut reason {
        let has = |sighting: &&Sighting| !matches!(sighting.found, Found::NoTable | Found::Unreadable(_));
        having.extend(sightings.iter().filter(has).map(|sighting| sighting.bind().clone()));
    }
    let (mut exhibits, left_out) = exhibits(&sightings, database.key(), row);
    let case = Case {
        running,
        expected,
        target: database.key(),
        table,
        reason: &reason,
        sightings: &sightings,
        exhibits: &exhibits,
    };
    let clues = clues(&case);
    // Rows that share nothing with one that was on its way are no answer.
    if clues.iter().any(Clue::is_of_another_row) {
        for exhibit in &mut exhibits {
            exhibit.forget_unlike(row);
        }
    }
    let look_into = sightings.iter().find(|sighting| sighting.has_row()).map_or(&key, Sighting::bind).clone();
    let (keys, behind) = (mapped(&targets, |target| target.key.clone()), behind.cloned());
    Ok(Some(Failure {
        expected,
        keys,
        key,
        table,
        row,
        reason,
        clues,
        exhibits,
        left_out,
        open,
        behind,
        late: late(running),
        look_into,
    }))
}

impl Failure<'_> {
    /// Waits a moment for the transactions that were open, so that the report can say whether they were about to end.
    pub(crate) fn wait_for_open(&mut self, running: &Running) {
        for clue in &mut self.clues {
            if let Clue::Open { open: Some(open), .. } = clue {
                open.wait(running);
            }
        }
    }
}

/// Returns the databases that a selection means, each once: for all, those that have rows of their own.
fn targets(running: &Running, selection: &Selection) -> Result<Vec<Target>> {
    let mut targets = Vec::<Target>::new();
    let Some(keys) = selection.keys() else {
        for database in running.databases().into_iter().filter(|database| !database.lags()) {
            targets.push(Target { key: database.key().clone(), database });
        }
        return Ok(targets);
    };
    if keys.is_empty() {
        return Err(Error::row("the list of binds is empty: name at least one, or write `..` for all".to_string()));
    }
    for key in keys {
        // A database that nobody has used counts as what it is made as.
        running.make_again(key)?;
        let database = running.home_of(key)?;
        if !is_target(&targets, database.key()) {
            targets.push(Target { key: key.clone(), database });
        }
    }
    Ok(targets)
}

fn is_target(targets: &[Target], bind: &BindKey) -> bool {
    targets.iter().any(|target| target.database.key() == bind)
}

/// Judges whether the row is in each target, committed, and nowhere else; where it is to be there `once`, in each one time.
/// Returns the target that the reason is about.
///
/// A replica is no other bind than its source: a row that is in one has landed in the other.
fn landed<'t>(targets: &'t [Target], sightings: &[Sighting], once: bool) -> Option<(&'t Target, Reason)> {
    let here = |target: &Target| sightings.iter().find(|sighting| sighting.bind() == target.database.key());
    let mut having = Vec::new();
    for target in targets {
        if here(target).is_some_and(Sighting::has_row) {
            having.push(target);
        }
    }
    let is_same = |sighting: &Sighting| {
        let is_source = |target: &&Target| Some(sighting.bind()) == target.database.source();
        !having.is_empty() && sighting.database.lags() || having.iter().any(is_source)
    };
    let mut others = Vec::new();
    for sighting in sightings {
        if !is_target(targets, sighting.bind()) && !is_same(sighting) {
            others.push(sighting);
        }
    }
    let elsewhere = || places(&others);
    for target in targets {
        let reason = match here(target).map(|here| &here.found) {
            Some(Found::Unreadable(_)) => Reason::Unreadable(elsewhere()),
            Some(Found::Rows { rows, view: View::Open, .. }) if !rows.is_empty() => Reason::NotCommitted(elsewhere()),
            Some(Found::Rows { rows, .. }) if !rows.is_empty() => continue,
            _ if !elsewhere().is_empty() => Reason::Elsewhere(elsewhere()),
            _ if !having.is_empty() => Reason::NotIn(mapped(&having, |target| target.key.clone())),
            Some(Found::NoTable) => Reason::NoTable(Vec::new()),
            Some(Found::NoColumn { column, .. }) => Reason::NoColumn(column.clone()),
            _ => Reason::Nowhere,
        };
        return Some((target, reason));
    }
    let first = targets.first()?;
    if !elsewhere().is_empty() {
        return Some((first, Reason::Also(elsewhere())));
    }
    for target in targets.iter().filter(|_| once) {
        let times = here(target).and_then(Sighting::times_if_several);
        if let Some(times) = times {
            return Some((target, Reason::Several(times)));
        }
    }
    Some((first, unknown_in(&others)?))
}

/// Finds a bind that may have the row too.
fn unknown_in(others: &[&Sighting]) -> Option<Reason> {
    others.iter().find_map(|sighting| match &sighting.found {
        Found::Unreadable(_) => Some(Reason::OtherUnreadable(sighting.bind().clone())),
        Found::Rows { view: View::Open, .. } => Some(Reason::OtherUnsettled(sighting.bind().clone())),
        _ => None,
    })
}

/// Judges whether the row is in none of the targets, and returns the one that the reason is about.
fn not_landed<'t>(targets: &'t [Target], sightings: &[Sighting]) -> Option<(&'t Target, Reason)> {
    for target in targets {
        let Some(here) = sightings.iter().find(|sighting| sighting.bind() == target.database.key()) else { continue };
        let reason = match &here.found {
            Found::Rows { view: View::Open, .. } if here.has_row() => Reason::NotCommitted(Vec::new()),
            Found::Rows { .. } if here.has_row() => Reason::There,
            Found::Rows { view: View::Open, .. } => Reason::Unsettled,
            Found::Unsettled { .. } => Reason::Unseen,
            Found::NoColumn { column, .. } => Reason::NoColumn(column.clone()),
            Found::Unreadable(_) => Reason::Unreadable(Vec::new()),
            Found::Rows { .. } | Found::NoTable => continue,
        };
        return Some((target, reason));
    }
    None
}

fn places(sightings: &[&Sighting]) -> Vec<Whereabouts> {
    let mut places = Vec::new();
    for sighting in sightings {
        if sighting.has_row() {
            let committed = !matches!(sighting.found, Found::Rows { view: View::Open, .. });
            places.push(Whereabouts { bind: sighting.bind().clone(), committed });
        }
    }
    places
}

impl Sighting {
    /// Returns whether it has a row that matches.
    pub(super) fn has_row(&self) -> bool {
        matches!(&self.found, Found::Rows { rows, .. } if !rows.is_empty())
    }

    /// Returns the number of rows that match, where there are several.
    fn times_if_several(&self) -> Option<Times> {
        match &self.found {
            Found::Rows { rows, .. } if rows.len() >= READ => Some(Times::AtLeast(rows.len())),
            Found::Rows { rows, .. } if rows.len() > 1 => Some(Times::Exactly(rows.len())),
            _ => None,
        }
    }
}
