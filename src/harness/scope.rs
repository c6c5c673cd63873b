//! The databases that one session reaches.

use std::sync::{Arc, OnceLock};

use super::dynamic::{DynamicBind, Held};
use super::running::Place;
use super::{Reference, Running};
use crate::context::Context;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::sqlite::Image;

/// The databases that one session reaches: one for each place in the configuration, that of a dynamic bind by the
/// session's context.
///
/// So a session has as many binds as are configured, and its SQL names each by the bind's key, whatever databases there
/// are: what is found out about a statement holds for every context.
#[derive(Debug)]
pub(crate) struct Scope {
    running: Arc<Running>,
    context: Option<Context>,
    /// What the context has chosen, by place; empty where no bind is dynamic.
    chosen: Vec<Chosen>,
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
    pub(crate) fn new(running: Arc<Running>, context: Option<Context>) -> Scope {
        let any = running.places().iter().any(|place| matches!(place, Place::Dynamic(_)));
        let places = if any { running.places().len() } else { 0 };
        let chosen = std::iter::repeat_with(Chosen::default).take(places).collect();
        Scope { running, context, chosen }
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// The references from one bind into another.
    pub(crate) fn references(&self) -> &[Reference] {
        self.running.references()
    }

    /// How many places there are.
    pub(crate) fn len(&self) -> usize {
        self.running.places().len()
    }

    /// The keys by which SQL names the database at a place.
    pub(crate) fn names(&self, place: usize) -> &[BindKey] {
        self.running.places().get(place).map_or(&[], Place::names)
    }

    /// The place that the database at a place is a replica of, if it is one.
    pub(crate) fn replica_of(&self, place: usize) -> Option<usize> {
        self.running.places().get(place).and_then(Place::replica).map(|replica| replica.source)
    }

    /// Whether connections to the database at a place enforce foreign keys.
    pub(crate) fn enforces_keys(&self, place: usize) -> bool {
        match self.running.places().get(place) {
            Some(Place::Fixed(database)) => database.enforces_keys(),
            Some(Place::Dynamic(bind)) => bind.enforces_keys(),
            None => false,
        }
    }

    /// The key that tells the database at a place from all others, as far as it is known.
    pub(crate) fn key(&self, place: usize) -> BindKey {
        if let Some(database) = self.at(place) {
            return database.key().clone();
        }
        match self.chosen.get(place).and_then(|chosen| chosen.key.get()) {
            Some(Ok(key)) => key.clone(),
            _ => self.names(place).first().cloned().unwrap_or(BindKey::DEFAULT),
        }
    }

    /// The same by a key that SQL has for it.
    pub(crate) fn key_of(&self, name: &BindKey) -> BindKey {
        match (0..self.chosen.len()).find(|place| self.names(*place).contains(name)) {
            // A place with several keys is not a dynamic bind's.
            Some(place) if self.names(place).len() == 1 => self.key(place),
            _ => name.clone(),
        }
    }

    /// The database at a place, as far as it is there.
    pub(crate) fn at(&self, place: usize) -> Option<&Database> {
        match self.running.places().get(place)? {
            Place::Fixed(database) => Some(database),
            Place::Dynamic(_) => self.chosen.get(place)?.database.get().map(|held| &**held),
        }
    }

    /// The database at a place, made now if nobody has used it yet.
    pub(crate) fn database(&self, place: usize) -> Result<&Database> {
        if let Some(database) = self.at(place) {
            return Ok(database);
        }
        let (bind, chosen) = self.dynamic(place)?;
        let held = self.running.hold_or_make(place, bind, self.choice(bind, chosen)?)?;
        Ok(chosen.database.get_or_init(|| held))
    }

    /// The tables of the database at a place as they are committed now; those it will have where nobody has used it yet.
    ///
    /// Beside a lock of another connection, those of the last look: `at_once`, or after a moment.
    pub(crate) fn tables(&self, place: usize, at_once: bool) -> Result<Arc<Image>> {
        if self.at(place).is_none() {
            let (bind, chosen) = self.dynamic(place)?;
            let held = self.choice(bind, chosen).ok().and_then(|key| bind.hold(key));
            match held {
                Some(held) => drop(chosen.database.get_or_init(|| held)),
                // What is wrong with the context is told to who needs the database.
                None => return bind.image().tables().map_err(Error::sql(bind.key(), "")),
            }
        }
        // What a replica that is another way to a database reads is that one's.
        let database = self.database(self.running.home(place))?;
        let tables = if at_once { database.tables_at_once() } else { database.tables() };
        tables.map_err(Error::sql(database.key(), ""))
    }

    /// How many commits there have been to the database at a place, where a number tells without a look.
    pub(crate) fn commits(&self, place: usize) -> Option<u64> {
        self.at(self.running.home(place)).and_then(Database::commits_seen)
    }

    /// The place of a key's database.
    pub(crate) fn place(&self, key: &BindKey) -> Result<usize> {
        let places = self.running.places();
        let means = |place: &Place| match place {
            Place::Fixed(database) => database.keys().contains(key),
            Place::Dynamic(bind) => bind.key() == key || bind.owns(key),
        };
        let place = places.iter().position(means).ok_or_else(|| self.running.unknown(key))?;
        if let Some(Place::Dynamic(bind)) = places.get(place) {
            let chosen = self.choice(bind, self.dynamic(place)?.1)?;
            if bind.key() != key && chosen != key {
                let problem = format!("this session's context means `{chosen}`: for `{key}` start another session");
                return Err(bind.error(problem));
            }
        }
        Ok(place)
    }

    /// Replaces the error for SQL that names a database of a dynamic bind, which has the bind's key there.
    pub(crate) fn with_dynamic(&self, error: Error) -> Error {
        let Error::UnknownBind { bind: key, .. } = &error else { return error };
        for place in self.running.places() {
            if let Place::Dynamic(bind) = place
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

    /// The dynamic bind at a place, and what was chosen of it.
    fn dynamic(&self, place: usize) -> Result<(&DynamicBind, &Chosen)> {
        match (self.running.places().get(place), self.chosen.get(place)) {
            (Some(Place::Dynamic(bind)), Some(chosen)) => Ok((bind, chosen)),
            _ => Err(Error::NoBind),
        }
    }

    /// The key of the database that the context means. The callback is asked once.
    fn choice<'s>(&self, bind: &DynamicBind, chosen: &'s Chosen) -> Result<&'s BindKey> {
        let Some(context) = &self.context else {
            return Err(bind.not_known(
                "this session has no context; start it with `session_with`, as \
                 `db.session_with(context! { tenant: \"acme\" })`",
            ));
        };
        chosen.key.get_or_init(|| bind.choose(context)).as_ref().map_err(|problem| bind.not_known(problem))
    }
}
