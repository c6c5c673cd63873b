//! The reads of replicas that lag, as far as they were given rows that their source had changed before.

use std::sync::Arc;

use super::changes::compared;
use super::snapshot::committed;
use super::statements::{read, Statement};
use super::TableChange;
use crate::harness::{Bound, Running};
use crate::instrument::{LateRead, Transaction};
use crate::key::BindKey;
use crate::list::retain;

/// A replica that was behind its source when it was read.
pub(crate) struct Late {
    pub(crate) replica: BindKey,
    pub(crate) source: BindKey,
    /// The reads, the oldest first.
    pub(crate) reads: Vec<LateRead>,
    /// The changes of the tables they read that the replica does not have yet.
    pub(crate) missing: Vec<TableChange>,
}

/// Finds the replicas that were behind when they were read and still are. One that cannot be compared now is left out.
pub(crate) fn late(running: &Running) -> Vec<Late> {
    let mut found = Vec::new();
    for replica in running.databases() {
        let reads = replica.watch().late_reads();
        let Some(source) = replica.source().filter(|_| !reads.is_empty()) else { continue };
        if let Ok(source) = running.database(source) {
            found.extend(behind(running, &replica, &source, reads));
        }
    }
    found
}

fn behind(running: &Running, replica: &Arc<Bound>, source: &Arc<Bound>, mut reads: Vec<LateRead>) -> Option<Late> {
    let images = committed(&[Arc::clone(replica), Arc::clone(source)]).ok()?;
    let [before, after] = images.as_slice() else { return None };
    let mut missing = compared(replica, before, after).ok()?;
    let mut written = read(running.recorder().all());
    retain(&mut written, |statement| statement.stayed() != Some(false));
    retain(&mut reads, |late| {
        let is_late = |statement: &Statement| {
            let committed = statement.in_transaction().and_then(Transaction::ended);
            committed.is_some_and(|at| at <= late.at && !running.recorder().has_followed(replica.keys(), at))
        };
        let is_written = |table: &String| {
            written.iter().any(|statement| statement.writes_rows_of(source.key(), table) && is_late(statement))
        };
        missing.iter().any(|change| late.reads(change.table()) && is_written(&change.table))
    });
    retain(&mut missing, |change| reads.iter().any(|late| late.reads(change.table())));
    (!reads.is_empty()).then(|| Late { replica: replica.key().clone(), source: source.key().clone(), reads, missing })
}

impl LateRead {
    fn reads(&self, table: &str) -> bool {
        self.tables.iter().any(|read| read.eq_ignore_ascii_case(table))
    }
}
