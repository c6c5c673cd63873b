//! The labels of the rows that scenarios have loaded.

use rusqlite::types::Value;

use super::names::{after_key, no_row};
use crate::key::{BindKey, Keys};
use crate::row::Row;
use crate::sorted::Sorted;

/// The rows with labels that a harness has loaded: what was written, whatever became of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    rows: Sorted<(BindKey, String, String), Labelled>,
}

/// A row with a label.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    /// Every key of its database.
    pub(crate) keys: Keys,
    pub(crate) table: String,
    pub(crate) label: String,
    /// Its values as they were written, its key among them.
    pub(crate) row: Row,
    /// The columns of its key; none where the table has none.
    pub(crate) key: Vec<String>,
}

impl Labelled {
    /// Returns its name: `auth.user.bob`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}.{}", self.keys.first(), self.table, self.label)
    }
}

impl Labels {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.entries().is_empty()
    }

    pub(super) fn insert(&mut self, row: Labelled) {
        let place = (row.keys.first().clone(), row.table.to_ascii_lowercase(), row.label.clone());
        self.rows.insert(place, row);
    }

    /// Adds others, which replace those of the same name.
    pub(crate) fn add(&mut self, others: &Labels) {
        for (_, row) in others.rows.entries() {
            self.insert(row.clone());
        }
    }

    /// Returns the row of a label in a database: its own, or one that each database of its dynamic bind has.
    pub(super) fn find(&self, bind: &BindKey, table: &str, label: &str) -> Option<&Labelled> {
        let own = self.rows.get(&(bind.clone(), table.to_ascii_lowercase(), label.to_string()));
        own.or_else(|| {
            let is_it = |((of, name, its), _): &&((BindKey, String, String), Labelled)| {
                bind.is_of_database_of(of) && name.eq_ignore_ascii_case(table) && its == label
            };
            self.rows.entries().iter().find(is_it).map(|(_, row)| row)
        })
    }

    /// Returns the rows of a table, each by the value of a column, with their names.
    pub(crate) fn by_value(&self, bind: &BindKey, table: &str, column: &str) -> Vec<(Value, String)> {
        let mut values = Vec::new();
        for ((key, name, _), row) in self.rows.entries() {
            if let (true, Some(value)) = (key == bind && name.eq_ignore_ascii_case(table), row.row.value(column)) {
                values.push((value.clone(), row.name()));
            }
        }
        values
    }

    /// Returns the labels of a table.
    pub(super) fn of_table<'l>(&'l self, bind: &BindKey, table: &str) -> Vec<&'l str> {
        let mut labels = Vec::new();
        for ((key, name, label), _) in self.rows.entries() {
            if (key == bind || bind.is_of_database_of(key)) && name.eq_ignore_ascii_case(table) {
                labels.push(label.as_str());
            }
        }
        labels
    }

    /// Returns the row of a name: `auth.user.bob`, or `user.bob` where one bind alone has it. Else returns why there is none.
    pub(crate) fn named(&self, name: &str) -> Result<&Labelled, String> {
        let mut found = Vec::<&Labelled>::new();
        for (_, row) in self.rows.entries() {
            let is_it = |rest: &str| rest == format!("{}.{}", row.table, row.label);
            if is_it(name) || row.keys.iter().any(|key| after_key(name, key).is_some_and(is_it)) {
                found.push(row);
            }
        }
        match found.as_slice() {
            [row] => Ok(row),
            [] => Err(no_row(name, &self.names())),
            [first, ..] => {
                let binds = found.iter().map(|row| row.keys.first().to_string()).collect::<Vec<_>>().join(", ");
                Err(format!("`{name}` is in the binds {binds}: say which, `{}` for example", first.name()))
            }
        }
    }

    /// Returns the names of all rows.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (_, row) in self.rows.entries() {
            names.push(row.name());
        }
        names
    }
}
