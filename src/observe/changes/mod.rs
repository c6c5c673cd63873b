//! What changed in every bind since a snapshot, table by table.

mod columns;
mod compare;
mod definition;
mod expect;
mod expected;
mod rows;
#[cfg(feature = "serde")]
mod serialize;
mod show;

use std::slice::Iter;
use std::sync::Arc;

use super::binds::Binds;
use super::snapshot::{committed, Snapshot};
use crate::error::{Error, Result};
use crate::harness::{Bound, Harness, Place};
use crate::key::BindKey;
use crate::list::{filtered, mapped};
use crate::order::sort_by;
use crate::row::Row;
use crate::sorted::Sorted;
use crate::sqlite::Image;
pub use expected::{Counts, ExpectedChanges, ExpectedTable};
use rows::Rows;

/// What changed in every bind since a snapshot; from [`Harness::changes_since`].
///
/// Its [`Display`](std::fmt::Display) is a table for people: the bind, the table, what happened, the rows, long values
/// cut. The changes are in the order of the configured binds, then by table name.
///
/// With the feature `serde` it is [`Serialize`](https://docs.rs/serde/1/serde/trait.Serialize.html): a list with an entry for each table, whole values, fit for a snapshot file: `bind`, `table`, `kind`
/// (`rows`, `created`, `altered`, `dropped`), and where there are any `details`, `inserted`, `updated` (each `before` and
/// `after`) and `deleted`. A view has `view: true`. The default bind is `default`, a blob `{ blob: 00ff }`, an
/// infinite number `{ real: inf }`.
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
/// # let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(user)).start()?;
/// let before = db.snapshot()?;
/// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
///
/// let changes = db.changes_since(&before)?;
/// changes.assert_only("auth");
/// for change in &changes {
///     assert_eq!((change.bind().as_str(), change.table()), (Some("auth"), "user"));
///     assert_eq!(change.inserted(), [row! { id: 1, name: "ann" }]);
/// }
/// println!("{changes}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is asserted: see `assert_only` and `assert_none`"]
pub struct ChangeSet {
    binds: Binds,
    changes: Vec<TableChange>,
}

/// What happened to a table, or to a view.
///
/// ```
/// # use multibind::{Bind, ChangeKind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
/// let before = db.snapshot()?;
/// db.connection(None)?.execute("CREATE TABLE made_later (x)", [])?;
/// assert_eq!(db.changes_since(&before)?.changes()[0].kind(), ChangeKind::Created);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was not there before. Its rows count as inserted.
    Created,
    /// Its SQL, or that of its indexes or triggers, is another. Its rows may have changed too.
    Altered,
    /// It is no longer there. Its rows count as deleted.
    Dropped,
    /// Only its rows changed.
    Rows,
}

/// What changed in one table of one bind.
///
/// ```
/// # use multibind::{row, Bind, BindKey, ChangeKind, Harness};
/// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
/// let before = db.snapshot()?;
/// let conn = db.connection("auth")?;
/// conn.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
/// conn.execute("DELETE FROM user WHERE id = 2", [])?;
///
/// let changes = db.changes_since(&before)?;
/// let change = &changes.changes()[0];
/// assert_eq!(change.bind(), &BindKey::from("auth"));
/// assert_eq!(change.kind(), ChangeKind::Rows);
/// assert_eq!(change.deleted(), [row! { id: 2, name: "bob" }]);
/// assert_eq!(change.updated()[0].before(), &row! { id: 1, name: "an" });
/// assert_eq!(change.updated()[0].after(), &row! { id: 1, name: "ann" });
/// assert!(change.inserted().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TableChange {
    /// Which of the databases.
    position: usize,
    bind: BindKey,
    table: String,
    is_view: bool,
    kind: ChangeKind,
    /// What is another about its SQL.
    details: Vec<String>,
    /// The columns that rows were matched by, where a person can tell a row by them.
    key: Vec<String>,
    rows: Arc<Rows>,
}

