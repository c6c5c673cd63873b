//! Looking for a row in every bind.

use std::sync::Arc;

use rusqlite::types::Value;

use super::careful::{self, limit, Answer};
use super::glance::{glance, glance_at, Glance, View};
use crate::database::{Database, Patience};
use crate::error::{is_lock, Error, Result};
use crate::harness::{self, Bound, Running};
use crate::key::BindKey;
use crate::nearest::nearest_of;
use crate::row::Row;
use crate::sorted::Sorted;
use crate::sqlite::script::quote;

/// One database with what was found in it.
pub(crate) struct Sighting {
    pub(crate) database: Arc<Bound>,
    pub(crate) found: Found,
}

impl Sighting {
    pub(crate) fn bind(&self) -> &BindKey {
        self.database.key()
    }
}

#[derive(Debug)]
pub(crate) enum Found {
    /// It has no table of that name.
    NoTable,
    /// Its table lacks a column that the row names.
    NoColumn { table: String, column: String, columns: Vec<String> },
    /// The rows that match, in this view: where it is not [`View::Committed`], an open transaction has written to the
    /// table, and what is committed is unknown.
    Rows { table: String, rows: Vec<Row>, view: View },
    /// No row matches, and a transaction is open that may have written some: until it is committed, nobody else sees them.
    Unsettled { table: String },
    /// It cannot be read now.
    Unreadable(rusqlite::Error),
}

impl Found {
    /// Returns a copy for another database, unless it is an error.
    fn again(&self) -> Option<Found> {
        Some(match self {
            Found::NoTable => Found::NoTable,
            Found::NoColumn { table, column, columns } => {
                Found::NoColumn { table: table.clone(), column: column.clone(), columns: columns.clone() }
            }
            Found::Rows { table, rows, view } => Found::Rows { table: table.clone(), rows: rows.clone(), view: *view },
            // Another database has its own transactions.
            Found::Unsettled { .. } | Found::Unreadable(_) => return None,
        })
    }
}

/// The time for which to look again while another connection's lock blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Until what is committed is seen, and no transaction is open that may commit such a row.
    Final,
    /// Until what is committed is seen.
    Settled,
    /// Until something is seen, of a transaction that is still open too.
    Readable,
    /// Not at all.
    Once,
}

/// Looks in every database for rows that match, at most so many of each.
pub(crate) fn look(
    running: &Running,
    table: &str,
    row: &Row,
    most: Option<usize>,
    effort: &dyn Fn(&Database) -> Effort,
) -> Result<Vec<Sighting>> {
    let mut sightings = Vec::new();
    // One for all: a look takes no longer where several block it.
    let patience = Patience::new();
    // What was found in a database that still is the image it was made from, by the image: the same is found in all
    // others that are, of which a dynamic bind may have very many.
    let mut known = Sorted::default();
    for database in running.databases() {
        let image = database.unchanged().map(|image| image.id());
        let effort = effort(&database);
        // A database without a commit may still have a transaction open.
        let again = image.filter(|_| effort != Effort::Final);
        let again = again.and_then(|image| known.get(&image)).and_then(Found::again);
        let found = match again {
            Some(found) => found,
            None => look_in(&database, table, row, most, effort, &patience).unwrap_or_else(Found::Unreadable),
        };
        // Another may have written to it meanwhile.
        let image = image.filter(|image| database.unchanged().is_some_and(|still| still.id() == *image));
        if let (Some(image), Some(found)) = (image, found.again()) {
            known.or_insert_with(image, || found);
        }
        sightings.push(Sighting { database, found });
    }
    check(running, table, &sightings)?;
    Ok(sightings)
}

fn look_in(
    database: &Database,
    table: &str,
    row: &Row,
    most: Option<usize>,
    effort: Effort,
    patience: &Patience,
) -> rusqlite::Result<Found> {
    let see = |view| {
        let look = |glance: &Glance<'_>| find(glance, table, row, most, view);
        glance_at(database, view, table, &look, &|glance| find_carefully(glance, table, row, most, view))
    };
    // In a shared cache one can look past the lock on a table; nothing looks past one on the schema.
    let past = |error| if database.is_shared_cache() { see(View::Open) } else { Err(error) };
    let committed = || see(View::Committed);
    let either = || match committed() {
        Err(error) if is_lock(&error) => past(error),
        seen => seen,
    };
    let settled = || match patience.look(&committed) {
        Err(error) if is_lock(&error) => past(error),
        seen => seen,
    };
    match effort {
        Effort::Once => either(),
        Effort::Readable => patience.look(&either),
        Effort::Settled => settled(),
        // A shared cache reports which tables an open transaction has written to.
        Effort::Final if database.is_shared_cache() => settled(),
        Effort::Final => finally(database, patience, &settled),
    }
}

/// Looks until a row is seen or no transaction that can write is open, neither before the look nor after it.
fn finally(
    database: &Database,
    patience: &Patience,
    look: &dyn Fn() -> rusqlite::Result<Found>,
) -> rusqlite::Result<Found> {
    loop {
        let is_written_to = database.has_writer();
        let table = match look()? {
            Found::Rows { table, rows, view } if rows.is_empty() => {
                if !is_written_to && !database.has_writer() {
                    return Ok(Found::Rows { table, rows, view });
                }
                table
            }
            found => return Ok(found),
        };
        if !patience.lasts() {
            return Ok(Found::Unsettled { table });
        }
        patience.pause();
    }
}

