//! A running database with its tables and its migrations.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

use super::history::History;
use super::template::Template;
use crate::config::DatabaseSpec;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::schema::{Applied, Metadata};
use crate::sync::lock;

/// A running database, its tables, and the migrations that it has run.
pub(crate) struct Bound {
    database: Database,
    start: Start,
    standing: Mutex<Standing>,
    /// Held during a migration.
    migrating: Mutex<()>,
    /// Cloned by each long-term user.
    in_use: Arc<()>,
}

/// The tables and data that a database starts with.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) template: Arc<Template>,
    /// The migrations that are in it.
    pub(super) history: Arc<History>,
}

impl Start {
    /// Returns what a database of a specification starts with.
    pub(super) fn of(template: Arc<Template>, spec: &DatabaseSpec) -> Start {
        let history = Arc::new(History::new(spec, template.facts().folders.clone()));
        Start { template, history }
    }
}

/// The tables and migrations of a database since its start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// The metadata since [`reflect`](super::Harness::reflect) or `migrate_to`; `None` before.
    reflected: Option<Arc<Metadata>>,
    /// The migrations that have run, where [`migrate_to`](super::Harness::migrate_to) has run some.
    pub(super) applied: Option<Arc<Applied>>,
}

impl Bound {
    pub(super) fn new(database: Database, start: Start) -> Bound {
        Bound { database, start, standing: Mutex::default(), migrating: Mutex::default(), in_use: Arc::default() }
    }

    pub(super) fn history(&self) -> &History {
        &self.start.history
    }

    /// Locks out other migrations of it.
    pub(super) fn migrating(&self) -> MutexGuard<'_, ()> {
        lock(&self.migrating)
    }

    pub(super) fn template(&self) -> &Arc<Template> {
        &self.start.template
    }

    /// Returns the folders of migrations that have run, each as far as it has by now.
    pub(super) fn folders(&self) -> Vec<Applied> {
        let mut folders = self.start.template.facts().folders.clone();
        if let Some(applied) = self.standing().applied {
            for folder in folders.iter_mut().filter(|folder| folder.folder == applied.folder) {
                folder.names.clone_from(&applied.names);
            }
        }
        folders
    }

    /// Returns its tables and migrations since the start.
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

    /// Returns its tables as last read, else as they were at start.
    pub(super) fn metadata(&self) -> Result<Arc<Metadata>> {
        match self.standing().reflected {
            Some(metadata) => Ok(metadata),
            None => self.start.template.metadata(self.key()),
        }
    }

    /// Returns a token that keeps it from being closed for as long as the token lives.
    pub(super) fn in_use(&self) -> Arc<()> {
        Arc::clone(&self.in_use)
    }

    /// Returns why it is in use, or `None` if nobody uses it.
    pub(super) fn user(&self) -> Option<&'static str> {
        match Arc::strong_count(&self.in_use) {
            1 if self.connections_out() == 0 => None,
            1 => Some("a connection of its pool is out; drop it first"),
            _ => Some("a session has used it; drop that first"),
        }
    }

    pub(super) fn connect(&self) -> Result<rusqlite::Connection> {
        self.open().map_err(Error::sql(self.key()))
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
