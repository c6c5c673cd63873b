//! The statements of a harness, in the order in which they began, while somebody records them.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::state::Listened;
use super::used::Used;
use crate::key::Keys;
use crate::list::filtered;
use crate::sync::lock;

/// The number of statements recorded before that are kept when a recording begins.
const KEPT: usize = 1000;

/// The statements that ran on the databases of a harness while somebody recorded them.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// The number of recordings that go on.
    listeners: AtomicUsize,
    statements: Mutex<Statements>,
    /// The databases of the harness: the name that SQLite has for each one's file, and the keys that mean it.
    databases: Mutex<Vec<(String, Keys)>>,
}

#[derive(Debug, Default)]
struct Statements {
    /// The number of the first that is kept.
    first: u64,
    kept: Vec<Recorded>,
    /// The writes by none of them, since the first recording that goes on; and how many there ever were.
    unaccounted: Vec<Unaccounted>,
    writes: u64,
}

/// A transaction that was written by no statement.
#[derive(Clone, Debug)]
pub(crate) struct Unaccounted {
    /// The number of those before it.
    number: u64,
    /// The keys that mean the database.
    pub(crate) database: Keys,
    /// Set if the connection is one of the harness's.
    pub(crate) ours: bool,
}

/// A statement that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The database that it uses first.
    pub(crate) first: Used,
    /// The other databases that it uses.
    pub(crate) others: Vec<Used>,
    pub(crate) sql: String,
    /// The statement with the values of its parameters, where it has some.
    pub(crate) values: Option<String>,
    pub(crate) by_session: bool,
    pub(crate) thread: Thread,
    pub(crate) ended: Option<Ended>,
}

impl Recorded {
    /// Returns the databases that it uses.
    pub(crate) fn databases(&self) -> impl Iterator<Item = &Used> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// The end of a statement.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// The rows that it changed itself.
    pub(crate) rows: u64,
    pub(crate) time: Duration,
    /// Set if it succeeded, or SQLite's message; `None` where that is not known.
    pub(crate) outcome: Option<Result<(), String>>,
}

impl Recorder {
    pub(super) fn is_heard(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// Adds a database of the harness.
    pub(super) fn add(&self, file: &str, names: &Keys) {
        lock(&self.databases).push((file.to_string(), names.clone()));
    }

    /// Returns the keys that mean the database whose file SQLite calls by that name.
    pub(super) fn database_at(&self, file: &str) -> Option<Keys> {
        let databases = lock(&self.databases);
        // SQLite follows the links on the way to a file.
        let is_it = |own: &String| own == file || fs::canonicalize(own).is_ok_and(|own| own == Path::new(file));
        databases.iter().find(|(own, _)| is_it(own)).map(|(_, names)| names.clone())
    }

    fn begin(&self, statement: Recorded) -> u64 {
        let mut statements = lock(&self.statements);
        statements.kept.push(statement);
        statements.next() - 1
    }

    fn end(&self, number: u64, ended: Ended) {
        if let Some(statement) = lock(&self.statements).get_mut(number) {
            statement.ended = Some(ended);
        }
    }

    /// Returns whether a statement has this text.
    fn is(&self, number: u64, sql: &str) -> bool {
        lock(&self.statements).get_mut(number).is_some_and(|statement| statement.sql == sql)
    }

    /// Notes a transaction that no statement writes.
    pub(super) fn note_unaccounted(&self, database: &Keys, ours: bool) {
        let mut statements = lock(&self.statements);
        let (number, database) = (statements.writes, database.clone());
        statements.unaccounted.push(Unaccounted { number, database, ours });
        statements.writes += 1;
    }

    /// Records from here on, as long as the answer lives.
    pub(crate) fn record(self: &Arc<Self>) -> Listening {
        let mut statements = lock(&self.statements);
        if self.listeners.fetch_add(1, Ordering::Relaxed) == 0 {
            let old = statements.kept.len().saturating_sub(KEPT);
            statements.kept.drain(..old);
            statements.first += old as u64;
            statements.unaccounted.clear();
        }
        Listening {
            recorder: Arc::clone(self),
            from: statements.next(),
            writes: statements.writes,
            _listened: Listened::new(),
        }
    }

    /// Returns everything that is kept, of recordings that have ended too.
    pub(crate) fn all(&self) -> Vec<Recorded> {
        lock(&self.statements).kept.clone()
    }
}

impl Statements {
    fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Returns the statement with a number, if it is kept.
    fn get_mut(&mut self, number: u64) -> Option<&mut Recorded> {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok())?;
        self.kept.get_mut(place)
    }
}

/// A recording that has not ended.
#[derive(Debug)]
pub(crate) struct Listening {
    recorder: Arc<Recorder>,
    /// The number of its first statement.
    from: u64,
    /// The number of writes by no statement before it.
    writes: u64,
    _listened: Listened,
}

impl Listening {
    /// Returns the statements that have begun since it was made.
    pub(crate) fn statements(&self) -> Vec<Recorded> {
        let statements = lock(&self.recorder.statements);
        let before = usize::try_from(self.from.saturating_sub(statements.first)).unwrap_or(usize::MAX);
        statements.kept.get(before..).unwrap_or_default().to_vec()
    }
}

impl Listening {
    /// Returns what was written by none of the statements since it was made.
    pub(crate) fn unaccounted(&self) -> Vec<Unaccounted> {
        filtered(&lock(&self.recorder.statements).unaccounted, |write| write.number >= self.writes)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.recorder.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A statement that was recorded as it began.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    recorder: Weak<Recorder>,
    number: u64,
    at: Instant,
    /// The number of rows that its connection had changed, ever.
    changes: u64,
}

impl Begun {
    /// Records a statement that begins; `changes` is how many rows its connection has changed so far.
    pub(super) fn new(recorder: &Arc<Recorder>, statement: Recorded, changes: u64) -> Begun {
        let number = recorder.begin(statement);
        Begun { recorder: Arc::downgrade(recorder), number, at: Instant::now(), changes }
    }

    /// Notes that it has ended. The rows changed are those that its connection counts for its last statement, if its
    /// count of all has changed: a statement that counts none leaves the last one's.
    pub(crate) fn end(&self, changes: u64, of_last: u64, outcome: Option<Result<(), String>>) {
        let rows = if changes == self.changes { 0 } else { of_last };
        if let Some(recorder) = self.recorder.upgrade() {
            recorder.end(self.number, Ended { rows, time: self.at.elapsed(), outcome });
        }
    }

    /// Returns whether it has this text.
    pub(super) fn is(&self, sql: &str) -> bool {
        self.recorder.upgrade().is_some_and(|recorder| recorder.is(self.number, sql.trim()))
    }
}
