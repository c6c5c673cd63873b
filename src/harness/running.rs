//! The state that a harness and its sessions share: the databases, found by key.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::bound::Bound;
use super::dynamic::{DynamicBind, Held};
use super::folder::Folder;
use super::reference::Reference;
use crate::config::Replica;
use crate::context::BindContext;
use crate::data::Labels;
use crate::database::Database;
use crate::error::{Error, Result, Returned};
use crate::instrument::{Presence, Recorder, Rules, Waiting};
use crate::key::{BindIndex, BindKey, Keys, PerBind, Selection};
use crate::list::filtered;
use crate::order::sort_by_key;
use crate::sorted::Sorted;
use crate::sqlite::vfs::GivenUp;
use crate::sync::lock;

/// The databases and their instruments, shared by a harness and its sessions.
///
/// The rest of the crate takes a list of the databases once and works on that, for another thread may change the list;
/// or it names a bind by its index, which stays.
pub(crate) struct Running {
    binds: PerBind<RunningBind>,
    /// The folder of the files, if a bind has one. After the databases, whose connections close first.
    folder: Folder,
    references: Vec<Reference>,
    /// The labels of the rows that were loaded.
    labels: Mutex<Arc<Labels>>,
    /// The statements that ran while somebody recorded them.
    recorder: Arc<Recorder>,
    /// The guards that are alive.
    rules: Arc<Rules>,
    /// The time in which it lives, for what others in the process do meanwhile.
    presence: Presence,
    /// The URLs that keys are configured with, without their passwords.
    urls: Sorted<BindKey, String>,
    /// The errors that the test was returned and has not dropped.
    returned: Returned,
    pub(super) transactions: Transactions,
}

/// The functions that say what has held a database, and what has changed it.
#[derive(Clone, Copy)]
pub(crate) struct Transactions {
    /// Describes the transaction that had written to a database at a moment and was open, if it is known.
    pub(crate) holder: fn(&Running, &BindKey, Instant) -> Option<String>,
    /// Describes a wait that ended without the lock.
    pub(crate) waited: fn(&Running, &Database, &(GivenUp, Waiting)) -> String,
    /// Describes the statements that failed since their transaction had read an older state than there was.
    pub(crate) stale: fn(&Running) -> Vec<String>,
    /// Describes the last transaction that wrote to a database and was committed, if it is known; the unit of work that
    /// missed it began here.
    pub(crate) last_commit: fn(&Running, &BindKey, Option<&Location<'_>>) -> Option<String>,
    /// Describes the statement that created a bind's table, if it is known.
    pub(crate) creation: fn(&Running, &BindKey, &str) -> Option<Created>,
}

/// The statement that created a table, in words.
pub(crate) struct Created {
    pub(crate) text: String,
    /// Set if the table was not there at the start.
    pub(crate) is_new: bool,
}

/// The instruments that see the statements of all databases.
pub(super) struct Instruments {
    pub(super) recorder: Arc<Recorder>,
    pub(super) rules: Arc<Rules>,
    pub(super) presence: Presence,
}

/// A configured bind.
pub(crate) enum RunningBind {
    /// One database, under one key or several.
    Fixed(Arc<Bound>),
    /// Any number of them, made when they are first used.
    Dynamic(Box<DynamicBind>),
}

impl RunningBind {
    /// Returns the configured keys.
    pub(crate) fn keys(&self) -> &Keys {
        match self {
            RunningBind::Fixed(database) => database.keys(),
            RunningBind::Dynamic(bind) => bind.names(),
        }
    }

    /// Returns what it is a replica of, if it is one.
    pub(crate) fn replica(&self) -> Option<Replica> {
        match self {
            RunningBind::Fixed(database) => database.replica(),
            RunningBind::Dynamic(_) => None,
        }
    }

    /// Returns the bind whose database it is another way to, if it is one.
    pub(crate) fn way_to(&self) -> Option<BindIndex> {
        self.replica().filter(|replica| !replica.lags).map(|replica| replica.source)
    }

    /// Tells whether a key means it, or one of its databases.
    pub(super) fn has(&self, key: &BindKey) -> bool {
        match self {
            RunningBind::Fixed(database) => database.keys().contains(key),
            RunningBind::Dynamic(bind) => bind.key() == key || bind.owns(key),
        }
    }

    /// Returns the keys that SQL has for it.
    pub(super) fn names(&self) -> &[BindKey] {
        match self {
            RunningBind::Fixed(database) => database.names(),
            RunningBind::Dynamic(bind) => bind.names(),
        }
    }

