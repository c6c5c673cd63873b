//! The binds, their tables and how many rows they have.

use rusqlite::types::Value;

use super::glance::{glance_at, Glance, View};
use super::snapshot::unreadable;
use super::tables::tables;
use crate::config::Storage;
use crate::database::Database;
use crate::error::{is_lock, sqlite_message, Error, Result};
use crate::harness::{Harness, RunningBind};
use crate::key::BindKey;
use crate::sqlite::script::quote;

/// The binds of a harness with their storage, their tables and how many rows those have; from [`Harness::describe`].
///
/// Its [`Display`](std::fmt::Display) is a table for people. With the feature `serde` it is
/// [`Serialize`](https://docs.rs/serde/1/serde/trait.Serialize.html), for a snapshot file.
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// assert!(db.describe().to_string().contains("user"));
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Description {
    pub(crate) binds: Vec<Described>,
}

/// One database.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) label: String,
    pub(crate) storage: Storage,
    pub(crate) tables: Vec<(String, RowCount)>,
}

/// The number of a table's rows, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) enum RowCount {
    /// It has none of its own.
    None,
    Count(i64),
    /// With those that are not committed.
    Open(i64),
    Unknown(String),
}

impl Harness {
    /// Returns the number of rows that a table or view of a bind has, those that are committed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured, [`Error::NotInBind`] when it has no
    /// such table; [`Error::InUse`] when another connection keeps everyone else from reading.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let user = "CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann'), ('bob')";
    /// let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// assert_eq!(db.count("auth", "user")?, 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn count(&self, key: impl Into<BindKey>, table: &str) -> Result<usize> {
        self.running().called(None, self.counted(&key.into(), table))
    }

    fn counted(&self, key: &BindKey, table: &str) -> Result<usize> {
        let database = self.running().database(key)?;
        let metadata = tables(&database)?;
        if !metadata.has(table) {
            let (bind, table) = (key.clone(), table.to_string());
            return Err(Error::NotInBind { bind, table, found: Vec::new(), nearest: Vec::new(), at: None });
        }
        let count = count(&database, View::Committed, table).map_err(|source| unreadable(&database, source))?;
        // SQLite counts no fewer than none.
        usize::try_from(count).map_err(|_| unreadable(&database, rusqlite::Error::IntegralValueOutOfRange(0, count)))
    }

    /// Describes the binds for printing: their storage, their tables and the number of rows in each.
    ///
    /// It shows what is committed, and waits for no one. In shared-cache memory the rows of a table are also counted while
    /// a transaction that wrote to it is open, and then said to be not committed. A bind or a table that cannot be read
    /// is in the table with the reason. Of a [dynamic bind](crate::Bind::dynamic) the first twenty databases are shown.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
    ///     .bind("auth", Bind::memdb().schema("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann'), ('bob')"))
    ///     .start()?;
    /// assert_eq!(db.describe().to_string(), "\
    /// ──────────────────────────────────
    ///  bind      storage   table   rows
    /// ══════════════════════════════════
    ///  default   memory    post    0
    /// ──────────────────────────────────
    ///  auth      memdb     user    2
    /// ──────────────────────────────────");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn describe(&self) -> Description {
        let mut binds = Vec::new();
        for place in self.running().binds().values() {
            if place.way_to().is_none() {
                binds.append(&mut describe_place(place));
            }
        }
        Description { binds }
    }
}

/// The most databases of a dynamic bind that are shown.
const DATABASES_SHOWN: usize = 20;

/// Describes the databases of one bind of the configuration.
fn describe_place(place: &RunningBind) -> Vec<Described> {
    let databases = place.databases();
    let mut described = Vec::new();
    for database in &databases[..databases.len().min(DATABASES_SHOWN)] {
        described.push(describe(database));
    }
    if let RunningBind::Dynamic(bind) = place {
        let more = databases.len().saturating_sub(DATABASES_SHOWN);
        let note = match more {
            0 if databases.is_empty() => Some("no database yet".to_string()),
            0 => None,
            more => Some(format!("… and {more} more databases")),
        };
        if let Some(note) = note {
            let (label, tables) = (format!("{}[…]", bind.key()), vec![(note, RowCount::None)]);
            described.push(Described { label, storage: bind.storage(), tables });
        }
    }
    described
}

fn describe(database: &Database) -> Described {
    let mut listed = Vec::new();
    match tables(database) {
        Ok(metadata) => {
            for table in metadata.tables() {
                listed.push((table.name().to_string(), rows(database, table.name())));
            }
            for view in metadata.views() {
                listed.push((format!("{} (view)", view.name()), RowCount::None));
            }
        }
        Err(error) => listed.push((format!("cannot be read: {error}"), RowCount::None)),
    }
    Described { label: database.label(), storage: database.storage(), tables: listed }
}

/// Counts the rows of a table.
fn rows(database: &Database, table: &str) -> RowCount {
    let (count, open) = match count(database, View::Committed, table) {
        Err(error) if is_lock(&error) && database.is_shared_cache() => (count(database, View::Open, table), true),
        count => (count, false),
    };
    match count {
        Ok(count) if open => RowCount::Open(count),
        Ok(count) => RowCount::Count(count),
        Err(error) if is_lock(&error) => RowCount::Unknown("locked".to_string()),
        // A virtual table whose module only the application has.
        Err(error) => RowCount::Unknown(sqlite_message(&error)),
    }
}

fn count(database: &Database, view: View, table: &str) -> rusqlite::Result<i64> {
    let query = format!("SELECT count(*) AS rows FROM main.{}", quote(table));
    let count = |glance: &Glance<'_>| glance.rows(&query, &[]);
    let counted = glance_at(database, view, table, &count, &|glance| count(glance).map(Some))?;
    match counted.first().and_then(|row| row.value("rows")) {
        Some(Value::Integer(count)) => Ok(*count),
        _ => Err(rusqlite::Error::QueryReturnedNoRows),
    }
}
