//! The state of every bind at one moment, and the way back to it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::database::{at_one_moment, Database, Patience};
use crate::error::{is_lock, Error, Result};
use crate::harness::{Bound, DynamicBind, Harness, Running, Standing};
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
    pub(super) at: Instant,
}

/// One database at the moment of the snapshot.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) image: Arc<Image>,
    /// The image it was created from.
    pub(super) start: Arc<Image>,
    pub(super) standing: Standing,
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
