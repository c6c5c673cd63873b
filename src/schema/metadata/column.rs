//! A column, as SQLite reports it.

/// A column, by [`PRAGMA table_xinfo`](https://sqlite.org/pragma.html#pragma_table_xinfo).
///
/// ```
/// use multibind::tables::GeneratedKind;
/// use multibind::{Bind, Harness};
///
/// let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY, net REAL NOT NULL DEFAULT 0.0, gross REAL AS (net * 1.2))";
/// let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
///
/// let metadata = db.metadata(None)?;
/// let [id, net, gross] = metadata.table("item").unwrap().columns() else { panic!() };
/// assert_eq!((id.name(), id.declared_type(), id.primary_key()), ("id", "INTEGER", Some(1)));
/// assert!(net.is_not_null());
/// assert_eq!(net.default(), Some("0.0"));
/// assert_eq!(gross.generated(), Some(GeneratedKind::Virtual));
/// assert!(!gross.is_hidden());
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    pub(in crate::schema) name: String,
    pub(in crate::schema) declared_type: String,
    pub(in crate::schema) not_null: bool,
    pub(in crate::schema) default: Option<String>,
    pub(in crate::schema) primary_key: Option<usize>,
    pub(in crate::schema) generated: Option<GeneratedKind>,
    pub(in crate::schema) hidden: bool,
}

/// The time when a [generated column](https://sqlite.org/gencol.html) is computed.
///
/// ```
/// # use multibind::{tables::GeneratedKind, Bind, Harness};
/// let schema = "CREATE TABLE item (net REAL, gross REAL AS (net * 1.2) STORED)";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
/// let metadata = db.metadata("auth")?;
/// assert_eq!(metadata.table("item").unwrap().columns()[1].generated(), Some(GeneratedKind::Stored));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GeneratedKind {
    /// On reading.
    Virtual,
    /// On writing its row.
    Stored,
}

impl ColumnInfo {
    /// Returns the name.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (Name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().columns()[0].name(), "Name");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type as it was declared, empty where none was.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER, note)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let [id, note] = metadata.table("user").unwrap().columns() else { panic!() };
    /// assert_eq!((id.declared_type(), note.declared_type()), ("INTEGER", ""));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn declared_type(&self) -> &str {
        &self.declared_type
    }

    /// Returns whether it is declared `NOT NULL`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT NOT NULL)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(metadata.table("user").unwrap().columns()[0].is_not_null());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_not_null(&self) -> bool {
        self.not_null
    }

    /// Returns the SQL expression of its default value, `None` where none is declared.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT DEFAULT 'ann', age INTEGER)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let [name, age] = metadata.table("user").unwrap().columns() else { panic!() };
    /// assert_eq!((name.default(), age.default()), (Some("'ann'"), None));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn default(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// Returns its place in the primary key, counted from 1, `None` outside of it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (realm TEXT, name TEXT, PRIMARY KEY (name, realm))";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let realm = &metadata.table("user").unwrap().columns()[0];
    /// assert_eq!(realm.primary_key(), Some(2));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn primary_key(&self) -> Option<usize> {
        self.primary_key
    }

    /// Returns when it is computed, `None` for a column that is written.
    ///
    /// ```
    /// # use multibind::{tables::GeneratedKind, Bind, Harness};
    /// let schema = "CREATE TABLE user (name TEXT, shout TEXT AS (upper(name)))";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let [name, shout] = metadata.table("user").unwrap().columns() else { panic!() };
    /// assert_eq!((name.generated(), shout.generated()), (None, Some(GeneratedKind::Virtual)));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn generated(&self) -> Option<GeneratedKind> {
        self.generated
    }

    /// Returns whether it is a [hidden column](https://sqlite.org/vtab.html#hidden_columns_in_virtual_tables) of a virtual
    /// table, which `SELECT *` leaves out.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE VIRTUAL TABLE found USING fts5 (title)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let found = metadata.table("found").unwrap();
    /// assert!(!found.column("title").unwrap().is_hidden());
    /// assert!(found.column("rank").unwrap().is_hidden());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }
}
