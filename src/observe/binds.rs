//! The keys of a harness's databases, for what may be read after the harness has gone.

use crate::error::{Error, Result};
use crate::harness::{Running, RunningBind};
use crate::key::{BindKey, Keys};
use crate::list::filtered;
use crate::order::sort_by_key;

/// Some databases, each with its keys and a `T`, and the binds that have any number of them.
///
/// None is ever taken out, so that each of its indexes has a database.
#[derive(Clone, Debug)]
pub(super) struct Binds<T = ()> {
    databases: Vec<Named<T>>,
    dynamic: Vec<BindKey>,
}

/// One of the databases.
#[derive(Clone, Debug)]
struct Named<T> {
    keys: Keys,
    value: T,
}

/// The index of a database in the [`Binds`] that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DatabaseIndex(usize);

/// A list without databases and without dynamic binds, to [`push`](Binds::push) to.
impl<T> Default for Binds<T> {
    fn default() -> Binds<T> {
        Binds { databases: Vec::new(), dynamic: Vec::new() }
    }
}

impl Binds {
    /// Returns the binds that are configured.
    pub(super) fn configured(running: &Running) -> Binds {
        let mut binds = Binds::of(running);
        for place in running.binds().values() {
            binds.push(place.keys().clone(), ());
        }
        binds
    }
}

impl<T> Binds<T> {
    /// Returns a list without databases, with the dynamic binds of a harness.
    pub(super) fn of(running: &Running) -> Binds<T> {
        let mut dynamic = Vec::new();
        for place in running.binds().values() {
            if let RunningBind::Dynamic(bind) = place {
                dynamic.push(bind.key().clone());
            }
        }
        Binds { databases: Vec::new(), dynamic }
    }

    /// Adds a database after all others, whose indexes stay.
    pub(super) fn push(&mut self, keys: Keys, value: T) -> DatabaseIndex {
        self.databases.push(Named { keys, value });
        DatabaseIndex(self.databases.len() - 1)
    }

    /// Returns every database's index and keys, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (DatabaseIndex, &Keys)> {
        self.databases.iter().enumerate().map(|(at, database)| (DatabaseIndex(at), &database.keys))
    }

    /// Returns the keys of a database.
    pub(super) fn keys_of(&self, database: DatabaseIndex) -> &Keys {
        &self.databases[database.0].keys
    }

    /// Returns what stands beside the keys of a database.
    pub(super) fn value(&self, database: DatabaseIndex) -> &T {
        &self.databases[database.0].value
    }

    /// Returns all keys, database by database.
    pub(super) fn keys(&self) -> Vec<BindKey> {
        let mut all = Vec::new();
        for (_, keys) in self.entries() {
            all.extend_from_slice(keys);
        }
        all
    }

    /// Finds the database of a key.
    pub(super) fn find(&self, key: &BindKey) -> Result<DatabaseIndex> {
        if let Some((database, _)) = self.entries().find(|(_, keys)| keys.contains(key)) {
            return Ok(database);
        }
        Err(match self.dynamic.iter().find(|bind| *bind == key || owns(bind, key)) {
            Some(bind) => self.no_such_database(bind, key),
            None => self.unknown(key),
        })
    }

    /// Returns the databases that a selected key means: of the key of a dynamic bind, all that it has.
    pub(super) fn selected(&self, key: &BindKey) -> Result<Vec<DatabaseIndex>> {
        if !self.dynamic.contains(key) {
            return Ok(vec![self.find(key)?]);
        }
        let mut selected = Vec::new();
        for (database, keys) in self.entries() {
            if keys.iter().any(|of_database| owns(key, of_database)) {
                selected.push(database);
            }
        }
        Ok(selected)
    }

    /// Refuses a key that means neither a bind nor a database of a dynamic bind.
    pub(super) fn check(&self, key: &BindKey) -> Result<()> {
        let is_known = self.entries().any(|(_, keys)| keys.contains(key));
        if is_known || self.dynamic.iter().any(|bind| owns(bind, key)) {
            Ok(())
        } else {
            Err(self.unknown(key))
        }
    }

    fn unknown(&self, key: &BindKey) -> Error {
        let is_bind = |key: &BindKey| !self.dynamic.iter().any(|bind| bind == key || owns(bind, key));
        let mut configured = filtered(&self.keys(), is_bind);
        configured.extend_from_slice(&self.dynamic);
        sort_by_key(&mut configured, |key| !key.is_default());
        if key.is_default() {
            Error::NoDefaultBind { what: None, configured, at: None }
        } else {
            Error::UnknownBind { bind: key.clone(), configured, at: None }
        }
    }

    /// Returns the error for a key that means none of a dynamic bind's databases.
    fn no_such_database(&self, bind: &BindKey, key: &BindKey) -> Error {
        let keys = self.keys();
        let example = match keys.iter().find(|key| owns(bind, key)) {
            Some(key) => format!(", `{key}` for example"),
            None => String::new(),
        };
        let problem = if key == bind {
            format!("the key alone names none of its databases: name one{example}")
        } else {
            format!("it has no database `{key}`: name one that somebody has used{example}")
        };
        Error::Dynamic { bind: bind.clone(), problem, at: None }
    }
}

/// Returns whether a key can be that of a database of a dynamic bind.
fn owns(bind: &BindKey, key: &BindKey) -> bool {
    key.is_of_database_of(bind)
}
