//! The statements that a recorder has kept, as reports read them: settled first, for SQLite knows the error of a statement that
//! has failed only once it has returned from it.

use std::sync::Arc;

use super::connections::settle_all;
use super::listening::Listening;
use super::recorded::Recorded;
use super::recorder::Recorder;
use crate::sync::lock;

impl Recorder {
    /// Returns everything that is kept.
    pub(crate) fn all(self: &Arc<Self>) -> Vec<Recorded> {
        self.settled(&|_| true)
    }

    /// Returns what was recorded for somebody and is kept, of recordings that have ended too.
    pub(crate) fn asked_for(self: &Arc<Self>) -> Vec<Recorded> {
        self.settled(&|statement| statement.is_asked_for)
    }

    /// Returns whether a statement came too late.
    pub(crate) fn has_stale(self: &Arc<Self>) -> bool {
        settle_all(self);
        lock(&self.statements).has_stale()
    }

    /// Returns those of the statements that are kept which are wanted; the others are not copied.
    pub(crate) fn settled(self: &Arc<Self>, is_wanted: &dyn Fn(&Recorded) -> bool) -> Vec<Recorded> {
        settle_all(self);
        self.kept(is_wanted)
    }
}

impl Listening {
    /// Returns the statements that have begun since it was made. None of them is evicted while it lives.
    pub(crate) fn statements(&self) -> Vec<Recorded> {
        self.recorder.settled(&|statement| statement.number >= self.from)
    }
}
