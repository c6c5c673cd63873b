//! What a harness and its sessions share: the databases, found by key.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

use super::dynamic::{DynamicBind, Held};
use super::folder::Folder;
use super::history::History;
use super::references::Reference;
use super::template::Template;
use crate::config::Replica;
use crate::context::Context;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::instrument::{Recorder, Rules};
use crate::key::{BindKey, Selection};
use crate::list::filtered;
use crate::order::sort_by_key;
use crate::say;
use crate::schema::{Applied, Metadata};
use crate::sorted::Sorted;
use crate::sync::{drop_spent, lock};

/// What a harness and its sessions share.
///
/// The rest of the crate takes a list of the databases once and works on that, for another thread may change the list;
/// or it names a database by its place in the configuration, which stays.
pub(crate) struct Running {
    places: Vec<Place>,
    /// Where the files are, if a bind has one. After the databases, whose connections close first.
    folder: Folder,
    references: Vec<Reference>,
    /// The statements that ran while somebody recorded them.
    recorder: Arc<Recorder>,
    /// The guards that are alive.
    rules: Arc<Rules>,
    /// The URLs that keys are configured with, without their passwords.
    urls: Sorted<BindKey, String>,
}

/// What the configuration has at one place.
pub(crate) enum Place {
    /// One database, under one key or several.
    Fixed(Arc<Bound>),
    /// Any number of them, made when they are first used.
    Dynamic(Box<DynamicBind>),
}

impl Place {
    /// The configured keys.
    pub(crate) fn keys(&self) -> &[BindKey] {
        match self {
            Place::Fixed(database) => database.keys(),
            Place::Dynamic(bind) => bind.names(),
        }
    }

    /// What it is a replica of, if it is one.
    pub(crate) fn replica(&self) -> Option<Replica> {
        match self {
            Place::Fixed(database) => database.replica(),
            Place::Dynamic(_) => None,
        }
    }

    /// Whether it is another way to the database of another place.
    pub(crate) fn is_way(&self) -> bool {
        self.replica().is_some_and(|replica| !replica.lags)
    }

    /// The keys that SQL has for it.
    pub(super) fn names(&self) -> &[BindKey] {
        match self {
            Place::Fixed(database) => database.names(),
            Place::Dynamic(bind) => bind.names(),
        }
    }

    /// The databases there are now.
    pub(crate) fn databases(&self) -> Vec<Arc<Bound>> {
        match self {
            Place::Fixed(database) => vec![Arc::clone(database)],
            Place::Dynamic(bind) => bind.databases(),
        }
    }
}

/// A database and what its tables are.
pub(crate) struct Bound {
    database: Database,
    start: Start,
    standing: Mutex<Standing>,
    /// Held by what migrates it.
    migrating: Mutex<()>,
    /// Cloned by who uses it for some time.
    in_use: Arc<()>,
}

/// What a database starts with.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) template: Arc<Template>,
    /// The migrations that are in it.
    pub(super) history: Arc<History>,
}

