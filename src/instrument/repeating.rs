//! The statement that a connection runs again and again within one transaction: its executions are counted, each with its rows,
//! while nobody records.

use std::ffi::CStr;
use std::mem::swap;
use std::sync::Arc;
use std::time::Instant;

use super::connected::{Connected, Last, State};
use super::handle::{Handle, Standing};
use super::member::wants_values;
use super::outcome::{Running, Start, Unsettled};
use super::recorder::Recorder;
use super::repeated::{End, Repeating};
use super::settle::{is_unsettled, take_unsettled, Account};
use super::state;
use super::threads::here;
use super::touched::Touched;
use super::traced::Statement;
use crate::sqlite::code::is_of_a_step;

/// A statement that begins, as it is compared with the one before.
pub(super) struct Again<'s> {
    pub(super) standing: Standing,
    /// Its address; 0 for one of a session.
    pub(super) statement: usize,
    /// The number of times that it was prepared again.
    pub(super) prepared: i32,
    pub(super) sql: &'s [u8],
}

impl Statement<'_> {
    /// Returns it as one that may be another execution of the one before.
    pub(super) fn again<'s>(&self, standing: Standing, sql: &'s CStr) -> Again<'s> {
        Again { standing, statement: self.address(), prepared: self.prepared(), sql: sql.to_bytes() }
    }
}

impl Connected {
    /// Follows a statement that begins as another execution of the one that its transaction repeats; returns false where it is
    /// not, or where somebody records.
    pub(super) fn begin_again(&self, recorder: &Recorder, handle: &Handle, again: &Again<'_>) -> bool {
        let Again { standing, statement, prepared, sql } = *again;
        if standing.alone || standing.attached || recorder.is_heard() {
            return false;
        }
        let (code, foreign_keys, thread) = (handle.code(), handle.enforces_keys(), here());
        let (mut state, version) = self.at_version(handle, standing);
        // SQLite has more to tell of the one before.
        let is_settled = |last: &Unsettled| !last.failed && !last.is_dropped && !is_of_a_step(code);
        if !state.unsettled.as_ref().is_none_or(is_settled) || state.version != version {
            return false;
        }
        let State { open: Some(open), memory, .. } = &mut *state else { return false };
        let Some(Repeating { looked, model }) = &open.repeating else { return false };
        let is_again = model.foreign_keys == foreign_keys
            && model.thread.id() == thread
            && memory.has(sql, state::names(), looked);
        if !is_again {
            return false;
        }
        open.wrote = true;
        let (at, (changes, _)) = (Instant::now(), standing.changes);
        let number = Some(recorder.begin_again(model, at));
        let start = Start { number, changes, may_write: true, alone: false, looked: Some(Arc::clone(looked)) };
        let (triggers, touched) = (Vec::new(), Touched::default());
        state.unsettled = None;
        state.forget(statement);
        state.running.push(Running { statement, thread, at, version, prepared, start, triggers, touched });
        drop(state);
        take_unsettled(|address| address == self.address);
        self.is_used(handle);
        true
    }

    /// Follows the end of an execution that was counted, of the statement at an address which was prepared again so often; returns
    /// false where a statement has to be followed in full.
    pub(super) fn end_again(
        &self,
        recorder: &Recorder,
        (handle, standing): (&Handle, Standing),
        (statement, prepared): (usize, i32),
        account: &Account,
    ) -> bool {
        if standing.alone || standing.attached || account.error.is_some() || account.is_dropped {
            return false;
        }
        let (mut state, version) = self.at_version(handle, standing);
        let State { open, running, last, .. } = &mut *state;
        let Some(open) = open.as_mut().filter(|open| open.repeating.is_some()) else { return false };
        let is_it = |last: &&mut Running| last.statement == statement && last.prepared == prepared;
        let Some(ended) = running.last_mut().filter(is_it) else { return false };
        let (all, of_last) = standing.changes;
        let rows = ended.start.rows(all, of_last);
        // A statement that has changed rows has not failed, unless an error tells.
        let failed = account.failed.or((rows > 0).then_some(false));
        let end = End { rows, at: Instant::now(), failed };
        let number = ended.start.number.filter(|_| ended.triggers.is_empty());
        if !number.is_some_and(|number| recorder.end_again(number, end, &ended.touched)) {
            return false;
        }
        open.holds(&ended.start, rows, version);
        let (start, thread) = (ended.start.clone(), here());
        match last {
            // In place, which is quicker.
            Some(Last { running: before, open: None }) => {
                swap(before, ended);
                running.truncate(running.len() - 1);
            }
            last => *last = running.pop().map(|running| Last { running, open: None }),
        }
        state.version = version;
        state.unsettled = Some(Unsettled { start, thread, failed: false, is_dropped: false });
        drop(state);
        is_unsettled(self.address);
        true
    }
}

impl State {
    /// Notes that a statement has ended that was recorded in full: its connection may repeat it from here on.
    pub(super) fn may_repeat(&mut self, recorder: &Recorder, start: &Start, standing: Standing) {
        let Some(open) = &mut self.open else { return };
        // Each of the first executions is kept with its values.
        let is_in_loop = !wants_values(self.in_a_row) && start.may_write && !start.alone && !standing.attached;
        open.repeating = match (&start.looked, start.number) {
            (Some(looked), Some(number)) if is_in_loop => {
                recorder.model(number).map(|model| Repeating { looked: Arc::clone(looked), model })
            }
            _ => None,
        };
    }
}
