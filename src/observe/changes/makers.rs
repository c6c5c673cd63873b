//! The statements behind a change, and behind one that did not come about.

use super::change::TableChange;
use super::set::ChangeSet;
use crate::fail::fail;
use crate::key::BindKey;
use crate::list::{filtered, retain};
use crate::observe::account::{Came, Fate, Unfailed};
use crate::observe::statements::Statement;

impl ChangeSet {
    /// Fails the test with a report on these changes, at the caller's place.
    #[track_caller]
    pub(crate) fn fails(&self, report: String) -> ! {
        match &self.ran {
            Some(ran) => ran.fails(report),
            None => fail(report),
        }
    }

    /// Returns the statements that may have made a change, the oldest first.
    pub(crate) fn makers(&self, change: &TableChange) -> Vec<Statement> {
        let about = self.ran.as_ref().map(|ran| ran.about(&change.bind, &change.table)).unwrap_or_default();
        filtered(&about, |one| one.stayed() != Some(false) && one.fate() != Fate::Nothing)
    }

    /// Returns how the connection came about on which a change was made.
    pub(crate) fn came(&self, change: &TableChange, maker: &Statement) -> Option<Came> {
        let ran = self.ran.as_ref()?;
        ran.account().connection_of(maker, &change.bind)
    }

    /// Returns whether a statement was rolled back as a value was dropped, with nothing that had failed.
    pub(crate) fn unfailed(&self, statement: &Statement) -> Option<Unfailed> {
        self.ran.as_ref()?.account().unfailed(statement)
    }

    /// Returns the last writes to other tables than this of sessions that were dropped without a commit.
    pub(crate) fn dropped_beside(&self, bind: &BindKey, table: &str) -> Vec<Statement> {
        let mut dropped = self.ran.as_ref().map(|ran| ran.dropped_sessions()).unwrap_or_default();
        retain(&mut dropped, |one| !one.writes_rows_of(bind, table));
        dropped
    }

    /// Returns the statements that were about a table, whatever became of them; `None` where some may not be known.
    pub(crate) fn attempts(&self, bind: &BindKey, table: &str) -> Option<Vec<Statement>> {
        let ran = self.ran.as_ref().filter(|ran| ran.is_whole())?;
        Some(ran.about(bind, table))
    }
}
