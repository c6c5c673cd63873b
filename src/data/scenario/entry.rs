//! A row of a scenario, with what it says of its columns.

use super::cell::{Cell, Found};
use super::labels::Labelled;
use super::written::{in_row, WrittenRow, WrittenTable};
use super::Scenario;
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::schema::TableInfo;

/// One row.
pub(super) struct Entry<'r> {
    pub(super) scenario: &'r Scenario,
    pub(super) table: &'r WrittenTable,
    pub(super) info: Option<&'r TableInfo>,
    pub(super) row: &'r WrittenRow,
    pub(super) slots: Vec<Slot>,
    /// The column of its key, where the row does not say it, and the value that follows from the label.
    pub(super) key: Option<(String, Found)>,
}

/// The value of one column.
pub(super) struct Slot {
    pub(super) column: String,
    pub(super) line: usize,
    pub(super) cell: Cell,
    /// The column that this one refers to.
    pub(super) parent: Option<Parent>,
    /// Set where the name is that of a reference, so that a text is a label and nothing else.
    pub(super) is_label: bool,
}

/// The column that another refers to.
#[derive(Clone)]
pub(super) struct Parent {
    /// `None` for a table that the bind does not have.
    pub(super) at: Option<BindIndex>,
    pub(super) table: String,
    pub(super) column: String,
}

/// A column of a row that refers to another row.
#[derive(Clone, Debug)]
pub(crate) struct Refers {
    pub(crate) column: String,
    /// The name of the other row, and its place: the bind, the table, and the column that has the value.
    pub(crate) name: String,
    pub(crate) bind: BindKey,
    pub(crate) table: String,
    pub(crate) of: String,
}

/// The row of a label: one of these, or one that was loaded before.
pub(super) enum Referred<'r> {
    Here(usize),
    Before(&'r Labelled),
}

impl Entry<'_> {
    pub(super) fn put(&mut self, slot: Slot) -> Result<()> {
        if self.slots.iter().any(|other| other.column.eq_ignore_ascii_case(&slot.column)) {
            return Err(self.error(slot.line, &format!("column `{}` is there twice, once by a reference", slot.column)));
        }
        self.slots.push(slot);
        Ok(())
    }

    pub(super) fn of_slot(&self, slot: &Slot, problem: &str) -> Error {
        self.error(slot.line, &format!("`{}`: {problem}", slot.column))
    }

    pub(super) fn error(&self, line: usize, problem: &str) -> Error {
        let WrittenTable { key, table, .. } = self.table;
        self.scenario.error(Some(key), line, in_row(key, table, self.row.label.as_deref(), problem))
    }

    /// Returns its name: `auth.user.bob`.
    pub(super) fn name(&self) -> String {
        let WrittenTable { key, table, .. } = self.table;
        format!("{key}.{table}.{}", self.row.label.as_deref().unwrap_or_default())
    }
}