/// A row that was updated: what it was and what it is.
///
/// The two may have different columns where the table was altered.
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x); INSERT INTO t VALUES (1)")).start()?;
/// let before = db.snapshot()?;
/// db.connection(None)?.execute("UPDATE t SET x = 2", [])?;
/// let changes = db.changes_since(&before)?;
/// let update = &changes.changes()[0].updated()[0];
/// assert_eq!((update.before().get::<i64>("x")?, update.after().get::<i64>("x")?), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RowUpdate {
    before: Row,
    after: Row,
}

impl Harness {
    /// What changed in every bind since a snapshot, whoever changed it and through whatever driver, as far as it is
    /// committed.
    ///
    /// Rows are matched by primary key, by rowid where a table has none, and as a multiset where it has neither. Values
    /// compare as [SQL's `IS`](https://sqlite.org/lang_expr.html#isisnot) does, `NULL` with `NULL` and `1` with `1.0`,
    /// and text compares byte by byte, whatever its column's collation. A new column counts as having held its default
    /// before. A virtual table is compared by the rows it answers with, not by the tables it keeps them in. What SQLite
    /// keeps for itself is no change: `sqlite_sequence`, `sqlite_stat1` and the like, nor are pragmas.
    ///
    /// What a replica that [lags](crate::Bind::lag) is given is no change of its own: it has changed in its source.
    ///
    /// A bind whose pages are as they were costs a comparison of bytes, a table in another a scan of what it was and of
    /// what it is.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignSnapshot`] for a snapshot of another harness; [`Error::InUse`] when a bind cannot be read for a second,
    /// see [`snapshot`](Harness::snapshot); [`Error::Sql`] for a bind that cannot be read. A generated column that calls a
    /// function of the application's is left out unless [`on_connect`](crate::Bind::on_connect) registers it.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let before = db.snapshot()?;
    /// assert!(db.changes_since(&before)?.is_empty());
    ///
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].inserted(), [row! { x: 1 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes_since(&self, snapshot: &Snapshot) -> Result<ChangeSet> {
        let running = self.running();
        snapshot.check(running)?;
        // All binds are read at one moment, before any is compared.
        let mut of_places = Vec::new();
        for place in running.binds().values() {
            // The same database as its source, or one to which nobody writes: what changes in it has changed there.
            if place.way_to().is_none() {
                of_places.push((place, place.databases()));
            }
        }
        let all = mapped(&of_places, |(_, databases)| filtered(databases, |database| !database.lags())).concat();
        let mut now = Sorted::default();
        for (database, image) in all.iter().zip(committed(&all)?) {
            now.insert(database.key(), image);
        }
        let mut pairs = Vec::new();
        for (place, databases) in of_places {
            let mut of_place = Vec::with_capacity(databases.len());
            for database in &databases {
                let before = snapshot.state_of(database).map_or(database.image(), |state| &state.image);
                let before = Arc::clone(before);
                // One that lags has no changes of its own.
                let after = Arc::clone(now.get(&database.key()).unwrap_or(&before));
                of_place.push(Pair { keys: database.all_keys().to_vec(), before, after });
            }
            if let Place::Dynamic(bind) = place {
                // One that was closed is what the next one will be made as.
                for (key, state) in snapshot.closed_since(bind, &databases) {
                    let (before, after) = (Arc::clone(&state.image), Arc::clone(&state.start));
                    of_place.push(Pair { keys: vec![key.clone()], before, after });
                }
                sort_by(&mut of_place, |one, other| one.keys.cmp(&other.keys));
            }
            pairs.append(&mut of_place);
        }
        let (mut changes, mut binds) = (Vec::new(), Vec::with_capacity(pairs.len()));
        for (position, Pair { keys, before, after }) in pairs.into_iter().enumerate() {
            let key = keys.first().unwrap_or(&BindKey::DEFAULT);
            changes.append(&mut compare::compare(position, key, &before, &after)?);
            binds.push(keys);
        }
        Ok(ChangeSet { binds: Binds::of(running, binds), changes })
    }
}

/// What changed since the start in those databases whose state now is given, and why others cannot be compared.
pub(super) fn since_start(databases: &[Arc<Bound>], now: &[Option<&Image>]) -> (ChangeSet, Vec<Error>) {
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    let mut binds = Vec::with_capacity(databases.len());
    for (position, database) in databases.iter().enumerate() {
        binds.push(database.all_keys().to_vec());
        let Some(now) = now[position].filter(|_| !database.lags()) else { continue };
        match compare::compare(position, database.key(), database.image(), now) {
            Ok(mut changed) => changes.append(&mut changed),
            Err(error) => errors.push(error),
        }
    }
    (ChangeSet { binds: Binds::of_fixed(binds), changes }, errors)
}

/// One database at two moments.
struct Pair {
    keys: Vec<BindKey>,
    before: Arc<Image>,
    after: Arc<Image>,
}

impl ChangeSet {
    /// Whether nothing changed in any bind.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let before = db.snapshot()?;
    /// assert!(db.changes_since(&before)?.is_empty());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes: one for each table that changed, in the order of the configured binds, then by table name.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let before = db.snapshot()?;
    /// db.connection(None)?.execute_batch("CREATE TABLE b (x); CREATE TABLE a (x);")?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.changes().iter().map(|change| change.table()).collect::<Vec<_>>(), ["a", "b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self) -> &[TableChange] {
        &self.changes
    }

    /// What changed in one bind; any key of a database that several keys share means it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let t = "CREATE TABLE t (x)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(t)).bind("auth", Bind::memory().schema(t)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO t VALUES (1)", [])?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.in_bind("auth")?.changes().len(), 1);
    /// changes.in_bind(None)?.assert_none();
    /// assert!(changes.in_bind("audit").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_bind(&self, key: impl Into<BindKey>) -> Result<ChangeSet> {
        let position = self.position(&key.into())?;
        let changes = filtered(&self.changes, |change| change.position == position);
        Ok(ChangeSet { binds: self.binds.clone(), changes })
    }

    /// The position of a key's database.
    fn position(&self, key: &BindKey) -> Result<usize> {
        self.binds.position(key)
    }
}

