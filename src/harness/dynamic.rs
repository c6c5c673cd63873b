//! A bind whose database is chosen at run time, and the databases that were made of it.

use std::fs;
use std::io::ErrorKind;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::blueprint::Blueprint;
use super::bound::{Bound, Start};
use super::template::Template;
use crate::config::{Chooser, DataOptions, DatabaseSpec};
use crate::context::BindContext;
use crate::database::{enforces_keys, Database, Uses};
use crate::error::{list, Error, Result};
use crate::instrument::{Recorder, Rules};
use crate::key::{BindKey, Keys};
use crate::list::mapped;
use crate::nearest::nearest;
use crate::schema::Metadata;
use crate::sorted::Sorted;
use crate::sqlite::Image;
use crate::sync::lock;
use crate::url::{canonical, parse, Named};

/// A bind whose databases are made when they are first used, all from one image.
pub(crate) struct DynamicBind {
    spec: DatabaseSpec,
    chooser: Chooser,
    /// The databases that other binds' URLs name, each with the bind's key.
    taken: Arc<[(Named, BindKey)]>,
    start: Start,
    /// The blueprint for a template of each database, where two would differ.
    anew: Option<Blueprint<'static>>,
    /// The databases of a prepared state, by their keys.
    prepared: Sorted<BindKey, Start>,
    /// The recorder and the rules for its databases' statements.
    watched: (Arc<Recorder>, Arc<Rules>),
    made: Mutex<Databases>,
}

#[derive(Default)]
struct Databases {
    databases: Sorted<BindKey, Arc<Bound>>,
    /// The number there has been, closed ones included.
    count: usize,
}

/// A database that is in use: nobody can close it.
#[derive(Debug)]
pub(crate) struct Held {
    database: Arc<Bound>,
    _in_use: Arc<()>,
}

impl Held {
    pub(super) fn of(database: &Arc<Bound>) -> Held {
        Held { database: Arc::clone(database), _in_use: database.in_use() }
    }
}

impl Deref for Held {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl DynamicBind {
    pub(super) fn new(
        spec: DatabaseSpec,
        chooser: Chooser,
        taken: Arc<[(Named, BindKey)]>,
        start: Start,
        anew: Option<Blueprint<'static>>,
        prepared: Sorted<BindKey, Start>,
        watched: (Arc<Recorder>, Arc<Rules>),
    ) -> DynamicBind {
        DynamicBind { spec, chooser, taken, start, anew, prepared, watched, made: Mutex::default() }
    }

    /// Returns the bind's key, which names none of its databases.
    pub(crate) fn key(&self) -> &BindKey {
        self.spec.key()
    }

    /// Returns the bind's key in a list, as SQL names any of its databases.
    pub(crate) fn names(&self) -> &Keys {
        &self.spec.keys
    }

    /// Returns whether connections to its databases enforce foreign keys.
    pub(super) fn enforces_keys(&self) -> bool {
        enforces_keys(&self.spec.options)
    }

    /// Returns the key of the database that a context means, or why it is unknown.
    pub(super) fn choose(&self, context: &BindContext) -> Result<BindKey, String> {
        let name = self.chooser.choose(context)?;
        let named = parse(&name).ok().and_then(|url| url.named);
        if let Some((_, owner)) = self.taken.iter().find(|(taken, _)| Some(taken) == named.as_ref()) {
            let name = canonical(&name).unwrap_or(name);
            return Err(format!(
                "its callback gave `{name}`, which is the database of bind `{owner}`: production has one for both, and here \
                 each would have its own. Use bind `{owner}` where it is meant, or let the callback give another URL"
            ));
        }
        Ok(BindKey::of_database(self.key(), &name))
    }

    /// Returns whether a key can be that of one of its databases.
    pub(crate) fn owns(&self, key: &BindKey) -> bool {
        key.is_of_database_of(self.key())
    }

    /// Returns the databases there are now, in the order of their keys.
    pub(crate) fn databases(&self) -> Vec<Arc<Bound>> {
        mapped(lock(&self.made).databases.entries(), |(_, database)| Arc::clone(database))
    }

    /// Returns a database by its key.
    pub(super) fn find(&self, key: &BindKey) -> Result<Arc<Bound>> {
        let found = lock(&self.made).databases.get(key).cloned();
        found.ok_or_else(|| self.not_made(key))
    }

    /// Returns a database by its key, to be used for some time.
    pub(super) fn hold(&self, key: &BindKey) -> Option<Held> {
        lock(&self.made).databases.get(key).map(Held::of)
    }

