//! The keys of a harness's databases, for what may be read after the harness has gone.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::harness::{Running, RunningBind};
use crate::key::{BindKey, Keys};
use crate::list::{filtered, mapped};
use crate::order::sort_by_key;

/// The keys of some databases, and which binds have any number of them.
#[derive(Clone, Debug)]
pub(super) struct Binds {
    of_each: Arc<Vec<Keys>>,
    dynamic: Arc<Vec<BindKey>>,
}

impl Binds {
    /// Of these databases of a harness.
    pub(super) fn of(running: &Running, of_each: Vec<Keys>) -> Binds {
        let mut dynamic = Vec::new();
        for place in running.binds().values() {
            if let RunningBind::Dynamic(bind) = place {
                dynamic.push(bind.key().clone());
            }
        }
        Binds { of_each: Arc::new(of_each), dynamic: Arc::new(dynamic) }
    }

    /// Of databases that are only to be named.
    pub(super) fn of_fixed(of_each: Vec<Keys>) -> Binds {
        Binds { of_each: Arc::new(of_each), dynamic: Arc::default() }
    }

    /// Of the binds that are configured.
    pub(super) fn configured(running: &Running) -> Binds {
        Binds::of(running, mapped(running.binds().values(), |place| place.keys().clone()))
    }

    /// The keys of each database, in the order of the configuration.
    pub(super) fn of_each(&self) -> &[Keys] {
        &self.of_each
    }

    /// Returns all keys, database by database.
    pub(super) fn keys(&self) -> Vec<BindKey> {
        let mut all = Vec::new();
        for keys in &*self.of_each {
            all.extend_from_slice(keys);
        }
        all
    }

    /// The position of a key's database.
    pub(super) fn position(&self, key: &BindKey) -> Result<usize> {
        if let Some(position) = self.of_each.iter().position(|keys| keys.contains(key)) {
            return Ok(position);
        }
        Err(match self.dynamic.iter().find(|bind| *bind == key || owns(bind, key)) {
            Some(bind) => self.no_such_database(bind, key),
            None => self.unknown(key),
        })
    }

    /// Returns the positions of the databases that a selected key means: of the key of a dynamic bind, all that it has.
    pub(super) fn selected(&self, key: &BindKey) -> Result<Vec<usize>> {
        if !self.dynamic.contains(key) {
            return Ok(vec![self.position(key)?]);
        }
        let mut positions = Vec::new();
        for (position, keys) in self.of_each.iter().enumerate() {
            if keys.iter().any(|of_database| owns(key, of_database)) {
                positions.push(position);
            }
        }
        Ok(positions)
    }

    /// Refuses a key that means neither a bind nor a database of a dynamic bind.
    pub(super) fn check(&self, key: &BindKey) -> Result<()> {
        let is_known = self.of_each.iter().any(|keys| keys.contains(key));
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
            Error::NoDefaultBind { what: None, configured }
        } else {
            Error::UnknownBind { bind: key.clone(), configured }
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
        Error::Dynamic { bind: bind.clone(), problem }
    }
}

/// Returns whether a key can be that of a database of a dynamic bind.
fn owns(bind: &BindKey, key: &BindKey) -> bool {
    key.is_of_database_of(bind)
}
