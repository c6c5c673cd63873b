//! The end of a statement on a connection: what it means for its transaction, and what SQLite tells of it afterwards.

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::take;
use std::thread::ThreadId;

use rusqlite::ffi;

use super::connected::{Connected, Last, State};
use super::handle::{Handle, Standing};
use super::looked::Step;
use super::outcome::{end_of, step_within, Start, Unsettled};
use super::recorded::Ended;
use super::recorder::Recorder;
use super::state;
use super::threads::here;
use super::transaction::TransactionEnd;
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

/// Takes the address of the connection whose statement was the last to end on this thread, if it is unsettled and wanted.
pub(super) fn take_unsettled(is_wanted: impl FnOnce(usize) -> bool) -> Option<usize> {
    let take = |unsettled: &Cell<usize>| {
        let address = unsettled.get();
        (address != 0 && is_wanted(address)).then(|| unsettled.replace(0))
    };
    // A thread that ends has none.
    UNSETTLED.try_with(take).ok().flatten()
}

/// Notes the address of the connection whose statement is the last to end on this thread.
pub(super) fn is_unsettled(address: usize) {
    let _ = UNSETTLED.try_with(|unsettled| unsettled.set(address));
}

impl Connected {
    /// Follows the end of a statement. SQLite reports one that it has prepared again meanwhile as ended twice: then its number
    /// is returned, for what it does may be another thing now.
    pub(super) fn end(
        &self,
        handle: &Handle,
        statement: usize,
        prepared: i32,
        account: Account,
    ) -> (Standing, Option<u64>) {
        let standing = handle.standing();
        let Some(recorder) = self.to.recorder.upgrade() else { return (standing, None) };
        if self.end_again(&recorder, (handle, standing), (statement, prepared), &account) {
            return (standing, None);
        }
        let (alone, (all, of_last)) = (standing.alone, standing.changes);
        let (mut state, version) = self.at_version(handle, standing);
        state.version = version;
        let mut running = match state.running.iter().rposition(|running| running.statement == statement) {
            Some(at) => state.running.remove(at),
            None => match state.last.take() {
                Some(Last { running, open }) if running.statement == statement && running.prepared != prepared => {
                    if let Some(open) = open {
                        state.open = open;
                    }
                    running
                }
                _ => {
                    // One that began while nobody recorded.
                    if alone {
                        recorder.ends.note();
                    }
                    return (standing, None);
                }
            },
        };
        let start = &running.start;
        if prepared != running.prepared || start.looked.as_ref().is_some_and(|looked| looked.renames) {
            // Names mean something else now.
            state::names_change();
        }
        let again = start.number.filter(|_| prepared != running.prepared);
        let open = (alone || start.step().is_some()).then(|| state.open.clone());
        let is_dropped = account.is_dropped && start.changes_rows();
        let rows = if is_dropped { 0 } else { start.rows(all, of_last) };
        let mut failed = account.failed;
        if !is_dropped {
            let grew = version != running.version;
            if !alone && let Some(open) = &mut state.open {
                open.holds(start, rows, version);
            }
            failed = state.conclude(&recorder, start, (alone, grew, rows), failed);
        }
        let may_end = start.may_write || start.step().is_some();
        if let Some(number) = start.number {
            let (time, error) = (running.at.elapsed(), account.error);
            if error.is_none() && statement != 0 && may_end {
                let (start, thread) = (start.clone(), here());
                state.unsettled = Some(Unsettled { start, thread, failed: failed == Some(true), is_dropped });
                is_unsettled(self.address);
            }
            let (triggers, touched) = (take(&mut running.triggers), take(&mut running.touched));
            let ended = Ended { rows, time, failed, error, is_stale: false, triggers, touched };
            recorder.amend(number, |statement| statement.ends(ended));
            state.may_repeat(&recorder, &running.start, standing);
        } else if failed == Some(true) && start.step().is_some_and(Step::commits) {
            // Its error is the reason why the transaction's rows are lost.
            let (start, thread) = (start.clone(), here());
            state.unsettled = Some(Unsettled { start, thread, failed: true, is_dropped });
            is_unsettled(self.address);
        }
        if alone && may_end {
            recorder.ends.note();
        }
        let may_come_again = running.start.may_write || running.start.number.is_some();
        state.last = may_come_again.then_some(Last { running, open });
        (standing, again)
    }

