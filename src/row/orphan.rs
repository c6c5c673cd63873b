//! The row of an [`Orphan`], which errors carry as columns.

use super::Row;
use crate::error::{Orphan, Parent};
use crate::key::BindKey;

impl Orphan {
    /// Returns the orphan of a row that refers to `to`, which is `bind.table.column`.
    pub(crate) fn of(bind: BindKey, table: String, row: Row, to: String, parent: Parent) -> Orphan {
        let shown = row.to_string();
        Orphan::new(bind, table, row.columns, shown, to, parent)
    }

    /// Returns the whole row.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "default.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].row(), multibind::row! { tree_name: "oak" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn row(&self) -> Row {
        Row { columns: self.columns().to_vec(), invalid: Vec::new() }
    }
}
