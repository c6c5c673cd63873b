//! The lanes of the timeline: for each bind, and for strays, the rows in which the statements of their connections stand.

use std::time::Duration;

use super::run::{Ran, Run};
use super::Shown;
use crate::key::BindKey;

/// The lane of one bind, or of all strays.
pub(super) struct Lane<'r, 'p> {
    /// `None` for the strays.
    key: Option<BindKey>,
    pub(super) name: String,
    pub(super) about: String,
    pub(super) rows: Vec<LaneRow<'r, 'p>>,
}

/// A row of a lane, which has the statements of one connection at a time.
pub(super) struct LaneRow<'r, 'p> {
    pub(super) ran: Vec<&'r Ran<'p>>,
    until: Duration,
    connection: usize,
}

/// Lays out what ran in lanes: one for each database, then those of binds that are not there now, then that of strays.
pub(super) fn lanes<'r, 'p>(shown: &Shown<'p>, run: &'r Run<'p>) -> Vec<Lane<'r, 'p>> {
    let mut lanes = Vec::with_capacity(shown.databases.len());
    for database in shown.databases {
        let (name, about) = (database.label.clone(), database.storage.to_string());
        lanes.push(Lane { key: Some(database.key.clone()), name, about, rows: Vec::new() });
    }
    let mut strays =
        Lane { key: None, name: "outside".to_string(), about: "no bind of the harness".to_string(), rows: Vec::new() };
    for ran in &run.ran {
        let last = last(run, ran.connection);
        if ran.stray.is_some() {
            strays.add(ran, last);
        }
        for key in ran.binds() {
            let place = lanes.iter().position(|lane| lane.key.as_ref() == Some(key)).unwrap_or_else(|| {
                let (name, about) = (key.to_string(), String::new());
                lanes.push(Lane { key: Some(key.clone()), name, about, rows: Vec::new() });
                lanes.len() - 1
            });
            lanes[place].add(ran, last);
        }
    }
    if !strays.rows.is_empty() {
        lanes.push(strays);
    }
    lanes
}

impl<'r, 'p> Lane<'r, 'p> {
    /// Returns whether it is that of strays.
    pub(super) fn is_apart(&self) -> bool {
        self.key.is_none()
    }

    /// Adds a statement to the row of its connection, or to one whose connection has ended.
    fn add(&mut self, ran: &'r Ran<'p>, last: Duration) {
        let own = self.rows.iter().position(|row| row.connection == ran.connection);
        let free = || self.rows.iter().position(|row| row.until < ran.from);
        let row = own.or_else(free).unwrap_or_else(|| {
            self.rows.push(LaneRow { ran: Vec::new(), until: Duration::ZERO, connection: ran.connection });
            self.rows.len() - 1
        });
        let row = &mut self.rows[row];
        row.connection = ran.connection;
        row.until = row.until.max(last);
        row.ran.push(ran);
    }
}

/// Returns the moment at which the last statement or transaction of a connection ends.
fn last(run: &Run<'_>, connection: usize) -> Duration {
    let mut last = Duration::ZERO;
    for ran in &run.ran {
        if ran.connection == connection {
            last = last.max(ran.over());
        }
    }
    last
}
