//! The columns of a table, each with the one that it was before.

use crate::schema::{ColumnInfo, TableInfo};

/// The columns of a table before and after.
pub(super) struct Columns<'t> {
    /// Those it had and has, in the order it has them.
    pub(super) kept: Vec<(&'t ColumnInfo, &'t ColumnInfo)>,
    /// Those it no longer has.
    pub(super) gone: Vec<&'t ColumnInfo>,
    /// Those it did not have.
    pub(super) new: Vec<&'t ColumnInfo>,
}

impl<'t> Columns<'t> {
    /// Matches columns by name; those left over that are of one type and stand in one place have been renamed.
    pub(super) fn of(before: &'t TableInfo, after: &'t TableInfo) -> Columns<'t> {
        let (old, new) = (visible(before), visible(after));
        let alike = old.len() == new.len();
        let mut columns = Columns { kept: Vec::new(), gone: Vec::new(), new: Vec::new() };
        for (at, column) in new.iter().enumerate() {
            let renamed = || {
                let was = old.get(at).filter(|was| alike && find(&new, was).is_none())?;
                was.declared_type().eq_ignore_ascii_case(column.declared_type()).then_some(*was)
            };
            match find(&old, column).or_else(renamed) {
                Some(was) => columns.kept.push((was, column)),
                None => columns.new.push(column),
            }
        }
        for was in old {
            if !columns.kept.iter().any(|(kept, _)| std::ptr::eq(*kept, was)) {
                columns.gone.push(was);
            }
        }
        columns
    }

    /// Returns those whose values are kept in rows; what is generated follows from them.
    pub(super) fn stored(&self) -> Vec<(&'t ColumnInfo, &'t ColumnInfo)> {
        let mut stored = Vec::with_capacity(self.kept.len());
        for (was, is) in &self.kept {
            if was.generated().is_none() && is.generated().is_none() {
                stored.push((*was, *is));
            }
        }
        stored
    }
}

/// Returns the columns without a virtual table's hidden ones, which are arguments to it, not values of its rows.
fn visible(table: &TableInfo) -> Vec<&ColumnInfo> {
    let mut visible = Vec::new();
    for column in table.columns() {
        if !column.is_hidden() {
            visible.push(column);
        }
    }
    visible
}

fn find<'t>(columns: &[&'t ColumnInfo], wanted: &ColumnInfo) -> Option<&'t ColumnInfo> {
    columns.iter().copied().find(|column| column.name().eq_ignore_ascii_case(wanted.name()))
}