    /// Returns the databases there are now.
    pub(crate) fn databases(&self) -> Vec<Arc<Bound>> {
        match self {
            RunningBind::Fixed(database) => vec![Arc::clone(database)],
            RunningBind::Dynamic(bind) => bind.databases(),
        }
    }
}

/// The binds, each with its storage.
impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let databases = self.databases();
        let binds = databases.iter().map(|database| (database.label(), database.storage()));
        f.debug_map().entries(binds.map(|(keys, storage)| (keys, storage.to_string()))).finish()
    }
}

impl Running {
    pub(super) fn new(
        binds: PerBind<RunningBind>,
        folder: Folder,
        references: Vec<Reference>,
        labels: Arc<Labels>,
        instruments: Instruments,
        urls: Sorted<BindKey, String>,
        transactions: Transactions,
    ) -> Running {
        let Instruments { recorder, rules, presence } = instruments;
        Running {
            binds,
            folder,
            references,
            labels: Mutex::new(labels),
            recorder,
            rules,
            presence,
            urls,
            returned: Returned::default(),
            transactions,
        }
    }

    /// Returns the URL that a key is configured with, without its password.
    pub(super) fn url(&self, key: &BindKey) -> Option<&str> {
        self.urls.get(key).map(String::as_str)
    }

    /// Returns every configured key, the default bind's first.
    pub(crate) fn keys(&self) -> Vec<BindKey> {
        let mut keys = Vec::new();
        for bind in self.binds.values() {
            keys.extend_from_slice(bind.keys());
        }
        // A shared stand-in keeps its other keys beside the default bind's.
        sort_by_key(&mut keys, |key| !key.is_default());
        keys
    }

    /// Returns the databases there are now, in the order of the configuration, and those of a dynamic bind in that of their keys.
    ///
    /// A replica without lag is its source's database; one that lags has its own.
    pub(crate) fn databases(&self) -> Vec<Arc<Bound>> {
        let mut databases = Vec::new();
        for bind in self.binds.values().iter().filter(|bind| bind.way_to().is_none()) {
            databases.append(&mut bind.databases());
        }
        databases
    }

    /// Returns the bind that has what is read by this one: itself, or that to whose database it is another way.
    pub(crate) fn home(&self, bind: BindIndex) -> BindIndex {
        self.binds[bind].way_to().unwrap_or(bind)
    }

    /// Returns the database that a key reads: its own, or its source's.
    pub(crate) fn home_of(&self, key: &BindKey) -> Result<Arc<Bound>> {
        let database = self.database(key)?;
        match database.replica().filter(|replica| !replica.lags) {
            Some(replica) => Ok(Arc::clone(self.fixed(replica.source)?)),
            None => Ok(database),
        }
    }

    /// Returns the database of a bind that has one.
    pub(super) fn fixed(&self, bind: BindIndex) -> Result<&Arc<Bound>> {
        match &self.binds[bind] {
            RunningBind::Fixed(database) => Ok(database),
            RunningBind::Dynamic(bind) => Err(bind.not_said()),
        }
    }

    /// Returns the configured binds.
    pub(crate) fn binds(&self) -> &PerBind<RunningBind> {
        &self.binds
    }

    /// Returns the dynamic bind of a key.
    pub(super) fn dynamic(&self, key: &BindKey) -> Result<&DynamicBind> {
        match self.binds.values().iter().find(|bind| bind.keys().contains(key)) {
            Some(RunningBind::Dynamic(bind)) => Ok(bind),
            Some(RunningBind::Fixed(_)) => Err(Error::NotDynamic { bind: key.clone(), at: None }),
            None => Err(self.unknown(key)),
        }
    }

    /// Returns the statements that ran while somebody recorded them.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Fails the test with a report on this harness, at the caller's place.
    #[track_caller]
    pub(crate) fn fails(&self, report: String) -> ! {
        self.recorder.failures.fail(report)
    }

    /// Returns the guards that are alive.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Returns the errors that the test was returned and has not dropped.
    pub(crate) fn returned(&self) -> &Returned {
        &self.returned
    }

    /// Notes the call that returns an error to the test, and the statement that it was given.
    #[track_caller]
    pub(crate) fn called<T>(&self, sql: Option<&str>, done: Result<T>) -> Result<T> {
        self.called_since(None, sql, done)
    }

