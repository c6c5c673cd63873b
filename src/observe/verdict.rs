//! The verdict on a landing: whether a row is where a test asserts it, and if not, all that its report shows.

use super::account::{Account, Author};
use super::evidence::{exhibits, open_transactions, Exhibit, LeftOut, OpenTransaction};
use super::glance::View;
use super::look::{look, Effort, Found, Sighting};
use super::statements::Statement;
use crate::database::Database;
use crate::error::Result;
use crate::harness::Running;
use crate::key::BindKey;
use crate::row::Row;

/// The claim of an assertion about a row and a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is there, committed, and in no other bind.
    Landed,
    /// It is not there.
    NotLanded,
}

/// A failed assertion on a landing.
pub(crate) struct Failure<'t> {
    pub(crate) expected: Expected,
    pub(crate) key: &'t BindKey,
    pub(crate) table: &'t str,
    pub(crate) row: &'t Row,
    pub(crate) reason: Reason,
    pub(crate) written: Vec<WrittenRow>,
    pub(crate) exhibits: Vec<Exhibit>,
    pub(crate) left_out: Option<LeftOut>,
    pub(crate) open: Vec<OpenTransaction>,
    /// No bind has the row, and nothing that was found says why.
    pub(crate) is_unexplained: bool,
    /// The source of the lagging replica that was asked, if that has the row.
    pub(crate) behind: Option<BindKey>,
    /// The bind to look into: one that has the row, else the one asserted on.
    pub(crate) look_into: BindKey,
}

/// The reason why an assertion on a landing fails.
pub(crate) enum Reason {
    /// The row is in the bind, but not committed; and in these.
    NotCommitted(Vec<Whereabouts>),
    /// The row landed in the bind, but also in these.
    Also(Vec<Whereabouts>),
    /// The row landed in the bind; this one cannot be read.
    OtherUnreadable(BindKey),
    /// The row landed in the bind; a transaction that may have put it into this one is open.
    OtherUnsettled(BindKey),
    /// The row is in these binds and not in the one.
    Elsewhere(Vec<Whereabouts>),
    /// The bind cannot be read; the row is in these.
    Unreadable(Vec<Whereabouts>),
    /// The bind has no such table, and the row is in no other; these have the table.
    NoTable(Vec<TableMaker>),
    /// The bind's table has no such column, and the row is in no other.
    NoColumn(String),
    /// The row is in no bind.
    Nowhere,
    /// The row is in the bind, where it was not to be.
    There,
    /// The row is not seen in the bind; a transaction that wrote to the table is open.
    Unsettled,
    /// The row is not seen in the bind; a transaction that can write is open, and nobody else sees its rows.
    Unseen,
}

/// Rows that match, with the statement that wrote them.
pub(crate) struct WrittenRow {
    pub(crate) bind: BindKey,
    /// The table as its schema spells it.
    pub(crate) table: String,
    pub(crate) author: Author,
    /// The number of rows.
    pub(crate) rows: usize,
}

/// A bind that has a table, and the statement that created it there, unless it was there at the start.
pub(crate) struct TableMaker {
    pub(crate) bind: BindKey,
    pub(crate) creation: Option<Statement>,
}

/// The most rows of a bind whose authors are named.
const NAMED: usize = 2;

/// A bind that has the row.
pub(crate) struct Whereabouts {
    pub(crate) bind: BindKey,
    pub(crate) committed: bool,
}

/// The most rows of a bind that are read; a report shows all but the last.
const READ: usize = 4;

/// Looks for a row in every bind, once, and judges what it finds; `None` where all is as expected.
pub(crate) fn verdict_on<'t>(
    running: &Running,
    expected: Expected,
    key: &'t BindKey,
    table: &'t str,
    row: &'t Row,
) -> Result<Option<Failure<'t>>> {
    let target = running.home_of(key)?;
    // What is elsewhere decides only whether a row is in one bind alone.
    let effort = |database: &Database| match expected {
        Expected::Landed => Effort::Settled,
        Expected::NotLanded if database.key() == target.key() => Effort::Final,
        Expected::NotLanded => Effort::Once,
    };
    let sightings = look(running, table, row.checked()?, Some(READ), &effort)?;
    let reason = match expected {
        Expected::Landed => landed(&target, &sightings),
        Expected::NotLanded => not_landed(target.key(), &sightings),
    };
    let Some(mut reason) = reason else { return Ok(None) };

    let open = open_transactions(&sightings);
    let is_unexplained = expected == Expected::Landed
        && open.is_empty()
        && sightings.iter().all(|sighting| sighting.is_plainly_without(key));
    let has_row = |bind: &BindKey| sightings.iter().any(|sighting| sighting.bind() == bind && sighting.has_row());
    let behind = target.source().filter(|source| expected == Expected::Landed && target.lags() && has_row(source));
    let account = Account::read(running);
    if let Reason::NoTable(makers) = &mut reason {
        *makers = self::makers(&account, table, &sightings);
    }
    let written = written(&account, &sightings);
    let (exhibits, left_out) = exhibits(&sightings, target.key(), row);
    let look_into = sightings.iter().find(|sighting| sighting.has_row()).map_or(key, Sighting::bind).clone();
    let behind = behind.cloned();
    Ok(Some(Failure {
        expected,
        key,
        table,
        row,
        reason,
        written,
        exhibits,
        left_out,
        open,
        is_unexplained,
        behind,
        look_into,
    }))
}

