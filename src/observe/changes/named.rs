//! The tables that a test names: each with its bind, or the name that may have been meant.

use super::change::TableChange;
use super::expected::{ExpectedChange, ExpectedChanges, ExpectedTable, Named};
use super::set::ChangeSet;
use crate::error::{list, Error};
use crate::harness::{Running, RunningBind};
use crate::list::{filtered, mapped};
use crate::nearest::nearest;
use crate::observe::binds::DatabaseIndex;
use crate::order::sort_by_key;
use crate::sqlite::texts;

impl ChangeSet {
    /// Finds the database and the name of an expected table.
    pub(super) fn meant<'t>(&self, table: &'t ExpectedTable) -> Result<(DatabaseIndex, &'t str), String> {
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

    /// Returns whether a table is expected of a bind that there is not and will not be: a dynamic bind's may come.
    pub(crate) fn expects_of_no_bind(&self, expected: &ExpectedChanges, running: &Running) -> bool {
        let is_dynamic = |bind: &RunningBind| matches!(bind, RunningBind::Dynamic(_));
        let names_none = |(table, _): &(ExpectedTable, ExpectedChange)| match &table.0 {
            Named::Text(text) => self.readings(text).is_empty(),
            Named::Of(key, _) => self.binds.find(key).is_err(),
        };
        !running.binds().values().iter().any(is_dynamic) && expected.tables.iter().any(names_none)
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
    pub(super) fn tables(&self, database: DatabaseIndex) -> Result<Vec<String>, String> {
        let query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')";
        let read = self.binds.value(database).before.with(|conn| texts(conn, query)).and_then(|read| read);
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
}

/// Returns what follows the bind's name and a dot.
fn table_of<'t>(text: &'t str, bind: &str) -> Option<&'t str> {
    let table = text.strip_prefix(bind)?.strip_prefix('.')?;
    (!table.is_empty()).then_some(table)
}