    /// Settles the statement that was the last to end on it, as another begins.
    pub(super) fn settle_before(&self, handle: &Handle, standing: Standing) {
        if lock(&self.state).unsettled.is_some() {
            take_unsettled(|address| address == self.address);
            self.settle(standing, handle.code());
        }
    }

    pub(super) fn is_unsettled(&self, thread: ThreadId) -> bool {
        lock(&self.state).unsettled.as_ref().is_some_and(|unsettled| unsettled.thread == thread)
    }

    /// Adds to a statement that has ended what SQLite tells once it has returned: its error, and the rows of one that was given
    /// up. `code` is the result of the connection's last call.
    pub(super) fn settle(&self, standing: Standing, code: c_int) {
        let mut state = lock(&self.state);
        let Some(Unsettled { start, failed, is_dropped, .. }) = state.unsettled.take() else { return };
        // Others than these may be of a call between, a statement that could not be prepared for one.
        let error = failed || is_of_a_step(code);
        if !error && !is_dropped {
            return;
        }
        let Some(recorder) = self.to.recorder.upgrade() else { return };
        let mut error = error.then(|| in_words(code)).flatten();
        let (mut rows, mut known) = (None, error.is_some().then_some(true));
        if is_dropped {
            let (all, of_last) = standing.changes;
            let changed = start.rows(all, of_last);
            rows = Some(changed);
            known = state.conclude(&recorder, &start, (standing.alone, false, changed), known);
            if known == Some(true) {
                error = in_words(code);
            }
            if standing.alone {
                recorder.ends.note();
            }
        }
        if start.step().is_some_and(Step::commits)
            && let Some(error) = &error
        {
            let before = state.last.as_ref().and_then(|last| last.open.as_ref()?.as_ref());
            if let Some(open) = state.open.as_ref().or(before) {
                open.transaction.refuses_for(error);
            }
        }
        drop(state);
        let Some(number) = start.number else { return };
        recorder.amend(number, |statement| {
            if let Some(ended) = &mut statement.ended {
                ended.rows = rows.unwrap_or(ended.rows);
                ended.failed = known.or(ended.failed);
                ended.error = error.or(ended.error.take());
                ended.is_stale |= ended.failed == Some(true) && code == ffi::SQLITE_BUSY_SNAPSHOT;
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
        start: &Start,
        (alone, grew, rows): (bool, bool, u64),
        failed: Option<bool>,
    ) -> Option<bool> {
        let given = failed;
        let step = start.step();
        let mut failed = failed.or(step.and_then(|step| step.fails(start.alone, alone)));
        let is_rollback = matches!(step, Some(Step::Rollback));
        if alone && is_rollback {
            // A statement that goes on lives on with the rows that it has yet to give, and writes no more.
            self.running.iter_mut().for_each(|running| running.start.may_write = false);
        }
        if alone && !self.running.iter().any(|running| running.start.may_write) {
            if let Some(open) = self.open.take() {
                let end = end_of(&open, start, grew, rows);
                failed = failed.or(start.fails(end, rows));
                open.transaction.ends(end);
                if end == TransactionEnd::Failed && step.is_some_and(Step::commits) && recorder.keeps_writes() {
                    open.transaction.refuses(recorder.place());
                }
                if open.wrote && open.is_explicit && recorder.keeps_writes() {
                    recorder.closes_here(&open.transaction);
                }
            }
        } else if let Some(open) = &mut self.open {
            if !alone {
                open.is_explicit = true;
                open.transaction.is_begun();
            }
            // A statement that has changed rows has not failed, unless an error tells.
            failed = failed.or((rows > 0).then_some(false)).or(step.filter(|step| open.outlasts(step)).map(|_| true));
            if failed != Some(true) {
                step_within(open, start, recorder);
            } else if step.is_some_and(Step::commits) && recorder.keeps_writes() {
                open.transaction.refuses(recorder.place());
            }
        }
        if start.may_write || step.is_some() {
            failed
        } else {
            given
        }
    }
}