/// Finds the binds that have the table, and the statements that created it there.
fn makers(account: &Account, table: &str, sightings: &[Sighting]) -> Vec<TableMaker> {
    let mut makers = Vec::new();
    for sighting in sightings.iter().filter(|sighting| !matches!(sighting.found, Found::NoTable | Found::Unreadable(_)))
    {
        let creation = account.creations(sighting.bind(), table).pop().cloned();
        makers.push(TableMaker { bind: sighting.bind().clone(), creation });
    }
    makers
}

/// Finds the authors of the rows that match.
fn written(account: &Account, sightings: &[Sighting]) -> Vec<WrittenRow> {
    let mut written = Vec::<WrittenRow>::new();
    for sighting in sightings {
        let Found::Rows { table, rows, view } = &sighting.found else { continue };
        for row in rows.iter().take(NAMED) {
            let (bind, author) = (sighting.bind(), account.author(&sighting.database, *view, table, row));
            match written.last_mut() {
                Some(WrittenRow { bind: known, author: of_last, rows, .. })
                    if known == bind && of_last.is_same(&author) =>
                {
                    *rows += 1
                }
                _ => written.push(WrittenRow { bind: bind.clone(), table: table.clone(), author, rows: 1 }),
            }
        }
    }
    written
}

/// Judges whether the row is in the target alone, committed.
///
/// A replica is no other bind than its source: a row that is in one has landed in the other.
fn landed(target: &Database, sightings: &[Sighting]) -> Option<Reason> {
    let here = sightings.iter().find(|sighting| sighting.bind() == target.key());
    let is_here = here.is_some_and(Sighting::has_row);
    let mut others = Vec::new();
    for sighting in sightings {
        let is_apart = !is_here || !sighting.database.lags() && Some(sighting.bind()) != target.source();
        if sighting.bind() != target.key() && is_apart {
            others.push(sighting);
        }
    }
    let elsewhere = places(&others);
    match here.map(|here| &here.found) {
        Some(Found::Unreadable(_)) => Some(Reason::Unreadable(elsewhere)),
        Some(Found::Rows { view: View::Open, .. }) if is_here => Some(Reason::NotCommitted(elsewhere)),
        Some(Found::Rows { .. }) if is_here && elsewhere.is_empty() => unknown_in(&others),
        Some(Found::Rows { .. }) if is_here => Some(Reason::Also(elsewhere)),
        _ if !elsewhere.is_empty() => Some(Reason::Elsewhere(elsewhere)),
        Some(Found::NoTable) => Some(Reason::NoTable(Vec::new())),
        Some(Found::NoColumn { column, .. }) => Some(Reason::NoColumn(column.clone())),
        _ => Some(Reason::Nowhere),
    }
}

/// Finds a bind that may have the row too.
fn unknown_in(others: &[&Sighting]) -> Option<Reason> {
    others.iter().find_map(|sighting| match &sighting.found {
        Found::Unreadable(_) => Some(Reason::OtherUnreadable(sighting.bind().clone())),
        Found::Rows { view: View::Open, .. } => Some(Reason::OtherUnsettled(sighting.bind().clone())),
        _ => None,
    })
}

/// Judges whether the row is not in the target.
fn not_landed(target: &BindKey, sightings: &[Sighting]) -> Option<Reason> {
    let here = sightings.iter().find(|sighting| sighting.bind() == target)?;
    match &here.found {
        Found::Rows { view: View::Open, .. } if here.has_row() => Some(Reason::NotCommitted(Vec::new())),
        Found::Rows { .. } if here.has_row() => Some(Reason::There),
        Found::Rows { view: View::Open, .. } => Some(Reason::Unsettled),
        Found::Unsettled { .. } => Some(Reason::Unseen),
        Found::NoColumn { column, .. } => Some(Reason::NoColumn(column.clone())),
        Found::Unreadable(_) => Some(Reason::Unreadable(Vec::new())),
        Found::Rows { .. } | Found::NoTable => None,
    }
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

    /// Returns whether it has no such row, and shows no other reason for that; a column that the target lacks is one.
    fn is_plainly_without(&self, target: &BindKey) -> bool {
        match &self.found {
            Found::Rows { rows, .. } => rows.is_empty(),
            Found::NoTable => true,
            Found::NoColumn { .. } => !self.database.keys().contains(target),
            Found::Unsettled { .. } | Found::Unreadable(_) => false,
        }
    }
}
