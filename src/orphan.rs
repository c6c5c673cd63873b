//! Rows that refer to a row in another bind that is not there.

use std::fmt;

use crate::key::BindKey;
use crate::row::Row;

/// A row that refers to one in another bind that is not there; from [`Harness::check_references`](crate::Harness::check_references).
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder()
/// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
/// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT)"))
/// #     .reference("auth.nut.tree_name", "main.tree.name")
/// #     .start()?;
/// db.connection("auth")?.execute("INSERT INTO nut VALUES ('oak')", [])?;
/// let orphans = db.check_references()?;
/// assert_eq!(orphans[0].bind().to_string(), "auth");
/// assert_eq!(orphans[0].to_string(), "auth.nut (tree_name = 'oak') refers to main.tree.name, which has no such row");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    bind: BindKey,
    table: String,
    row: Row,
    to: String,
}

impl Orphan {
    pub(crate) fn new(bind: BindKey, table: String, row: Row, to: String) -> Orphan {
        Orphan { bind, table, row, to }
    }

    /// The bind that the row is in.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "main.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].bind().as_str(), Some("auth"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        &self.bind
    }

    /// The table that the row is in.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "main.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].table(), "nut");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The whole row.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "main.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].row(), &multibind::row! { tree_name: "oak" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// What it refers to, as `bind.table.column`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "main.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].refers_to(), "main.tree.name");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn refers_to(&self) -> &str {
        &self.to
    }
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orphan { bind, table, row, to } = self;
        write!(f, "{}.{table} ({row}) refers to {to}, which has no such row", bind.schema_name())
    }
}
