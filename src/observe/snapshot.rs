//! The state of every bind at one moment, and the way back to it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::database::{at_one_moment, Database, Patience};
use crate::error::{is_lock, Error, Result};
use crate::harness::{Bound, DynamicBind, Harness, Running, RunningBind, Standing};
use crate::instrument::PutBackTo;
use crate::key::BindKey;
use crate::list::mapped;
use crate::sorted::Sorted;
use crate::sqlite::vfs::Opener;
use crate::sqlite::Image;

/// The committed state of every bind of a harness at one moment; from [`Harness::snapshot`].
///
/// It is a copy of the databases' pages in memory, keeps no lock and no connection to them, and can be restored and
/// compared with as often as wanted. A clone is the same snapshot, not a second copy.
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// let before = db.snapshot()?;
/// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
/// db.changes_since(&before)?.assert_only("auth");
/// db.restore(&before)?;
/// db.changes_since(&before)?.assert_none();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing by itself: give it to `changes_since` or `restore`"]
pub struct Snapshot {
    /// The harness that it is of. Not kept alive: a harness can be closed while there are snapshots of it.
    running: Weak<Running>,
    keys: Vec<BindKey>,
    /// Each database's state, by the key that identifies it.
    states: Sorted<BindKey, State>,
    /// The number of the first statement after it.
    pub(super) next: u64,
    /// The time at which it was begun.
    at: Instant,
}

/// One database at the moment of the snapshot.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) image: Arc<Image>,
    /// The image it was created from.
    pub(super) start: Arc<Image>,
    standing: Standing,
}

impl Harness {
    /// Takes the committed state of every bind, whoever wrote it and through whatever driver.
    ///
    /// Nobody is kept from writing: it reads as any connection does. A transaction that is open is not in the snapshot, a
    /// session's included.
    ///
    /// All binds are of one moment: if a bind had a row when the snapshot was taken, the others had by then what was
    /// committed to them before that row. (Of more than 64 databases that were written to, as a dynamic bind may have, each
    /// is of a moment of its own.) It costs a copy of the pages, and nothing for a bind in memory that nobody has written to.
    ///
    /// # Errors
    ///
    /// - [`Error::InUse`] when a bind cannot be read for a second:
    ///   - another connection's transaction has written to a bind in a shared cache or in `memdb`, or to one with a rollback
    ///     journal more than its cache holds;
    ///   - another connection has the bind to itself (`PRAGMA locking_mode = EXCLUSIVE`);
    ///   - several binds are committed to so fast that there is no moment at which all can be read.
    /// - [`Error::Sql`] when a bind cannot be read for another reason.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let mut session = db.session();
    /// session.execute("INSERT INTO t VALUES (1)", [])?;
    /// let before = db.snapshot()?; // without the row: it is not committed
    ///
    /// session.commit()?;
    /// db.restore(&before)?;
    /// db.assert_not_landed(None, "t", row! { x: 1 });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.running().called(None, self.take())
    }

    /// Copies the committed state of every bind.
    fn take(&self) -> Result<Snapshot> {
        let running = self.running();
        let (mut states, next, at) = (Sorted::default(), running.recorder().next(), Instant::now());
        let databases = running.databases();
        for (database, image) in databases.iter().zip(committed(&databases)?) {
            let state = State { image, start: Arc::clone(database.image()), standing: database.standing() };
            states.insert(database.key().clone(), state);
        }
        Ok(Snapshot { running: Arc::downgrade(running), keys: running.keys(), states, next, at })
    }

    /// Restores every bind to a snapshot: tables, rows, `AUTOINCREMENT` counters and the pragmas that a database keeps
    /// (`user_version`, `application_id`), and what [`metadata`](Harness::metadata) says of it.
    ///
    /// A database of a [dynamic bind](crate::Bind::dynamic) that nobody had used at that moment is put back to what it was
    /// made as; one that was closed since is made again, unless that is what it was.
    ///
    /// Connections and pools stay usable. Only SQLite's own count of schema changes (`PRAGMA schema_version`) is
    /// another than before, so that they notice. The journal mode stays as it is, and so does the page size of a file that
    /// another connection has open in WAL mode.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignSnapshot`] for a snapshot of another harness; [`Error::Restore`] at once, and with nothing
    /// restored in any bind, when another connection has a transaction or an unfinished query open that would see its
    /// database change under it. Where storage fails later, it says which binds were restored.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x); INSERT INTO t VALUES (1)")).start()?;
    /// let before = db.snapshot()?;
    /// let conn = db.connection(None)?;
    /// conn.execute("DROP TABLE t", [])?;
    /// db.restore(&before)?;
    /// assert_eq!(conn.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0))?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.running().called(None, self.put_back(snapshot))
    }

    /// Puts every bind back to its state in a snapshot.
    fn put_back(&self, snapshot: &Snapshot) -> Result<()> {
        let running = self.running();
        snapshot.check(running)?;
        for place in running.binds().values() {
            let RunningBind::Dynamic(bind) = place else { continue };
            for (key, state) in snapshot.closed_since(bind, &bind.databases()) {
                if !state.image.has_bytes_of(bind.image()).map_err(Error::sql(key))? {
                    running.make_again(key)?;
                }
            }
        }
        let databases = running.databases();
        let state_of = |database: &Database| snapshot.state_of(database);
        let image_of =
            |database: &Database| Arc::clone(state_of(database).map_or(database.image(), |state| &state.image));
        for database in &databases {
            // A database that stays as it is disturbs nobody.
            if database.unchanged().is_none_or(|own| own.id() != image_of(database).id()) {
                database.check_free().map_err(failed(database, &[]))?;
            }
        }
        let mut restored = Vec::new();
        for database in &databases {
            let state = state_of(database);
            database.overwrite(&image_of(database)).map_err(failed(database, &restored))?;
            database.set_standing(state.map(|state| state.standing.clone()).unwrap_or_default());
            let to = if state.is_some() { PutBackTo::Own(snapshot.at) } else { PutBackTo::Start };
            running.recorder().is_put_back(database.keys(), to);
            restored.push(database.key().clone());
        }
        Ok(())
    }
}

