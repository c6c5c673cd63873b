//! The run, in one order: the statements on the binds of the harness, and those on connections to other databases.

use std::time::{Duration, Instant};

use super::Shown;
use crate::key::BindKey;
use crate::observe::Statement;
use crate::order::sort_by_key;

/// The number of statements that are shown: the last ones, which are nearest to the failure.
const SHOWN: usize = 300;
/// The number of connections that have a colour of their own.
const COLOURS: usize = 8;

/// The statements that are shown, and the connections that ran them.
pub(super) struct Run<'p> {
    pub(super) ran: Vec<Ran<'p>>,
    /// The number of statements before these, which are left out.
    pub(super) before: usize,
    /// The connections in the order in which they are first seen here.
    pub(super) connections: Vec<Connection>,
    /// The time from the start of the harness to its end.
    pub(super) end: Duration,
}

/// A statement with its place on the time axis.
pub(super) struct Ran<'p> {
    pub(super) statement: &'p Statement,
    /// Its number on the page, from 1.
    pub(super) number: usize,
    pub(super) from: Duration,
    /// The end of the harness where it has not ended.
    pub(super) to: Duration,
    /// The connection, by its place in the list.
    pub(super) connection: usize,
    /// The stray that ran it, by its place in the list of them.
    pub(super) stray: Option<usize>,
    /// The explicit transaction around it.
    pub(super) transaction: Option<Around>,
}

/// A transaction that statements began and ended, with its place on the time axis.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub(super) number: u64,
    pub(super) from: Duration,
    /// The end of the harness where it is open.
    pub(super) to: Duration,
}

/// A connection that ran something.
#[derive(PartialEq, Eq)]
pub(super) struct Connection {
    /// The stray that it is.
    stray: Option<usize>,
    number: u32,
    pub(super) name: String,
}

impl<'p> Run<'p> {
    /// Puts the statements in the order in which they began.
    pub(super) fn of(shown: &Shown<'p>) -> Run<'p> {
        let mut all = Vec::new();
        for statement in shown.statements {
            all.push((statement, None));
        }
        for (stray, outside) in shown.strays.iter().enumerate() {
            for statement in &outside.statements {
                all.push((statement, Some(stray)));
            }
        }
        sort_by_key(&mut all, |(statement, _)| statement.at());
        let before = all.len().saturating_sub(SHOWN);
        let end = since(shown.start, shown.end);
        let mut run = Run { ran: Vec::with_capacity(all.len() - before), before, connections: Vec::new(), end };
        for (at, (statement, stray)) in all.into_iter().enumerate().skip(before) {
            let from = since(shown.start, statement.at());
            let transaction = statement.in_transaction().filter(|around| around.is_explicit()).map(|around| Around {
                number: around.number,
                from: since(shown.start, around.at),
                to: around.ended().map_or(end, |ended| since(shown.start, ended)),
            });
            let to = statement.time().map_or(end, |time| from + time);
            let connection = run.connection(statement, stray, shown);
            run.ran.push(Ran { statement, number: at + 1, from, to, connection, stray, transaction });
        }
        run
    }

    /// Returns the place of a statement's connection in the list, in which it is from now on.
    fn connection(&mut self, statement: &Statement, stray: Option<usize>, shown: &Shown<'_>) -> usize {
        let number = statement.connection();
        let is_it = |one: &Connection| one.stray == stray && (stray.is_some() || one.number == number);
        self.connections.iter().position(is_it).unwrap_or_else(|| {
            let by = if statement.is_from_session() { "session" } else { "application" };
            let name = match (stray, number) {
                (Some(stray), _) => format!("stray {}: {}", stray + 1, shown.strays[stray].name),
                (None, 0) => "a session's, to several binds".to_string(),
                (None, number) => format!("connection {number} ({by})"),
            };
            self.connections.push(Connection { stray, number, name });
            self.connections.len() - 1
        })
    }

    /// Leaves out all but the last statements.
    pub(super) fn keep_last(&mut self, most: usize) {
        let out = self.ran.len().saturating_sub(most);
        self.ran.drain(..out);
        self.before += out;
    }

    /// Returns the name of a statement's connection.
    pub(super) fn connection_of(&self, ran: &Ran<'_>) -> &str {
        &self.connections[ran.connection].name
    }
}

impl Ran<'_> {
    /// Returns the binds that it ran on; none for a stray's.
    pub(super) fn binds(&self) -> &[BindKey] {
        if self.stray.is_some() {
            &[]
        } else {
            self.statement.binds()
        }
    }

    /// Returns the moment from which on nothing of it or of its transaction goes on.
    pub(super) fn over(&self) -> Duration {
        self.transaction.map_or(self.to, |around| self.to.max(around.to))
    }
}

fn since(start: Instant, at: Instant) -> Duration {
    at.saturating_duration_since(start)
}

/// Returns the class of a connection's colour.
pub(super) fn colour(connection: usize) -> String {
    format!("k{}", connection % COLOURS)
}
