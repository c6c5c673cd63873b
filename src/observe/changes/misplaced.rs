//! Changes that came about in another bind than the one in which they were expected.

use super::change::ChangeKind;
use super::expected::{ExpectedChange, RowKind};
use super::set::ChangeSet;
use super::verdict::{changed, Compared};
use crate::key::BindKey;
use crate::observe::rows::compare;

/// A change that came about in another bind than the one in which it was expected.
pub(crate) struct Misplaced {
    pub(crate) table: String,
    pub(crate) what: What,
    pub(crate) expected_in: BindKey,
    pub(crate) found_in: BindKey,
}

impl Misplaced {
    /// Returns whether a change is of the table in which it came about.
    pub(crate) fn is(&self, change: &super::TableChange) -> bool {
        self.found_in == change.bind && self.table.eq_ignore_ascii_case(&change.table)
    }
}

/// The change of a table or of so many of its rows.
#[derive(Clone, Copy)]
pub(crate) enum What {
    Table(ChangeKind),
    Rows(RowKind, usize),
}

impl ChangeSet {
    /// Finds the changes that one bind lacks and another has too many of, in a table of the same name.
    pub(crate) fn misplaced(&self, tables: &[Compared]) -> Vec<Misplaced> {
        let mut misplaced = Vec::new();
        for lacking in tables {
            for other in tables {
                if lacking.bind == other.bind || !lacking.table.eq_ignore_ascii_case(&other.table) {
                    continue;
                }
                if let Some(what) = self.lacked(lacking, other) {
                    let (expected_in, found_in) = (lacking.bind.clone(), other.bind.clone());
                    misplaced.push(Misplaced { table: lacking.table.clone(), what, expected_in, found_in });
                }
            }
        }
        misplaced
    }

    /// Returns what a table lacks and another has beyond what is expected of it.
    fn lacked(&self, lacking: &Compared, other: &Compared) -> Option<What> {
        for kind in [ChangeKind::Created, ChangeKind::Altered, ChangeKind::Dropped] {
            let has = |changes: &[ExpectedChange]| changes.iter().any(|change| change.kind == Some(kind));
            if has(&lacking.expected) && !has(&lacking.found) && has(&other.found) && !has(&other.expected) {
                return Some(What::Table(kind));
            }
        }
        for kind in [RowKind::Inserted, RowKind::Updated, RowKind::Deleted] {
            let lack = count(&lacking.expected, kind).saturating_sub(count(&lacking.found, kind));
            let excess = count(&other.found, kind).saturating_sub(count(&other.expected, kind));
            if lack > 0 && lack == excess && self.may_be(lacking, other, kind) {
                return Some(What::Rows(kind, lack));
            }
        }
        None
    }

    /// Returns whether the rows that were found may be those expected: they are, where values are expected.
    fn may_be(&self, lacking: &Compared, other: &Compared, kind: RowKind) -> bool {
        let is_it =
            |found: &&super::TableChange| found.bind == other.bind && found.table.eq_ignore_ascii_case(&other.table);
        let found = changed(self.changes.iter().find(is_it), kind);
        let mut expected = lacking.expected.iter().flat_map(ExpectedChange::rows).filter(|(of, _)| *of == kind);
        expected.all(|(_, rows)| rows.rows().is_none_or(|rows| compare(rows, &found, &[]).is_none()))
    }
}

fn count(changes: &[ExpectedChange], kind: RowKind) -> usize {
    let mut all = 0;
    for (of, rows) in changes.iter().flat_map(ExpectedChange::rows) {
        all += if of == kind { rows.count().unwrap_or_default() } else { 0 };
    }
    all
}
