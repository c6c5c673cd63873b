//! The databases that one session reaches.

use std::sync::{Arc, OnceLock};

use super::dynamic::{DynamicBind, Held};
use super::running::RunningBind;
use super::{Reference, Running};
use crate::context::BindContext;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey, PerBind};
use crate::sqlite::vfs::memory::Memory;
use crate::sqlite::Image;

/// The databases that one session reaches: one for each configured bind, that of a dynamic bind by the session's context.
///
/// So a session has as many binds as are configured, and its SQL names each by the bind's key, whatever databases there
/// are: what is found out about a statement holds for every context.
#[derive(Debug)]
pub(crate) struct Scope {
    running: Arc<Running>,
    context: Option<BindContext>,
    chosen: PerBind<Chosen>,
}

/// One bind's database as a context chooses it.
#[derive(Debug, Default)]
struct Chosen {
    /// Its key, or why that cannot be told.
    key: OnceLock<Result<BindKey, String>>,
    /// Itself, once it is there.
    database: OnceLock<Held>,
}

impl Scope {
    pub(crate) fn new(running: Arc<Running>, context: Option<BindContext>) -> Scope {
        let chosen = running.binds().map(|_, _| Chosen::default());
        Scope { running, context, chosen }
    }

    /// Returns the binds with one database of a dynamic bind, by its key; for the key of another bind, without any.
    pub(crate) fn of(running: Arc<Running>, key: &BindKey) -> Result<Scope> {
        // A tenant that nobody has used is not created for a key, which may be misspelt.
        running.database(key)?;
        let bind = running.bind(key)?;
        let scope = Scope::new(running, None);
        let dynamic = matches!(scope.running.binds()[bind], RunningBind::Dynamic(_));
        if dynamic {
            scope.chosen[bind].key.get_or_init(|| Ok(key.clone()));
        }
        Ok(scope)
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Returns the references from one bind into another.
    pub(crate) fn references(&self) -> &[Reference] {
        self.running.references()
    }

    /// Returns a list with a value for each bind.
    pub(crate) fn map<T>(&self, mut make: impl FnMut(BindIndex) -> T) -> PerBind<T> {
        self.running.binds().map(|bind, _| make(bind))
    }

    /// Returns a list with a value for each bind, or the first failure.
    pub(crate) fn try_map<T>(&self, mut make: impl FnMut(BindIndex) -> Result<T>) -> Result<PerBind<T>> {
        self.running.binds().try_map(|bind, _| make(bind))
    }

    /// Returns the keys by which SQL names a bind.
    ///
    /// A replica that is the default bind and only reads has none: SQL that names no bind is for its source.
    pub(crate) fn names(&self, bind: BindIndex) -> &[BindKey] {
        self.running.binds()[bind].names()
    }

    /// Returns the first of the keys that a bind is configured with.
    pub(crate) fn own_key(&self, bind: BindIndex) -> &BindKey {
        self.running.binds()[bind].keys().first()
    }

    /// Returns the bind that a bind is a replica of, if it is one.
    pub(crate) fn replica_of(&self, bind: BindIndex) -> Option<BindIndex> {
        self.running.binds()[bind].replica().map(|replica| replica.source)
    }

    /// Tells whether connections to a bind enforce foreign keys.
    pub(crate) fn enforces_keys(&self, bind: BindIndex) -> bool {
        match &self.running.binds()[bind] {
            RunningBind::Fixed(database) => database.enforces_keys(),
            RunningBind::Dynamic(bind) => bind.enforces_keys(),
        }
    }

    /// Returns the key that tells a bind's database from all others, as far as it is known.
    pub(crate) fn key(&self, bind: BindIndex) -> BindKey {
        let chosen = &self.chosen[bind];
        match (self.at(bind), chosen.key.get()) {
            (Some(database), _) => database.key().clone(),
            (None, Some(Ok(key))) => key.clone(),
            (None, _) => self.running.binds()[bind].keys().first().clone(),
        }
    }

    /// Returns the key of the database that SQL means by a bind's key.
    pub(crate) fn key_of(&self, name: &BindKey) -> BindKey {
        match self.running.binds().find(|bind| bind.names().contains(name)) {
            // A bind with several keys is not dynamic.
            Some(bind) if self.names(bind).len() == 1 => self.key(bind),
            _ => name.clone(),
        }
    }

    /// Returns a bind's database, as far as it is there.
    pub(crate) fn at(&self, bind: BindIndex) -> Option<&Database> {
        match &self.running.binds()[bind] {
            RunningBind::Fixed(database) => Some(database),
            RunningBind::Dynamic(_) => self.chosen[bind].database.get().map(|held| &**held),
        }
    }

    /// Returns a bind's database, made now if nobody has used it yet.
    pub(crate) fn database(&self, bind: BindIndex) -> Result<&Database> {
        let chosen = &self.chosen[bind];
        match &self.running.binds()[bind] {
            RunningBind::Fixed(database) => Ok(database),
            RunningBind::Dynamic(dynamic) => {
                if let Some(held) = chosen.database.get() {
                    return Ok(held);
                }
                let held = self.running.hold_or_make(bind, dynamic, self.choice(dynamic, chosen)?)?;
                Ok(chosen.database.get_or_init(|| held))
            }
        }
    }

    /// Returns the tables of a bind as they are committed now; those it will have where nobody has used it yet.
    ///
    /// Beside a lock of another connection, those of the last look: `at_once`, or after a moment.
    pub(crate) fn tables(&self, bind: BindIndex, at_once: bool) -> Result<Arc<Image>> {
        let chosen = &self.chosen[bind];
        if let RunningBind::Dynamic(dynamic) = &self.running.binds()[bind]
            && chosen.database.get().is_none()
        {
            match self.choice(dynamic, chosen).ok().and_then(|key| dynamic.hold(key)) {
                Some(held) => drop(chosen.database.get_or_init(|| held)),
                // An error of the context is reported once the database itself is needed.
                None => return dynamic.image().tables().map_err(Error::sql(dynamic.key())),
            }
        }
        // What a replica that is another way to a database reads is that one's.
        let database = self.database(self.running.home(bind))?;
        let tables = if at_once { database.tables_at_once() } else { database.tables() };
        tables.map_err(Error::sql(database.key()))
    }

    /// Returns the number of commits to a bind, where a number tells without a look.
    pub(crate) fn commits(&self, bind: BindIndex) -> Option<u64> {
        #[cfg(test)]
        ASKED.set(ASKED.get() + 1);
        self.at(self.running.home(bind)).and_then(Database::commits_seen)
    }

    /// Returns a number that changes with every commit to a bind whose commits are counted. Other harnesses change it too.
    pub(crate) fn all_commits(&self) -> u64 {
        Memory::all_commits()
    }

    /// Returns the bind of a key.
    pub(crate) fn bind(&self, key: &BindKey) -> Result<BindIndex> {
        let bind = self.running.bind(key)?;
        if let RunningBind::Dynamic(dynamic) = &self.running.binds()[bind] {
            let chosen = self.choice(dynamic, &self.chosen[bind])?;
            if dynamic.key() != key && chosen != key {
                let problem = format!("this session's context means `{chosen}`: for `{key}` start another session");
                return Err(dynamic.error(problem));
            }
        }
        Ok(bind)
    }

    /// Replaces the error for SQL that names a database of a dynamic bind, which has the bind's key there.
    pub(crate) fn with_dynamic(&self, error: Error) -> Error {
        let Error::UnknownBind { bind: key, .. } = &error else { return error };
        for bind in self.running.binds().values() {
            if let RunningBind::Dynamic(bind) = bind
                && bind.owns(key)
            {
                let name = bind.key();
                return bind.error(format!(
                    "SQL names `{key}` by the bind's key, `{name}`, in a session whose context means this database"
                ));
            }
        }
        error
    }

    /// Returns the key of the database that the context means. The callback is asked once.
    fn choice<'s>(&self, bind: &DynamicBind, chosen: &'s Chosen) -> Result<&'s BindKey> {
        let key = match &self.context {
            Some(context) => chosen.key.get_or_init(|| bind.choose(context)),
            // Chosen by its key, or not at all.
            None => chosen.key.get().ok_or_else(|| {
                bind.not_known(
                    "this session has no context; start it with `session_for`, as \
                     `db.session_for(context! { tenant: \"acme\" })`",
                )
            })?,
        };
        key.as_ref().map_err(|problem| bind.not_known(problem))
    }
}

#[cfg(test)]
thread_local! {
    /// The number of times this thread has asked a bind for the number of its commits.
    pub(crate) static ASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
