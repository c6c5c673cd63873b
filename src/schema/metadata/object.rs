//! Views, triggers, and the SQL of every object in a schema.

/// A view: its name and the SQL that makes it.
///
/// ```
/// use multibind::{Bind, Harness};
///
/// let db = Harness::builder().default_bind(Bind::memory().schema("CREATE VIEW one AS SELECT 1")).start()?;
/// let metadata = db.metadata(None)?;
/// assert_eq!((metadata.views()[0].name(), metadata.views()[0].sql()), ("one", "CREATE VIEW one AS SELECT 1"));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewInfo {
    pub(in crate::schema) name: String,
    pub(in crate::schema) sql: String,
}

/// A trigger: its name, its table or view, and the SQL that makes it.
///
/// ```
/// use multibind::{Bind, Harness};
///
/// let schema = "CREATE TABLE t (x); CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM t WHERE x IS NULL; END;";
/// let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
/// let metadata = db.metadata(None)?;
/// let trigger = &metadata.triggers()[0];
/// assert_eq!((trigger.name(), trigger.table()), ("tidy", "t"));
/// assert!(trigger.sql().ends_with("END"));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerInfo {
    pub(in crate::schema) name: String,
    pub(in crate::schema) table: String,
    pub(in crate::schema) sql: String,
}

/// The type of an entry in SQLite's schema table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectKind {
    Table,
    Index,
    View,
    Trigger,
}

/// An entry of SQLite's schema table with the SQL that makes it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaObject {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    /// The table or view that it is, or is on.
    pub(crate) table: String,
    pub(crate) sql: String,
    /// Created by a virtual table for itself.
    pub(crate) shadow: bool,
}

/// A key that no two objects of one database share: triggers have names of their own, and SQL compares names without regard to
/// ASCII case.
pub(crate) type ObjectIdentity = (bool, String);

impl ObjectKind {
    pub(crate) fn identity(self, name: &str) -> ObjectIdentity {
        (self == ObjectKind::Trigger, name.to_ascii_lowercase())
    }
}

impl SchemaObject {
    pub(crate) fn identity(&self) -> ObjectIdentity {
        self.kind.identity(&self.name)
    }
}

impl ViewInfo {
    /// Returns the name.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE VIEW answer AS SELECT 42";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.views()[0].name(), "answer");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the SQL that makes it, as SQLite keeps it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE VIEW answer AS SELECT 42";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.views()[0].sql(), schema);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn sql(&self) -> &str {
        &self.sql
    }
}

impl TriggerInfo {
    /// Returns the name.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE t (x); CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM t; END";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.triggers()[0].name(), "tidy");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the table or view it is on.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE t (x); CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM t; END";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.triggers()[0].table(), "t");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Returns the SQL that makes it, as SQLite keeps it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE t (x); CREATE TRIGGER tidy AFTER INSERT ON t BEGIN DELETE FROM t; END";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert!(schema.ends_with(metadata.triggers()[0].sql()));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn sql(&self) -> &str {
        &self.sql
    }
}
