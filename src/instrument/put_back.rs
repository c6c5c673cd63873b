//! The databases that were put into another state as a whole: what was written before may be there no longer, or again.

use std::time::Instant;

use super::recorded::Recorded;
use super::transaction::TransactionEnd;
use crate::key::{BindKey, Keys};
use crate::list::retain;

/// The number of times that are remembered of a database, the last ones.
const KEPT: usize = 64;

/// The state that a database was put into.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PutBackTo {
    /// The state of the harness's start.
    Start,
    /// Its own of a moment.
    Own(Instant),
    /// The state of the database which it is a replica of.
    Source,
}

/// The times at which databases were put into another state, the last one last.
#[derive(Debug, Default)]
pub(super) struct PutBack(Vec<Once>);

#[derive(Debug)]
struct Once {
    /// The key by which the database is known.
    database: BindKey,
    state: PutBackTo,
    at: Instant,
}

impl PutBack {
    /// Notes that a database was put into a state now; what led to that of the start does not matter any more.
    pub(super) fn add(&mut self, database: &Keys, state: PutBackTo) {
        let (database, at) = (database.first().clone(), Instant::now());
        let mut before = self.of(&database).count();
        retain(&mut self.0, |once| {
            let is_oldest = once.database == database && before >= KEPT;
            before -= usize::from(is_oldest);
            !is_oldest
        });
        self.0.push(Once { database, state, at });
    }

    /// Returns whether a database has lost what a statement has committed.
    pub(super) fn has_lost(&self, statement: &Recorded) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Some(transaction) = statement.transaction.as_ref().filter(|one| one.end() == TransactionEnd::Committed)
        else {
            return false;
        };
        let Some(committed) = transaction.ended() else { return false };
        statement.databases().any(|used| used.writes && !self.has(used.names.first(), committed, false))
    }

    /// Returns whether a database has what was committed to it at a moment, or to its source; for ever where it never was put
    /// into another state.
    pub(super) fn has(&self, database: &BindKey, committed: Instant, to_source: bool) -> bool {
        let mut until = None;
        for once in self.of(database).rev() {
            // The state that it was put back to has nothing that came after.
            if until.is_some_and(|until| once.at > until) {
                continue;
            }
            if committed > once.at && !to_source {
                return true;
            }
            match once.state {
                PutBackTo::Start => return false,
                PutBackTo::Source => return to_source && committed <= once.at,
                PutBackTo::Own(moment) if committed > moment => return false,
                PutBackTo::Own(moment) => until = Some(moment),
            }
        }
        !to_source
    }

    fn of(&self, database: &BindKey) -> impl DoubleEndedIterator<Item = &Once> {
        self.0.iter().filter(move |once| once.database == *database)
    }
}
