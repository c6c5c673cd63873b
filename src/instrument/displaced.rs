//! The connections on which the application has put a trace, an authorizer or a commit hook in place of the harness's.

use std::collections::VecDeque;
use std::sync::Arc;

use super::opening::Opening;
use crate::key::{BindKey, Keys};
use crate::sqlite::Slot;

/// A connection that the harness does not see whole.
#[derive(Clone, Debug)]
pub(crate) struct Displaced {
    /// The keys that mean its database.
    pub(crate) names: Keys,
    /// Its number in the harness.
    pub(crate) connection: u32,
    /// The instruments that are no longer the harness's.
    pub(crate) lost: Vec<Slot>,
    pub(crate) opened: Arc<Opening>,
    pub(crate) is_open: bool,
    /// Set if the storage shows every write, so that no commit hook is needed for that.
    pub(crate) shows_writes: bool,
}

impl Displaced {
    /// Returns whether it is a connection to a database that one of the keys means.
    pub(crate) fn is_to(&self, keys: &[BindKey]) -> bool {
        keys.iter().any(|key| self.names.contains(key))
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
