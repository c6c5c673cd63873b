//! Rows that refer to a row in another bind that is not there.

use std::fmt;

use rusqlite::types::Value;

use crate::key::BindKey;

/// A row that refers to one in another bind that is not there; from [`Harness::check_references`](crate::Harness::check_references).
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder()
/// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
/// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT)"))
/// #     .reference("auth.nut.tree_name", "default.tree.name")
/// #     .start()?;
/// db.connection("auth")?.execute("INSERT INTO nut VALUES ('oak')", [])?;
/// let orphans = db.check_references()?;
/// assert_eq!(orphans[0].bind().to_string(), "auth");
/// assert_eq!(orphans[0].to_string(), "auth.nut (tree_name = 'oak') refers to default.tree.name, which has no such row");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    bind: BindKey,
    table: String,
    /// The row's columns; its type is above this one, and reads them.
    columns: Vec<(String, Value)>,
    /// The row as its message shows it.
    shown: String,
    to: String,
    parent: Parent,
}

/// The row that an orphan refers to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parent {
    pub(crate) bind: BindKey,
    pub(crate) table: String,
    /// The column of its key and the value in it, where the key has one column.
    pub(crate) key: Option<(String, Value)>,
}

impl Orphan {
    pub(crate) fn new(
        bind: BindKey,
        table: String,
        columns: Vec<(String, Value)>,
        shown: String,
        to: String,
        parent: Parent,
    ) -> Orphan {
        Orphan { bind, table, columns, shown, to, parent }
    }

    pub(crate) fn parent(&self) -> &Parent {
        &self.parent
    }

    pub(crate) fn columns(&self) -> &[(String, Value)] {
        &self.columns
    }

    /// Returns the bind that the row is in.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "default.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].bind().as_str(), Some("auth"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        &self.bind
    }

    /// Returns the table that the row is in.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "default.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].table(), "nut");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Returns what it refers to, as `bind.table.column`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT); INSERT INTO nut VALUES ('oak')"))
    /// #     .reference("auth.nut.tree_name", "default.tree.name")
    /// #     .start()?;
    /// assert_eq!(db.check_references()?[0].refers_to(), "default.tree.name");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn refers_to(&self) -> &str {
        &self.to
    }
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orphan { bind, table, shown, to, .. } = self;
        write!(f, "{bind}.{table} ({shown}) refers to {to}, which has no such row")
    }
}