    /// Returns a database by its key, creating it if it is missing; `file` returns the path for the file of a number.
    ///
    /// A concurrent caller blocks until it is created, for microseconds or for as long as a file is written.
    pub(super) fn hold_or_make(&self, key: &BindKey, file: &dyn Fn(usize) -> Result<PathBuf>) -> Result<Held> {
        if let Some(held) = self.hold(key) {
            return Ok(held);
        }
        let start = match (self.prepared.get(key), &self.anew) {
            (Some(prepared), _) => prepared.clone(),
            (None, Some(blueprint)) => blueprint.start()?,
            (None, None) => self.start.clone(),
        };
        let mut made = lock(&self.made);
        if let Some(database) = made.databases.get(key) {
            return Ok(Held::of(database));
        }
        let (spec, image) = (&self.spec, Arc::clone(&start.template.image));
        let number = made.count;
        let uses = Uses { read_only: spec.read_only, ..Uses::default() };
        let (keys, options) = (Keys::one(key.clone()), spec.options.clone());
        let database = Database::start(keys, spec.storage, options, uses, image, &|| file(number))?;
        let (recorder, rules) = &self.watched;
        database.watch().report_to(recorder, rules, Keys::new(key.clone(), vec![self.key().clone()]));
        let database = Arc::new(Bound::new(database.one_of_many(), start));
        made.count += 1;
        made.databases.insert(key.clone(), Arc::clone(&database));
        Ok(Held::of(&database))
    }

    /// Closes one database, unless it is in use.
    pub(super) fn close(&self, key: &BindKey) -> Result<()> {
        let mut made = lock(&self.made);
        if let Some(user) = made.databases.get(key).and_then(|database| database.user()) {
            return Err(self.error(format!("its database `{key}` is in use: {user}")));
        }
        let closed = made.databases.remove(key);
        drop(made);
        closed.map_or_else(|| Err(self.not_made(key)), end)
    }

    /// Closes every database that is not in use, and gives their number.
    pub(super) fn close_unused(&self) -> Result<usize> {
        let mut unused = Vec::new();
        lock(&self.made).databases.retain(|(_, database)| {
            let used = database.user().is_some();
            if !used {
                unused.push(Arc::clone(database));
            }
            used
        });
        // They end once the lock is free: what goes with them may take a while.
        let count = unused.len();
        unused.into_iter().try_for_each(end).map(|()| count)
    }

    /// Returns the image of a database that nobody has used.
    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.start.template.image
    }

    pub(super) fn template(&self) -> &Arc<Template> {
        &self.start.template
    }

    /// Returns the keys of the databases that it starts with.
    pub(super) fn prepared(&self) -> Vec<BindKey> {
        mapped(self.prepared.entries(), |(key, _)| key.clone())
    }

    /// Returns the tables of a database that nobody has used.
    pub(crate) fn metadata(&self) -> Result<Arc<Metadata>> {
        self.start.template.metadata(self.key())
    }

    /// Returns how data files of its databases are read.
    pub(crate) fn reading(&self) -> DataOptions {
        self.spec.options.reading()
    }

    /// Returns the storage of its databases.
    pub(crate) fn storage(&self) -> crate::config::Storage {
        self.spec.storage
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> Error {
        Error::Dynamic { bind: self.key().clone(), problem: problem.into(), at: None }
    }

    /// Returns the error about the bind's own key, which names no database.
    pub(super) fn not_said(&self) -> Error {
        let example = self.databases().first().map(|database| database.key().clone());
        let example = example.unwrap_or_else(|| BindKey::of_database(self.key(), "NAME"));
        self.error(format!(
            "the key alone names none of its databases: pass a context to `pool_for`, \
             `connection_for` or `key_for`, or name one that is in use already, as `{example}`"
        ))
    }

    /// Returns the error about a context whose database is unknown.
    pub(super) fn not_known(&self, problem: &str) -> Error {
        self.error(format!("cannot determine its database: {problem}"))
    }

    fn not_made(&self, key: &BindKey) -> Error {
        /// The most that are named.
        const NAMED: usize = 5;
        let made = mapped(lock(&self.made).databases.entries(), |(key, _)| key.clone());
        let near = key.as_str().and_then(|key| nearest(key, &mapped(&made, |key| key.as_str().unwrap_or_default())));
        let known = match (near, made.len()) {
            (Some(near), _) => format!("the nearest is `{near}`"),
            (None, 0) => "nobody has used any".to_string(),
            (None, count) => {
                let named = list(made.get(..NAMED).unwrap_or(&made));
                let more = count.saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("it has {named}{more}")
            }
        };
        self.error(format!(
            "it has no database `{key}`: {known}. One is made when it is first used, with a context: by a session \
             from `session_for`, by `pool_for`, `connection_for` or `key_for`"
        ))
    }
}

/// Removes what a database leaves behind that nobody has any more.
fn end(database: Arc<Bound>) -> Result<()> {
    let file = database.path().map(std::path::Path::to_path_buf);
    drop(database);
    let Some(file) = file else { return Ok(()) };
    for beside in ["", "-journal", "-wal", "-shm"] {
        let mut path = file.clone().into_os_string();
        path.push(beside);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("remove", path)(error)),
            _ => {}
        }
    }
    Ok(())
}
