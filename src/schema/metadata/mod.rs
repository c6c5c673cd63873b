//! Metadata: the tables that belong to one bind, as SQLite reports them.

mod column;
mod foreign_key;
mod index;
mod keep;
mod object;
mod table;

pub use column::{ColumnInfo, GeneratedKind};
pub use foreign_key::ForeignKey;
pub use index::{IndexInfo, IndexOrigin};
pub(crate) use object::{ObjectKind, SchemaObject};
pub use object::{TriggerInfo, ViewInfo};
pub use table::{TableInfo, TableKind};

/// The tables, views and triggers of one bind, as SQLite reports them.
///
/// Names are compared as SQL compares them, without regard to ASCII case. What SQLite keeps for itself is left out: its
/// [`sqlite_…` tables](https://sqlite.org/fileformat2.html#intschema) and the
/// [shadow tables](https://sqlite.org/vtab.html#xshadowname) in which a virtual table keeps its content.
///
/// ```
/// use multibind::{Bind, Harness};
///
/// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
///     CREATE VIEW names AS SELECT name FROM user;
///     CREATE TRIGGER shout AFTER INSERT ON user BEGIN UPDATE user SET name = upper(name) WHERE id = NEW.id; END;";
/// let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
///
/// let metadata = db.metadata("auth")?;
/// assert_eq!(metadata.tables().len(), 1);
/// assert!(metadata.table("User").is_some());
/// assert_eq!(metadata.views()[0].name(), "names");
/// assert_eq!(metadata.triggers()[0].table(), "user");
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub(in crate::schema) tables: Vec<TableInfo>,
    pub(in crate::schema) views: Vec<ViewInfo>,
    pub(in crate::schema) triggers: Vec<TriggerInfo>,
    pub(in crate::schema) objects: Vec<SchemaObject>,
}

impl Metadata {
    /// Returns the tables, in the order they were made.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER); CREATE TABLE role (id INTEGER)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.tables().iter().map(|table| table.name()).collect::<Vec<_>>(), ["user", "role"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
    }

    /// Returns the table of that name, `None` when the bind has none.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(metadata.table("USER").is_some());
    /// assert!(metadata.table("post").is_none());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(&self, name: &str) -> Option<&TableInfo> {
        self.position(name).map(|at| &self.tables[at])
    }

    /// Returns whether there is a table or a view of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table(name).is_some() || self.view(name).is_some()
    }

    /// Returns the views, in the order they were made.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE VIEW answer AS SELECT 42";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.views()[0].name(), "answer");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn views(&self) -> &[ViewInfo] {
        &self.views
    }

    /// Returns the triggers, in the order they were made.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE t (x); CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM t; END";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.triggers()[0].name(), "tidy");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn triggers(&self) -> &[TriggerInfo] {
        &self.triggers
    }

    /// Returns the table's position in the list.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// Returns the view of that name.
    pub(crate) fn view(&self, name: &str) -> Option<&ViewInfo> {
        self.views.iter().find(|view| view.name.eq_ignore_ascii_case(name))
    }

    /// Returns every object with SQL of its own, in the order created, shadow tables among them.
    pub(crate) fn objects(&self) -> &[SchemaObject] {
        &self.objects
    }
}
