//! Tables registered one by one, each with its bind key.

use crate::key::BindKey;

/// A single table from code, with the bind key it belongs to.
///
/// ```
/// use multibind::{Bind, Harness, Table};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory())
///     .bind("auth", Bind::memory())
///     .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)").bind_key("auth"))
///     .start()?;
/// assert!(db.metadata("auth")?.table("user").is_some());
/// # Ok::<(), multibind::Error>(())
/// ```
///
/// The key is read when the harness starts; as in Flask-SQLAlchemy, changing it later has no effect.
#[derive(Clone, Debug)]
#[must_use]
pub struct Table {
    pub(crate) sql: String,
    /// `None` until a key is set: the group's, or the default bind.
    pub(crate) key: Option<BindKey>,
}

impl Table {
    /// A table by the SQL that makes it, with its indexes and triggers if it has any; in the default bind until
    /// [`bind_key`](Table::bind_key) says otherwise.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Table};
    /// let tag = Table::new("CREATE TABLE tag (name TEXT); CREATE INDEX by_name ON tag (name);");
    /// let db = Harness::builder().default_bind(Bind::memory()).table(tag).start()?;
    /// assert_eq!(db.metadata(None)?.table("tag").unwrap().indexes().len(), 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn new(sql: impl Into<String>) -> Table {
        Table { sql: sql.into(), key: None }
    }

    /// The bind that the table belongs to.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Table};
    /// let user = Table::new("CREATE TABLE user (name TEXT)").bind_key("auth");
    /// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).table(user).start()?;
    /// assert!(db.metadata("auth")?.table("user").is_some());
    /// assert!(db.metadata(None)?.table("user").is_none());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn bind_key(mut self, key: impl Into<BindKey>) -> Table {
        self.key = Some(key.into());
        self
    }
}

/// Tables that share a bind key, which a member may override.
///
/// ```
/// use multibind::{Bind, Harness, Table, TableGroup};
///
/// let accounts = TableGroup::new("auth")
///     .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)"))
///     .table(Table::new("CREATE TABLE audit (id INTEGER PRIMARY KEY)").bind_key(None));
/// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).tables(accounts).start()?;
/// assert!(db.metadata("auth")?.table("user").is_some());
/// assert!(db.metadata(None)?.table("audit").is_some());
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TableGroup {
    pub(crate) key: BindKey,
    pub(crate) tables: Vec<Table>,
}

impl TableGroup {
    /// A group whose members belong to `key` unless they say otherwise.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Table, TableGroup};
    /// let group = TableGroup::new("auth").table(Table::new("CREATE TABLE user (name TEXT)"));
    /// let db = Harness::builder().bind("auth", Bind::memory()).tables(group).start()?;
    /// assert!(db.metadata("auth")?.table("user").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn new(key: impl Into<BindKey>) -> TableGroup {
        TableGroup { key: key.into(), tables: Vec::new() }
    }

    /// Adds a table; its own key, if it has one, wins.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Table, TableGroup};
    /// let group = TableGroup::new("auth")
    ///     .table(Table::new("CREATE TABLE user (name TEXT)"))
    ///     .table(Table::new("CREATE TABLE setting (name TEXT)").bind_key("meta"));
    /// let db = Harness::builder().bind("auth", Bind::memory()).bind("meta", Bind::memory()).tables(group).start()?;
    /// assert!(db.metadata("meta")?.table("setting").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(mut self, table: Table) -> TableGroup {
        self.tables.push(table);
        self
    }
}
