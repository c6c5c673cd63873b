//! Where a row is: every landing of it.

use std::fmt;

use super::glance::View;
use super::look::{look, Effort, Found};
#[cfg(feature = "serde")]
use crate::error::called;
use crate::error::{Error, Result};
use crate::harness::Harness;
use crate::key::BindKey;
use crate::row::Row;
use crate::sqlite::vfs::Opener;

/// A row where it was found: the bind, the table, the whole row.
///
/// ```
/// # use multibind::{row, Bind, BindKey, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)")).start()?;
/// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
/// let landings = db.locate("user", row! { name: "ann" })?;
/// assert_eq!(landings.len(), 1);
/// assert_eq!(landings[0].bind(), &BindKey::from("auth"));
/// assert_eq!(landings[0].row().get::<i64>("id")?, 1);
/// assert!(landings[0].is_committed());
/// assert_eq!(landings[0].to_string(), "auth.user: id = 1, name = 'ann'");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Landing {
    bind: BindKey,
    table: String,
    row: Row,
    committed: bool,
}

/// Prints the bind, the table and the row as a test writes them: `auth.user: row! { id: 1, name: "ann" }`.
impl fmt::Debug for Landing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.committed { "" } else { " (not committed)" };
        write!(f, "{}.{}: ", self.bind, self.table)?;
        fmt::Debug::fmt(&self.row, f)?;
        f.write_str(open)
    }
}

/// Prints the bind, the table and the row: `auth.user: id = 1, name = 'ann'`.
impl fmt::Display for Landing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.committed { "" } else { " (not committed)" };
        write!(f, "{}.{}: {}{open}", self.bind, self.table, self.row)
    }
}

impl Landing {
    /// Returns the bind; of several keys for one database, the one that names it first.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// assert_eq!(db.locate("user", row! { name: "ann" })?[0].bind().as_str(), Some("auth"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        &self.bind
    }

    /// Returns the table, as it is spelled in the schema.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// assert_eq!(db.locate("USER", row! { name: "ann" })?[0].table(), "user");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Returns the whole row.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// assert_eq!(db.locate("user", row! { name: "ann" })?[0].row(), &row! { id: 1, name: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// Reads the row as a struct, by serde, as [`Row::get_as`] does.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] with the bind and the table, for a column that is missing, or not what the field takes.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// #[derive(serde::Deserialize)]
    /// struct User {
    ///     id: i64,
    /// }
    ///
    /// let ann: User = db.locate("user", row! { name: "ann" })?[0].get_as()?;
    /// assert_eq!(ann.id, 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    #[track_caller]
    pub fn get_as<T: serde_core::de::DeserializeOwned>(&self) -> Result<T> {
        called(self.row.get_as().map_err(Error::in_table(&self.bind, &self.table)))
    }

    /// Returns whether it is known to be committed.
    ///
    /// In a shared cache ([`Bind::shared_cache`](crate::Bind::shared_cache)) a row is also seen while a transaction that
    /// wrote to its table is open. SQLite reports which tables such a transaction wrote to, not which rows, so then no row
    /// of the table is known to be committed. Elsewhere only what is committed is seen.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().bind("auth", Bind::shared_cache().schema(user)).start()?;
    /// let mut session = db.session();
    /// session.execute("INSERT INTO user VALUES (2, 'bob')", [])?;
    /// assert!(!db.locate("user", row! { name: "bob" })?[0].is_committed());
    /// session.commit()?;
    /// assert!(db.locate("user", row! { name: "bob" })?[0].is_committed());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_committed(&self) -> bool {
        self.committed
    }
}

impl Harness {
    /// Finds every place where a row is: in each bind that has a table of that name, each row whose columns are what
    /// `row` says.
    ///
    /// A replica that [lags](crate::Bind::lag) is such a place too, for it may have what its source has no more; one that
    /// does not is its source.
    ///
    /// It reads the databases, so it sees what any driver wrote, and leaves no lock in anybody's way. Values compare as
    /// [SQL's `IS`](https://sqlite.org/lang_expr.html#isisnot) does, `NULL` with `NULL`, and by the collation of their column,
    /// which is the application's to give by [`on_connect`](crate::Bind::on_connect) where it is its own. Name enough columns
    /// to tell the row from others.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`] when no bind has the table, [`Error::Row`] when none of those that have it has the row's
    /// columns; [`Error::Locked`] when another connection's open transaction keeps a bind from being read: one that
    /// changes tables in a shared cache, one that writes anything in `memdb`. [`Error::Sql`] for what SQLite cannot
    /// read, a view of a table that is gone for example.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let log = "CREATE TABLE log (line TEXT)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(log)).bind("meta", Bind::memory().schema(log)).start()?;
    /// db.connection("meta")?.execute("INSERT INTO log VALUES ('started')", [])?;
    /// let landings = db.locate("log", row! { line: "started" })?;
    /// assert_eq!(landings.iter().map(|landing| landing.bind().to_string()).collect::<Vec<_>>(), ["meta"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn locate(&self, table: &str, row: impl Into<Row>) -> Result<Vec<Landing>> {
        self.running().called(None, self.search(table, &row.into()))
    }

    /// Looks for a row in every bind.
    fn search(&self, table: &str, row: &Row) -> Result<Vec<Landing>> {
        let seen = look(self.running(), table, row.checked()?, None, &|_| Effort::Readable)?;
        let mut landings = Vec::new();
        for sighting in seen {
            match sighting.found {
                Found::Rows { table, rows, view } => {
                    for row in rows {
                        let (bind, table) = (sighting.database.key().clone(), table.clone());
                        landings.push(Landing { bind, table, row, committed: view == View::Committed });
                    }
                }
                Found::Unreadable(source) => {
                    let error = Error::sql(sighting.database.key())(source);
                    return Err(error.held_by(|| sighting.database.blocker(Opener::Harness, 0)));
                }
                Found::Unsettled { .. } | Found::NoTable | Found::NoColumn { .. } => {}
            }
        }
        Ok(landings)
    }
}
