//! Changes in one table.

use std::sync::Arc;

use crate::key::BindKey;
use crate::observe::binds::DatabaseIndex;
use crate::row::Row;

/// The kind of a change to a table or a view.
///
/// ```
/// # use multibind::{changes::ChangeKind, Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
/// let before = db.snapshot()?;
/// db.connection(None)?.execute("CREATE TABLE made_later (x)", [])?;
/// assert_eq!(db.changes_since(&before)?.changes()[0].kind(), ChangeKind::Created);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was not there before. Its rows count as inserted.
    Created,
    /// Its SQL, or that of its indexes or triggers, has changed. Its rows may have changed too.
    Altered,
    /// It is no longer there. Its rows count as deleted.
    Dropped,
    /// Only its rows changed.
    Rows,
}

/// The changes in one table of one bind.
///
/// ```
/// # use multibind::{changes::ChangeKind, row, Bind, BindKey, Harness};
/// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
/// let before = db.snapshot()?;
/// let conn = db.connection("auth")?;
/// conn.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
/// conn.execute("DELETE FROM user WHERE id = 2", [])?;
///
/// let changes = db.changes_since(&before)?;
/// let change = &changes.changes()[0];
/// assert_eq!(change.bind(), &BindKey::from("auth"));
/// assert_eq!(change.kind(), ChangeKind::Rows);
/// assert_eq!(change.deleted(), [row! { id: 2, name: "bob" }]);
/// assert_eq!(change.updated()[0].before(), &row! { id: 1, name: "an" });
/// assert_eq!(change.updated()[0].after(), &row! { id: 1, name: "ann" });
/// assert!(change.inserted().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TableChange {
    pub(super) database: DatabaseIndex,
    pub(crate) bind: BindKey,
    pub(crate) table: String,
    pub(crate) is_view: bool,
    pub(crate) kind: ChangeKind,
    /// The differences in its SQL.
    pub(crate) details: Vec<String>,
    /// The columns that rows were matched by, where a person can tell a row by them.
    pub(crate) key: Vec<String>,
    pub(crate) rows: Arc<RowChanges>,
}

/// A row that was updated: what it was and what it is.
///
/// The two may have different columns where the table was altered.
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x); INSERT INTO t VALUES (1)")).start()?;
/// let before = db.snapshot()?;
/// db.connection(None)?.execute("UPDATE t SET x = 2", [])?;
/// let changes = db.changes_since(&before)?;
/// let update = &changes.changes()[0].updated()[0];
/// assert_eq!((update.before().get::<i64>("x")?, update.after().get::<i64>("x")?), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RowUpdate {
    pub(crate) before: Row,
    pub(crate) after: Row,
}

/// The rows that changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowChanges {
    pub(crate) inserted: Vec<Row>,
    pub(crate) updated: Vec<RowUpdate>,
    pub(crate) deleted: Vec<Row>,
}

impl RowChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.updated.is_empty() && self.deleted.is_empty()
    }
}

impl TableChange {
    /// Returns the bind; of several keys for one database, the one that names it first.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM user", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].bind().as_str(), Some("auth"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        &self.bind
    }

    /// Returns the table, as it is spelled now, or was before it was dropped.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM USER", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].table(), "user");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Returns whether it is a view, which has no rows of its own.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("CREATE VIEW names AS SELECT name FROM user", [])?;
    /// assert!(db.changes_since(&before)?.changes()[0].is_view());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_view(&self) -> bool {
        self.is_view
    }

    /// Returns the kind of the change.
    ///
    /// ```
    /// # use multibind::changes::ChangeKind;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DROP TABLE user", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].kind(), ChangeKind::Dropped);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// Returns the rows that are new, in the order of their key.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('eve')", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].inserted(), [row! { id: 3, name: "eve" }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inserted(&self) -> &[Row] {
        &self.rows.inserted
    }

    /// Returns the rows that are there with other values, in the order of their key.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].updated().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn updated(&self) -> &[RowUpdate] {
        &self.rows.updated
    }

    /// Returns the rows that are gone, in the order of their key.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM user WHERE id = 2", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].deleted(), [row! { id: 2, name: "bob" }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deleted(&self) -> &[Row] {
        &self.rows.deleted
    }
}

impl RowUpdate {
    /// Returns the row as it was.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.changes()[0].updated()[0].before(), &row! { id: 1, name: "an" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn before(&self) -> &Row {
        &self.before
    }

    /// Returns the row as it is.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.changes()[0].updated()[0].after(), &row! { id: 1, name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn after(&self) -> &Row {
        &self.after
    }
}
