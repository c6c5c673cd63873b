//! Verdicts on a change set: whether only the selected binds changed, and whether the expected tables did.

use super::expected::{Counts, ExpectedChanges, ExpectedTable, Named};
use super::set::ChangeSet;
use crate::error::{joined_by, Result};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::order::{sort_by, sort_by_key};
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
    pub(crate) expected: Vec<Counts>,
    pub(crate) found: Vec<Counts>,
}

impl ChangeSet {
    /// Compares the binds that changed with those selected; `None` where they are the same.
    pub(crate) fn verdict_on(&self, selection: &Selection) -> Result<Option<NotOnly>> {
        let changed = self.changed();
        let mut expected = Vec::new();
        match selection.keys() {
            Some(keys) => {
                for key in keys {
                    expected.push(self.position(key)?);
                }
                sort_by_key(&mut expected, |position| *position);
                expected.dedup();
            }
            None => expected.extend(0..self.binds.of_each().len()),
        }
        let still = filtered(&expected, |position| !changed.contains(position));
        let others = filtered(&changed, |position| !expected.contains(position));
        let verdict = NotOnly { unchanged: self.names(&still), others: self.names(&others) };
        Ok((!verdict.unchanged.is_empty() || !verdict.others.is_empty()).then_some(verdict))
    }

    /// Compares the changes with those expected, table by table; `None` where all are as expected.
    pub(crate) fn compared_with(&self, expected: &ExpectedChanges) -> Result<Option<Vec<Compared>>, String> {
        let mut tables = Sorted::<(usize, String), Compared>::default();
        for change in &self.changes {
            let of = (change.position, change.table.to_ascii_lowercase());
            let table = tables.or_insert_with(of, || Compared::of(&change.bind, &change.table));
            table.found.push(Counts::of(change));
        }
        for (table, counts) in &expected.tables {
            let (position, name) = self.meant(table)?;
            if counts.is_nothing() {
                continue;
            }
            let of = (position, name.to_ascii_lowercase());
            let table = tables.or_insert_with(of, || Compared::of(&self.name(position), name));
            table.expected.push(*counts);
        }
        let compared = mapped(tables.entries(), |(_, table)| table.clone());
        Ok((!compared.iter().all(Compared::is_as_expected)).then_some(compared))
    }

    /// The position and the name of an expected table.
    fn meant<'t>(&self, table: &'t ExpectedTable) -> Result<(usize, &'t str), String> {
        let text = match &table.0 {
            Named::Text(text) => text.as_str(),
            Named::Of(key, table) => match self.position(key) {
                Ok(position) => return Ok((position, table)),
                Err(error) => return Err(error.to_string()),
            },
        };
        // Keys and tables may have dots of their own, so every way to read it is tried.
        let mut readings = Vec::new();
        for (position, keys) in self.binds.of_each().iter().enumerate() {
            for key in keys {
                let mut table = table_of(text, key.schema_name());
                if table.is_none() && key.is_default() {
                    table = table_of(text, "default");
                }
                if let Some(table) = table {
                    readings.push((position, table));
                }
            }
        }
        let changed = |(position, table): &(usize, &str)| {
            self.changes.iter().any(|change| change.position == *position && change.table.eq_ignore_ascii_case(table))
        };
        let mut likely = readings.iter().filter(|reading| changed(reading));
        match (likely.next(), likely.next(), readings.first()) {
            (Some(_), Some(_), _) => Err(format!("`{text}` means tables of several binds: write `(key, \"table\")`")),
            (Some(reading), None, _) | (None, _, Some(reading)) => Ok(*reading),
            (None, _, None) => {
                let mut keys = self.binds.of_each().concat();
                sort_by_key(&mut keys, |key| !key.is_default());
                let keys = joined_by(&keys, ", ", &|key| key.schema_name().to_string());
                Err(format!("`{text}` is not `bind.table` with one of the binds {keys}"))
            }
        }
    }

    /// The keys of the databases that changed, each the one that names its database first.
    pub(crate) fn binds_changed(&self) -> Vec<BindKey> {
        self.names(&self.changed())
    }

    /// The positions of the databases that changed, in order.
    fn changed(&self) -> Vec<usize> {
        let mut changed = mapped(&self.changes, |change| change.position);
        changed.dedup();
        changed
    }

    /// The key that names a database first.
    fn name(&self, position: usize) -> BindKey {
        self.names(&[position]).first().cloned().unwrap_or(BindKey::DEFAULT)
    }

    /// The keys that name databases first.
    fn names(&self, positions: &[usize]) -> Vec<BindKey> {
        let mut names = Vec::with_capacity(positions.len());
        for position in positions {
            if let Some(name) = self.binds.of_each()[*position].first() {
                names.push(name.clone());
            }
        }
        names
    }
}

/// Returns what follows the bind's name and a dot.
fn table_of<'t>(text: &'t str, bind: &str) -> Option<&'t str> {
    let table = text.strip_prefix(bind)?.strip_prefix('.')?;
    (!table.is_empty()).then_some(table)
}

impl Compared {
    fn of(bind: &BindKey, table: &str) -> Compared {
        Compared { bind: bind.clone(), table: table.to_string(), expected: Vec::new(), found: Vec::new() }
    }

    pub(crate) fn is_as_expected(&self) -> bool {
        let sorted = |counts: &[Counts]| {
            let mut written = mapped(counts, Counts::as_written);
            sort_by(&mut written, |one, other| one.cmp(other));
            written
        };
        sorted(&self.expected) == sorted(&self.found)
    }
}
