//! The connections on which the application has put a trace, an authorizer or a commit hook in place of the harness's.

use std::collections::VecDeque;
use std::sync::Arc;

use super::opening::Opening;
use crate::key::BindKey;
use crate::sqlite::Slot;

/// A connection that the harness does not see whole.
#[derive(Clone, Debug)]
pub(crate) struct Displaced {
    /// Its opening; `None` for those that SQLite has not reported, which may be to any database.
    pub(crate) opened: Option<Arc<Opening>>,
    /// Its number in the harness.
    pub(crate) connection: u32,
    /// The instruments that are no longer the harness's.
    pub(crate) lost: Vec<Slot>,
    pub(crate) is_open: bool,
    /// Set if the storage shows every write, so that no commit hook is needed for that.
    pub(crate) shows_writes: bool,
}

impl Displaced {
    /// Returns the connections that SQLite has not reported, since the application has told it not to.
    pub(super) fn unreported() -> Displaced {
        Displaced { opened: None, connection: 0, lost: Slot::ALL.to_vec(), is_open: true, shows_writes: false }
    }

    /// Returns whether it is a connection to a database that one of the keys means, or may be.
    pub(crate) fn is_to(&self, keys: &[BindKey]) -> bool {
        self.may_be(|names| keys.iter().any(|key| names.contains(key)))
    }

    /// Returns whether it is a connection to a database whose keys are such, or may be.
    pub(crate) fn may_be(&self, are_such: impl FnOnce(&[BindKey]) -> bool) -> bool {
        self.opened.as_ref().is_none_or(|opened| are_such(&opened.names))
    }

    /// Returns whether a statement on it may be unseen, or seen for another than it is.
    pub(crate) fn hides_statements(&self) -> bool {
        self.lost.iter().any(|slot| *slot != Slot::CommitHook)
    }

    /// Returns whether a statement or a write on it may be unseen.
    pub(crate) fn hides_writes(&self) -> bool {
        self.hides_statements() || !self.shows_writes
    }

    /// Returns whether a commit on it is asked for by nobody.
    pub(crate) fn hides_commits(&self) -> bool {
        self.lost.contains(&Slot::CommitHook)
    }
}

/// The displaced connections of a harness that are closed, the last of them.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// The number of those before the first that is kept.
    before: u64,
    kept: VecDeque<Displaced>,
}

/// The number of closed connections that are kept.
const KEPT: usize = 32;

impl Closed {
    /// Returns the number of the next.
    pub(super) fn next(&self) -> u64 {
        self.before + self.kept.len() as u64
    }

    /// Keeps one that is closed.
    pub(super) fn push(&mut self, displaced: Displaced) {
        self.kept.push_back(displaced);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
            self.before += 1;
        }
    }

    /// Returns those from a number on that are kept.
    pub(super) fn since(&self, number: u64) -> Vec<Displaced> {
        let skipped = usize::try_from(number.saturating_sub(self.before)).unwrap_or(usize::MAX);
        self.kept.iter().skip(skipped).cloned().collect()
    }
}
