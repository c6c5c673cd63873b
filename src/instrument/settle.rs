//! The end of a statement on a connection: what it means for its transaction, and what SQLite tells of it afterwards.

use std::cell::Cell;
use std::mem::take;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use rusqlite::ffi;

use super::connected::{Connected, State};
use super::handle::{Handle, Standing};
use super::outcome::{end_of, step_within, Running, Unsettled};
use super::recorded::Ended;
use super::recorder::Recorder;
use super::state;
use super::transaction::Transaction;
use crate::sqlite::code::{in_words, is_of_a_step};
use crate::sync::lock;

/// The account of a statement by who ran it.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) failed: Option<bool>,
    pub(crate) error: Option<String>,
    /// Set if it was given up while it had rows to give.
    pub(crate) is_dropped: bool,
}

thread_local! {
    /// The address of the connection whose statement was the last to end on this thread, if it is unsettled.
    static UNSETTLED: Cell<usize> = const { Cell::new(0) };
}

/// Takes the address of the connection whose statement was the last to end on this thread, if it is unsettled.
pub(super) fn take_unsettled() -> Option<usize> {
    // A thread that ends has none.
    UNSETTLED.try_with(|unsettled| unsettled.replace(0)).ok().filter(|address| *address != 0)
}

impl Connected {
    /// Follows the end of a statement. SQLite reports one that it has prepared again meanwhile as ended twice: then its number
    /// is returned, for what it does may be another thing now.
    pub(super) fn end(&self, handle: &Handle, statement: usize, prepared: i32, account: Account) -> Option<u64> {
        let recorder = self.to.recorder.upgrade()?;
        let (alone, (all, of_last)) = (handle.is_autocommit(), handle.changes());
        let (mut state, version) = self.at_version(handle);
        state.version = version;
        let mut running = match state.running.iter().rposition(|running| running.statement == statement) {
            Some(at) => state.running.remove(at),
            None => match state.last.take() {
                Some((running, open)) if running.statement == statement && running.prepared != prepared => {
                    state.open = open;
                    running
                }
                _ => {
                    // One that began while nobody recorded.
                    if alone {
                        recorder.ends.note();
                    }
                    return None;
                }
            },
        };
        if prepared != running.prepared || running.looked.as_ref().is_some_and(|looked| looked.renames) {
            // Names mean something else now.
            state::names_change();
        }
        let again = running.number.filter(|_| prepared != running.prepared);
        let before = state.open.clone();
        let is_dropped = account.is_dropped && running.changes_rows();
        let rows = if is_dropped { 0 } else { running.rows(all, of_last) };
        let mut failed = account.failed;
        if !is_dropped {
            let grew = version != running.version;
            if !alone && let Some(open) = &mut state.open {
                open.holds(&running, rows, version);
            }
            failed = state.conclude(&recorder, &running, (alone, grew, rows), failed);
        }
        if let Some(number) = running.number {
            let (time, error) = (running.at.elapsed(), account.error);
            let (triggers, touched) = (take(&mut running.triggers), take(&mut running.touched));
            let is_settled = error.is_some() || statement == 0;
            recorder.amend(number, |statement| {
                statement.ends(Ended { rows, time, failed, error, is_stale: false, triggers, touched })
            });
            if !is_settled && (running.may_write || running.step().is_some()) {
                let (running, thread) = (running.clone(), thread::current().id());
                state.unsettled = Some(Unsettled { running, thread, failed: failed == Some(true), is_dropped });
                let _ = UNSETTLED.try_with(|unsettled| unsettled.set(self.address));
            }
        }
        if alone && (running.may_write || running.step().is_some()) {
            recorder.ends.note();
        }
        state.last = (running.may_write || running.number.is_some()).then_some((running, before));
        again
    }

    /// Returns the transaction of a statement that was the last to end, the rows that it changed and the time that it took.
    pub(super) fn last_ended(
        &self,
        handle: &Handle,
        statement: usize,
    ) -> Option<(Option<Arc<Transaction>>, u64, Duration)> {
        let (all, of_last) = handle.changes();
        let state = lock(&self.state);
        let (running, open) = state.last.as_ref().filter(|(running, _)| running.statement == statement)?;
        let transaction = open.as_ref().map(|open| Arc::clone(&open.transaction));
        Some((transaction, running.rows(all, of_last), running.at.elapsed()))
    }

    pub(super) fn is_unsettled(&self, thread: ThreadId) -> bool {
        lock(&self.state).unsettled.as_ref().is_some_and(|unsettled| unsettled.thread == thread)
    }

    /// Adds to a statement that has ended what SQLite tells once it has returned: its error, and the rows of one that was given
    /// up.
    pub(super) fn settle(&self, standing: Standing) {
        let mut state = lock(&self.state);
        let Some(Unsettled { running, failed, is_dropped, .. }) = state.unsettled.take() else { return };
        let Some(recorder) = self.to.recorder.upgrade() else { return };
        // Others than these may be of a call between, a statement that could not be prepared for one.
        let error = failed || is_of_a_step(standing.code);
        let mut error = error.then(|| in_words(standing.code)).flatten();
        let (mut rows, mut known) = (None, error.is_some().then_some(true));
        if is_dropped {
            let (all, of_last) = standing.changes;
            let changed = running.rows(all, of_last);
            rows = Some(changed);
            known = state.conclude(&recorder, &running, (standing.alone, false, changed), known);
            if known == Some(true) {
                error = in_words(standing.code);
            }
            if standing.alone {
                recorder.ends.note();
            }
        }
        drop(state);
        let Some(number) = running.number else { return };
        recorder.amend(number, |statement| {
            if let Some(ended) = &mut statement.ended {
                ended.rows = rows.unwrap_or(ended.rows);
                ended.failed = known.or(ended.failed);
                ended.error = error.or(ended.error.take());
                ended.is_stale |= ended.failed == Some(true) && standing.code == ffi::SQLITE_BUSY_SNAPSHOT;
            }
        });
    }
}

impl State {
    /// Follows what the end of a statement means for its transaction, with whether no transaction is open now, whether the
    /// version of the databases has grown, and the rows changed; returns whether the statement has failed, if that is known.
    fn conclude(
        &mut self,
        recorder: &Recorder,
        running: &Running,
        (alone, grew, rows): (bool, bool, u64),
        failed: Option<bool>,
    ) -> Option<bool> {
        let given = failed;
        let step = running.step();
        let mut failed = failed.or(step.and_then(|step| step.fails(running.alone, alone)));
        if alone && !self.running.iter().any(|running| running.may_write) {
            if let Some(open) = self.open.take() {
                let end = end_of(&open, running, grew, rows);
                failed = failed.or(running.fails(end, rows));
                open.transaction.ends(end);
                if open.wrote && open.is_explicit && recorder.keeps_writes() {
                    recorder.closes_here(&open.transaction);
                }
            }
        } else if let Some(open) = &mut self.open {
            if !alone {
                open.is_explicit = true;
                open.transaction.is_begun();
            }
            // What has changed rows has not failed, unless an error tells.
            failed = failed.or((rows > 0).then_some(false));
            if failed != Some(true) {
                step_within(open, step, recorder);
            }
        }
        if running.may_write || step.is_some() {
            failed
        } else {
            given
        }
    }
}