/// What was found out and done since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// What [`reflect`](super::Harness::reflect) last read; `None` where it was not asked.
    reflected: Option<Arc<Metadata>>,
    /// The migrations that have run, where [`migrate_to`](super::Harness::migrate_to) has run some.
    pub(super) applied: Option<Arc<Applied>>,
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
        places: Vec<Place>,
        folder: Folder,
        references: Vec<Reference>,
        recorder: Arc<Recorder>,
        rules: Arc<Rules>,
        urls: Sorted<BindKey, String>,
    ) -> Running {
        Running { places, folder, references, recorder, rules, urls }
    }

    /// The URL that a key is configured with, without its password.
    pub(super) fn url(&self, key: &BindKey) -> Option<&str> {
        self.urls.get(key).map(String::as_str)
    }

    /// Every configured key, the default bind's first.
    pub(crate) fn keys(&self) -> Vec<BindKey> {
        let mut keys = Vec::new();
        for place in &self.places {
            keys.extend_from_slice(place.keys());
        }
        // Only the default bind's place is fixed; a shared stand-in keeps its other keys beside it.
        sort_by_key(&mut keys, |key| !key.is_default());
        keys
    }

    /// The databases there are now, in the order of the configuration, and those of a dynamic bind in that of their keys.
    ///
    /// A replica that is another way to one of them is none of its own; one that lags is.
    pub(crate) fn databases(&self) -> Vec<Arc<Bound>> {
        let mut databases = Vec::new();
        for place in self.places.iter().filter(|place| !place.is_way()) {
            databases.append(&mut place.databases());
        }
        databases
    }

    /// The place that has what is read at a place: itself, or that to whose database it is another way.
    pub(crate) fn home(&self, place: usize) -> usize {
        self.places.get(place).and_then(Place::replica).filter(|replica| !replica.lags).map_or(place, |of| of.source)
    }

    /// The database that has what is read by a key.
    pub(crate) fn home_of(&self, key: &BindKey) -> Result<Arc<Bound>> {
        let database = self.database(key)?;
        let source = database.replica().filter(|replica| !replica.lags).map(|replica| replica.source);
        match source.and_then(|source| self.places.get(source)) {
            Some(Place::Fixed(source)) => Ok(Arc::clone(source)),
            _ => Ok(database),
        }
    }

    /// The databases there are now at one place in the configuration.
    pub(crate) fn databases_at(&self, place: usize) -> Vec<Arc<Bound>> {
        self.places.get(place).map(Place::databases).unwrap_or_default()
    }

    /// The places in the configuration.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The dynamic bind of a key.
    pub(super) fn dynamic(&self, key: &BindKey) -> Result<&DynamicBind> {
        match self.places.iter().find(|place| place.keys().contains(key)) {
            Some(Place::Dynamic(bind)) => Ok(bind),
            Some(Place::Fixed(_)) => Err(Error::NotDynamic { bind: key.clone() }),
            None => Err(self.unknown(key)),
        }
    }

    /// The statements that ran while somebody recorded them.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// The guards that are alive.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Refuses a key that means neither a bind nor a database of a dynamic bind.
    pub(crate) fn check(&self, key: &BindKey) -> Result<()> {
        let means = |place: &Place| match place {
            Place::Fixed(database) => database.keys().contains(key),
            Place::Dynamic(bind) => bind.key() == key || bind.owns(key),
        };
        if self.places.iter().any(means) {
            Ok(())
        } else {
            Err(self.unknown(key))
        }
    }

    /// The references from one bind into another.
    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The database of a key.
    pub(crate) fn database(&self, key: &BindKey) -> Result<Arc<Bound>> {
        for place in &self.places {
            match place {
                Place::Fixed(database) if database.keys().contains(key) => return Ok(Arc::clone(database)),
                Place::Dynamic(bind) if bind.key() == key => return Err(bind.not_said()),
                Place::Dynamic(bind) if bind.owns(key) => return bind.find(key),
                _ => {}
            }
        }
        Err(self.unknown(key))
    }

    /// The database that a context means by a configured key, made now if nobody has used it yet.
    pub(super) fn hold_for(&self, key: &BindKey, context: &Context) -> Result<Held> {
        for (place, bind) in self.places.iter().enumerate() {
            if let Place::Dynamic(bind) = bind
                && bind.key() == key
            {
                let chosen = bind.choose(context).map_err(|problem| bind.not_known(&problem))?;
                return self.hold_or_make(place, bind, &chosen);
            }
        }
        self.database(key).map(|database| Held::of(&database))
    }

    /// A database of the dynamic bind at a place, made now if nobody has used it yet.
    pub(super) fn hold_or_make(&self, place: usize, bind: &DynamicBind, key: &BindKey) -> Result<Held> {
        bind.hold_or_make(key, &|number| self.folder.file(&format!("{place}-{number}")))
    }

    /// Makes a database that was closed; nothing where its key is no dynamic bind's.
    pub(crate) fn make_again(&self, key: &BindKey) -> Result<()> {
        for (place, bind) in self.places.iter().enumerate() {
            match bind {
                Place::Dynamic(bind) if bind.owns(key) => drop(self.hold_or_make(place, bind, key)?),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn unknown(&self, key: &BindKey) -> Error {
        match key.is_default() {
            true => Error::NoDefaultBind { what: None, configured: self.keys() },
            false => Error::UnknownBind { bind: key.clone(), configured: self.keys() },
        }
    }

    /// The databases that a selection means, each once, in the order configured; a replica that lags only where it is
    /// named.
    pub(super) fn selected(&self, selection: &Selection) -> Result<Vec<Arc<Bound>>> {
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

    /// Closes the databases, then removes their folder. Doing it twice does nothing.
    pub(super) fn close(&mut self) -> Result<()> {
        // On Unix a folder goes also while its files are open; elsewhere the databases must be closed first.
        self.places.clear();
        drop_spent();
        self.folder.remove()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            say::warn(format_args!("{error}"));
        }
    }
}

impl Bound {
    pub(super) fn new(database: Database, start: Start) -> Bound {
        Bound { database, start, standing: Mutex::default(), migrating: Mutex::default(), in_use: Arc::default() }
    }

    pub(super) fn history(&self) -> &History {
        &self.start.history
    }

    /// The lock that keeps two migrations of it apart.
    pub(super) fn migrating(&self) -> MutexGuard<'_, ()> {
        lock(&self.migrating)
    }

    /// What was found out and done since the start.
    pub(crate) fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        *lock(&self.standing) = standing;
    }

    pub(super) fn set_reflected(&self, metadata: Option<Arc<Metadata>>) {
        lock(&self.standing).reflected = metadata;
    }

    pub(super) fn set_applied(&self, applied: Applied) {
        lock(&self.standing).applied = Some(Arc::new(applied));
    }

    /// What was last read of its tables, else what they were at start.
    pub(super) fn metadata(&self) -> Result<Arc<Metadata>> {
        match self.standing().reflected {
            Some(metadata) => Ok(metadata),
            None => self.start.template.metadata(self.key()),
        }
    }

    /// What keeps it from being closed for as long as it lives.
    pub(super) fn in_use(&self) -> Arc<()> {
        Arc::clone(&self.in_use)
    }

    /// Who uses it, if anybody does.
    pub(super) fn user(&self) -> Option<&'static str> {
        match Arc::strong_count(&self.in_use) {
            1 if self.connections_out() == 0 => None,
            1 => Some("a connection of its pool is out; drop it first"),
            _ => Some("a session has used it; drop that first"),
        }
    }

    pub(super) fn connect(&self) -> Result<rusqlite::Connection> {
        self.open().map_err(Error::sql(self.key(), ""))
    }
}

/// The key and the storage.
impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.label(), self.storage())
    }
}

impl Deref for Bound {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}
