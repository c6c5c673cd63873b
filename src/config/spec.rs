//! A database to start, as the configuration has it.

use std::path::PathBuf;

use super::chooser::Chooser;
use super::options::EngineOptions;
use super::origin::Origin;
use super::redact::UrlText;
use super::source::SchemaSource;
use super::storage::Storage;
use crate::key::{BindIndex, BindKey, Keys, PerBind};
use crate::url::Named;

/// One database to start, or one way to another: every bind key that means it, and what it starts with.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseSpec {
    /// The keys that mean this database, the one that names it first; more than one where URLs are equal.
    pub(crate) keys: Keys,
    /// The keys and those of the replicas that share it: their tables and data are here.
    pub(crate) made_for: Keys,
    /// Every key of the configuration, those of other databases too.
    pub(crate) configured: Keys,
    /// The database that its URL names, if other URLs could name it.
    pub(crate) identity: Option<Named>,
    /// The URLs of its keys, for those that have one.
    pub(crate) urls: Vec<(BindKey, UrlText)>,
    pub(crate) storage: Storage,
    /// Set where the application only reads it.
    pub(crate) read_only: bool,
    /// The options with the defaults of the configuration applied.
    pub(crate) options: EngineOptions,
    /// The database that it starts as a copy of, and where that is said. The path is absolute.
    pub(crate) copy_of: Option<(PathBuf, Origin)>,
    /// The sources in order; registered tables last. Paths are absolute.
    pub(crate) schema: Vec<SchemaSource>,
    /// Absolute paths.
    pub(crate) data: Vec<PathBuf>,
    pub(crate) allow_missing_parents: bool,
    /// Set where a mirror is among the keys.
    pub(crate) is_mirrored: bool,
    /// The chooser of a database, for a bind that has several; it has one key.
    pub(crate) dynamic: Option<Chooser>,
    /// The place where its first key is configured, for errors.
    pub(crate) origin: Origin,
}

/// The source of a replica: a bind that reads what another's database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) source: BindIndex,
    /// Set where it is a database of its own, which follows on request; else it is another way to the same.
    pub(crate) lags: bool,
}

/// The databases to start.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The default bind's first, the others in the order configured.
    pub(crate) sources: PerBind<DatabaseSpec>,
    /// The replicas with databases of their own, then the others.
    pub(crate) replicas: Vec<(Replica, DatabaseSpec)>,
}

impl DatabaseSpec {
    /// Returns the key that names it first.
    pub(crate) fn key(&self) -> &BindKey {
        self.keys.first()
    }

    /// Returns whether its URL names a server.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self.identity, Some(Named::Server { .. }))
    }
}
