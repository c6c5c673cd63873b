//! The evidence for the report of a failed assertion: what each database has of a row.

use super::glance::{glance_at, Glance, View};
use super::look::{Found, Sighting};
use super::nearest::{nearest, Near};
use crate::database::Database;
use crate::error::{advised, is_lock};
use crate::key::BindKey;
use crate::list::retain;
use crate::order::sort_by_key;
use crate::row::{Row, Shown};
use crate::sqlite::script::quote;

/// The most databases that a report shows; a dynamic bind may have very many.
const DATABASES_SHOWN: usize = 20;

/// One database with what was found in it.
pub(crate) struct Exhibit {
    pub(super) bind: BindKey,
    /// Set if it is the one that the reason is about.
    pub(crate) is_target: bool,
    pub(crate) label: String,
    /// The number of rows that the table has, as far as it can be counted.
    pub(crate) total: String,
    pub(crate) found: Finding,
}

pub(crate) enum Finding {
    NoTable,
    NoColumn {
        column: String,
        columns: Vec<String>,
    },
    /// A lock of another connection keeps it from being read.
    Locked,
    Unreadable(String),
    /// Rows that match, committed or not.
    Matches {
        rows: Vec<Row>,
        committed: bool,
    },
    /// No row matches; those nearest, unless they cannot be read.
    Near(Option<Vec<Near>>),
}

impl Exhibit {
    /// Forgets the nearest rows that have none of the values of the row.
    pub(super) fn forget_unlike(&mut self, row: &Row) {
        if let Finding::Near(Some(near)) = &mut self.found
            && !near.is_empty()
        {
            retain(near, |near| near.different.len() < row.cells().len());
            if near.is_empty() {
                self.found = Finding::Near(None);
            }
        }
    }
}

/// The databases that a report leaves out.
pub(crate) struct LeftOut {
    pub(crate) databases: usize,
    /// Those among them that have the row.
    pub(crate) with_row: usize,
}

/// A transaction that may be why a row is missing.
pub(crate) enum OpenTransaction {
    /// Sessions that have written to these binds.
    OfSessions(Vec<BindKey>),
    /// The transaction of a known connection.
    Of { writer: String, bind: BindKey },
    /// Transactions on these binds, of connections that are not known.
    OfOthers(Vec<BindKey>),
}

/// Shows the target, the databases that have the row, then others, in the order of the binds.
pub(super) fn exhibits(sightings: &[Sighting], target: &BindKey, row: &Row) -> (Vec<Exhibit>, Option<LeftOut>) {
    let rank = |sighting: &Sighting| match sighting.found {
        _ if sighting.bind() == target => 0,
        Found::Unreadable(_) => 1,
        _ if sighting.has_row() => 2,
        _ => 3,
    };
    let mut by_rank = Vec::with_capacity(sightings.len());
    by_rank.extend(sightings.iter().enumerate());
    sort_by_key(&mut by_rank, |(_, sighting)| rank(sighting));
    let left_out = by_rank.split_off(DATABASES_SHOWN.min(sightings.len()));
    sort_by_key(&mut by_rank, |(at, _)| *at);
    let mut exhibits = Vec::with_capacity(by_rank.len());
    for (_, sighting) in by_rank {
        // A replica that is behind and lacks the row shows what its source has had.
        let is_target = sighting.bind() == target;
        if is_target
            || sighting.has_row()
            || !sighting.database.lags()
            || matches!(sighting.found, Found::Unreadable(_))
        {
            exhibits.push(exhibit(sighting, row, is_target));
        }
    }
    let with_row = left_out.iter().filter(|(_, sighting)| sighting.has_row()).count();
    let left_out = LeftOut { databases: left_out.len(), with_row };
    (exhibits, (left_out.databases > 0).then_some(left_out))
}

fn exhibit(sighting: &Sighting, row: &Row, is_target: bool) -> Exhibit {
    let database = &*sighting.database;
    // A number that can no longer be read is left out.
    let total_of = |view, table: &str| total(database, view, table).unwrap_or_default();
    let (total, found) = match &sighting.found {
        Found::NoTable => (String::new(), Finding::NoTable),
        Found::Unreadable(error) if is_lock(error) => (String::new(), Finding::Locked),
        Found::Unreadable(error) => (String::new(), Finding::Unreadable(advised(error))),
        Found::NoColumn { table, column, columns } => {
            (total_of(View::Committed, table), Finding::NoColumn { column: column.clone(), columns: columns.clone() })
        }
        Found::Unsettled { table } => {
            (total_of(View::Committed, table), Finding::Near(nearest(database, View::Committed, table, row).ok()))
        }
        Found::Rows { table, rows, view } => {
            let found = if rows.is_empty() {
                Finding::Near(nearest(database, *view, table, row).ok())
            } else {
                Finding::Matches { rows: rows.clone(), committed: *view == View::Committed }
            };
            (total_of(*view, table), found)
        }
    };
    Exhibit { bind: sighting.bind().clone(), is_target, label: database.label(), total, found }
}

fn total(database: &Database, view: View, table: &str) -> rusqlite::Result<String> {
    let query = format!("SELECT count(*) AS n FROM main.{}", quote(table));
    let count = |glance: &Glance<'_>| glance.rows(&query, &[]);
    let counted = glance_at(database, view, table, &count, &|glance| count(glance).map(Some))?;
    Ok(counted.first().and_then(|row| row.value("n")).map(|n| Shown(n).to_string()).unwrap_or_default())
}

/// Returns the open transactions that can write, a session's first.
pub(super) fn open_transactions(sightings: &[Sighting]) -> Vec<OpenTransaction> {
    let (mut sessions, mut known, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for sighting in sightings {
        let bind = sighting.bind().clone();
        if sighting.database.has_uncommitted_session() {
            sessions.push(bind);
        } else if sighting.database.has_writer() {
            match sighting.database.writer() {
                Some(writer) => known.push(OpenTransaction::Of { writer, bind }),
                None => others.push(bind),
            }
        }
    }
    let mut open = Vec::new();
    if !sessions.is_empty() {
        open.push(OpenTransaction::OfSessions(sessions));
    }
    open.append(&mut known);
    if !others.is_empty() {
        open.push(OpenTransaction::OfOthers(others));
    }
    open
}
