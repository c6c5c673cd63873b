//! Metadata: the tables that belong to one bind, as SQLite reports them.

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
    pub(super) tables: Vec<TableInfo>,
    pub(super) views: Vec<ViewInfo>,
    pub(super) triggers: Vec<TriggerInfo>,
    pub(super) objects: Vec<SchemaObject>,
}

/// A table: its columns, keys and indexes.
///
/// ```
/// use multibind::{Bind, Harness, TableKind};
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
    pub(super) name: String,
    pub(super) kind: TableKind,
    pub(super) strict: bool,
    pub(super) without_rowid: bool,
    pub(super) sql: String,
    pub(super) columns: Vec<ColumnInfo>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) indexes: Vec<IndexInfo>,
}

/// What kind of table it is, by [`PRAGMA table_list`](https://sqlite.org/pragma.html#pragma_table_list).
///
/// ```
/// # use multibind::{Bind, Harness, TableKind};
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

/// A column, by [`PRAGMA table_xinfo`](https://sqlite.org/pragma.html#pragma_table_xinfo).
///
/// ```
/// use multibind::{Bind, Generated, Harness};
///
/// let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY, net REAL NOT NULL DEFAULT 0.0, gross REAL AS (net * 1.2))";
/// let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
///
/// let metadata = db.metadata(None)?;
/// let [id, net, gross] = metadata.table("item").unwrap().columns() else { panic!() };
/// assert_eq!((id.name(), id.declared_type(), id.primary_key()), ("id", "INTEGER", Some(1)));
/// assert!(net.is_not_null());
/// assert_eq!(net.default(), Some("0.0"));
/// assert_eq!(gross.generated(), Some(Generated::Virtual));
/// assert!(!gross.is_hidden());
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    pub(super) name: String,
    pub(super) declared_type: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    pub(super) primary_key: Option<usize>,
    pub(super) generated: Option<Generated>,
    pub(super) hidden: bool,
}

/// When a [generated column](https://sqlite.org/gencol.html) is computed.
///
/// ```
/// # use multibind::{Bind, Generated, Harness};
/// let schema = "CREATE TABLE item (net REAL, gross REAL AS (net * 1.2) STORED)";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
/// let metadata = db.metadata("auth")?;
/// assert_eq!(metadata.table("item").unwrap().columns()[1].generated(), Some(Generated::Stored));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generated {
    /// When it is read.
    Virtual,
    /// When its row is written.
    Stored,
}

/// A foreign key, by [`PRAGMA foreign_key_list`](https://sqlite.org/pragma.html#pragma_foreign_key_list).
///
/// ```
/// use multibind::{Bind, Harness};
///
/// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY);
///     CREATE TABLE login (user_id INTEGER REFERENCES user ON DELETE CASCADE);";
/// let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
///
/// let metadata = db.metadata("auth")?;
/// let key = &metadata.table("login").unwrap().foreign_keys()[0];
/// assert_eq!((key.columns(), key.parent(), key.parent_columns()), (&["user_id".into()][..], "user", &["id".into()][..]));
/// assert_eq!((key.on_update(), key.on_delete()), ("NO ACTION", "CASCADE"));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// SQLite's number of it within its table, as `PRAGMA foreign_key_check` says it too.
    pub(super) id: i64,
    pub(super) columns: Vec<String>,
    pub(super) parent: String,
    pub(super) parent_columns: Vec<String>,
    pub(super) on_update: String,
    pub(super) on_delete: String,
}

/// An index, by [`PRAGMA index_list`](https://sqlite.org/pragma.html#pragma_index_list) and
/// [`PRAGMA index_xinfo`](https://sqlite.org/pragma.html#pragma_index_xinfo).
///
/// ```
/// use multibind::{Bind, Harness, IndexOrigin};
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
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) origin: IndexOrigin,
    pub(super) partial: bool,
    pub(super) columns: Vec<Option<String>>,
}

/// What made an index.
///
/// ```
/// # use multibind::{Bind, Harness, IndexOrigin};
/// let schema = "CREATE TABLE user (name TEXT UNIQUE); CREATE INDEX by_name ON user (lower(name))";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
/// let metadata = db.metadata("auth")?;
/// let origins = metadata.table("user").unwrap().indexes().iter().map(|index| index.origin()).collect::<Vec<_>>();
/// assert_eq!(origins, [IndexOrigin::Unique, IndexOrigin::Created]);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexOrigin {
    /// A `CREATE INDEX` statement.
    Created,
    /// A `UNIQUE` constraint.
    Unique,
    /// A `PRIMARY KEY` constraint.
    PrimaryKey,
}

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
    pub(super) name: String,
    pub(super) sql: String,
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
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sql: String,
}

/// What an entry of SQLite's schema table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub(crate) sql: String,
    /// Made by a virtual table for itself.
    pub(crate) shadow: bool,
}

