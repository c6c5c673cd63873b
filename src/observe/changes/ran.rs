//! The statements that ran between the two moments of a change set.

use std::ops::Range;
use std::sync::Arc;

use super::change::TableChange;
use super::set::ChangeSet;
use crate::instrument::Recorder;
use crate::key::BindKey;
use crate::list::filtered;
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

    /// Returns those that are kept and were about a table of a bind: its rows or the table itself.
    fn about(&self, bind: &BindKey, table: &str) -> Vec<Statement> {
        let mut all = read(self.recorder.all());
        all.retain(|one| {
            self.numbers.contains(&one.recorded().number)
                && (one.writes_rows_of(bind, table) || one.creates(bind, table) || one.alters(bind, table))
        });
        all
    }
}

impl ChangeSet {
    /// Returns the statements that may have made a change, the oldest first.
    pub(crate) fn makers(&self, change: &TableChange) -> Vec<Statement> {
        let about = self.ran.as_ref().map(|ran| ran.about(&change.bind, &change.table)).unwrap_or_default();
        filtered(&about, |one| one.stayed() != Some(false))
    }

    /// Returns the statements that were about a table, whatever became of them; `None` where some may not be known.
    pub(crate) fn attempts(&self, bind: &BindKey, table: &str) -> Option<Vec<Statement>> {
        let ran = self.ran.as_ref()?;
        let is_whole = ran.is_kept && ran.recorder.first() <= ran.numbers.start;
        is_whole.then(|| ran.about(bind, table))
    }
}
