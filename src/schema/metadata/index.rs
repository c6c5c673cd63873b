//! An index, as SQLite reports it.

/// An index, by [`PRAGMA index_list`](https://sqlite.org/pragma.html#pragma_index_list) and
/// [`PRAGMA index_xinfo`](https://sqlite.org/pragma.html#pragma_index_xinfo).
///
/// ```
/// use multibind::tables::IndexOrigin;
/// use multibind::{Bind, Harness};
///
/// let schema = "CREATE TABLE user (name TEXT, gone INTEGER);
///     CREATE UNIQUE INDEX by_name ON user (lower(name), gone) WHERE NOT gone;";
/// let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
///
/// let metadata = db.metadata("auth")?;
/// let index = &metadata.table("user").unwrap().indexes()[0];
/// assert_eq!((index.name(), index.origin()), ("by_name", IndexOrigin::Created));
/// assert!(index.is_unique() && index.is_partial());
/// assert_eq!(index.columns().collect::<Vec<_>>(), [None, Some("gone")]);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexInfo {
    pub(in crate::schema) name: String,
    pub(in crate::schema) unique: bool,
    pub(in crate::schema) origin: IndexOrigin,
    pub(in crate::schema) partial: bool,
    pub(in crate::schema) columns: Vec<Option<String>>,
}

/// The origin of an index.
///
/// ```
/// # use multibind::{tables::IndexOrigin, Bind, Harness};
/// let schema = "CREATE TABLE user (name TEXT UNIQUE); CREATE INDEX by_name ON user (lower(name))";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
/// let metadata = db.metadata("auth")?;
/// let origins = metadata.table("user").unwrap().indexes().iter().map(|index| index.origin()).collect::<Vec<_>>();
/// assert_eq!(origins, [IndexOrigin::Unique, IndexOrigin::Created]);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexOrigin {
    /// A `CREATE INDEX` statement.
    Created,
    /// A `UNIQUE` constraint.
    Unique,
    /// A `PRIMARY KEY` constraint.
    PrimaryKey,
}

impl IndexInfo {
    /// Returns the name, SQLite's own for the index of a constraint.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT UNIQUE)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().indexes()[0].name(), "sqlite_autoindex_user_1");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether its keys are unique.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT UNIQUE)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(metadata.table("user").unwrap().indexes()[0].is_unique());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_unique(&self) -> bool {
        self.unique
    }

    /// Returns its origin.
    ///
    /// ```
    /// # use multibind::{tables::IndexOrigin, Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT PRIMARY KEY)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().indexes()[0].origin(), IndexOrigin::PrimaryKey);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn origin(&self) -> IndexOrigin {
        self.origin
    }

    /// Returns whether it leaves out the rows that its `WHERE` does not match.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT, gone INTEGER); CREATE INDEX here ON user (name) WHERE NOT gone";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(metadata.table("user").unwrap().indexes()[0].is_partial());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Returns the columns it is on in order, `None` for an expression.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT); CREATE INDEX alike ON user (lower(name), name)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().indexes()[0].columns().collect::<Vec<_>>(), [None, Some("name")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn columns(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.columns.iter().map(Option::as_deref)
    }
}