impl Metadata {
    /// The tables, in the order they were made.
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

    /// The table of that name, `None` when the bind has none.
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

    /// The views, in the order they were made.
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

    /// The triggers, in the order they were made.
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

    /// Where the table is in the list.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// The view of that name.
    pub(crate) fn view(&self, name: &str) -> Option<&ViewInfo> {
        self.views.iter().find(|view| view.name.eq_ignore_ascii_case(name))
    }

    /// Everything that has SQL of its own, in the order it was made, shadow tables among it.
    pub(crate) fn objects(&self) -> &[SchemaObject] {
        &self.objects
    }
}

impl TableInfo {
    /// The name, spelt as it was made.
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

    /// What kind of table it is.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, TableKind};
    /// let schema = "CREATE VIRTUAL TABLE found USING fts5 (title)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("found").unwrap().kind(), TableKind::Virtual);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// Whether it is a [`STRICT`](https://sqlite.org/stricttables.html) table.
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

    /// Whether it is a [`WITHOUT ROWID`](https://sqlite.org/withoutrowid.html) table.
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

    /// The SQL that makes it, as SQLite keeps it.
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

    /// The columns in order, generated and hidden ones among them.
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

    /// The column of that name, `None` when the table has none.
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

    /// The names of the primary key's columns, in the key's order; none where no primary key is declared.
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
        let mut columns: Vec<_> = self.columns.iter().filter(|column| column.primary_key.is_some()).collect();
        columns.sort_by_key(|column| column.primary_key);
        columns.into_iter().map(ColumnInfo::name)
    }

    /// The foreign keys, in the order declared.
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

    /// The indexes, in the order they were made, those of `UNIQUE` and `PRIMARY KEY` constraints among them.
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

impl ColumnInfo {
    /// The name.
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

    /// The type as it was declared, empty where none was.
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

    /// Whether it is declared `NOT NULL`.
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

    /// The SQL expression of its default value, `None` where none is declared.
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

    /// Its place in the primary key, counted from 1, `None` outside of it.
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

    /// When it is computed, `None` for a column that is written.
    ///
    /// ```
    /// # use multibind::{Bind, Generated, Harness};
    /// let schema = "CREATE TABLE user (name TEXT, shout TEXT AS (upper(name)))";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// let [name, shout] = metadata.table("user").unwrap().columns() else { panic!() };
    /// assert_eq!((name.generated(), shout.generated()), (None, Some(Generated::Virtual)));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn generated(&self) -> Option<Generated> {
        self.generated
    }

    /// Whether it is a [hidden column](https://sqlite.org/vtab.html#hidden_columns_in_virtual_tables) of a virtual
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

impl ForeignKey {
    /// The columns that refer, in the key's order.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INTEGER REFERENCES user)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("login").unwrap().foreign_keys()[0].columns(), ["user_id"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The table they refer to, spelt as in the declaration.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INTEGER REFERENCES user)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("login").unwrap().foreign_keys()[0].parent(), "user");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// The columns they refer to: those declared, else the parent's primary key; empty where that is not known because
    /// the parent is not in the bind.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INTEGER REFERENCES user)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("login").unwrap().foreign_keys()[0].parent_columns(), ["id"]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn parent_columns(&self) -> &[String] {
        &self.parent_columns
    }

    /// What happens when the parent's key changes: `NO ACTION`, `RESTRICT`, `SET NULL`, `SET DEFAULT` or `CASCADE`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id PRIMARY KEY); CREATE TABLE login (user REFERENCES user ON UPDATE CASCADE)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("login").unwrap().foreign_keys()[0].on_update(), "CASCADE");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn on_update(&self) -> &str {
        &self.on_update
    }

    /// What happens when the parent is deleted, in the same words.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id PRIMARY KEY); CREATE TABLE login (user REFERENCES user ON DELETE SET NULL)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("login").unwrap().foreign_keys()[0].on_delete(), "SET NULL");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn on_delete(&self) -> &str {
        &self.on_delete
    }

    /// SQLite's number of it within its table.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}

impl IndexInfo {
    /// The name, SQLite's own for the index of a constraint.
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

    /// Whether its keys are unique.
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

    /// What made it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, IndexOrigin};
    /// let schema = "CREATE TABLE user (name TEXT PRIMARY KEY)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    /// let metadata = db.metadata("auth")?;
    /// assert_eq!(metadata.table("user").unwrap().indexes()[0].origin(), IndexOrigin::PrimaryKey);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn origin(&self) -> IndexOrigin {
        self.origin
    }

    /// Whether it leaves out the rows that its `WHERE` does not match.
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

    /// The columns it is on in order, `None` for an expression.
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

impl ViewInfo {
    /// The name.
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

    /// The SQL that makes it, as SQLite keeps it.
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
    /// The name.
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

    /// The table or view it is on.
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

    /// The SQL that makes it, as SQLite keeps it.
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
