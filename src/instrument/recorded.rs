//! A statement as the recorder keeps it.

use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::opening::Opening;
use super::place::Place;
use super::touched::Touched;
use super::transaction::Transaction;
use super::used::{Affected, Used};

/// The characters of a text that are kept while nobody records.
const TEXT: usize = 2048;

/// The bytes of a statement beside its texts, about.
const BESIDE: usize = 400;

/// A statement that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Its number in the harness.
    pub(crate) number: u64,
    /// The database that it uses first.
    pub(crate) first: Used,
    /// The other databases that it uses.
    pub(crate) others: Vec<Used>,
    pub(crate) sql: Arc<str>,
    /// The statement with the values of its parameters, where it has some and they were kept.
    pub(crate) values: Option<String>,
    pub(crate) by_session: bool,
    pub(crate) thread: Thread,
    /// The time at which it began.
    pub(crate) at: Instant,
    pub(crate) ended: Option<Ended>,
    /// Set if it begins or ends a transaction or a savepoint.
    pub(crate) is_step: bool,
    /// Set if it begins a transaction with the lock of a writer.
    pub(crate) locks: bool,
    /// The number of its connection in the harness.
    pub(crate) connection: u32,
    /// The opening of that one.
    pub(crate) opened: Option<Arc<Opening>>,
    /// Its transaction, where it has one.
    pub(crate) transaction: Option<Arc<Transaction>>,
    /// The rollback to a savepoint that has undone it.
    pub(crate) undone: Option<Arc<Undone>>,
    /// Set as it is read, if a database that it wrote to was put back since to a state without that.
    pub(crate) is_put_back: bool,
    /// The tables that it may change.
    pub(crate) affected: Arc<Affected>,
    pub(crate) foreign_keys: bool,
    /// Unset if it only reads, and is known to use no table.
    pub(crate) uses_table: bool,
    pub(crate) place: Option<Arc<Place>>,
    /// Set if somebody recorded as it began.
    pub(super) is_asked_for: bool,
}

impl Recorded {
    /// Returns the databases that it uses.
    pub(crate) fn databases(&self) -> impl Iterator<Item = &Used> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Notes its end; of one that SQLite runs again, what it did before is kept.
    pub(super) fn ends(&mut self, mut end: Ended) {
        if let Some(before) = self.ended.take() {
            for trigger in before.triggers {
                if !end.triggers.contains(&trigger) {
                    end.triggers.push(trigger);
                }
            }
            if end.touched.is_empty() {
                end.touched = before.touched;
            }
        }
        self.ended = Some(end);
    }

    /// Cuts its texts, as they are kept while nobody records.
    pub(super) fn cut_short(&mut self) {
        if self.sql.len() > TEXT {
            let mut sql = self.sql.to_string();
            cut(&mut sql);
            self.sql = sql.into();
        }
        if let Some(values) = &mut self.values {
            cut(values);
        }
    }

    /// Returns the bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let touched = self.ended.as_ref().map_or(0, |ended| ended.touched.bytes());
        BESIDE + self.sql.len() + self.values.as_ref().map_or(0, String::len) + touched
    }
}

/// A rollback to a savepoint.
#[derive(Debug)]
pub(crate) struct Undone {
    /// The time of it.
    pub(crate) at: Instant,
    /// The name of the savepoint, and the place where it was opened.
    pub(crate) savepoint: String,
    pub(crate) opened: Option<Arc<Place>>,
    pub(crate) place: Option<Arc<Place>>,
}

/// The end of a statement.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// The rows that it changed itself.
    pub(crate) rows: u64,
    pub(crate) time: Duration,
    /// Set if it is known whether it failed.
    pub(crate) failed: Option<bool>,
    /// SQLite's message, or the guard that refused it.
    pub(crate) error: Option<String>,
    /// Set if its transaction had read an older state than there was.
    pub(crate) is_stale: bool,
    /// The triggers that ran in it.
    pub(crate) triggers: Vec<Box<str>>,
    /// The rows that it changed, by itself or by a trigger.
    pub(crate) touched: Touched,
}

/// Cuts a text that is kept while nobody records.
fn cut(text: &mut String) {
    if text.len() > TEXT {
        let mut end = TEXT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}
