//! The statements that ran between the two moments of a change set.

use std::ops::Range;
use std::sync::Arc;

use crate::instrument::Recorder;
use crate::key::BindKey;
use crate::list::retain;
use crate::observe::account::dropped_sessions;
use crate::observe::account::Account;
use crate::observe::statements::{read, Statement};

/// The statements of a harness that began between two moments, read once they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    recorder: Arc<Recorder>,
    numbers: Range<u64>,
    /// Set if statements that write were kept.
    is_kept: bool,
}

impl Ran {
    /// Takes the statements with these numbers.
    pub(super) fn new(recorder: &Arc<Recorder>, numbers: Range<u64>) -> Ran {
        Ran { recorder: Arc::clone(recorder), numbers, is_kept: recorder.keeps_writes() }
    }

    /// Returns whether all of them are known.
    pub(super) fn is_whole(&self) -> bool {
        self.is_kept && self.recorder.first() <= self.numbers.start
    }

    /// Fails the test with a report on the harness, at the caller's place.
    #[track_caller]
    pub(super) fn fails(&self, report: String) -> ! {
        self.recorder.failures.fail(report)
    }

    /// Returns all that the harness has kept, from before too.
    pub(super) fn account(&self) -> Account {
        Account::of(&self.recorder)
    }

    /// Returns the last writes of sessions that were dropped without a commit.
    pub(super) fn dropped_sessions(&self) -> Vec<Statement> {
        let mut all = read(self.recorder.all());
        retain(&mut all, |one| self.numbers.contains(&one.recorded().number));
        dropped_sessions(&all)
    }

    /// Returns those that are kept and were about a table of a bind: its rows or the table itself.
    pub(super) fn about(&self, bind: &BindKey, table: &str) -> Vec<Statement> {
        let mut all = read(self.recorder.all());
        retain(&mut all, |one| {
            self.numbers.contains(&one.recorded().number)
                && (one.writes_rows_of(bind, table) || one.creates(bind, table) || one.alters(bind, table))
        });
        all
    }
}
