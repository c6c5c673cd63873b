//! The changes in every bind since a snapshot, table by table.

use std::slice::Iter;
use std::sync::Arc;

use super::change::TableChange;
use super::ran::Ran;
use crate::error::Result;
use crate::key::BindKey;
use crate::list::filtered;
use crate::observe::binds::Binds;
use crate::sqlite::Image;
#[cfg(doc)]
use crate::{Error, Harness};

/// The changes in every bind since a snapshot; from [`Harness::changes_since`].
///
/// Its [`Display`](std::fmt::Display) is a table for people: the bind, the table, what happened, the rows, long values
/// cut. The changes are in the order of the configured binds, then by table name.
///
/// With the feature `serde` it is [`Serialize`](https://docs.rs/serde/1/serde/trait.Serialize.html): a list with an entry for each table, whole values, fit for a snapshot file: `bind`, `table`, `kind`
/// (`rows`, `created`, `altered`, `dropped`), and where there are any `details`, `inserted`, `updated` (each `before` and
/// `after`) and `deleted`. A view has `view: true`. The default bind is `default`, a blob `{ blob: 00ff }`, an
/// infinite number `{ real: inf }`.
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
/// # let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(user)).start()?;
/// let before = db.snapshot()?;
/// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
///
/// let changes = db.changes_since(&before)?;
/// changes.assert_only("auth");
/// for change in &changes {
///     assert_eq!((change.bind().as_str(), change.table()), (Some("auth"), "user"));
///     assert_eq!(change.inserted(), [row! { id: 1, name: "ann" }]);
/// }
/// println!("{changes}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it asserts nothing by itself: call `assert`, `assert_only` or `assert_none`"]
pub struct ChangeSet {
    /// The databases, each with its two states.
    pub(super) binds: Arc<Binds<States>>,
    pub(super) changes: Vec<TableChange>,
    /// The statements that ran meanwhile, where they are of one harness.
    pub(super) ran: Option<Ran>,
}

/// A database at two moments.
#[derive(Clone, Debug)]
pub(super) struct States {
    pub(super) before: Arc<Image>,
    pub(super) after: Arc<Image>,
    /// Set if its bind reads a field of CSV without anything as a text.
    pub(super) csv_empty_as_text: bool,
}

impl ChangeSet {
    /// Returns whether nothing changed in any bind.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let before = db.snapshot()?;
    /// assert!(db.changes_since(&before)?.is_empty());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the changes: one for each table that changed, in the order of the configured binds, then by table name.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let before = db.snapshot()?;
    /// db.connection(None)?.execute_batch("CREATE TABLE b (x); CREATE TABLE a (x);")?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.changes().iter().map(|change| change.table()).collect::<Vec<_>>(), ["a", "b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self) -> &[TableChange] {
        &self.changes
    }

    /// Returns the changes in one bind; any key of a database that several keys share means it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let t = "CREATE TABLE t (x)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(t)).bind("auth", Bind::memory().schema(t)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO t VALUES (1)", [])?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.in_bind("auth")?.changes().len(), 1);
    /// changes.in_bind(None)?.assert_none();
    /// assert!(changes.in_bind("audit").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_bind(&self, key: impl Into<BindKey>) -> Result<ChangeSet> {
        let database = self.binds.find(&key.into())?;
        let changes = filtered(&self.changes, |change| change.database == database);
        Ok(ChangeSet { binds: Arc::clone(&self.binds), changes, ran: self.ran.clone() })
    }
}

impl<'c> IntoIterator for &'c ChangeSet {
    type Item = &'c TableChange;
    type IntoIter = Iter<'c, TableChange>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.iter()
    }
}
