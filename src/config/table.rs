//! Tables registered one by one, each with its bind key.

use crate::key::BindKey;

/// A single table from code, with the bind key it belongs to.
///
/// ```
/// use multibind::tables::Table;
/// use multibind::{Bind, Harness};
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
#[must_use = "no configuration has it yet: give it to `Config::table` or `TableGroup::table`"]
pub struct Table {
    pub(crate) sql: String,
    /// `None` until a key is set: the group's, or the default bind.
    pub(crate) key: Option<BindKey>,
}

impl Table {
    /// Creates a table from its SQL, with its indexes and triggers if it has any; in the default bind until
    /// [`bind_key`](Table::bind_key) says otherwise.
    ///
    /// ```
    /// # use multibind::{tables::Table, Bind, Harness};
    /// let tag = Table::new("CREATE TABLE tag (name TEXT); CREATE INDEX by_name ON tag (name);");
    /// let db = Harness::builder().default_bind(Bind::memory()).table(tag).start()?;
    /// assert_eq!(db.metadata(None)?.table("tag").unwrap().indexes().len(), 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn new(sql: impl Into<String>) -> Table {
        Table { sql: sql.into(), key: None }
    }

    /// Sets the bind that the table belongs to.
    ///
    /// ```
    /// # use multibind::{tables::Table, Bind, Harness};
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

/// Tables that share a bind key, which a member may override; groups nest.
///
/// ```
/// use multibind::tables::{Table, TableGroup};
/// use multibind::{Bind, Harness};
///
/// let accounts = TableGroup::new("auth")
///     .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)"))
///     .table(Table::new("CREATE TABLE audit (id INTEGER PRIMARY KEY)").bind_key(None))
///     .group(TableGroup::default().table(Table::new("CREATE TABLE role (id INTEGER PRIMARY KEY)")));
/// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).tables(accounts).start()?;
/// assert!(db.metadata("auth")?.table("user").is_some());
/// assert!(db.metadata("auth")?.table("role").is_some());
/// assert!(db.metadata(None)?.table("audit").is_some());
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "no configuration has it yet: give it to `Config::tables`"]
pub struct TableGroup {
    /// `None` until a key is set: that of the group around it, or the default bind's.
    key: Option<BindKey>,
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
enum Member {
    Table(Table),
    Group(TableGroup),
}

impl TableGroup {
    /// Creates a group whose members belong to `key` unless they say otherwise. [`TableGroup::default`] has no key of its own.
    ///
    /// ```
    /// # use multibind::{tables::{Table, TableGroup}, Bind, Harness};
    /// let group = TableGroup::new("auth").table(Table::new("CREATE TABLE user (name TEXT)"));
    /// let db = Harness::builder().bind("auth", Bind::memory()).tables(group).start()?;
    /// assert!(db.metadata("auth")?.table("user").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn new(key: impl Into<BindKey>) -> TableGroup {
        TableGroup { key: Some(key.into()), members: Vec::new() }
    }

    /// Adds a table; its own key, if it has one, wins.
    ///
    /// ```
    /// # use multibind::{tables::{Table, TableGroup}, Bind, Harness};
    /// let group = TableGroup::new("auth")
    ///     .table(Table::new("CREATE TABLE user (name TEXT)"))
    ///     .table(Table::new("CREATE TABLE setting (name TEXT)").bind_key("meta"));
    /// let db = Harness::builder().bind("auth", Bind::memory()).bind("meta", Bind::memory()).tables(group).start()?;
    /// assert!(db.metadata("meta")?.table("setting").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(mut self, table: Table) -> TableGroup {
        self.members.push(Member::Table(table));
        self
    }

    /// Adds the tables of another group; its own key, if it has one, wins.
    ///
    /// ```
    /// # use multibind::{tables::{Table, TableGroup}, Bind, Harness};
    /// let logs = TableGroup::new("log").table(Table::new("CREATE TABLE login (name TEXT)"));
    /// let group = TableGroup::new("auth").table(Table::new("CREATE TABLE user (name TEXT)")).group(logs);
    /// let db = Harness::builder().bind("auth", Bind::memory()).bind("log", Bind::memory()).tables(group).start()?;
    /// assert!(db.metadata("log")?.table("login").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn group(mut self, group: TableGroup) -> TableGroup {
        self.members.push(Member::Group(group));
        self
    }

    /// Returns the tables in order, each with its key; `around` is the key of the group around this one.
    pub(super) fn flattened(self, around: Option<&BindKey>) -> Vec<Table> {
        let key = self.key.as_ref().or(around);
        let mut tables = Vec::new();
        for member in self.members {
            match member {
                Member::Table(table) => tables.push(Table { key: table.key.or_else(|| key.cloned()), sql: table.sql }),
                Member::Group(group) => tables.append(&mut group.flattened(key)),
            }
        }
        tables
    }
}
