//! Verdicts on a change set: whether only the selected binds changed, and whether the expected tables did.

use super::change::TableChange;
use super::expected::{ExpectedChange, ExpectedChanges, RowKind};
use super::set::ChangeSet;
use super::values::expected_rows;
use crate::error::{Error, Result};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::observe::binds::DatabaseIndex;
use crate::observe::rows::{compare, Difference};
use crate::order::sort_by;
use crate::row::Row;
use crate::sorted::Sorted;

/// The difference between the binds that were selected and those that changed; one list or both have keys.
pub(crate) struct NotOnly {
    /// The selected binds in which nothing changed.
    pub(crate) unchanged: Vec<BindKey>,
    /// The binds that changed and were not selected.
    pub(crate) others: Vec<BindKey>,
}

/// A table with the changes expected of it and those found. A name may have two changes, of a table that was dropped and of a
/// view that was created.
#[derive(Clone)]
pub(crate) struct Compared {
    pub(crate) bind: BindKey,
    pub(crate) table: String,
    pub(crate) expected: Vec<ExpectedChange>,
    pub(crate) found: Vec<ExpectedChange>,
    /// The rows of a kind that are not those expected by their values.
    pub(crate) others: Vec<OtherValues>,
}

/// Rows that changed in another way than expected.
#[derive(Clone)]
pub(crate) struct OtherValues {
    pub(crate) kind: RowKind,
    /// The columns that identify a row; none where no key does.
    pub(crate) key: Vec<String>,
    pub(crate) difference: Difference,
}

impl ChangeSet {
    /// Compares the binds that changed with those selected; `None` where they are the same.
    pub(crate) fn verdict_on(&self, selection: &Selection) -> Result<Option<NotOnly>> {
        let changed = self.changed();
        let (mut expected, mut unchanged) = (Vec::new(), Vec::new());
        match selection.keys() {
            Some(keys) => {
                for key in keys {
                    let mut databases = self.binds.selected(key)?;
                    if !databases.iter().any(|database| changed.contains(database)) {
                        let name = if let [database] = databases[..] { self.name(database) } else { key.clone() };
                        if !unchanged.contains(&name) {
                            unchanged.push(name);
                        }
                    }
                    expected.append(&mut databases);
                }
            }
            None => {
                expected.extend(self.binds.entries().map(|(database, _)| database));
                unchanged = self.names(&filtered(&expected, |database| !changed.contains(database)));
            }
        }
        let others = self.names(&filtered(&changed, |database| !expected.contains(database)));
        Ok((!unchanged.is_empty() || !others.is_empty()).then_some(NotOnly { unchanged, others }))
    }

    /// Compares the changes with those expected, table by table; `None` where all are as expected.
    pub(crate) fn compared_with(&self, expected: &ExpectedChanges) -> Result<Option<Vec<Compared>>, String> {
        let mut tables = Sorted::<(DatabaseIndex, String), Compared>::default();
        for change in &self.changes {
            let of = (change.database, change.table.to_ascii_lowercase());
            let table = tables.or_insert_with(of, || Compared::of(&change.bind, &change.table));
            table.found.push(ExpectedChange::of(change));
        }
        for (table, change) in &expected.tables {
            let (database, name) = self.meant(table)?;
            let mut change = change.clone();
            let values = expected_rows(self, database, name, &change).map_err(|error| in_words(&error))?;
            for (kind, rows) in &values {
                change = change.with(*kind, rows.clone());
            }
            if change.is_nothing() {
                continue;
            }
            let of = (database, name.to_ascii_lowercase());
            let table = tables.or_insert_with(of, || Compared::of(&self.name(database), name));
            let found = self.of_kind(database, name, &change);
            for (kind, rows) in values {
                let key = found.map(|found| found.key.clone()).unwrap_or_default();
                if let Some(difference) = compare(&rows, &changed(found, kind), &key) {
                    table.others.push(OtherValues { kind, key, difference });
                }
            }
            table.expected.push(change);
        }
        let compared = mapped(tables.entries(), |(_, table)| table.clone());
        Ok((!compared.iter().all(Compared::is_as_expected)).then_some(compared))
    }

    /// Finds the change of a table that an expected one is about: where a name has two, as one of a table that was dropped
    /// and one of a view that was created, the one of its kind.
    fn of_kind(&self, database: DatabaseIndex, table: &str, expected: &ExpectedChange) -> Option<&TableChange> {
        let is_it = |change: &&TableChange| change.database == database && change.table.eq_ignore_ascii_case(table);
        let is_of_kind = |change: &&TableChange| expected.kind.is_none_or(|kind| kind == change.kind);
        self.changes.iter().filter(is_it).find(is_of_kind).or_else(|| self.changes.iter().find(is_it))
    }

    /// Returns the keys of the databases that changed, each the one that names its database first.
    pub(crate) fn binds_changed(&self) -> Vec<BindKey> {
        self.names(&self.changed())
    }

    /// Returns the databases that changed, in order.
    fn changed(&self) -> Vec<DatabaseIndex> {
        let mut changed = mapped(&self.changes, |change| change.database);
        changed.dedup();
        changed
    }

    /// Returns the key that names a database first.
    pub(super) fn name(&self, database: DatabaseIndex) -> BindKey {
        self.binds.keys_of(database).first().clone()
    }

    /// Returns the keys that name databases first.
    fn names(&self, databases: &[DatabaseIndex]) -> Vec<BindKey> {
        mapped(databases, |database| self.name(*database))
    }
}

/// Returns the rows of a kind of a change: of updated ones, what they are now.
pub(super) fn changed(change: Option<&TableChange>, kind: RowKind) -> Vec<Row> {
    let Some(change) = change else { return Vec::new() };
    match kind {
        RowKind::Inserted => change.rows.inserted.clone(),
        RowKind::Updated => mapped(&change.rows.updated, |update| update.after.clone()),
        RowKind::Deleted => change.rows.deleted.clone(),
    }
}

/// Returns why the rows that are expected are not known.
fn in_words(error: &Error) -> String {
    match error {
        Error::Row { problem, .. } => problem.clone(),
        error => error.to_string(),
    }
}

impl Compared {
    fn of(bind: &BindKey, table: &str) -> Compared {
        let (bind, table) = (bind.clone(), table.to_string());
        Compared { bind, table, expected: Vec::new(), found: Vec::new(), others: Vec::new() }
    }

    pub(crate) fn is_as_expected(&self) -> bool {
        let sorted = |counts: &[ExpectedChange]| {
            let mut written = mapped(counts, ExpectedChange::as_written);
            sort_by(&mut written, |one, other| one.cmp(other));
            written
        };
        self.others.is_empty() && sorted(&self.expected) == sorted(&self.found)
    }
}
