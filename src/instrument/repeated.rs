//! The executions of a statement that its connection runs again and again within one transaction, while nobody records: what they
//! have in common is kept once.

use std::sync::Arc;
use std::time::Instant;

use super::looked::Looked;
use super::recorded::{Ended, Recorded, Undone};
use super::touched::{Rows, Touched};

/// The most executions of a record: so many are evicted at once.
const MOST: usize = 64;

/// A statement whose executions are counted.
#[derive(Clone, Debug)]
pub(super) struct Repeating {
    /// SQLite's account of it.
    pub(super) looked: Arc<Looked>,
    /// The last execution that was recorded in full. The connection, its thread and what it enforces are those of this one.
    pub(super) model: Arc<Recorded>,
}

/// Executions of a statement whose numbers follow one another, of which each had the same tables, connection and thread.
#[derive(Debug)]
pub(super) struct Repeated {
    /// An earlier execution, which says all else of these.
    model: Arc<Recorded>,
    /// The number of the first.
    first: u64,
    executions: Vec<Execution>,
}

/// An execution, by its differences from the model.
#[derive(Clone, Debug)]
struct Execution {
    at: Instant,
    /// Its end, and the rows that it touched.
    end: Option<(End, Rows)>,
    undone: Option<Arc<Undone>>,
}

/// The end of an execution without an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// The rows that it changed itself.
    pub(super) rows: u64,
    /// The time at which it ended.
    pub(super) at: Instant,
    /// Set if it is known whether it failed.
    pub(super) failed: Option<bool>,
}

impl Repeated {
    /// Returns a model for the executions that follow a statement, unless these have to be kept in full: it fired a trigger, say.
    pub(super) fn model(statement: &Recorded) -> Option<Arc<Recorded>> {
        let ended = statement.ended.as_ref()?;
        let is_plain = ended.error.is_none() && ended.failed != Some(true) && !ended.is_stale;
        let is_alike = ended.triggers.is_empty() && ended.touched.is_one_run();
        // One with values, a place or a rollback of its own is no model for others.
        let is_bare = statement.values.is_none() && statement.place.is_none() && statement.undone.is_none();
        let is_one = is_plain && is_alike && is_bare && !statement.is_asked_for && statement.transaction.is_some();
        is_one.then(|| Arc::new(statement.clone()))
    }

    /// Begins a record with an execution of that number; after a full one of the same loop if `goes_on`, so that as many follow.
    pub(super) fn new(model: &Arc<Recorded>, number: u64, at: Instant, goes_on: bool) -> Repeated {
        let mut executions = Vec::with_capacity(if goes_on { MOST } else { 1 });
        executions.push(Execution { at, end: None, undone: None });
        Repeated { model: Arc::clone(model), first: number, executions }
    }

    /// Returns the number of the first execution.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the number after that of the last.
    pub(super) fn next(&self) -> u64 {
        self.first + self.executions.len() as u64
    }

    /// Returns the bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Repeated>() + self.executions.capacity() * size_of::<Execution>()
    }

    /// Returns whether it has no execution.
    pub(super) fn is_empty(&self) -> bool {
        self.executions.is_empty()
    }

    /// Returns an execution that says what these have in common.
    pub(super) fn alike(&self) -> &Recorded {
        &self.model
    }

    /// Returns whether its executions are counted by a model.
    pub(super) fn is_by(&self, model: &Arc<Recorded>) -> bool {
        Arc::ptr_eq(&self.model, model)
    }

    /// Adds the execution after the last, and what it takes to a number of bytes; returns false where the record is full.
    pub(super) fn begin(&mut self, at: Instant, bytes: &mut usize) -> bool {
        let has_room = self.executions.len() < MOST;
        if has_room {
            let before = self.bytes();
            self.executions.push(Execution { at, end: None, undone: None });
            *bytes += self.bytes() - before;
        }
        has_room
    }

    /// Notes the end of an execution; returns false where it has to be kept in full: it touched rows in another way than the model
    /// did, or SQLite has run it twice.
    pub(super) fn end(&mut self, number: u64, end: End, touched: &Touched) -> bool {
        let at = self.place(number);
        let rows = self.model.ended.as_ref().and_then(|model| touched.rows_like(&model.touched));
        match (rows, self.executions.get_mut(at)) {
            (Some(rows), Some(execution)) if execution.end.is_none() && end.failed != Some(true) => {
                execution.end = Some((end, rows));
                true
            }
            _ => false,
        }
    }

    fn place(&self, number: u64) -> usize {
        usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    /// Marks the executions from a number on as rolled back.
    pub(super) fn undo(&mut self, from: u64, undone: &Arc<Undone>) {
        let at = self.place(from).min(self.executions.len());
        for execution in &mut self.executions[at..] {
            execution.undone.get_or_insert_with(|| Arc::clone(undone));
        }
    }

    /// Adds those executions that are wanted to others, each in full.
    pub(super) fn wanted(&self, is_wanted: &dyn Fn(&Recorded) -> bool, wanted: &mut Vec<Recorded>) {
        for (number, execution) in (self.first..).zip(&self.executions) {
            let one = self.in_full(number, execution);
            if is_wanted(&one) {
                wanted.push(one);
            }
        }
    }

    /// Takes out an execution in full, and those after it, which gives up their place here.
    pub(super) fn split(&mut self, number: u64) -> Option<(Recorded, Repeated)> {
        let at = self.place(number);
        let one = self.in_full(number, self.executions.get(at)?);
        let (model, executions) = (Arc::clone(&self.model), self.executions[at + 1..].to_vec());
        self.executions.truncate(at);
        Some((one, Repeated { model, first: number + 1, executions }))
    }

    /// Returns an execution as it is recorded where it is not counted.
    fn in_full(&self, number: u64, execution: &Execution) -> Recorded {
        let mut one = Recorded::clone(&self.model);
        one.number = number;
        one.at = execution.at;
        one.undone = execution.undone.clone();
        one.ended = match (execution.end, one.ended) {
            (Some((End { rows, at, failed }, touched)), Some(model)) => {
                let time = at.saturating_duration_since(execution.at);
                let touched = model.touched.with_rows(touched);
                Some(Ended { rows, time, failed, touched, ..model })
            }
            _ => None,
        };
        one
    }
}
