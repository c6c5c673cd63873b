//! Verdicts on a change set: whether only the selected binds changed, and whether the expected tables did.

use super::change::TableChange;
use super::expected::{ExpectedChange, ExpectedChanges, ExpectedTable, Named};
use super::set::ChangeSet;
use crate::error::{list, Error, Result};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::nearest::nearest;
use crate::observe::binds::DatabaseIndex;
use crate::order::{sort_by, sort_by_key};
use crate::sorted::Sorted;
use crate::sqlite::texts;

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
        for (table, counts) in &expected.tables {
            let (database, name) = self.meant(table)?;
            if counts.is_nothing() {
                continue;
            }
            let of = (database, name.to_ascii_lowercase());
            let table = tables.or_insert_with(of, || Compared::of(&self.name(database), name));
            table.expected.push(*counts);
        }
        let compared = mapped(tables.entries(), |(_, table)| table.clone());
        Ok((!compared.iter().all(Compared::is_as_expected)).then_some(compared))
    }

    /// Finds the database and the name of an expected table.
    fn meant<'t>(&self, table: &'t ExpectedTable) -> Result<(DatabaseIndex, &'t str), String> {
        let readings = match &table.0 {
            Named::Text(text) => self.readings(text),
            Named::Of(key, table) => match self.binds.find(key) {
                Ok(database) => vec![(database, table.as_str())],
                Err(error) => return Err(format!("{error}{}", self.suggestion(&format!("{key}.{table}"))?)),
            },
        };
        let Some((first, name)) = readings.first().copied() else {
            return Err(self.unreadable(table)?);
        };
        match filtered(&readings, |(database, table)| self.has_changed(*database, table)).as_slice() {
            [reading] => return Ok(*reading),
            [_, _, ..] => {
                return Err(format!("`{table}` means tables of several binds: write `(key, \"table\")`"));
            }
            [] => {}
        }
        for (database, name) in &readings {
            if self.tables(*database)?.iter().any(|table| table.eq_ignore_ascii_case(name)) {
                return Ok((*database, name));
            }
        }
        let suggestion = self.suggestion(&table.to_string())?;
        Err(format!("bind `{}` has no table `{name}`, and had none at the snapshot{suggestion}", self.name(first)))
    }

    /// Returns why an expected table means no bind's.
    fn unreadable(&self, table: &ExpectedTable) -> Result<String, String> {
        let suggestion = self.suggestion(&table.to_string())?;
        if !suggestion.is_empty() {
            return Ok(format!("`{table}` is not `bind.table`{suggestion}"));
        }
        let mut keys = self.binds.keys();
        sort_by_key(&mut keys, |key| !key.is_default());
        Ok(format!("`{table}` is not `bind.table` with one of the binds {}", list(&keys)))
    }

    /// Returns every way to read a text as a bind and a table: both may have dots of their own.
    fn readings<'t>(&self, text: &'t str) -> Vec<(DatabaseIndex, &'t str)> {
        let mut readings = Vec::new();
        for (database, keys) in self.binds.entries() {
            for key in keys.iter() {
                let of_main = || if key.is_default() { table_of(text, "main") } else { None };
                if let Some(table) = table_of(text, &key.to_string()).or_else(of_main) {
                    readings.push((database, table));
                }
            }
        }
        readings
    }

    fn has_changed(&self, database: DatabaseIndex, table: &str) -> bool {
        let is_it = |change: &TableChange| change.database == database && change.table.eq_ignore_ascii_case(table);
        self.changes.iter().any(is_it)
    }

    /// Returns the tables and views that a database had before; those it has since are among the changes.
    fn tables(&self, database: DatabaseIndex) -> Result<Vec<String>, String> {
        let query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')";
        let read = self.binds.value(database).with(|conn| texts(conn, query)).and_then(|read| read);
        let mut tables = read.map_err(|error| Error::sql(&self.name(database))(error).to_string())?;
        for change in &self.changes {
            if change.database == database {
                tables.push(change.table.clone());
            }
        }
        Ok(tables)
    }

    /// Suggests a table that may have been meant: with bind and table swapped, of another bind, or with the nearest name.
    fn suggestion(&self, asked: &str) -> Result<String, String> {
        let table_asked = asked.rsplit_once('.').map_or(asked, |(_, table)| table);
        let (mut names, mut elsewhere) = (Vec::new(), None);
        for (database, keys) in self.binds.entries() {
            let bind = keys.first();
            for table in self.tables(database)? {
                // SQLite's own tables change with others and are no change.
                if table.starts_with("sqlite_") {
                    continue;
                }
                if asked.eq_ignore_ascii_case(&format!("{table}.{bind}")) {
                    return Ok(format!("; did you mean `{bind}.{table}`?"));
                }
                if table_asked.eq_ignore_ascii_case(&table) {
                    elsewhere.get_or_insert(format!("{bind}.{table}"));
                }
                names.push(format!("{bind}.{table}"));
            }
        }
        let known = mapped(&names, String::as_str);
        let nearest = elsewhere.or_else(|| nearest(asked, &known).map(str::to_string));
        Ok(nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())
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
    fn name(&self, database: DatabaseIndex) -> BindKey {
        self.binds.keys_of(database).first().clone()
    }

    /// Returns the keys that name databases first.
    fn names(&self, databases: &[DatabaseIndex]) -> Vec<BindKey> {
        mapped(databases, |database| self.name(*database))
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
        let sorted = |counts: &[ExpectedChange]| {
            let mut written = mapped(counts, ExpectedChange::as_written);
            sort_by(&mut written, |one, other| one.cmp(other));
            written
        };
        sorted(&self.expected) == sorted(&self.found)
    }
}