fn find(glance: &Glance<'_>, table: &str, row: &Row, most: Option<usize>, view: View) -> rusqlite::Result<Found> {
    let Some(table) = spelled(glance, table)? else { return Ok(Found::NoTable) };
    let query = format!("SELECT t.* FROM main.{} AS t{}{}", quote(&table), row.matching(), limit(most));
    match glance.rows(&query, &row.values()) {
        Ok(rows) => Ok(Found::Rows { table, rows, view }),
        Err(error) if is_lock(&error) => Err(error),
        Err(error) => refused(glance, table, row, error),
    }
}

/// Searches by the readable part of a table; `None` where that does not answer.
fn find_carefully(
    glance: &Glance<'_>,
    table: &str,
    row: &Row,
    most: Option<usize>,
    view: View,
) -> rusqlite::Result<Option<Found>> {
    let Some(table) = spelled(glance, table)? else { return Ok(Some(Found::NoTable)) };
    Ok(careful::find(glance, &table, row, most)?.map(|answer| match answer {
        Answer::Rows(rows) => Found::Rows { table, rows, view },
        Answer::NoColumn { column, columns } => Found::NoColumn { table, column, columns },
    }))
}

/// Returns why SQLite refused the search: a missing column, else its own error.
fn refused(glance: &Glance<'_>, table: String, row: &Row, error: rusqlite::Error) -> rusqlite::Result<Found> {
    match row.missing_from(&table, &|query| glance.columns(query))? {
        Some((column, columns)) => Ok(Found::NoColumn { table, column, columns }),
        None => Err(error),
    }
}

/// Finds a table's name as the schema has it.
fn spelled(glance: &Glance<'_>, table: &str) -> rusqlite::Result<Option<String>> {
    let asked = Value::Text(table.to_string());
    let query = "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE";
    let found = glance.rows(query, &[&asked])?;
    Ok(found.first().and_then(|row| row.get("name").ok()))
}

/// Refuses a search that could find nothing anywhere: no bind has the table, or none that has it has the columns.
fn check(running: &Running, table: &str, sightings: &[Sighting]) -> Result<()> {
    if sightings
        .iter()
        .any(|place| matches!(place.found, Found::Rows { .. } | Found::Unsettled { .. } | Found::Unreadable(_)))
    {
        return Ok(());
    }
    let without = sightings.iter().find_map(|place| match &place.found {
        Found::NoColumn { table, column, columns } => Some((place, table, column, columns)),
        _ => None,
    });
    for place in running.binds().values() {
        // A database that nobody has used has the table and not the row.
        if let harness::RunningBind::Dynamic(bind) = place
            && sightings.iter().all(|place| !bind.owns(place.bind()))
            && bind.metadata()?.has(table)
        {
            return Ok(());
        }
    }
    match without {
        Some((place, table, column, columns)) => Err(Error::no_column(place.bind(), table, column, columns)),
        None => Err(unknown_table(table, sightings)),
    }
}

fn unknown_table(table: &str, sightings: &[Sighting]) -> Error {
    let mut names = Vec::new();
    for place in sightings {
        // What cannot be read is not among the nearest.
        for name in tables(&place.database).unwrap_or_default() {
            names.push((place.bind().clone(), name));
        }
    }
    Error::UnknownTable { table: table.to_string(), nearest: nearest_of(table, names), at: None }
}

/// Returns the error for a table that a bind lacks, with the binds that have it and the nearest names.
pub(crate) fn missing(running: &Running, key: &BindKey, table: &str) -> Option<Error> {
    let target = running.home_of(key).ok()?;
    let is_it = |name: &String| name.eq_ignore_ascii_case(table);
    if is_sqlites_own(table) || tables(&target).ok()?.iter().any(is_it) {
        return None;
    }
    let (mut found, mut names) = (Vec::new(), Vec::new());
    for database in running.databases() {
        for name in tables(&database).unwrap_or_default() {
            if is_it(&name) {
                found.push(database.key().clone())
            } else {
                names.push((database.key().clone(), name))
            }
        }
    }
    let nearest = if found.is_empty() { nearest_of(table, names) } else { Vec::new() };
    Some(Error::NotInBind { bind: key.clone(), table: table.to_string(), found, nearest, at: None })
}

/// Returns the names of a database's tables and views but for those of SQLite's own, which nobody means.
fn tables(database: &Database) -> rusqlite::Result<Vec<String>> {
    let query = "SELECT name FROM main.sqlite_schema
                 WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'";
    let found = glance(database, View::Committed, |glance| glance.rows(query, &[]))?;
    let mut names = Vec::with_capacity(found.len());
    for row in &found {
        if let Ok(name) = row.get("name") {
            names.push(name);
        }
    }
    Ok(names)
}

fn is_sqlites_own(table: &str) -> bool {
    table.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}
