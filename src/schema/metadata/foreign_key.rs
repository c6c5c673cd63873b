//! A foreign key, as SQLite reports it.

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
    pub(in crate::schema) id: i64,
    pub(in crate::schema) columns: Vec<String>,
    pub(in crate::schema) parent: String,
    pub(in crate::schema) parent_columns: Vec<String>,
    pub(in crate::schema) on_update: String,
    pub(in crate::schema) on_delete: String,
}

impl ForeignKey {
    /// Returns the columns that refer, in the key's order.
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

    /// Returns the table they refer to, spelt as in the declaration.
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

    /// Returns the columns they refer to: those declared, else the parent's primary key; empty where that is not known because
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

    /// Returns what happens when the parent's key changes: `NO ACTION`, `RESTRICT`, `SET NULL`, `SET DEFAULT` or `CASCADE`.
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

    /// Returns what happens when the parent is deleted, in the same words.
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

    /// Returns SQLite's number of it within its table.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}