    /// Does the same for a call in a unit of work that began here.
    #[track_caller]
    pub(crate) fn called_since<T>(
        &self,
        began: Option<&Location<'_>>,
        sql: Option<&str>,
        done: Result<T>,
    ) -> Result<T> {
        match done {
            Ok(done) => Ok(done),
            Err(error) => Err(self.noted(error, began, sql, Location::caller())),
        }
    }

    /// Notes the call in its error. It is compiled once, and not for each type that a call returns.
    fn noted(
        &self,
        error: Error,
        began: Option<&Location<'_>>,
        sql: Option<&str>,
        at: &'static Location<'static>,
    ) -> Error {
        let behind = self.behind(&error, began);
        error.called(at, sql, behind, &self.returned)
    }

    /// Does the work of a method of the harness, and notes the call that returns its error to the test.
    #[track_caller]
    pub(crate) fn calls<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.called(None, work())
    }

    /// Returns the harness's part in the life of the process.
    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Refuses a key that means neither a bind nor a database of a dynamic bind.
    pub(crate) fn check(&self, key: &BindKey) -> Result<()> {
        self.bind(key).map(drop)
    }

    /// Returns the bind that a key means, or that the key of a dynamic bind's database belongs to.
    pub(super) fn bind(&self, key: &BindKey) -> Result<BindIndex> {
        self.binds.find(|bind| bind.has(key)).ok_or_else(|| self.unknown(key))
    }

    /// Returns the references from one bind into another.
    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Returns the labels of the rows that were loaded.
    pub(crate) fn labels(&self) -> Arc<Labels> {
        Arc::clone(&lock(&self.labels))
    }

    /// Adds the labels of rows that are loaded now.
    pub(super) fn add_labels(&self, labels: &Labels) {
        Arc::make_mut(&mut lock(&self.labels)).add(labels);
    }

    /// Returns the database of a key.
    pub(crate) fn database(&self, key: &BindKey) -> Result<Arc<Bound>> {
        match &self.binds[self.bind(key)?] {
            RunningBind::Fixed(database) => Ok(Arc::clone(database)),
            RunningBind::Dynamic(bind) if bind.key() == key => Err(bind.not_said()),
            RunningBind::Dynamic(bind) => bind.find(key),
        }
    }

    /// Returns the database that a context means by a configured key, creating it if nobody has used it yet.
    pub(super) fn hold_for(&self, key: &BindKey, context: &BindContext) -> Result<Held> {
        let index = self.bind(key)?;
        match &self.binds[index] {
            RunningBind::Dynamic(bind) if bind.key() == key => {
                let chosen = bind.choose(context).map_err(|problem| bind.not_known(&problem))?;
                self.hold_or_make(index, bind, &chosen)
            }
            _ => self.database(key).map(|database| Held::of(&database)),
        }
    }

    /// Returns a database of a dynamic bind, made now if nobody has used it yet.
    pub(super) fn hold_or_make(&self, index: BindIndex, bind: &DynamicBind, key: &BindKey) -> Result<Held> {
        bind.hold_or_make(key, &|number| self.folder.file(&format!("{index}-{number}")))
    }

    /// Makes a database that was closed; nothing where its key is no dynamic bind's.
    pub(crate) fn make_again(&self, key: &BindKey) -> Result<()> {
        for (index, bind) in self.binds.iter() {
            match bind {
                RunningBind::Dynamic(bind) if bind.owns(key) => drop(self.hold_or_make(index, bind, key)?),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn unknown(&self, key: &BindKey) -> Error {
        if key.is_default() {
            Error::NoDefaultBind { what: None, configured: self.keys(), at: None }
        } else {
            Error::UnknownBind { bind: key.clone(), configured: self.keys(), at: None }
        }
    }

    /// Returns the databases that a selection means, each once, in the order configured; a replica that lags only where it is
    /// named.
    pub(crate) fn selected(&self, selection: &Selection) -> Result<Vec<Arc<Bound>>> {
        let Some(keys) = selection.keys() else {
            return Ok(filtered(&self.databases(), |database| !database.lags()));
        };
        let mut selected = Sorted::default();
        for key in keys {
            match self.dynamic(key) {
                Ok(bind) => {
                    for database in bind.databases() {
                        selected.insert(database.key().clone(), ());
                    }
                }
                Err(_) => drop(selected.insert(self.home_of(key)?.key().clone(), ())),
            }
        }
        Ok(filtered(&self.databases(), |database| selected.contains(database.key())))
    }

    /// Closes the databases, then removes their folder.
    pub(super) fn close(self) -> Result<()> {
        let Running { binds, folder, .. } = self;
        drop(binds);
        folder.remove()
    }
}