impl Snapshot {
    /// Refuses a snapshot of another harness.
    pub(super) fn check(&self, running: &Arc<Running>) -> Result<()> {
        if Weak::ptr_eq(&self.running, &Arc::downgrade(running)) {
            Ok(())
        } else {
            Err(Error::ForeignSnapshot { binds: self.keys.clone(), at: None })
        }
    }

    /// Returns the databases of a dynamic bind that were there at that moment and are not among these.
    pub(super) fn closed_since<'s>(
        &'s self,
        bind: &DynamicBind,
        databases: &[Arc<Bound>],
    ) -> Vec<(&'s BindKey, &'s State)> {
        let mut there = Sorted::default();
        for database in databases {
            there.insert(database.key(), ());
        }
        let mut closed = Vec::new();
        for (key, state) in self.states.entries() {
            if bind.owns(key) && !there.contains(key) {
                closed.push((key, state));
            }
        }
        closed
    }

    /// Returns the state of a database at that moment, if it was there.
    pub(super) fn state_of(&self, database: &Database) -> Option<&State> {
        self.states.get(database.key())
    }
}

/// Copies what each database holds committed, all at one moment.
pub(crate) fn committed(databases: &[Arc<Bound>]) -> Result<Vec<Arc<Image>>> {
    let all = mapped(databases, |database| &***database);
    at_one_moment(&all, &Patience::new()).map_err(|(at, source)| unreadable(all[at], source))
}

/// Returns the error of a database whose committed state could not be read.
pub(crate) fn unreadable(database: &Database, source: rusqlite::Error) -> Error {
    if is_lock(&source) {
        let conflict = database.blocker(Opener::Harness, 0);
        return Error::InUse { bind: database.key().clone(), conflict, source, at: None };
    }
    Error::sql(database.key())(source)
}

fn failed<'a>(database: &'a Database, restored: &'a [BindKey]) -> impl FnOnce(rusqlite::Error) -> Error + 'a {
    move |source| {
        let conflict = is_lock(&source).then(|| database.blocker(Opener::Harness, 0)).flatten();
        let (failed, restored) = (database.key().clone(), restored.to_vec());
        Error::Restore { failed, restored, conflict, source, at: None }
    }
}
