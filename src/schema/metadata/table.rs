//! A table, as SQLite reports it.

use super::{ColumnInfo, ForeignKey, IndexInfo};
use crate::order::sort_by_key;

/// A table: its columns, keys and indexes.
///
/// ```
/// use multibind::tables::TableKind;
/// use multibind::{Bind, Harness};
///
/// let schema = "CREATE TABLE role (user_id INTEGER, name TEXT, PRIMARY KEY (user_id, name)) STRICT, WITHOUT ROWID";
/// let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
///
/// let metadata = db.metadata("auth")?;
/// let role = metadata.table("role").unwrap();
/// assert_eq!(role.name(), "role");
/// assert_eq!(role.kind(), TableKind::Ordinary);
/// assert!(role.is_strict() && role.is_without_rowid());
/// assert_eq!(role.primary_key().collect::<Vec<_>>(), ["user_id", "name"]);
/// assert_eq!(role.column("NAME").unwrap().declared_type(), "TEXT");
/// assert_eq!(role.sql(), schema);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    pub(in crate::schema) name: String,
    pub(in crate::schema) kind: TableKind,
    pub(in crate::schema) strict: bool,
    pub(in crate::schema) without_rowid: bool,
    pub(in crate::schema) sql: String,
    pub(in crate::schema) columns: Vec<ColumnInfo>,
    pub(in crate::schema) foreign_keys: Vec<ForeignKey>,
    pub(in crate::schema) indexes: Vec<IndexInfo>,
}

/// The kind of a table, by [`PRAGMA table_list`](https://sqlite.org/pragma.html#pragma_table_list).
///
/// ```
/// # use multibind::{tables::TableKind, Bind, Harness};
/// let schema = "CREATE TABLE post (title TEXT); CREATE VIRTUAL TABLE found USING fts5 (title)";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
/// let metadata = db.metadata("auth")?;
/// assert_eq!(metadata.table("post").unwrap().kind(), TableKind::Ordinary);
/// assert_eq!(metadata.table("found").unwrap().kind(), TableKind::Virtual);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableKind {
    /// A table whose rows are in the database file.
    Ordinary,
    /// A [virtual table](https://sqlite.org/vtab.html), such as a full-text index.
    Virtual,
}

impl TableInfo {
    /// Returns the name, spelt as it was made.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE User (id INTEGER)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().name(), "User");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what kind of table it is.
    ///
    /// ```
    /// # use multibind::{tables::TableKind, Bind, Harness};
    /// let schema = "CREATE VIRTUAL TABLE found USING fts5 (title)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("found").unwrap().kind(), TableKind::Virtual);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// Returns whether it is a [`STRICT`](https://sqlite.org/stricttables.html) table.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER) STRICT";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(metadata.table("user").unwrap().is_strict());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Returns whether it is a [`WITHOUT ROWID`](https://sqlite.org/withoutrowid.html) table.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT PRIMARY KEY) WITHOUT ROWID";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(metadata.table("user").unwrap().is_without_rowid());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_without_rowid(&self) -> bool {
        self.without_rowid
    }

    /// Returns the SQL that makes it, as SQLite keeps it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().sql(), schema);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Returns the columns in order, generated and hidden ones among them.
    ///
    /// A virtual table has none here where its module is not registered on the harness's own connections.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let columns = metadata.table("user").unwrap().columns().iter().map(|column| column.name()).collect::<Vec<_>>();
    /// assert_eq!(columns, ["id", "name"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    /// Returns the column of that name, `None` when the table has none.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let user = metadata.table("user").unwrap();
    /// assert_eq!(user.column("NAME").unwrap().declared_type(), "TEXT");
    /// assert!(user.column("email").is_none());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Returns the names of the primary key's columns, in the key's order; none where no primary key is declared.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE role (name TEXT, user_id INTEGER, PRIMARY KEY (user_id, name))";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("role").unwrap().primary_key().collect::<Vec<_>>(), ["user_id", "name"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn primary_key(&self) -> impl Iterator<Item = &str> {
        let mut columns = Vec::new();
        for column in &self.columns {
            if column.primary_key.is_some() {
                columns.push(column);
            }
        }
        sort_by_key(&mut columns, |column| column.primary_key);
        // A list of names, so that those who take them further have the iterator of any such list.
        let mut names = Vec::with_capacity(columns.len());
        for column in columns {
            names.push(column.name());
        }
        names.into_iter()
    }

    /// Returns the foreign keys, in the order declared.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INTEGER REFERENCES user)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("login").unwrap().foreign_keys()[0].parent(), "user");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn foreign_keys(&self) -> &[ForeignKey] {
        &self.foreign_keys
    }

    /// Returns the indexes, in the order they were made, those of `UNIQUE` and `PRIMARY KEY` constraints among them.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT); CREATE INDEX by_name ON user (name)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().indexes()[0].name(), "by_name");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn indexes(&self) -> &[IndexInfo] {
        &self.indexes
    }
}