impl<'c> IntoIterator for &'c ChangeSet {
    type Item = &'c TableChange;
    type IntoIter = Iter<'c, TableChange>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.iter()
    }
}

impl TableChange {
    /// The bind; of several keys for one database, the one that names it first.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM user", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].bind().as_str(), Some("auth"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        &self.bind
    }

    /// The table, as it is spelled now, or was before it was dropped.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM USER", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].table(), "user");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Whether it is a view, which has no rows of its own.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("CREATE VIEW names AS SELECT name FROM user", [])?;
    /// assert!(db.changes_since(&before)?.changes()[0].is_view());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_view(&self) -> bool {
        self.is_view
    }

    /// What happened to it.
    ///
    /// ```
    /// # use multibind::ChangeKind;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DROP TABLE user", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].kind(), ChangeKind::Dropped);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// The rows that are new, in the order of their key.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('eve')", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].inserted(), [row! { id: 3, name: "eve" }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inserted(&self) -> &[Row] {
        &self.rows.inserted
    }

    /// The rows that are there with other values, in the order of their key.
    ///
    /// ```
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].updated().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn updated(&self) -> &[RowUpdate] {
        &self.rows.updated
    }

    /// The rows that are gone, in the order of their key.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM user WHERE id = 2", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].deleted(), [row! { id: 2, name: "bob" }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deleted(&self) -> &[Row] {
        &self.rows.deleted
    }
}

impl RowUpdate {
    /// The row as it was.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.changes()[0].updated()[0].before(), &row! { id: 1, name: "an" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn before(&self) -> &Row {
        &self.before
    }

    /// The row as it is.
    ///
    /// ```
    /// # use multibind::row;
    /// # let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
    /// # let db = multibind::Harness::builder().bind("auth", multibind::Bind::memory().schema(sql)).start()?;
    /// # let before = db.snapshot()?;
    /// db.connection("auth")?.execute("UPDATE user SET name = 'ann' WHERE id = 1", [])?;
    /// let changes = db.changes_since(&before)?;
    /// assert_eq!(changes.changes()[0].updated()[0].after(), &row! { id: 1, name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn after(&self) -> &Row {
        &self.after
    }
}
