//! The lanes of the timeline: for each bind the rows in which the statements of its connections stand.

use std::time::Duration;

use super::Shown;
use crate::key::BindKey;
use crate::observe::Statement;

/// The lane of one bind.
pub(super) struct Lane<'p> {
    pub(super) key: BindKey,
    /// The keys and the storage; nothing of a bind that is no longer there.
    pub(super) about: Option<(&'p str, String)>,
    pub(super) rows: Vec<LaneRow>,
}

/// A row of a lane, which has the statements of one connection at a time.
#[derive(Default)]
pub(super) struct LaneRow {
    /// The statements, by their places in the list.
    pub(super) statements: Vec<usize>,
    until: Duration,
    connection: u32,
}

/// Lays the statements from a place on out in lanes: one for each database, then those of binds that are not there now.
pub(super) fn lanes<'p>(shown: &Shown<'p>, from: usize) -> Vec<Lane<'p>> {
    let mut lanes = Vec::with_capacity(shown.databases.len());
    for database in shown.databases {
        let about = Some((database.label.as_str(), database.storage.to_string()));
        lanes.push(Lane { key: database.key.clone(), about, rows: Vec::new() });
    }
    for (at, statement) in shown.statements.iter().enumerate().skip(from) {
        for key in statement.binds() {
            let place = lanes.iter().position(|lane| lane.key == *key).unwrap_or_else(|| {
                lanes.push(Lane { key: key.clone(), about: None, rows: Vec::new() });
                lanes.len() - 1
            });
            lanes[place].add(at, statement, last(shown, statement.connection()));
        }
    }
    lanes
}

impl Lane<'_> {
    /// Adds a statement to the row of its connection, or to one whose connection has ended.
    fn add(&mut self, at: usize, statement: &Statement, until: Duration) {
        let connection = statement.connection();
        let row = self.rows.iter().position(|row| row.connection == connection);
        let row = row.or_else(|| self.rows.iter().position(|row| row.until < statement.began())).unwrap_or_else(|| {
            self.rows.push(LaneRow::default());
            self.rows.len() - 1
        });
        let row = &mut self.rows[row];
        row.connection = connection;
        row.until = row.until.max(until);
        row.statements.push(at);
    }
}

/// Returns the moment at which the last statement or transaction of a connection ends.
fn last(shown: &Shown<'_>, connection: u32) -> Duration {
    let mut last = Duration::ZERO;
    for statement in shown.statements {
        if statement.connection() == connection {
            last = last.max(ends(statement, shown.ended));
            if let Some(transaction) = statement.in_transaction() {
                last = last.max(transaction.ended().unwrap_or(shown.ended));
            }
        }
    }
    last
}

/// Returns the moment at which a statement ends; that of the harness where it has not ended.
pub(super) fn ends(statement: &Statement, end: Duration) -> Duration {
    statement.time().map_or(end, |time| statement.began() + time)
}
